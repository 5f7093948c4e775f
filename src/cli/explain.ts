import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { explainRequest } from '../admin/explain.ts'
import { explainPlan } from '../build.ts'
import { systemClock } from '../clock.ts'
import { CONFIG_FILE_NAMES, loadConfig } from '../config/index.ts'
import { dialects } from '../dialects/index.ts'
import { systemRandom } from '../random.ts'
import { Health } from '../routing/health.ts'
import { REASONS } from '../routing/reasons.ts'
import type { CallExplanation } from '../stages/route-call.ts'
import { formatDuration } from '../units.ts'

export const summary = 'says where a call would go, and why not elsewhere; makes no call'

const DIALECTS = Object.keys(dialects)

const HELP = `gatehouse explain --model NAME [--config FILE] [--body FILE] [--dialect NAME] [--header NAME:VALUE]…
                  [--key NAME] [--failing KIND] [--json]

  --model    the model that is asked for          (the body's own)
  --config   configuration file                   (gatehouse.yaml in the working directory, if there)
  --body     file with the JSON body of the call; - for standard input
  --dialect  ${DIALECTS.join(', ')}
                                                  (openai-chat)
  --header   a header of the call; may be repeated
  --key      name of the key that calls
  --failing  how every target is taken to fail    (server_error)
  --json     the result as JSON

What only a running gateway knows (circuits, measured speed) is not in it: POST /admin/explain asks that one.`

export async function run(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      model: { type: 'string' },
      config: { type: 'string' },
      body: { type: 'string' },
      dialect: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
      key: { type: 'string' },
      failing: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.help) return console.log(HELP)
  if (values.model === undefined && values.body === undefined) throw new Error('name a model: --model NAME')
  const path = values.config ?? CONFIG_FILE_NAMES.find(name => existsSync(name))
  const loaded = loadConfig({ path, env: process.env, readFile: name => readFileSync(name, 'utf8') })
  const world = { clock: systemClock, random: systemRandom(systemClock.wallMs), health: new Health(systemClock) }
  const request = {
    ...(values.model !== undefined && { model: values.model }),
    ...(values.body !== undefined && { body: readBody(values.body) }),
    ...(values.dialect !== undefined && { dialect: values.dialect }),
    ...(values.key !== undefined && { key: values.key }),
    ...(values.failing !== undefined && { assuming: values.failing }),
    headers: Object.fromEntries(values.header.map(readHeader))
  }
  const explanation = explainRequest(request, {
    explain: explainPlan(loaded, world, process.env),
    monotonicMs: () => systemClock.monotonicMs()
  })
  process.stdout.write(values.json ? `${JSON.stringify(explanation, null, 2)}\n` : describe(explanation))
}

function readBody(path: string): unknown {
  const text = readFileSync(path === '-' ? 0 : path, 'utf8')
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw new Error(`${path} is no JSON: ${(thrown as Error).message}`)
  }
}

function readHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(':')
  if (colon < 1) throw new Error(`--header takes NAME:VALUE, not "${text}"`)
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
}

/** For people: the order, then what is not in it. */
function describe({ model, rule, assuming, targets, excluded }: CallExplanation): string {
  const width = Math.max(0, ...[...targets, ...excluded].map(({ target }) => target.length))
  const order = targets.map(({ target, attempts, credentials, deadlineMs, hedgeAfterMs }, index) => {
    const facts = [
      `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
      `keys ${[...new Set(credentials)].join(', ')}`,
      `at most ${formatDuration(Math.ceil(deadlineMs / 1_000) * 1_000)}`,
      ...(hedgeAfterMs === undefined ? [] : [`the next one beside it after ${formatDuration(hedgeAfterMs)}`])
    ]
    return `  ${index + 1}. ${target.padEnd(width)}  ${facts.join(' · ')}`
  })
  const left = excluded.map(
    ({ target, excludedBy }) => `     ${target.padEnd(width)}  ${excludedBy}: ${REASONS[excludedBy]}`
  )
  const lines = [
    `${model}: found as ${rule}. If every target fails (${assuming}), in this order:`,
    ...(order.length > 0 ? order : ['  nothing can be tried']),
    ...(left.length > 0 ? ['Left out:', ...left] : [])
  ]
  return `${lines.join('\n')}\n`
}
