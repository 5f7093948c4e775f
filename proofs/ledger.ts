/**
 * `npm run proof:ledger`: the gateway is killed (`kill -9`) 200 times at random moments, under load and while it starts,
 * and started again. At the end the ledger, the log of the provider and what the clients had agree (D4), embedded and on
 * PostgreSQL. See docs/guide/proofs.md.
 *
 *   npm run proof:ledger
 *   npm run proof:ledger -- --kills 50 --only embedded
 *   npm run proof:ledger -- --quick       5 kills
 *   npm run proof:ledger -- --seed 7      other moments
 *   npm run proof:ledger -- --break       no journal: must fail
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Sim, type SimLogEntry, startSim } from '../src/sim/index.ts'
import { many } from './rig/evidence.ts'
import { type Engine, engines } from './rig/ledger-engines.ts'
import { LedgerGateway } from './rig/ledger-gateway.ts'
import { type ClientCall, LedgerLoad, ledgerConfiguration } from './rig/ledger-load.ts'
import { judgeRelations, type LedgerEvidence } from './rig/ledger-relations.ts'
import { type Goal, prove } from './rig/proof.ts'

const KILLS = 200
const QUICK_KILLS = 5
const CALLERS = 10
/** After its start, that load is given. */
const UNDER_LOAD_MS = { least: 50, most: 900 }
/** After the process began: amid its start, where it recovers what the one before left. */
const STARTING_MS = { least: 100, most: 1_200 }
const STARTING_SHARE = 0.15
/** For a kill, with its start, on a machine that is busy with other things. */
const KILL_MS = 15_000
const SPARE_MS = 120_000

const { values } = parseArgs({
  options: {
    kills: { type: 'string' },
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    break: { type: 'boolean', default: false }
  }
})
const kills = Number(values.kills ?? (values.quick || values.break ? QUICK_KILLS : KILLS))
if (!(kills >= 1 && kills <= 2_000)) throw new Error('--kills takes a number from 1 to 2000')

/** Numbers from 0 to 1 that follow from the seed: the moments of a run can be had again, what is in them not quite. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: no journal; this run must fail.')
  for (const engine of engines) {
    if (values.only !== undefined && values.only !== engine.name) continue
    const why = engine.missing()
    if (why !== undefined)
      reach({ name: engine.name, figure: 'not run', goal: 'the six relations of D4', skipped: why })
    else for (const goal of await proveEngine(engine)) reach({ ...goal, name: `${engine.name}: ${goal.name}` })
  }
}

async function proveEngine(engine: Engine): Promise<Goal[]> {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-ledger-'))
  const sim = await startSim({ paceMs: 1 })
  const database = await engine.open(directory)
  try {
    const config = path.join(directory, 'gatehouse.yaml')
    const data = path.join(directory, 'data')
    mkdirSync(data)
    writeFileSync(
      config,
      `overload: { loop_lag: 60s, memory: 99% }\nstores: { data: ${JSON.stringify(data)}${database.settings} }\n` +
        ledgerConfiguration(sim.url)
    )
    const start = { directory, config, isBroken: values.break }
    const lives = await killAgainAndAgain(start, sim)
    // The last one recovers what is left, and is asked to leave.
    const last = new LedgerGateway(start)
    await last.url()
    await last.end('SIGTERM')
    return judgeRelations({ ...lives, ...(await database.read()) })
  } finally {
    await database.close()
    await sim.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

type Lives = Pick<LedgerEvidence, 'provider' | 'calls' | 'kills' | 'inFlight'>

async function killAgainAndAgain(start: ConstructorParameters<typeof LedgerGateway>[0], sim: Sim): Promise<Lives> {
  const random = seeded(Number(values.seed))
  const between = ({ least, most }: { least: number; most: number }) => least + random() * (most - least)
  const calls: ClientCall[] = []
  const provider: SimLogEntry[] = []
  let inFlight = 0
  for (let kill = 1; kill <= kills; kill++) {
    const gateway = new LedgerGateway(start)
    if (kill > 1 && random() < STARTING_SHARE) await sleep(between(STARTING_MS))
    else {
      const load = new LedgerLoad(await gateway.url(), CALLERS, random)
      await sleep(between(UNDER_LOAD_MS))
      inFlight += load.inFlight
      const stopped = load.stop()
      await gateway.end('SIGKILL')
      await stopped
      calls.push(...load.calls)
    }
    await gateway.end('SIGKILL')
    // The simulator forgets its oldest, in time.
    provider.push(...sim.log().filter(({ seq }) => seq > (provider.at(-1)?.seq ?? 0)))
    if (kill % 25 === 0)
      console.log(`${many(kill, 'kill')}, ${many(calls.length, 'call')}, ${inFlight} in flight at them`)
  }
  // What was running when it was noted has been told its usage since.
  const entries = provider.map(({ headers, usage }) => ({ id: headers['x-client-request-id'], usage }))
  return { provider: entries, calls, kills, inFlight }
}

process.exitCode = await prove(run, 2 * kills * KILL_MS + SPARE_MS)
