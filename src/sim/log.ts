import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Json, JsonObject } from './json.ts'

/**
 * How an exchange ended. `ended`: all was said. `incomplete`: a clean close without the dialect's finish or end.
 * `cut` and `reset`: the connection was destroyed or reset on purpose. `closed`: the simulator was stopped.
 */
export type Ending = 'open' | 'ended' | 'incomplete' | 'cut' | 'reset' | 'aborted-by-client' | 'closed'

/** One request as the provider saw it: the second witness of every test. */
export interface SimLogEntry {
  seq: number
  /** When the request had been read, in milliseconds since the simulator started (monotonic). */
  atMs: number
  requestId: string
  /** The dialect of the door, or `none` where there is no door. */
  dialect: string
  method: string
  path: string
  model: string | null
  stream: boolean
  /** Lower-case names; credentials are reduced to their last four characters. */
  headers: Record<string, string>
  /** The parsed body; its text where it is no JSON; null when dropped from an old entry to bound memory. */
  body: Json
  bodyBytes: number
  bodySha256: string
  /** Status sent; 0 when no head went out. */
  status: number
  /** Which row of the model table answered; null where the request never got so far. */
  behaviour: string | null
  responseBytes: number
  /** The dialect's own usage object, also where the client did not ask for it or the reply broke before it. */
  usage: JsonObject | null
  /** Whether that usage went out. */
  usageSent: boolean
  /** How much of the answer had been generated when it ended, 0 to 1: a stream as far as it was sent, a whole one all. */
  generated: number
  finish: Ending
  /** Milliseconds from reading the request to the client's leaving. */
  abortedAfterMs?: number
  /** Bytes that were still written after the client had left: 0 in a well-behaved simulator. */
  bytesAfterClientClose: number
}

const ENTRIES_MAX = 20_000
const BODY_BYTES_MAX = 64 * 1024 * 1024
const CREDENTIAL_HEADERS = new Set([
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'x-amz-security-token',
  'proxy-authorization',
  'cookie'
])

export class Log {
  #entries: SimLogEntry[] = []
  #seq = 0
  #bodyBytes = 0
  /** Entries before this index have lost their body. */
  #bodiesFrom = 0

  entries(afterSeq = 0): SimLogEntry[] {
    return this.#entries.filter(entry => entry.seq > afterSeq)
  }

  clear(): void {
    this.#entries = []
    this.#bodyBytes = 0
    this.#bodiesFrom = 0
  }

  add(facts: Omit<SimLogEntry, 'seq' | 'bodySha256' | 'bodyBytes'>, raw: Buffer): SimLogEntry {
    const bodySha256 = createHash('sha256').update(raw).digest('hex')
    const entry: SimLogEntry = { seq: ++this.#seq, ...facts, bodyBytes: raw.length, bodySha256 }
    this.#entries.push(entry)
    this.#bodyBytes += raw.length
    while (this.#bodyBytes > BODY_BYTES_MAX && this.#bodiesFrom < this.#entries.length - 1) this.#dropBody()
    if (this.#entries.length > 2 * ENTRIES_MAX) this.#dropOldest()
    return entry
  }

  #dropBody(): void {
    const oldest = this.#entries[this.#bodiesFrom++]!
    oldest.body = null
    this.#bodyBytes -= oldest.bodyBytes
  }

  #dropOldest(): void {
    while (this.#bodiesFrom < ENTRIES_MAX) this.#dropBody()
    this.#entries = this.#entries.slice(ENTRIES_MAX)
    this.#bodiesFrom -= ENTRIES_MAX
  }
}

/** Headers for the log: one string each, credentials shortened to `…last`. */
export function loggedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const logged: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '')
    logged[name] = CREDENTIAL_HEADERS.has(name) ? shortened(text) : text
  }
  return logged
}

/** Path and query for the log: a `key` in the query is shortened to `…last`. */
export function loggedTarget(target: string): string {
  return target.replace(/([?&]key=)([^&]*)/g, (_, name: string, key: string) => name + shortened(key))
}

function shortened(value: string): string {
  const scheme = /^(?:Bearer|Basic)\s+/i.exec(value)?.[0] ?? ''
  return `${scheme}…${value.slice(scheme.length).slice(-4)}`
}
