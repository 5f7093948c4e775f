/**
 * `npm run proof:drain`: SIGTERM with 500 streams open, of which half finish in 10 s and half never end. The first half
 * is served to its end, the other half is told, and the process leaves in time with exit code 0. A second SIGTERM makes
 * it quick. See docs/guide/proofs.md.
 *
 *   npm run proof:drain
 *   npm run proof:drain -- --streams 40 --seconds 2
 *   npm run proof:drain -- --break       no time to drain: must fail
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Sim, startSim } from '../src/sim/index.ts'
import { DOORS, send } from '../test/support/client.ts'
import { many, seconds } from './rig/evidence.ts'
import { type ProofGateway, startGateway } from './rig/gateway.ts'
import { type Goal, prove } from './rig/proof.ts'
import { type Ending, type Fate, type OpenStream, openStream, type Pacing } from './rig/streams.ts'

const RUN_MS = 180_000
const WORDS = 20
const GRACE_MS = 1_000
/** Of the time that the finishing streams need: so long the gateway may take in all. */
const TIMEOUT_SHARE = 1.5
const EXIT_WITHIN_MS = 5_000
const NOT_READY_WITHIN_MS = 500
const QUICK_MS = 2_000
/** A terminal and a parent may both pass one Ctrl-C on: a signal that comes as soon is taken for the same. */
const SECOND_AFTER_MS = 1_000
const OPENED_AT_ONCE = 50

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '10' },
    break: { type: 'boolean', default: false }
  }
})
const streams = Number(values.streams)
const finishS = Number(values.seconds)
if (!(streams >= 2 && streams <= 4_000)) throw new Error('--streams takes a number from 2 to 4000')
if (!(finishS >= 1 && finishS <= 60)) throw new Error('--seconds takes a number from 1 to 60')
const timeoutMs = values.break ? 0 : finishS * 1_000 * TIMEOUT_SHARE + GRACE_MS

function configuration(sim: Sim): string {
  const at = (dialect: string) =>
    `{ base_url: "${sim.url}/v1", dialect: ${dialect}, quirks: {}, keys: [a-credential], allow_private: ["127.0.0.0/8"] }`
  return `
log: { level: info }
drain: { grace: ${values.break ? 0 : GRACE_MS}ms, timeout: ${timeoutMs}ms }
timeouts: { head: 10m, first_token: 10m, idle: 10m, idle_content: 10m, total: 10m }
providers:
  openai: ${at('openai-chat')}
  anthropic: ${at('anthropic-messages')}
`
}

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: no time to drain; this run must fail.')
  const sim = await startSim()
  try {
    await withGateway(sim, gateway => proveFirst(gateway, reach))
    await withGateway(sim, gateway => proveSecond(gateway, reach))
  } finally {
    await sim.close()
  }
}

async function withGateway(sim: Sim, use: (gateway: ProofGateway) => Promise<void>): Promise<void> {
  const gateway = await startGateway(configuration(sim))
  try {
    await use(gateway)
  } finally {
    await gateway.close()
  }
}

/** Half of them end, half do not; a few at a time, for they all begin with a connection. */
async function openAll(url: string, count: number, fateOf: (number: number) => Fate): Promise<OpenStream[]> {
  const pacing: Pacing = { words: WORDS, paceMs: Math.floor((finishS * 1_000) / WORDS) }
  const all: OpenStream[] = []
  while (all.length < count) {
    const next = Array.from({ length: Math.min(OPENED_AT_ONCE, count - all.length) }, (_, at) => all.length + at)
    all.push(...(await Promise.all(next.map(number => openStream(url, number, fateOf(number), pacing)))))
  }
  return all
}

async function proveFirst(gateway: ProofGateway, reach: (goal: Goal) => void): Promise<void> {
  // In fours, so that either dialect has both fates.
  const open = await openAll(gateway.url, streams, number => (number % 4 < 2 ? 'finishes' : 'never ends'))
  const sentMs = performance.now()
  gateway.kill('SIGTERM')
  const exited = gateway.ended.then(({ code, signal }) => ({ code, signal, tookMs: performance.now() - sentMs }))
  reach(await judgeReadiness(gateway, sentMs))
  const early = await newCall(gateway)
  await sleep(Math.max(0, sentMs + GRACE_MS * TIMEOUT_SHARE - performance.now()))
  const late = await newCall(gateway)
  reach(judgeNewCalls(early, late))
  const endings = await Promise.all(open.map(({ ending }) => ending))
  const { code, signal, tookMs } = await exited
  reach(judgeFinished(endings))
  reach(judgeTold(endings))
  const withinMs = timeoutMs + EXIT_WITHIN_MS
  const wrongCode = code === 0 ? undefined : 'not 0'
  reach({
    name: 'exit',
    figure: `code ${code ?? signal}, after ${seconds(tookMs)}`,
    goal: `code 0, within ${seconds(withinMs)}`,
    problem: wrongCode ?? (tookMs > withinMs ? 'too late' : undefined)
  })
  reach(judgeLog(gateway, endings, early === 200))
}

async function judgeReadiness(gateway: ProofGateway, sentMs: number): Promise<Goal> {
  let status = 200
  while (status === 200 && performance.now() - sentMs < NOT_READY_WITHIN_MS) {
    status = await send(`${gateway.url}/readyz`).then(
      answer => answer.status,
      () => 0
    )
  }
  const figure = `${status || 'no connection'} after ${seconds(performance.now() - sentMs)}`
  const problem = status === 503 ? undefined : 'it does not say that it is leaving'
  return { name: 'readiness after SIGTERM', figure, goal: '503 at once', problem }
}

/** Status of a call that begins now; 0 where nobody takes the connection. */
async function newCall(gateway: ProofGateway): Promise<number> {
  const [door] = DOORS
  const ask = { body: door!.body('openai/echo', 'anybody there?') }
  return await send(`${gateway.url}${door!.path}`, ask).then(
    ({ status }) => status,
    () => 0
  )
}

function judgeNewCalls(early: number, late: number): Goal {
  const problem = early !== 200 ? 'the grace was not granted' : late !== 503 ? 'not told to go elsewhere' : undefined
  return {
    name: 'new calls',
    figure: `${early} in the grace, ${late} after it`,
    goal: '200 in the grace, 503 after it',
    problem
  }
}

function judgeFinished(endings: readonly Ending[]): Goal {
  const all = endings.filter(({ fate }) => fate === 'finishes')
  const whole = all.filter(({ words, ended, cut }) => words === WORDS && ended && !cut).length
  return {
    name: 'streams that could finish',
    figure: `${whole} of ${all.length} whole`,
    goal: 'all',
    problem: whole === all.length ? undefined : `${all.length - whole} broken off`
  }
}

function judgeTold(endings: readonly Ending[]): Goal {
  const all = endings.filter(({ fate }) => fate === 'never ends')
  const told = all.filter(({ code, ended, cut }) => code === 'draining' && !ended && !cut).length
  const shown = all.filter(({ ended }) => ended).length
  const wrong = shown > 0 ? `${shown} ended as if complete` : `${all.length - told} were not told`
  return {
    name: 'streams that never end',
    figure: `${told} of ${all.length} told in the stream`,
    goal: 'all, by the error of their dialect and without an end marker',
    problem: told === all.length ? undefined : wrong
  }
}

function judgeLog(gateway: ProofGateway, endings: readonly Ending[], extra: boolean): Goal {
  const finishing = endings.filter(({ fate }) => fate === 'finishes').length
  const rows = gateway.rows()
  const count = (outcome: string) => rows.filter(row => row.outcome === outcome).length
  const [done, failed, wanted] = [count('done'), count('failed'), finishing + (extra ? 1 : 0)]
  const ids = new Set(rows.map(({ id }) => id)).size
  const isRight = done === wanted && failed === endings.length - finishing && ids === rows.length
  return {
    name: 'rows in the log',
    figure: `${done} done, ${failed} failed`,
    goal: `${wanted} done, ${endings.length - finishing} failed, each once`,
    problem: isRight ? undefined : `${many(rows.length, 'row')}, ${many(ids, 'id')}`
  }
}

async function proveSecond(gateway: ProofGateway, reach: (goal: Goal) => void): Promise<void> {
  const count = Math.ceil(streams / 10)
  const open = await openAll(gateway.url, count, () => 'never ends')
  gateway.kill('SIGTERM')
  await sleep(SECOND_AFTER_MS)
  const sentMs = performance.now()
  gateway.kill('SIGTERM')
  await gateway.ended
  const tookMs = performance.now() - sentMs
  await Promise.all(open.map(({ ending }) => ending))
  const rows = gateway.rows().length
  const unlogged = rows === count ? undefined : `${many(rows, 'row')} in the log for ${many(count, 'stream')}`
  reach({
    name: 'a second SIGTERM',
    figure: `gone after ${seconds(tookMs)}, ${many(rows, 'row')} in the log`,
    goal: `within ${seconds(QUICK_MS)}, every call logged`,
    problem: tookMs > QUICK_MS ? 'too late' : unlogged
  })
}

process.exitCode = await prove(run, RUN_MS)
