import { readFileSync, writeFileSync } from 'node:fs'
import { PAGE_PATH as CONFIG, configPage } from './config-page.ts'
import { PAGE_PATH as ERRORS, errorsPage } from './errors-page.ts'
import { PAGE as PROVIDERS, providersPage } from './providers-page.ts'
import { PAGE_PATH as README, readme } from './readme.ts'
import { PAGE_PATH as SIM, simPage } from './sim-page.ts'
import { PAGE_PATH as TELEMETRY, telemetryPage } from './telemetry-page.ts'

/** `npm run docs`: writes every page that follows from code. Tests hold each of them fresh. */
writeFileSync(CONFIG, configPage())
writeFileSync(ERRORS, errorsPage())
writeFileSync(PROVIDERS, providersPage())
writeFileSync(SIM, simPage())
writeFileSync(TELEMETRY, telemetryPage())
writeFileSync(README, readme(readFileSync(README, 'utf8')))
