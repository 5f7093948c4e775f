import { loadConfig } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import { Secret } from '../../src/secret.ts'
import { startGatehouse } from '../../src/server.ts'
import { ADMIN_TOKEN, type Told } from './log-gateway-token.ts'

/** A gateway on stores that are there already, as a process of its own that is asked how long its event loop was held. */

/** How often the event loop is looked at. */
const TICK_MS = 1

const [simUrl = '', directory = '', databaseUrl = ''] = process.argv.slice(2)
const text = `
listen: 127.0.0.1:0
log: { level: silent }
bodies: { level: full, keep: 400d }
stores: { data: "${directory}"${databaseUrl && `, database_url: "${databaseUrl}"`} }
overload: { loop_lag: 60s, memory: 99% }
providers:
  lab: { dialect: openai-chat, base_url: "${simUrl}/v1", keys: [k], allow_private: ["127.0.0.0/8"] }`
const load = () => loadConfig({ path: undefined, text, env: {}, readFile: () => '' })
const first = load()
const gateway = await startGatehouse({
  first,
  load,
  path: undefined,
  env: {},
  directory,
  secret: new Secret('of-the-bench-and-of-nobody-else-at-all'),
  adminToken: new Secret(ADMIN_TOKEN),
  log: createLog({ ...first.config.log, to: { write() {} } }),
  forceCanonical: false
})

/**
 * The longest that work held the event loop: between two ticks, no longer than by the clock, and no longer than this thread
 * had the processor. On a machine with more to do than processors, the clock alone counts who else had them.
 */
let held = { byClockMs: 0, byWorkMs: 0 }
let before = { atMs: performance.now(), cpu: process.threadCpuUsage() }
setInterval(() => {
  const now = { atMs: performance.now(), cpu: process.threadCpuUsage() }
  const clockMs = now.atMs - before.atMs - TICK_MS
  const workMs = (now.cpu.user - before.cpu.user + now.cpu.system - before.cpu.system) / 1_000
  held = {
    byClockMs: Math.max(held.byClockMs, clockMs),
    byWorkMs: Math.max(held.byWorkMs, Math.min(clockMs, workMs))
  }
  before = now
}, TICK_MS)

process.on('message', message => {
  if (message === 'end') {
    void gateway.drain(0).then(() => process.exit(0))
    return
  }
  process.send!({ held } satisfies Told)
  held = { byClockMs: 0, byWorkMs: 0 }
})
process.send!({ url: gateway.url } satisfies Told)
