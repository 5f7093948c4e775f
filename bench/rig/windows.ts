import { readCpu, spentUs } from './cpu.ts'
import { Load } from './load.ts'
import { wait } from './processes.ts'
import type { Subject } from './proxies.ts'
import type { Workload } from './workloads.ts'

export interface Pace {
  /** Windows of each proxy, taken in turns. */
  windows: number
  /** Length of a window, while the load is steady. */
  windowMs: number
  /** Load before the first window, to let the proxy's code be compiled. */
  warmMs: number
  /**
   * It goes on until as many units were done, but not longer than `WARM_FACTOR_MAX` times `warmMs`: what V8 compiles goes
   * by how often it ran, and on a busy machine that takes longer.
   */
  warmUnits?: number
}

/** What one proxy did in one window. */
export interface Window {
  cpuUsPerUnit: number
  unitsPerSecond: number
}

/** A window that must not count: something in it was wrong. */
export class Refused extends Error {}

/** A window's load runs this long before anything is counted. */
const SETTLE_MS = 150
const WARM_FACTOR_MAX = 4
const WARM_LOOK_MS = 50
/** A proxy that holds events back saves work that it should do. Reads may join a few on a busy machine. */
const EVENTS_PER_READ_MAX = 4

/**
 * Measures the proxies in turns, A B A B, so that whatever else happens on the machine meets them alike. A refused
 * window is taken once more; one refused again refuses the workload.
 */
export async function inTurns(workload: Workload, proxies: readonly Subject[], pace: Pace): Promise<Window[][]> {
  const taken: Window[][] = proxies.map(() => [])
  for (const proxy of proxies) await warm(workload, proxy, pace)
  for (let turn = 0; turn < pace.windows; turn++) {
    for (const [index, proxy] of proxies.entries())
      taken[index]!.push(await measureTwice(workload, proxy, pace.windowMs))
  }
  return taken
}

async function warm(workload: Workload, proxy: Subject, { warmMs, warmUnits = 0 }: Pace): Promise<void> {
  const load = new Load(workload, proxy.port, workload.request(proxy))
  const begun = performance.now()
  const isWarm = () => {
    const tookMs = performance.now() - begun
    return tookMs >= warmMs * (unitsIn(workload, load.counts) >= warmUnits ? 1 : WARM_FACTOR_MAX)
  }
  while (load.failure === undefined && !isWarm()) await wait(WARM_LOOK_MS)
  await load.stop()
  if (load.failure !== undefined) throw new Refused(`${proxy.name}: ${load.failure}`)
}

function unitsIn({ unit }: Workload, { events, answers }: Load['counts']): number {
  return unit === 'chunk' ? events : answers
}

async function measureTwice(workload: Workload, proxy: Subject, windowMs: number): Promise<Window> {
  try {
    return await measure(workload, proxy, windowMs)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return await measure(workload, proxy, windowMs)
  }
}

async function measure(workload: Workload, proxy: Subject, windowMs: number): Promise<Window> {
  const load = new Load(workload, proxy.port, workload.request(proxy))
  await wait(workload.rampMs + SETTLE_MS)
  const cpuBefore = readCpu(proxy.pid)
  const before = { ...load.counts }
  const begun = performance.now()
  await wait(windowMs)
  const cpuUs = spentUs(cpuBefore, readCpu(proxy.pid))
  const after = { ...load.counts }
  const seconds = (performance.now() - begun) / 1_000
  await load.stop()
  const units = unitsIn(workload, after) - unitsIn(workload, before)
  if (load.failure !== undefined) throw new Refused(`${proxy.name}: ${load.failure}`)
  if (units === 0) throw new Refused(`${proxy.name}: nothing was answered in ${windowMs} ms`)
  if (after.events - before.events > (after.pieces - before.pieces) * EVENTS_PER_READ_MAX) {
    throw new Refused(`${proxy.name}: events were held back and came in clumps`)
  }
  return { cpuUsPerUnit: cpuUs / units, unitsPerSecond: units / seconds }
}
