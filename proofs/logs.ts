/**
 * `npm run proof:logs`: 10,000 calls, of which some fail, some are left by their clients and some are under way when the
 * gateway is asked to leave (SIGTERM) and when it is killed (`kill -9`). Then the log has a row for each call that is
 * over, and what its rows cost is what the ledger's attempts cost: embedded and on PostgreSQL. See docs/guide/proofs.md.
 *
 *   npm run proof:logs
 *   npm run proof:logs -- --quick    500 calls, embedded
 *   npm run proof:logs -- --break    no journal: must fail
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startSim } from '../src/sim/index.ts'
import type { AttemptRow, RequestRow } from '../src/stores/rows.ts'
import { until } from '../test/support/until.ts'
import { type Engine, engines } from './rig/ledger-engines.ts'
import { LedgerGateway } from './rig/ledger-gateway.ts'
import { type ClientCall, LedgerLoad, ledgerConfiguration } from './rig/ledger-load.ts'
import { type Goal, prove } from './rig/proof.ts'

const CALLS = 10_000
const QUICK_CALLS = 500
const CALLERS = 20
const LEAVING = 0.1
const LIMIT_MS = 30 * 60_000
const LIFE_MS = 10 * 60_000

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, break: { type: 'boolean', default: false } }
})
const isSmall = values.quick || values.break
const total = isSmall ? QUICK_CALLS : CALLS
/** How each life of the gateway ends, and after which share of the calls. */
const LIVES = [
  { until: 0.45, signal: 'SIGTERM', isBusy: true },
  { until: 0.9, signal: 'SIGKILL', isBusy: true },
  { until: 1, signal: 'SIGTERM', isBusy: false }
] as const

interface Evidence {
  calls: readonly ClientCall[]
  /** Under way at the kill. */
  inFlight: number
  requests: readonly RequestRow[]
  attempts: readonly AttemptRow[]
}

async function run(reach: (goal: Goal) => void): Promise<void> {
  for (const engine of isSmall ? engines.slice(0, 1) : engines) {
    const why = engine.missing()
    if (why !== undefined) reach({ name: engine.name, figure: 'not run', goal: 'rows and sums agree', skipped: why })
    else for (const goal of judged(await gathered(engine))) reach({ ...goal, name: `${engine.name}: ${goal.name}` })
  }
}

async function gathered(engine: Engine): Promise<Evidence> {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-proof-logs-'))
  const sim = await startSim({ paceMs: 0 })
  const database = await engine.open(directory)
  try {
    const config = path.join(directory, 'gatehouse.yaml')
    const data = path.join(directory, 'data')
    mkdirSync(data)
    const stores = `stores: { data: ${JSON.stringify(data)}${database.settings} }`
    writeFileSync(config, `overload: { loop_lag: 60s, memory: 99% }\n${stores}\n${ledgerConfiguration(sim.url)}`)
    const lives = await live({ directory, config, isBroken: values.break })
    // What the killed one left is recovered by the next; this one has nothing else to do.
    return { ...lives, ...(await database.read()) }
  } finally {
    await database.close()
    await sim.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function live(
  start: ConstructorParameters<typeof LedgerGateway>[0]
): Promise<Pick<Evidence, 'calls' | 'inFlight'>> {
  let seed = 1
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  const calls: ClientCall[] = []
  let inFlight = 0
  for (const { until: share, signal, isBusy } of LIVES) {
    const gateway = new LedgerGateway(start)
    const load = new LedgerLoad(await gateway.url(), CALLERS, random, LEAVING)
    await until(() => calls.length + load.calls.length >= share * total, `${share * total} calls`, LIFE_MS)
    if (signal === 'SIGKILL') inFlight += load.inFlight
    const stopped = load.stop()
    if (!isBusy) await stopped
    await gateway.end(signal)
    await stopped
    calls.push(...load.calls)
  }
  return { calls, inFlight }
}

function judged(evidence: Evidence): Goal[] {
  return [finishedCalls(evidence), rowsOfCalls(evidence), sums(evidence), kinds(evidence)]
}

function finishedCalls({ calls, requests }: Evidence): Goal {
  const counts = Map.groupBy(requests, ({ id }) => id)
  const finished = calls.filter(call => call.finished)
  const without = finished.filter(({ id }) => counts.get(id!)?.length !== 1).length
  return {
    name: 'calls whose clients had all of the answer',
    figure: `${finished.length}, ${without} without a row of their own`,
    goal: 'a row each',
    problem: without > 0 || finished.length === 0 ? `${without} are not in the log` : undefined
  }
}

/** Who left or was cut off may not have heard of an id; but there is no row without a call, and none twice. */
function rowsOfCalls({ calls, requests, inFlight }: Evidence): Goal {
  const ids = new Set(requests.map(({ id }) => id))
  const known = calls.filter(({ id }) => id !== undefined)
  const lost = known.filter(({ id }) => !ids.has(id!)).length
  const problem =
    lost > inFlight
      ? `${lost - inFlight} more than were under way at the kill`
      : requests.length > calls.length || ids.size !== requests.length
        ? 'there are rows too many'
        : undefined
  return {
    name: 'rows',
    figure: `${requests.length} of ${calls.length} calls, ${lost} that had begun to answer are in none, ${inFlight} were under way at the kill`,
    goal: 'all but those under way at the kill, each once',
    problem
  }
}

function sums({ requests, attempts }: Evidence): Goal {
  const ofRequest = Map.groupBy(attempts, ({ requestId }) => requestId)
  let wrong = 0
  let [rows, ledger] = [0n, 0n]
  for (const { id, costNano } of requests) {
    const cost = sum(ofRequest.get(id) ?? [])
    rows += BigInt(costNano ?? 0)
    ledger += cost
    if (cost !== BigInt(costNano ?? 0)) wrong++
  }
  return {
    name: 'what calls cost',
    figure: `$${dollars(rows)} in the log, $${dollars(ledger)} in the ledger, ${wrong} calls differ`,
    goal: 'the same, call by call',
    problem: wrong > 0 || rows !== ledger || rows === 0n ? 'the sums differ' : undefined
  }
}

/** The load was as mixed as it says. */
function kinds({ requests, attempts, inFlight }: Evidence): Goal {
  const count = (outcome: RequestRow['outcome']) => requests.filter(row => row.outcome === outcome).length
  const failed = attempts.filter(({ outcome }) => outcome === 'failed').length
  const missing = [count('done') === 0, count('aborted') === 0, failed === 0, inFlight === 0].filter(Boolean).length
  return {
    name: 'the load',
    figure: `${count('done')} answered, ${count('aborted')} left, ${count('failed')} failed, ${failed} attempts in vain, ${inFlight} under way at the kill`,
    goal: 'some of each',
    problem: missing > 0 ? 'a kind is missing: nothing was shown of it' : undefined
  }
}

function sum(attempts: readonly AttemptRow[]): bigint {
  return attempts.reduce((total, { costNano }) => total + BigInt(costNano ?? 0), 0n)
}

function dollars(nano: bigint): string {
  return (Number(nano) / 1e9).toFixed(6)
}

process.exitCode = await prove(run, LIMIT_MS)
