import { parseArgs } from 'node:util'
import { listedDoors, MODELS, type Model, startSim } from '../sim/index.ts'

const USAGE = `gatehouse sim [--port N] [--host ADDRESS] [--pace-ms N]

Runs the simulated provider alone: a strict stand-in for model providers, with faults by model name.
  --port N         port to listen on (8099; 0 takes a free one)
  --host ADDRESS   address to listen on (127.0.0.1)
  --pace-ms N      milliseconds a word of the model "story" (30)
`

export const summary = 'Run the simulated provider alone: a stand-in for model providers, with faults by model name.'

const DEFAULT_PORT = 8099

/** `gatehouse sim`: prints its address, doors and models, and runs until SIGINT or SIGTERM. */
export async function run(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      'pace-ms': { type: 'string' },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const paceMs = values['pace-ms'] === undefined ? undefined : numberOf('--pace-ms', values['pace-ms'], 600_000)
  const sim = await startSim({
    port: values.port === undefined ? DEFAULT_PORT : numberOf('--port', values.port, 65_535),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(paceMs === undefined ? {} : { paceMs })
  })
  process.stdout.write(welcome(sim.url))
  await new Promise<void>(resolve => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  await sim.close()
}

function numberOf(flag: string, text: string, max: number): number {
  const value = Number(text)
  if (text !== '' && Number.isInteger(value) && value >= 0 && value <= max) return value
  throw new Error(`${flag} takes a whole number from 0 to ${max}, not "${text}"`)
}

function welcome(url: string): string {
  const title: Record<Model['group'], string> = {
    reply: 'Models that answer',
    refuses: 'Models that answer with an error',
    breaks: 'Models that break the wire'
  }
  const groups = (['reply', 'refuses', 'breaks'] as const).map(group => {
    const rows = MODELS.filter(model => model.group === group)
    return `${title[group]}\n${rows.map(model => `  ${model.name.padEnd(23)}${model.does}`).join('\n')}`
  })
  const doors = listedDoors().map(({ method, path, dialects }) => `  ${method} ${path}  ${dialects.join(' or ')}`)
  return `Simulated provider on ${url}

Doors
${doors.join('\n')}
  GET /control/log?since=SEQ  what it was asked, as JSON
  POST /control/reset  forget the log, the prompt caches, what was stored and the faults' memory

${groups.join('\n\n')}

Any key is accepted. Every other model name answers as "assistant". Try:
  curl ${url}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"echo","messages":[{"role":"user","content":"hello"}]}'

Ctrl-C stops it.
`
}
