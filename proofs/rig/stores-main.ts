/** `gatehouse start` with stores that are waited for, for `npm run proof:stores -- --break`: no deadline, no breaker. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { loadProcessSecret } from '../../src/access/process-secret.ts'
import { welcomeLines } from '../../src/admin/welcome.ts'
import { loadConfig } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import { startGatehouse } from '../../src/server.ts'

const [path] = process.argv.slice(2)
const load = () =>
  loadConfig({ path, env: process.env, readFile: file => readFileSync(file, 'utf8'), overrides: { port: 0 } })
const first = load()
const directory = first.config.stores.data
const running = await startGatehouse({
  first,
  load,
  path,
  env: process.env,
  log: createLog(first.config.log),
  directory,
  secret: loadProcessSecret({ given: undefined, directory, randomBytes }),
  forceCanonical: false,
  breakage: 'deadline'
})
process.once('SIGTERM', () => void running.leave({ graceMs: 0 }).then(() => process.exit(0)))
console.log(welcomeLines(running.welcome()).join('\n'))
