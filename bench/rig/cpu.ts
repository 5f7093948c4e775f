import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'

/** CPU time of every thread of a process tree, in nanoseconds since that thread began; by `pid/tid`. */
export type CpuReading = ReadonlyMap<string, number>

/** `USER_HZ`: /proc/stat counts in hundredths of a second on every Linux. */
const US_PER_TICK = 10_000

/** Whether this machine tells CPU time in nanoseconds: a Linux with scheduler statistics. */
export function canReadCpu(): boolean {
  return (threadNs(process.pid, process.pid) ?? 0) > 0
}

/**
 * Reads the CPU time of a process and of all that descend from it. The source is `schedstat`, whose first field is the
 * time on the CPU in nanoseconds; `/proc/PID/stat` has ticks of 10 ms. Processes that have ended are left out.
 */
export function readCpu(pid: number): CpuReading {
  const reading = new Map<string, number>()
  const open = [pid]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const tid of threads(next)) {
      const ns = threadNs(next, tid)
      if (ns !== undefined) reading.set(`${next}/${tid}`, ns)
      open.push(...numbers(read(`/proc/${next}/task/${tid}/children`)))
    }
  }
  return reading
}

/** Microseconds between two readings. A thread that began between them counts from its beginning. */
export function spentUs(before: CpuReading, after: CpuReading): number {
  let ns = 0
  for (const [thread, now] of after) ns += now - (before.get(thread) ?? 0)
  return ns / 1_000
}

/** CPU time of the whole machine since it started, in microseconds: everything that is neither idle nor waiting. */
export function readMachineUs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = numbers(
    read('/proc/stat')
      ?.split('\n')[0]
      ?.replace(/^cpu\s+/, '')
  )
  return (user + nice + system + irq + softirq + steal) * US_PER_TICK
}

/** The mean number of processes that wanted a CPU during the last minute. */
export function loadAverage(): number {
  return numbers(read('/proc/loadavg'))[0] ?? 0
}

/** `2 cores (AMD EPYC …)`; only the cores this process may use. */
export function describeMachine(): string {
  return `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${process.platform} ${process.arch}`
}

/** The CPUs this process may run on: `0-1,4` in the kernel's words is 0, 1 and 4. */
export function allowedCpus(status = read('/proc/self/status') ?? ''): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? ''
  return list.split(',').flatMap(part => {
    const [first, last = first] = part.split('-').map(Number)
    if (first === undefined || last === undefined || part === '') return []
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

function threads(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return []
  }
}

function threadNs(pid: number, tid: number): number | undefined {
  return numbers(read(`/proc/${pid}/task/${tid}/schedstat`))[0]
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function numbers(text: string | undefined): number[] {
  return (text ?? '').trim().split(/\s+/).filter(Boolean).map(Number)
}
