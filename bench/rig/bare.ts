/** The gateway with nothing on: no limits, nothing kept. What everything costs is measured against it. */
import { loadConfig } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import { startGatehouse } from '../../src/server.ts'

const [text = ''] = process.argv.slice(2)
const load = () => loadConfig({ path: undefined, text, env: {}, readFile: () => '' })
const first = load()
const gateway = await startGatehouse({
  first,
  load,
  path: undefined,
  env: {},
  log: createLog(first.config.log),
  forceCanonical: false
})
console.log(`listens on ${gateway.url}`)
