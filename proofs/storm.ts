/**
 * `npm run proof:storm`: a provider that answers every call with 503, and 200 calls a second for a minute. Retries must
 * not make it worse: the provider sees at most 1.2 × the calls, and 10 a second on top. See docs/guide/proofs.md.
 *
 *   npm run proof:storm
 *   npm run proof:storm -- --seconds 5
 *   npm run proof:storm -- --break       retries that no budget covers: must fail
 */
import { parseArgs } from 'node:util'
import { type SimLogEntry, startSim } from '../src/sim/index.ts'
import { DOORS } from '../test/support/client.ts'
import { type ProofGateway, startGateway } from './rig/gateway.ts'
import { type Outcome, openLoop } from './rig/load.ts'
import { type Goal, percentile, prove } from './rig/proof.ts'

const PER_SECOND = 200
/** The load is the goal's only where the machine can make most of it. */
const MADE_SHARE_MIN = 0.9
const REQUESTS_SHARE_MAX = 1.2
const REQUESTS_FREE_A_SECOND = 10
/** From here on a second more or less does not matter. */
const LONG_RUN_S = 10
const LATENCY_P99_MAX_MS = 2_000
const GROWTH_MAX_MB = 100
const MB = 1024 * 1024
/** Of the run, after which the memory is looked at first: code is compiled and pools are full. */
const WARM_SHARE = 0.25
const RETRIES = 2

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, break: { type: 'boolean', default: false } }
})
const durationS = Number(values.seconds)
if (!(durationS >= 1 && durationS <= 600)) throw new Error('--seconds takes a number from 1 to 600')

/**
 * Two retries of one target. Broken: the retries are written as further targets at the same address, each with a budget
 * and a circuit of its own, so that nothing limits what the one provider behind them gets.
 */
function configuration(simUrl: string): string {
  const names = values.break ? ['down', 'down2', 'down3'] : ['down']
  const at = `{ base_url: "${simUrl}/v1", keys: [a-credential], allow_private: ["127.0.0.0/8"] }`
  const targets = names.map(name => `{ retry: ${name}/503, times: ${RETRIES} }`)
  return `
log: { level: error }
providers:
${names.map(name => `  ${name}: ${at}`).join('\n')}
routes:
  storm: { fallback: [${targets.join(', ')}] }
`
}

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: retries that no budget covers; this run must fail.')
  const sim = await startSim()
  let gateway: ProofGateway | undefined
  try {
    gateway = await startGateway(configuration(sim.url))
    const memory = watchMemory(gateway, durationS * 1_000 * WARM_SHARE)
    const outcomes = await openLoop({
      url: gateway.url,
      perSecond: PER_SECOND,
      durationMs: durationS * 1_000,
      call: number => {
        const door = DOORS[number % DOORS.length]!
        const isStream = number % 4 > 1
        return { path: door.path, body: JSON.stringify(door.body('storm', `call ${number}`, { stream: isStream })) }
      }
    })
    reach(judgeLoad(outcomes))
    reach(judgeRequests(outcomes.length, sim.log()))
    reach(judgeAnswers(outcomes))
    reach(judgeLatency(outcomes))
    reach(memory.judge())
  } finally {
    await gateway?.close()
    await sim.close()
  }
}

function judgeLoad({ length }: readonly Outcome[]): Goal {
  const rate = length / durationS
  const least = PER_SECOND * MADE_SHARE_MIN
  return {
    name: 'load',
    figure: `${rate.toFixed(0)} calls a second for ${durationS} s`,
    goal: `${PER_SECOND} a second`,
    ...(rate < least && { skipped: 'this machine cannot make the load beside the gateway' })
  }
}

/** All that it saw, and for as long as it saw any: on a slow machine most retries come after the last call. */
function judgeRequests(calls: number, log: readonly SimLogEntry[]): Goal {
  const seen = log.length
  const lastedS = ((log.at(-1)?.atMs ?? 0) - (log[0]?.atMs ?? 0)) / 1_000
  // A budget that is counted by the clock's seconds meets one more of them than a run is long; that shows in short ones.
  const seconds = durationS >= LONG_RUN_S ? lastedS : lastedS + 1
  const most = Math.floor(calls * REQUESTS_SHARE_MAX + seconds * REQUESTS_FREE_A_SECOND)
  const stormed = seen > most ? `${(seen / calls).toFixed(2)} × the calls` : undefined
  return {
    name: 'requests the provider saw',
    figure: `${seen} for ${calls} calls, in ${lastedS.toFixed(1)} s`,
    goal: `at most 1.2 × and 10 a second: ${most}`,
    problem: stormed ?? (seen < calls / 2 ? 'most calls never reached it' : undefined)
  }
}

function judgeAnswers(outcomes: readonly Outcome[]): Goal {
  const told = outcomes.filter(({ status, isError }) => status >= 500 && isError).length
  return {
    name: 'callers who were told',
    figure: `${told} of ${outcomes.length}`,
    goal: "every one, with a 5xx and an error in the dialect's shape",
    problem: told === outcomes.length ? undefined : `${outcomes.length - told} were not`
  }
}

function judgeLatency(outcomes: readonly Outcome[]): Goal {
  const p99Ms = percentile(
    outcomes.map(({ tookMs }) => tookMs),
    0.99
  )
  return {
    name: 'time to the error, 99 of 100',
    figure: `${(p99Ms / 1_000).toFixed(2)} s`,
    goal: 'under 2 s',
    problem: p99Ms < LATENCY_P99_MAX_MS ? undefined : 'too long'
  }
}

/** The gateway's memory: from a quarter of the run on it must not grow with the calls. */
function watchMemory(gateway: ProofGateway, warmMs: number): { judge(): Goal } {
  let warmBytes: number | undefined
  const timer = setTimeout(() => {
    warmBytes = gateway.rssBytes()
  }, warmMs)
  return {
    judge() {
      clearTimeout(timer)
      const endBytes = gateway.rssBytes()
      const goal = { name: 'memory', goal: `grows by at most ${GROWTH_MAX_MB} MB after the first quarter` }
      if (warmBytes === undefined || endBytes === undefined)
        return { ...goal, figure: '–', skipped: 'this system does not tell how much memory a process has' }
      const grownMb = (endBytes - warmBytes) / MB
      const figure = `${(warmBytes / MB).toFixed(0)} MB, then ${(endBytes / MB).toFixed(0)} MB`
      return { ...goal, figure, problem: grownMb > GROWTH_MAX_MB ? `grew by ${grownMb.toFixed(0)} MB` : undefined }
    }
  }
}

process.exitCode = await prove(run, durationS * 1_000 + 120_000)
