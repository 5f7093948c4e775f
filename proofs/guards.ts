/**
 * `npm run proof:guards`: guards decide the same at every door, before every provider dialect, whole and streamed;
 * nothing that a rule forbids is in the bytes that left; what was masked is put back exactly; signed histories are taken
 * again. See docs/guide/proofs.md.
 *
 *   npm run proof:guards
 *   npm run proof:guards -- --quick
 *   npm run proof:guards -- --break      streams hold nothing back: must fail
 */
import '../test/e2e/guards/register.ts'
import { parseArgs } from 'node:util'
import { CHECKS } from '../src/config/guards.ts'
import { loadConfig } from '../src/config/index.ts'
import { dialects } from '../src/dialects/index.ts'
import type { Check, CheckKind } from '../src/guards/guard.ts'
import { plainModel, simAs } from '../test/e2e/clients/providers.ts'
import { framesOf, guardingOf, guardOf, heard, Playing, SPOKEN, through } from '../test/guards/kit.ts'
import { seeded } from '../test/support/dialects.ts'
import { startTestGateway, type TestGateway } from '../test/support/gateway.ts'
import { type Answer, ask, DOORS, type Door } from './guards/doors.ts'
import { type Mirror, startMirror } from './guards/mirror.ts'
import { documentOf, type Sample, samplesFor } from './guards/samples.ts'
import { replay } from './guards/turns.ts'
import { many } from './rig/evidence.ts'
import { type Goal, prove } from './rig/proof.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, break: { type: 'boolean', default: false } }
})

const RUN_MS = 300_000
const PROVIDERS = Object.keys(dialects)
const DOCUMENTS = values.quick ? 60 : 1_000
const FIXTURE = 'Say a word to ann.lee@example.com, or (bob.b@mail.org)! and then nothing: x@y, "[[", q@'.repeat(3)

type Reach = (goal: Goal) => void

async function run(reach: Reach): Promise<void> {
  if (values.break) {
    console.log('--break: streams hold nothing back; this run must fail.')
    forgetReach()
  }
  await proveDecisions(reach)
  await proveSplits(reach)
  await proveRestored(reach)
  await proveTurns(reach)
}

function samplesHere(): readonly Sample[] {
  const all = samplesFor(Object.keys(CHECKS))
  return values.quick ? all.slice(0, 3) : all
}

/** Every check that is made from here on says that nothing need be held back. */
function forgetReach(): void {
  for (const [name, kind] of Object.entries(CHECKS)) {
    const create: CheckKind['create'] = options => {
      const check = kind.create(options)
      return check.reach === 'whole' ? check : { ...check, reach: 0 }
    }
    Object.assign(CHECKS, { [name]: { ...kind, create } })
  }
}

const ACTIONS = ['mask', 'flag', 'block'] as const
type Action = (typeof ACTIONS)[number]

interface Cell {
  door: Door
  provider: string
  sample: Sample
  nth: number
  action: Action | 'late'
  stream: boolean
}

/** Check × door × dialect × whole or streamed: one decision, and the bytes on both sides as witnesses of it. */
async function proveDecisions(reach: Reach): Promise<void> {
  const samples = samplesHere()
  const guards = samples.flatMap(({ check, options }, nth) => [
    ...ACTIONS.map(action => `  ${action}-${nth}: { check: ${check}, action: ${action}${options} }`),
    `  late-${nth}: { check: ${check}, action: block, on: [response]${options} }`
  ])
  const providers = values.quick ? PROVIDERS.slice(0, 2) : PROVIDERS
  const routes = samples.flatMap((_, nth) =>
    providers.flatMap(provider =>
      [...ACTIONS, 'late'].map(action => {
        const guard = `${action}-${nth}`
        return `  ${guard}-${provider}: { to: ${provider}/${plainModel(provider)}, guards: [${guard}] }`
      })
    )
  )
  const gateway = await startTestGateway({
    bare: true,
    providers: providers.map(simAs).join('\n'),
    yaml: `guards:\n${guards.join('\n')}\nroutes:\n${routes.join('\n')}`
  })
  const wrong: string[] = []
  const leaks: string[] = []
  let cells = 0
  try {
    for (const [nth, sample] of samples.entries()) {
      for (const door of DOORS) {
        for (const provider of providers) {
          for (const action of [...ACTIONS, 'late'] as const) {
            // Nothing stops a request whose check looks at answers alone.
            if (action === 'block' && !CHECKS[sample.check]!.sides.includes('request')) continue
            for (const stream of [false, true]) {
              cells++
              await judgeCell({ door, provider, sample, nth, action, stream }, gateway, wrong, leaks)
            }
          }
        }
      }
    }
  } finally {
    await gateway.close()
  }
  reach({
    name: 'one decision for check × door × dialect × whole and streamed',
    figure: `${wrong.length} of ${many(cells, 'call')} decided otherwise (${many(samples.length, 'sample')})`,
    goal: '0',
    problem: wrong[0]
  })
  reach({
    name: 'nothing forbidden in the bytes that left',
    figure: `${leaks.length} of ${many(cells, 'call')}`,
    goal: '0',
    problem: leaks[0]
  })
}

async function judgeCell(cell: Cell, gateway: TestGateway, wrong: string[], leaks: string[]): Promise<void> {
  const { door, provider, sample, nth, action, stream } = cell
  const what = `${sample.check} ${action} ${nth}, ${door.name} to ${provider}, ${stream ? 'streamed' : 'whole'}`
  const filler = 'words before it and words after it '.repeat(4)
  const text = `${filler}${sample.forbidden}. ${filler}${stream ? '[[sim:chunk=3]]' : ''}`
  gateway.seen()
  const answer = await ask(gateway.gateway.url, door, `${action}-${nth}-${provider}`, [{ role: 'user', text }], {
    stream
  })
  const sent = gateway.seen().map(({ body }) => JSON.stringify(body))
  const isRefused = answer.refused === 'guardrail_blocked'
  const isMasked = answer.heard !== undefined && /\[\[[A-Z_]+_\d+\]\]/.test(answer.heard.text)
  const decided = {
    block: isRefused && sent.length === 0,
    late: isRefused,
    mask: isMasked,
    flag: hasText(answer, sample)
  }
  if (!decided[action]) wrong.push(`${what}: ${answer.refused ?? answer.heard?.text ?? answer.status}`)
  if (action === 'flag') return
  const forbidden = JSON.stringify(sample.forbidden).slice(1, -1)
  const looksAtRequest = action !== 'late' && CHECKS[sample.check]!.sides.includes('request')
  if (looksAtRequest && sent.some(body => body.includes(forbidden))) leaks.push(`${what}: to the provider`)
  const got = answer.heard ? Object.values(answer.heard).flat().join('\n') : ''
  if (answer.bytes.includes(forbidden) || got.includes(sample.forbidden)) leaks.push(`${what}: to the client`)
}

const hasText = ({ heard: said }: Answer, { forbidden }: Sample) => said?.text.includes(forbidden) === true

/** The guards' window itself: texts cut in two at every place, unit by unit, and in 200 seeded ways. */
async function proveSplits(reach: Reach): Promise<void> {
  const differing: string[] = []
  let streams = 0
  for (const { check, options, forbidden } of samplesHere()) {
    const guard = guardOf(checkOf(check, options))
    const text = check === 'test' ? FIXTURE : `It was said so: ${forbidden}. And then: ${forbidden}, or not at all.`
    const cuttings = cuttingsOf(text.length)
    for (const [name, framing] of SPOKEN) {
      const told = async (cuts: readonly number[]) => {
        streams++
        const frames = framesOf(name, framing, { text, input: JSON.stringify({ said: text }) }, cuts)
        const { frames: got } = await through(name, framing, new Playing(frames), guardingOf(guard))
        return JSON.stringify([...heard(name, framing, got)])
      }
      const whole = await told([100_000])
      for (const cuts of values.quick ? cuttings.filter((_, at) => at % 10 === 0) : cuttings) {
        if ((await told(cuts)) !== whole)
          differing.push(`${check} in ${name} as ${framing}, cut by ${cuts.slice(0, 9)}`)
      }
      if (whole.includes(JSON.stringify(forbidden).slice(1, -1))) differing.push(`${check} in ${name}: the whole text`)
    }
  }
  reach({
    name: 'however a stream is cut, the same text leaves',
    figure: `${differing.length} of ${many(streams, 'stream')} differ`,
    goal: '0',
    problem: differing[0]
  })
}

/** Unit by unit, in two at every place, and by chance. */
function cuttingsOf(length: number): number[][] {
  const random = seeded(7)
  return [
    [1],
    ...Array.from({ length: length - 1 }, (_, at) => [at + 1, 100_000]),
    ...Array.from({ length: 200 }, () => Array.from({ length: 9 }, () => 1 + Math.floor(random() * 20)))
  ]
}

/** A check as the configuration makes it. */
function checkOf(name: string, options: string): Check {
  const text = `guards: { it: { check: ${name}${options} } }`
  const { config } = loadConfig({ path: undefined, text, env: {}, readFile: () => '' })
  return CHECKS[name]!.create(config.guards.it!.options as never)
}

/** Random documents through a provider that says them back, as text and within the arguments of a tool. */
async function proveRestored(reach: Reach): Promise<void> {
  const random = seeded(2026)
  const mirror = await startMirror(random)
  const gateway = await startTestGateway({
    bare: true,
    providers: `  mirror: { like: openai, base_url: "${mirror.url}/v1", keys: [k], allow_private: ["127.0.0.0/8"] }`,
    yaml: 'guards: { restore: { check: test, action: restore, always: true } }'
  })
  const wrong: string[] = []
  let values_ = 0
  try {
    for (let nth = 0; nth < DOCUMENTS; nth++) {
      const { text, values: found } = documentOf(random)
      values_ += found.length
      const problem = await judgeDocument(nth, text, found, gateway, mirror)
      if (problem) wrong.push(`document ${nth}: ${problem}`)
    }
  } finally {
    await gateway.close()
    await mirror.close()
  }
  reach({
    name: 'restored text is exactly what was sent, in text and in JSON of tools',
    figure: `${wrong.length} of ${many(DOCUMENTS, 'document')} differ (${many(values_, 'value')})`,
    goal: '0',
    problem: wrong[0]
  })
}

async function judgeDocument(
  nth: number,
  text: string,
  found: readonly string[],
  { gateway }: TestGateway,
  { asked }: Mirror
): Promise<string | undefined> {
  const door = DOORS[nth % DOORS.length]!
  const stream = nth % 8 < 4
  const tool = { type: 'object', properties: { said: { type: 'string' } } }
  asked.length = 0
  const { heard: said, status } = await ask(gateway.url, door, 'mirror/m', [{ role: 'user', text }], { stream, tool })
  const where = `${door.name}, ${stream ? 'streamed' : 'whole'}`
  if (!said) return `${where}: status ${status}`
  if (found.some(value => asked.some(body => body.includes(value)))) return `${where}: the provider has a value`
  if (said.text !== text) return `${where}: ${JSON.stringify(said.text)} for ${JSON.stringify(text)}`
  const input = said.inputs.map(each => JSON.parse(each) as { said: string; deep: { again: string }[] })[0]
  if (input?.said !== text) return `${where}: the tool gets ${JSON.stringify(input?.said)}`
  return input.deep[0]?.again === `"${text}\\` ? undefined : `${where}: the tool gets ${JSON.stringify(input.deep)}`
}

/** Five turns with signed thoughts, each sent back as it came, to a provider that refuses what was altered. */
async function proveTurns(reach: Reach): Promise<void> {
  const gateway = await startTestGateway({
    bare: true,
    providers: ['anthropic-messages', 'gemini'].map(simAs).join('\n'),
    yaml: 'guards: { restore: { check: test, action: restore, always: true } }'
  })
  try {
    for (const outcome of await replay(gateway)) reach(outcome)
  } finally {
    await gateway.close()
  }
}

process.exitCode = await prove(run, RUN_MS)
