import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** What the process knows of its own state. Tests hand in their own. */
export interface Vitals {
  /** How often it is worth asking, in milliseconds. */
  readonly everyMs: number
  /** Most files and sockets that may be open at one time; undefined where the system does not say. */
  readonly openFilesMax: number | undefined
  /** By how many milliseconds the event loop was late since the last call: 99 of 100 times it was less. */
  loopLagMs(): number
  /** The part of the memory it may have that it has, from 0 to 1. */
  memoryShare(): number
  close(): void
}

/** Long enough that one pause is not yet one in a hundred. */
const EVERY_MS = 2_000
const RESOLUTION_MS = 10
const NS_PER_MS = 1e6

export function systemVitals(): Vitals {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  return {
    everyMs: EVERY_MS,
    openFilesMax: openFilesMax(),
    loopLagMs() {
      // The histogram counts the whole time from one tick to the next.
      const lagMs = Math.max(0, delay.percentile(99) / NS_PER_MS - RESOLUTION_MS)
      delay.reset()
      return lagMs
    },
    memoryShare,
    close: () => void delay.disable()
  }
}

/**
 * The nearer of two walls: the machine's memory (or what its container is given of it), which all of the process
 * counts towards, and `--max-old-space-size`, which only the heap does.
 */
function memoryShare(): number {
  const machineBytes = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())
  const { used_heap_size: heapBytes, heap_size_limit: heapBytesMax } = getHeapStatistics()
  return Math.max(process.memoryUsage.rss() / machineBytes, heapBytes / heapBytesMax)
}

/** `ulimit -n`, which Linux shows in a file; node has raised it to the hard limit already. */
function openFilesMax(): number | undefined {
  let limits: string
  try {
    limits = readFileSync('/proc/self/limits', 'utf8')
  } catch {
    return undefined
  }
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return soft === undefined ? undefined : Number(soft)
}
