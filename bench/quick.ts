/**
 * `npm run bench:quick`: CPU time of the gateway, per request and per chunk of a stream, beside nginx's before the same
 * upstream in the same run. About 110 seconds on a quiet machine; loopback only. See docs/guide/benchmarks.md.
 *
 *   npm run bench:quick                 the comparison; exit code 1 where a goal is missed
 *   npm run bench:quick -- --break      the same with a wasteful proxy in the gateway's place: must fail
 *   npm run bench:quick -- --short      a few seconds, for trying the rig; too short for figures
 */
import { parseArgs } from 'node:util'
import { canReadCpu, loadAverage, readCpu, readMachineUs, spentUs } from './rig/cpu.ts'
import { Stage } from './rig/processes.ts'
import {
  nginxVersion,
  type Subject,
  startBare,
  startCaching,
  startCachingFull,
  startConstant,
  startFull,
  startGateway,
  startMock,
  startNginx,
  startWasteful
} from './rig/proxies.ts'
import { cells, closing, type Judged, judge, type Outcome, ratios, table } from './rig/report.ts'
import { inTurns, type Pace, Refused } from './rig/windows.ts'
import { CROSS_STREAMS, CROSS_WHOLE, LONG, STREAMS, WHOLE_8, WHOLE_32, type Workload } from './rig/workloads.ts'

interface Row {
  workload: Workload
  pace: Pace
  /** The most that the gateway may cost, as a multiple of nginx; undefined: for information, and nginx cannot do it. */
  goal?: number
}

/** Until V8 has compiled what is hot: before that its compiler's threads are a fifth of the figure. */
const WARM_MS = 5_000
const WHOLE_PACE: Pace = { windows: 5, windowMs: 800, warmMs: WARM_MS, warmUnits: 15_000 }
const LONG_PACE: Pace = { ...WHOLE_PACE, warmUnits: 3_000 }
const STREAM_PACE: Pace = { windows: 3, windowMs: 2_000, warmMs: 1_500 }

/**
 * Goals are ratios in one run, because absolute figures move with the machine. They are fences against getting worse,
 * with room over what engine `node` shows on two shared cores; the second engine (D18) is what may move them far down.
 */
const ROWS: readonly Row[] = [
  { workload: WHOLE_8, pace: WHOLE_PACE, goal: 15 },
  { workload: WHOLE_32, pace: WHOLE_PACE, goal: 15 },
  { workload: LONG, pace: LONG_PACE, goal: 12 },
  { workload: STREAMS, pace: STREAM_PACE, goal: 4 },
  { workload: CROSS_WHOLE, pace: { ...WHOLE_PACE, windows: 2 } },
  { workload: CROSS_STREAMS, pace: { ...STREAM_PACE, windows: 1 } }
]

/** What is in memory, against asking somebody who answers at once. */
const HIT_GOAL = 1

/** Three budgets, three limits and prices, against a key alone. */
const FEATURES_GOAL = 1.4

const SHORT: Pace = { windows: 2, windowMs: 300, warmMs: 200 }
/** Above this many CPUs busy with something else, the figures are marked as noisy. */
const NOISY_CPUS = 0.3
/** The longest a run may take; it needs about 110 s where nothing else runs. */
const RUN_MS = 330_000

/** Proxies are there, or the reason why one is not. */
interface Field {
  mockPort: number
  gateway: Subject | string
  nginx: Subject | string
}

const NO_NGINX = 'nginx is not installed (Debian: apt-get install nginx-light)'

async function compareAll(stage: Stage, options: Options): Promise<Judged[]> {
  const field = await startAll(stage, options.broken)
  const noise = watchNoise()
  const judged: Judged[] = []
  const rows = [['CPU µs: median (least–most)', 'gateway', 'nginx', 'ratio', 'gateway/s', 'nginx/s']]
  for (const { workload, pace, goal } of ROWS) {
    if (goal === undefined && options.broken) continue
    const outcome = await compare(
      goal === undefined ? { ...field, nginx: 'no goal' } : field,
      workload,
      options.short ? SHORT : pace
    )
    rows.push(cells(workload.name, outcome))
    if (goal !== undefined) judged.push(judge(`${workload.name}, CPU`, goal, outcome))
    else if (outcome.problem?.verdict === 'FAIL') rows.push([`  ${outcome.problem.why}`, '', '', '', '', ''])
  }
  console.log(`\n${table(rows)}\n`)
  judged.push(await compareHits(stage, field, options))
  judged.push(await compareFeatures(stage, field.mockPort, options))
  const otherCpus = noise()
  if (otherCpus > NOISY_CPUS)
    console.log(`Noisy: other processes kept ${otherCpus.toFixed(1)} CPUs busy; absolute figures are too high.\n`)
  return judged
}

async function startAll(stage: Stage, broken: boolean): Promise<Field> {
  const version = nginxVersion()
  console.log(`${stage.machine}; Node ${process.versions.node}; nginx ${version ?? '(none)'}; ${stage.pinned}`)
  if (loadAverage() > NOISY_CPUS) console.log(`Load average ${loadAverage()}: other processes are busy.`)
  if (broken) console.log('--break: a wasteful proxy stands in for the gateway; this run must fail.')
  const mock = await startMock(stage)
  const startSubject = broken ? startWasteful : startGateway
  return {
    mockPort: mock.port,
    gateway: await startSubject(stage, mock.port).catch(error => `the gateway ${error.message}`),
    nginx:
      version === undefined ? NO_NGINX : await startNginx(stage, mock.port).catch(error => `nginx ${error.message}`)
  }
}

/** An answer from the cache against nginx that asks an upstream which answers at once. */
async function compareHits(stage: Stage, { mockPort, nginx }: Field, { short, broken }: Options): Promise<Judged> {
  const name = 'an answer from the cache, CPU'
  const unjudged = (verdict: 'FAIL' | 'SKIPPED', why: string) =>
    judge(name, HIT_GOAL, { gateway: [], nginx: [], problem: { verdict, why } })
  if (typeof nginx === 'string') return unjudged('SKIPPED', nginx)
  try {
    const caching = await (broken ? startWasteful : startCaching)(stage, mockPort)
    const [constant, looked] = [await startConstant(stage), await startCachingFull(stage, mockPort)]
    const [hits = [], proxied = [], bare = [], read = []] = await inTurns(
      WHOLE_8,
      [caching, nginx, constant, looked],
      short ? SHORT : WHOLE_PACE
    )
    const besideNginx = (gateway: typeof hits) => `${ratios({ gateway, nginx: proxied }).median.toFixed(2)} × nginx`
    console.log(`${table([cells('an answer from the cache', { gateway: hits, nginx: proxied })])}`)
    console.log(`With budgets and limits, which look at each call: ${besideNginx(read)}.`)
    console.log(`node:http alone, the same answer to everything: ${besideNginx(bare)}.\n`)
    return judge(name, HIT_GOAL, { gateway: hits, nginx: proxied })
  } catch (error) {
    return unjudged('FAIL', error instanceof Error ? error.message : String(error))
  }
}

interface Options {
  short: boolean
  broken: boolean
}

/**
 * Everything on against nothing on, both the gateway as people run it: what budgets, limits and prices cost together. The
 * ledger is in both, since nobody can turn it off; what it costs by itself is shown against a gateway that keeps nothing.
 */
async function compareFeatures(stage: Stage, mockPort: number, { short, broken }: Options): Promise<Judged> {
  const pace = short ? SHORT : WHOLE_PACE
  try {
    const nothing = await startGateway(stage, mockPort)
    const everything = await (broken ? startWasteful : startFull)(stage, mockPort)
    const keepsNothing = await startBare(stage, mockPort)
    const [all = [], plain = [], bare = []] = await inTurns(WHOLE_8, [everything, nothing, keepsNothing], pace)
    const { median } = ratios({ gateway: plain, nginx: bare })
    console.log(`With the ledger: ${median.toFixed(2)} × a gateway that keeps nothing.\n`)
    return judge('everything on, CPU', FEATURES_GOAL, { gateway: all, nginx: plain }, 'nothing on')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return judge('everything on, CPU', FEATURES_GOAL, { gateway: [], nginx: [], problem: { verdict: 'FAIL', why } })
  }
}

/** Measures what can be measured: both in turns, or the gateway alone for its absolute figure. */
async function compare({ gateway, nginx }: Field, workload: Workload, pace: Pace): Promise<Outcome> {
  const failed = (why: string): Outcome => ({ gateway: [], nginx: [], problem: { verdict: 'FAIL', why } })
  if (typeof gateway === 'string') return failed(gateway)
  const proxies = typeof nginx === 'string' ? [gateway] : [gateway, nginx]
  try {
    const [ours = [], theirs = []] = await inTurns(workload, proxies, pace)
    if (typeof nginx === 'string') return { gateway: ours, nginx: [], problem: { verdict: 'SKIPPED', why: nginx } }
    return { gateway: ours, nginx: theirs }
  } catch (error) {
    if (error instanceof Refused) return failed(error.message)
    throw error
  }
}

/** Returns how many CPUs, on average since, were busy with what is not ours. */
function watchNoise(): () => number {
  const [begun, machine, own] = [performance.now(), readMachineUs(), readCpu(process.pid)]
  return () => {
    const othersUs = readMachineUs() - machine - spentUs(own, readCpu(process.pid))
    return othersUs / ((performance.now() - begun) * 1_000)
  }
}

/** The whole of it, in D22's form. Returns the exit code. */
async function main(args: string[]): Promise<number> {
  const options = { break: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } } as const
  const { values } = parseArgs({ args, options })
  const judged = canReadCpu() ? await onStage(values) : cannotRead()
  for (const { line } of judged) console.log(line)
  const { line, failed } = closing(judged, process.env.CI === 'true')
  console.log(line)
  return failed ? 1 : 0
}

async function onStage(values: { break: boolean; short: boolean }): Promise<Judged[]> {
  const stage = new Stage({ pin: true })
  const overdue = setTimeout(() => {
    console.error(`stopped: not done after ${RUN_MS / 1_000} s`)
    process.exit(1)
  }, RUN_MS)
  try {
    return await compareAll(stage, { short: values.short, broken: values.break })
  } finally {
    clearTimeout(overdue)
    await stage.close()
  }
}

function cannotRead(): Judged[] {
  const problem = {
    verdict: 'SKIPPED',
    why: 'CPU time is read from /proc/PID/schedstat, which Linux alone has'
  } as const
  return ROWS.flatMap(({ workload, goal }) =>
    goal === undefined ? [] : [judge(`${workload.name}, CPU`, goal, { gateway: [], nginx: [], problem })]
  )
}

process.exitCode = await main(process.argv.slice(2))
