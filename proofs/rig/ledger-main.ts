/** `gatehouse start` without a journal, for `npm run proof:ledger -- --break`: what was told is in memory alone. */
import { readFileSync } from 'node:fs'
import { welcomeLines } from '../../src/admin/welcome.ts'
import { loadConfig } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import { Secret } from '../../src/secret.ts'
import { startGatehouse } from '../../src/server.ts'

const [path] = process.argv.slice(2)
const load = () =>
  loadConfig({ path, env: process.env, readFile: file => readFileSync(file, 'utf8'), overrides: { port: 0 } })
const first = load()
const running = await startGatehouse({
  first,
  load,
  path,
  env: process.env,
  log: createLog(first.config.log),
  directory: first.config.stores.data,
  secret: new Secret('of-a-proof-that-gives-nothing-out'),
  forceCanonical: false,
  breakage: 'journal'
})
process.once('SIGTERM', () => void running.leave({ graceMs: 0 }).then(() => process.exit(0)))
console.log(welcomeLines(running.welcome()).join('\n'))
