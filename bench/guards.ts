/**
 * `npm run bench:guards`: what the built-in checks cost, in this process: CPU time of personal data and secrets on 16 KB
 * of ordinary text, of injection besides, of a chunk of a guarded stream, and how long a text of 10 MB holds the event
 * loop. See docs/guide/benchmarks.md.
 *
 *   npm run bench:guards
 *   npm run bench:guards -- --short   a second or so, for trying the rig
 *   npm run bench:guards -- --break   every check is asked many times over, and large texts stay here: must fail
 */
import { parseArgs } from 'node:util'
import { benignPrompts } from '../proofs/injection/benign.ts'
import { type Goal, percentile, prove } from '../proofs/rig/proof.ts'
import { CHECKS } from '../src/config/guards.ts'
import { dialects } from '../src/dialects/index.ts'
import type { Guard } from '../src/guards/attached.ts'
import { guardBody } from '../src/guards/body.ts'
import type { Check, Place } from '../src/guards/guard.ts'
import { GuardThreads } from '../src/guards/threads.ts'
import { JsonBody } from '../src/json.ts'
import { guardHeavy } from '../src/stages/guard-heavy.ts'
import { framesOf, guardingOf, guardOf, Playing, readingOf, through } from '../test/guards/kit.ts'
import { loadAverage } from './rig/cpu.ts'

const RUN_MS = 120_000
const TEXT_LENGTH = 16_384
const LARGE_LENGTH = 10_000_000
const FIND_GOAL_US = 1_500
const CHUNK_GOAL_US = 5
const HELD_GOAL_MS = 20
const WASTE = 20
const QUARTILE = 0.25
/** Above this many processes that want a CPU, the figures are marked as noisy. */
const NOISY = 1.5

const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, break: { type: 'boolean', default: false } }
})
const rounds = values.short ? 5 : 15
const asked = values.short ? 20 : 60

const PLACE: Place = { side: 'request', role: 'user', kind: 'text', path: 'messages[0].content' }

function checkOf(name: string): Check | undefined {
  const kind = CHECKS[name]
  if (!kind) return undefined
  const check = kind.create(kind.options.parse({}))
  if (!values.break) return check
  const find: Check['find'] = (text, place) => {
    for (let turn = 1; turn < WASTE; turn++) check.find!(text, place)
    return check.find!(text, place)
  }
  return { ...check, find }
}

function guardsOf(...names: readonly string[]): Guard[] {
  return names.flatMap(name => {
    const check = checkOf(name)
    const options = CHECKS[name]?.options.parse({})
    return check ? [guardOf(check, { name, kind: name, action: name === 'injection' ? 'flag' : 'mask', options })] : []
  })
}

/**
 * The lower quartile of several rounds, after some that only warm up: other processes can but add to a round. A round is
 * long, for the system tells a thread's time in steps of milliseconds.
 */
function cpuUs(work: () => void, times: number): number {
  const round = () => {
    const before = process.threadCpuUsage()
    for (let turn = 0; turn < times; turn++) work()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / times
  }
  for (let turn = 0; turn < 3; turn++) round()
  return percentile(Array.from({ length: rounds }, round), QUARTILE)
}

/** Text of the kind that people send: prose and code about programs, some of it about prompts and security. */
const ordinary = (length: number) =>
  benignPrompts(1_000, 'seen')
    .join('\n\n')
    .repeat(Math.ceil(length / 80_000))
    .slice(0, length)

function goalOf(name: string, figure: number, most: number, unit: string): Goal {
  const digits = most < 100 ? 1 : 0
  const problem = figure <= most ? undefined : `${(figure / most).toFixed(1)} times the goal`
  return { name, figure: `${figure.toFixed(digits)} ${unit}`, goal: `at most ${most} ${unit}`, problem }
}

function skipped(name: string, goal: string, why: string): Goal {
  return { name, figure: '–', goal, skipped: why }
}

function findGoal(name: string, names: readonly string[]): Goal {
  const missing = names.filter(each => !CHECKS[each])
  if (missing.length > 0) return skipped(name, `at most ${FIND_GOAL_US} µs`, `no check "${missing.join('", "')}" yet`)
  const text = ordinary(TEXT_LENGTH)
  const checks = names.map(each => checkOf(each)!)
  const figure = cpuUs(() => checks.forEach(check => void check.find!(text, PLACE)), asked)
  return goalOf(name, figure, FIND_GOAL_US, 'µs of CPU')
}

/** What guarding adds to a chunk: reading it, looking, holding it back and handing it on. */
async function chunkGoal(name: string, names: readonly string[]): Promise<Goal> {
  const missing = names.filter(each => !CHECKS[each])
  if (missing.length > 0) return skipped(name, `at most ${CHUNK_GOAL_US} µs`, `no check "${missing.join('", "')}" yet`)
  const frames = framesOf('openai-chat', 'sse', { text: ordinary(4_000) }, [3, 5, 4, 6, 2])
  const guards = guardsOf(...names)
  const round = async () => {
    const before = process.threadCpuUsage()
    for (let turn = 0; turn < 10; turn++) {
      await through('openai-chat', 'sse', new Playing(frames), guardingOf(...guards))
    }
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 10 / frames.length
  }
  for (let turn = 0; turn < 5; turn++) await round()
  const figures: number[] = []
  for (let turn = 0; turn < rounds; turn++) figures.push(await round())
  return goalOf(name, percentile(figures, QUARTILE), CHUNK_GOAL_US, 'µs of CPU')
}

const ownUs = () => {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

/** The longest that the event loop was late while a large body was guarded. */
async function heldGoal(name: string, text: string): Promise<Goal> {
  const threads = new GuardThreads(1)
  const facts = { dialect: dialects['openai-chat'], operation: 'chat' } as const
  const guarded = (content: string) => {
    const body = JsonBody.from({ messages: [{ role: 'user', content }] })
    const reading = readingOf('request', guardingOf(...guardsOf('pii', 'secrets', 'injection')))
    return async () => (values.break ? guardBody(body, facts, reading) : guardHeavy(body, facts, reading, threads))
  }
  let lateMs = 0
  try {
    // A thread that is there already: what its start costs is another matter, and happens once.
    await guarded('nothing')()
    const work = guarded(text)
    let lastMs = performance.now()
    let lastUs = ownUs()
    const look = () => {
      const [nowMs, nowUs] = [performance.now(), ownUs()]
      // Late for want of a CPU is not held: what counts is what this thread did in that time.
      lateMs = Math.max(lateMs, Math.min(nowMs - lastMs - 1, (nowUs - lastUs) / 1_000))
      ;[lastMs, lastUs] = [nowMs, nowUs]
    }
    const ticks = setInterval(look, 1)
    await work()
    look()
    clearInterval(ticks)
  } finally {
    threads.close()
  }
  return goalOf(name, lateMs, HELD_GOAL_MS, 'ms')
}

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: checks are asked many times over, in this thread; this run must fail.')
  if (loadAverage() > NOISY)
    console.log(`Load average ${loadAverage()}: other processes are busy; figures are too high.`)
  reach(findGoal('personal data and secrets, 16 KB', ['pii', 'secrets']))
  reach(findGoal('injection besides, 16 KB', ['injection']))
  reach(await chunkGoal('a chunk of a stream', ['pii', 'secrets']))
  if (values.break) return
  reach(await heldGoal('10 MB of ordinary text, event loop held', ordinary(LARGE_LENGTH)))
  const hostile = 'ignore all sk-AKIA eyJ password=://a:'.repeat(LARGE_LENGTH / 37)
  reach(await heldGoal('10 MB of hostile text, event loop held', hostile))
}

process.exitCode = await prove(run, RUN_MS)
