import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'

/** A file of a journal: `<instance>-<number>.log`, or what its instance keeps for a full disk, `<instance>-0.reserve`. */
export interface SegmentName {
  file: string
  instance: string
  number: number
  isReserve: boolean
}

export function segmentFile(instance: string, number: number): string {
  return `${instance}-${String(number).padStart(6, '0')}.log`
}

export function reserveFile(instance: string): string {
  return `${instance}-0.reserve`
}

/** The journal's files of every instance that ever wrote here, in the order they were written. */
export async function listSegments(directory: string): Promise<SegmentName[]> {
  const files = await readdir(directory).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return []
    throw thrown
  })
  return files
    .map(segmentName)
    .filter(name => name !== undefined)
    .sort((a, b) => compare(a.instance, b.instance) || Number(a.isReserve) - Number(b.isReserve) || a.number - b.number)
}

function segmentName(file: string): SegmentName | undefined {
  const [, instance, number, ending] = /^(\w+)-(\d+)\.(log|reserve)$/.exec(file) ?? []
  if (instance === undefined) return undefined
  return { file, instance, number: Number(number), isReserve: ending === 'reserve' }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Journals that are open in this process. */
const open = new Set<string>()

/**
 * A name for a journal of this process: such that a later process can tell whether this one still runs. Process ids come
 * back, in a container even at every start; with the time of the start, and of the machine's, they do not. A data
 * directory is of one machine or container at a time.
 */
export function newInstance(): string {
  return `p${process.pid}s${startOf(process.pid) ?? 0}b${bootId()}r${randomBytes(4).toString('hex')}`
}

export function noteOpen(instance: string): void {
  open.add(instance)
}

export function noteClosed(instance: string): void {
  open.delete(instance)
}

/** Whether somebody still writes to the journal of that name. */
export function isRunning(instance: string): boolean {
  const [, pid, start, boot] = /^p(\d+)s(\d+)b([0-9a-f]+)r[0-9a-f]+$/.exec(instance) ?? []
  if (open.has(instance)) return true
  if (pid === undefined || boot !== bootId() || Number(pid) === process.pid) return false
  const now = startOf(Number(pid))
  return now === undefined ? start === '0' && exists(Number(pid)) : now === start
}

/** When the process began, in ticks since the machine did; undefined where it is not there or the system does not tell. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in brackets, may have anything in it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
      .replace(/[^0-9a-f]/g, '')
      .slice(0, 12)
  } catch {
    return '0'
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}
