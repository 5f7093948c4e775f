import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type AdminToken, loadAdminToken } from '../access/admin-token.ts'
import { loadProcessSecret } from '../access/process-secret.ts'
import { welcomeLines } from '../admin/welcome.ts'
import { systemClock } from '../clock.ts'
import { CONFIG_FILE_NAMES, type LoadedConfig, loadConfig, type Overrides } from '../config/index.ts'
import { createLog } from '../log.ts'
import { type Gatehouse, startGatehouse } from '../server.ts'

export const summary = 'starts the gateway'

const HELP = `gatehouse start [--port N] [--host ADDRESS] [--config FILE] [--data DIRECTORY]

  --port     port to listen on; 0 takes any free one     (8080)
  --host     address to listen on                        (127.0.0.1)
  --config   configuration file                          (gatehouse.yaml in the working directory, if there)
  --data     directory of everything kept                (./data)`

export async function run(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      config: { type: 'string' },
      data: { type: 'string' },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.help) return console.log(HELP)
  const path = values.config ?? CONFIG_FILE_NAMES.find(name => existsSync(name))
  const overrides: Overrides = { host: values.host, port: portNumber(values.port), data: values.data }
  const load = () => loadConfig({ path, env: process.env, readFile: file => readFileSync(file, 'utf8'), overrides })
  const first = load()
  const directory = first.config.stores.data
  mkdirSync(directory, { recursive: true })
  const admin = loadAdminToken(directory, randomBytes)
  const secret = loadProcessSecret({ given: process.env.GATEHOUSE_SECRET, directory, randomBytes })
  const log = createLog(first.config.log)
  for (const { path: where, message } of first.warnings) log.warn({ where }, message)
  const running = await startGatehouse({
    first,
    load,
    path,
    env: process.env,
    log,
    directory,
    adminToken: admin.token,
    secret,
    forceCanonical: process.env.FORCE_CANONICAL === '1'
  })
  // Before the banner: who reads it may stop us at once.
  stopOnSignals(running)
  printBanner(running, first)
  printAdminToken(admin)
}

function portNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`--port takes a number from 0 to 65535, not "${text}"`)
  return port
}

function printBanner(running: Gatehouse, { config, sources }: LoadedConfig): void {
  const lines = welcomeLines(running.welcome())
  console.log(`\n${lines.join('\n\n')}\n`)
  console.log(
    `Configuration: ${sources.file ?? 'none (all defaults)'}. Calls ${config.auth === 'keys' ? 'need a key' : 'need no key (open mode, this machine only)'}.\n`
  )
}

/** Once, when it was made; the token itself only where a person is looking, never into the log of a container. */
function printAdminToken({ token, path, fresh }: AdminToken): void {
  if (!fresh) return
  console.log(`Admin token: in ${path}${process.stdout.isTTY ? `\n  ${token.reveal()}` : ''}\n`)
}

/** One Ctrl-C can arrive twice, through the terminal and through a parent; so soon, it is still the first. */
const SAME_SIGNAL_MS = 250

/**
 * The first signal drains: calls under way finish. Whoever presses Ctrl-C has no balancer that needs a grace. A second
 * signal is in a hurry: what is still open is told so, and cut.
 */
function stopOnSignals(running: Gatehouse): void {
  let firstMs: number | undefined
  const stop = (signal: NodeJS.Signals) => {
    const nowMs = systemClock.monotonicMs()
    if (firstMs !== undefined && nowMs - firstMs < SAME_SIGNAL_MS) return
    firstMs ??= nowMs
    void running.leave(signal === 'SIGINT' ? { graceMs: 0 } : {}).then(() => process.exit(0))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
