/**
 * `npm run faults`: the sixteen faults of the public failover catalogue, in every dialect, streamed and whole, with
 * real timings. Each row has two simulated providers of its own and one expectation, checked in their logs and in what
 * the caller saw. About 90 seconds; loopback only. See docs/guide/proofs.md.
 *
 *   npm run faults                       everything
 *   npm run faults -- --only flapping    rows of the faults whose name has this text
 *   npm run faults -- --quick            short timeouts, nothing crossed: about 15 seconds
 *   npm run faults -- --break            no retries, no fallback, no recovery: must fail
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { REAL, seconds, shortTimes } from './rig/evidence.ts'
import { type ProofGateway, startGateway } from './rig/gateway.ts'
import { type Goal, prove } from './rig/proof.ts'
import { rowsOf, Stand } from './rig/rows.ts'

const RUN_MS = 600_000
/** Between the starts of two rows, so that none is slow only because all begin at once. */
const STAGGER_MS = 20
const QUICK_AT_ONCE = 40

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    break: { type: 'boolean', default: false }
  }
})

async function run(reach: (goal: Goal) => void): Promise<void> {
  const startedMs = performance.now()
  const times = values.quick ? shortTimes() : REAL
  const rows = rowsOf({ quick: values.quick, only: values.only })
  if (rows.length === 0) throw new Error(`no fault has "${values.only}" in its name`)
  if (values.break) console.log('--break: no retries, no fallback, no recovery; this run must fail.')
  const stands = await Promise.all(rows.map((row, id) => Stand.open(row, times, id)))
  let gateway: ProofGateway | undefined
  try {
    gateway = await startGateway(`
log: { level: error }
providers:${stands.map(stand => stand.providersYaml()).join('')}
routes:${stands.map(stand => stand.routeYaml(values.break)).join('')}
`)
    const running = gateway
    // All run at once, the longest from the start on; their lines come in the catalogue's order.
    const goals = new Map<Stand, Promise<Goal>>()
    const underWay = new Set<Promise<unknown>>()
    for (const stand of stands.toSorted((a, b) => Number(b.isLong) - Number(a.isLong))) {
      // Quick rows wait little: all at once would be slow for want of processors, and not for a fault.
      while (values.quick && underWay.size >= QUICK_AT_ONCE) await Promise.race(underWay)
      const goal = stand.run(running)
      goals.set(stand, goal)
      const done: Promise<void> = goal.then(ended, ended)
      function ended(): void {
        underWay.delete(done)
      }
      if (!stand.isLong) underWay.add(done)
      await sleep(STAGGER_MS)
    }
    await Promise.allSettled(goals.values())
    for (const stand of stands) reach(await goals.get(stand)!)
    const tookMs = performance.now() - startedMs
    const problem = tookMs < RUN_MS ? undefined : 'too long'
    reach({ name: 'the whole run', figure: seconds(tookMs), goal: 'under 10 minutes', problem })
  } finally {
    await gateway?.close()
    await Promise.all(stands.map(stand => stand.close()))
  }
}

process.exitCode = await prove(run, RUN_MS)
