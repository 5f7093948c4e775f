import { crc32 } from 'node:zlib'
import type { AttemptEnd, AttemptRow, RepeatedRequests, RequestRow } from '../stores/rows.ts'

/** What the journal is told. In a file each is a line: eight hex digits of CRC-32 over the rest, a space, and JSON. */
export type Entry =
  | { kind: 'started'; attempt: AttemptRow }
  | { kind: 'finished'; id: string; end: AttemptEnd }
  | { kind: 'request'; request: RequestRow }
  | ({ kind: 'repeats' } & RepeatedRequests)

const SUM_DIGITS = 8
/** Room for one: it is of bytes, which there are none of yet. */
const NO_SUM = '0'.repeat(SUM_DIGITS)
const LINE_FEED = 0x0a
/** NUL and lone surrogates, as JSON writes them: legal in JSON, and no text to PostgreSQL. */
const UNTELLABLE = /\\u(?:0000|d[89a-f])/

/** An entry, and its line with its line feed. */
export interface Line {
  entry: Entry
  bytes: Buffer
}

/** The entry as it is told, which is as it was given but for what is no text. */
export function encode(given: Entry): Line {
  let entry = given
  let json = entry.kind === 'repeats' ? repeatsJson(entry) : JSON.stringify(entry)
  // Most have no escape at all, and to look for that one is ten times as fast.
  if (json.includes('\\u') && UNTELLABLE.test(json)) {
    // Clients choose names; one that no store takes would stand before all that comes after it for ever.
    entry = tellable(given)
    json = JSON.stringify(entry)
  }
  const bytes = Buffer.from(`${NO_SUM} ${json}\n`)
  const sum = crc32(bytes.subarray(SUM_DIGITS + 1, -1))
  bytes.write(sum.toString(16).padStart(SUM_DIGITS, '0'), 'latin1')
  return { entry, bytes }
}

/** Rows that calls have repeated, as JSON: the same one comes thousands of times a second. */
const repeated = new WeakMap<RequestRow, string>()

function repeatsJson({ kind, request, calls }: Extract<Entry, { kind: 'repeats' }>): string {
  const row = repeated.get(request) ?? JSON.stringify({ kind, request })
  repeated.set(request, row)
  return `${row.slice(0, -1)},"calls":${JSON.stringify(calls)}}`
}

/** The same with U+FFFD for what is no text. */
function tellable<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\ufffd') as T
  if (Array.isArray(value)) return value.map(tellable) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [tellable(name), tellable(one)])) as T
}

/** What a stretch of a journal says. */
export interface Read {
  entries: { entry: Entry /** Where its line ends, in bytes from the beginning of the stretch. */; end: number }[]
  /** Lines amid others that are not as they were written. */
  corrupt: number
  /** Where the last whole line ends; what is after it was being written when the process died. */
  end: number
}

/**
 * Reads lines. The last one may be torn, and is then dropped, as are zero bytes at the end: space that a file system had
 * set aside, or the unused part of a reserve. Any other line with a wrong sum is counted and passed over. At most `max`
 * entries.
 */
export function decode(bytes: Buffer, max = Number.POSITIVE_INFINITY): Read {
  const read: Read = { entries: [], corrupt: 0, end: 0 }
  const length = withoutZeros(bytes)
  /** Wrong lines since the last right one: torn if nothing follows, corrupt if something does. */
  let wrong = 0
  for (let start = 0; start < length && read.entries.length < max; ) {
    const feed = bytes.indexOf(LINE_FEED, start)
    if (feed < 0 || feed >= length) break
    const entry = entryOf(bytes.toString('utf8', start, feed))
    start = feed + 1
    if (!entry) {
      wrong++
      continue
    }
    read.corrupt += wrong
    wrong = 0
    read.entries.push({ entry, end: start })
    read.end = start
  }
  // Only one line can have been torn.
  if (wrong > 1) read.corrupt += wrong - 1
  return read
}

function withoutZeros(bytes: Buffer): number {
  let length = bytes.length
  while (length > 0 && bytes[length - 1] === 0) length--
  return length
}

function entryOf(line: string): Entry | undefined {
  const json = line.slice(SUM_DIGITS + 1)
  if (line[SUM_DIGITS] !== ' ' || crc32(json) !== Number.parseInt(line.slice(0, SUM_DIGITS), 16)) return undefined
  try {
    return JSON.parse(json) as Entry
  } catch {
    return undefined
  }
}
