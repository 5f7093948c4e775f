/**
 * `npm run proof:budget`: 200 calls at once, of random cost, by several doors, whole and streamed, against a budget of
 * $1.00; some of their clients leave, some providers fail, break off or say nothing, and then a dearer model is asked.
 * Whatever happens, no more than the dollar is spent, nothing stays held, and the books equal what the provider counted.
 * See docs/guide/proofs.md.
 *
 *   npm run proof:budget
 *   npm run proof:budget -- --calls 60 --runs 2
 *   npm run proof:budget -- --quick      one run of 60 calls
 *   npm run proof:budget -- --break      holds that hold nothing: must fail
 */
import { parseArgs } from 'node:util'
import { usdText } from '../src/nano.ts'
import { seeded } from '../test/support/dialects.ts'
import { type BudgetCall, callsOf, type Mix } from './rig/budget-calls.ts'
import { type Engine, memoryEngine, postgresEngine, redisEngine } from './rig/budget-engines.ts'
import { type Attempt, LIMIT_NANO, type Run, runBudget } from './rig/budget-run.ts'
import { many } from './rig/evidence.ts'
import { type Goal, prove } from './rig/proof.ts'

/** All calls together would cost so many times the budget. */
const OVER_TIMES = 3
const ADMITTED_SHARE_MIN = 0.95
/** What a word of an answer comes to, in tokens, as the simulated provider counts. */
const TOKENS_A_WORD = 1.65
/** Price at which it is found out what calls cost that nothing limits. */
const TRIAL_NANO = 1_000
const LIMIT_MS = 15 * 60_000

const { values } = parseArgs({
  options: {
    calls: { type: 'string' },
    runs: { type: 'string' },
    quick: { type: 'boolean', default: false },
    break: { type: 'boolean', default: false }
  }
})
const count = Number(values.calls ?? (values.quick ? 60 : 200))
const runs = Number(values.runs ?? (values.quick ? 1 : 20))
if (!(count >= 20 && count <= 1_000)) throw new Error('--calls takes a number from 20 to 1000')
if (!(runs >= 1 && runs <= 100)) throw new Error('--runs takes a number from 1 to 100')

interface Fleet {
  name: string
  engine: Engine
}

const REPLICAS = 3

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: holds that hold nothing; this run must fail.')
  await proveWith({ name: '1 gateway', engine: memoryEngine() }, reach)
  for (const [store, open] of [
    ['Redis', redisEngine],
    ['PostgreSQL', postgresEngine]
  ] as const) {
    const name = `${REPLICAS} gateways and ${store}`
    const engine = await open(REPLICAS)
    if (engine) await proveWith({ name, engine }, reach)
    else reach({ name, figure: '–', goal: 'as with one', skipped: `${store} is not installed` })
  }
}

async function proveWith(fleet: Fleet, reach: (goal: Goal) => void): Promise<void> {
  try {
    const over = await repeat(seed => spendOver(fleet, seed))
    reach(judgeSettled(fleet, over))
    reach(judgeProvider(fleet, over))
    reach(judgeLeft(fleet, over))
    reach(judgeBooks(fleet, over))
    reach(judgeAdmitted(fleet, await repeat(seed => spendHalf(fleet, seed))))
    reach(judgeOverrun(fleet, await repeat(seed => spendMisjudged(fleet, seed))))
  } finally {
    await fleet.engine.close()
  }
}

async function repeat<Result>(once: (seed: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  while (results.length < runs) results.push(await once(results.length + 1))
  return results
}

function mixOf(seed: number, more: Partial<Mix> = {}): BudgetCall[] {
  return callsOf({ count, random: seeded(seed), open: false, ...more })
}

async function spend({ engine }: Fleet, calls: readonly BudgetCall[], tokenNano: number): Promise<Run> {
  return runBudget({ calls, tokenNano, counters: await engine.fresh(), breaks: values.break })
}

/** A price at which these calls come to so many budgets. */
function priceFor(calls: readonly BudgetCall[], times: number): number {
  const words = calls.reduce((sum, call) => sum + call.words, 0)
  return Math.ceil((times * LIMIT_NANO) / (words * TOKENS_A_WORD))
}

function spendOver(fleet: Fleet, seed: number): Promise<Run> {
  const calls = mixOf(seed, { open: true })
  return spend(fleet, calls, priceFor(calls, OVER_TIMES))
}

/** What all calls of a seed come to by the provider's own count, at the price of the trial. */
const trials = new Map<number, Promise<number>>()

/** Makes the calls where nothing limits them, once; and then where that is half the budget. */
async function spendHalf(fleet: Fleet, seed: number): Promise<{ run: Run; trueNano: number }> {
  const calls = mixOf(seed)
  const trial = { calls, tokenNano: TRIAL_NANO, unlimited: true, counters: await memoryEngine().fresh(), breaks: false }
  const trialNano = trials.get(seed) ?? runBudget(trial).then(providerNano)
  trials.set(seed, trialNano)
  const tokenNano = Math.floor((TRIAL_NANO * LIMIT_NANO) / 2 / (await trialNano))
  return { run: await spend(fleet, calls, tokenNano), trueNano: ((await trialNano) * tokenNano) / TRIAL_NANO }
}

function spendMisjudged(fleet: Fleet, seed: number): Promise<Run> {
  const calls = mixOf(seed, { model: 'lab/usage-over-estimate' })
  return spend(fleet, calls, priceFor(calls, OVER_TIMES))
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
const settledNano = ({ attempts }: Run) => sum(attempts.map(({ row }) => row.costNano ?? 0))
const providerNano = ({ attempts }: Run) => sum(attempts.map(({ simNano }) => simNano ?? 0))
const refused = ({ told }: Run) => told.filter(({ code }) => code === 'budget_exceeded').length
const dollars = (nano: number) => `$${usdText(Math.round(nano))}`
const inRuns = ({ name }: Fleet) => `${name}, ${many(runs, 'run')}`

function judgeSettled(fleet: Fleet, all: readonly Run[]): Goal {
  const most = Math.max(...all.flatMap(run => [settledNano(run), run.spentNano]))
  const turned = Math.min(...all.map(refused))
  return {
    name: `settled (${inRuns(fleet)} of ${count} calls)`,
    figure: `at most ${dollars(most)}, and at least ${many(turned, 'call')} refused`,
    goal: `at most ${dollars(LIMIT_NANO)}, of calls worth about ${dollars(OVER_TIMES * LIMIT_NANO)}`,
    problem: most > LIMIT_NANO ? 'overrun' : turned === 0 ? 'the budget was never short' : undefined
  }
}

function judgeProvider(fleet: Fleet, all: readonly Run[]): Goal {
  const most = Math.max(...all.map(providerNano))
  return {
    name: `by the provider's own count (${inRuns(fleet)})`,
    figure: `at most ${dollars(most)}`,
    goal: `at most ${dollars(LIMIT_NANO)}`,
    problem: most > LIMIT_NANO ? 'overrun' : undefined
  }
}

function judgeLeft(fleet: Fleet, all: readonly Run[]): Goal {
  const holds = sum(all.map(({ openHolds }) => openHolds))
  const held = sum(all.map(({ heldNano }) => heldNano))
  return {
    name: `left behind (${inRuns(fleet)})`,
    figure: `${many(holds, 'hold')}, ${dollars(held)} held`,
    goal: 'no hold, nothing held',
    problem: holds + held === 0 ? undefined : 'holds leak'
  }
}

/** Rows and requests are the same ones, and say the same of what they cost. */
function judgeBooks(fleet: Fleet, all: readonly Run[]): Goal {
  const attempts = all.flatMap(run => run.attempts)
  const problems = [
    ...all.flatMap(run => run.faults.map(id => `${id} has no row, or two`)),
    ...all
      .filter(run => run.spentNano !== settledNano(run))
      .map(run => `counters say ${dollars(run.spentNano)} and rows ${dollars(settledNano(run))}`),
    ...attempts.map(problemOf).filter(problem => problem !== undefined)
  ]
  const counted = (source: string) => attempts.filter(({ row }) => row.usageSource === source).length
  return {
    name: `the books (${inRuns(fleet)})`,
    figure: `${counted('provider')} counted by the provider, ${counted('estimated')} estimated, ${counted('none')} free`,
    goal: 'counted: equal; estimated: not below; one row a request; the counters are their sum',
    problem: problems.length === 0 ? undefined : `${problems.length} ×, as ${problems[0]}`
  }
}

function problemOf({ row, simNano = 0 }: Attempt): string | undefined {
  const { id, model, state, usageSource, costNano, heldNano, outcome } = row
  const who = `${model} ${id} (${outcome}, held ${heldNano})`
  if (state === 'started') return `${who} never ended`
  if (costNano === null) return `${who} has no price`
  if (usageSource === 'provider' && costNano !== simNano) return `${who}: ${costNano}, the provider says ${simNano}`
  return costNano < simNano ? `${who}: ${costNano} is below the ${simNano} of the provider` : undefined
}

function judgeAdmitted(fleet: Fleet, all: readonly { run: Run; trueNano: number }[]): Goal {
  const least = Math.min(...all.map(({ run }) => count - refused(run)))
  const most = Math.max(...all.map(({ run }) => settledNano(run)))
  const mean = sum(all.map(({ trueNano }) => trueNano)) / all.length
  const few = least < count * ADMITTED_SHARE_MIN ? 'refused without need' : undefined
  return {
    name: `admitted where all cost ${dollars(Math.round(mean / 1e7) * 1e7)} (${inRuns(fleet)})`,
    figure: `at least ${least} of ${count}, settled at most ${dollars(most)}`,
    goal: `${ADMITTED_SHARE_MIN * 100} %, and at most ${dollars(LIMIT_NANO)}`,
    problem: few ?? (most > LIMIT_NANO ? 'overrun' : undefined)
  }
}

/** A provider that counts more than was asked for overruns any budget: by what the rows say, and by no more. */
function judgeOverrun(fleet: Fleet, all: readonly Run[]): Goal {
  const worst = all.toSorted((one, other) => settledNano(other) - settledNano(one))[0]!
  return {
    name: `a provider that reports three times as much (${inRuns(fleet)})`,
    figure: `${dollars(settledNano(worst))} settled, ${dollars(printedNano(worst))} of it beyond holds`,
    goal: `without what is marked as beyond its hold, at most ${dollars(LIMIT_NANO)}`,
    problem: all.map(overrunProblem).find(problem => problem !== undefined)
  }
}

function overrunProblem(run: Run): string | undefined {
  const printed = printedNano(run)
  const counted = run.attempts.filter(({ row }) => row.usageSource === 'provider')
  const beyond = sum(counted.map(({ row, simNano = 0 }) => Math.max(0, simNano - (row.heldNano ?? 0))))
  const rest = settledNano(run) - printed - LIMIT_NANO
  if (printed === 0) return 'the provider did not over-report'
  if (printed !== beyond) return `by the provider's own count it is ${dollars(beyond)} beyond holds`
  return rest > 0 ? `${dollars(rest)} more than that` : undefined
}

/** What the rows say that they came to beyond what was held for them. */
function printedNano({ attempts }: Run): number {
  const marked = attempts.filter(({ row }) => row.marks.includes('underestimated') || row.marks.includes('unbounded'))
  return sum(marked.map(({ row }) => Math.max(0, (row.costNano ?? 0) - (row.heldNano ?? 0))))
}

process.exitCode = await prove(run, LIMIT_MS)
