import type { Caller } from '../access/caller.ts'
import type { Operation } from '../dialects/dialect.ts'
import type { Failure } from '../errors.ts'
import type { Look, Verdict } from '../guards/attached.ts'
import type { Nano } from '../nano.ts'
import type { Payers, RepeatedCall } from '../stores/rows.ts'
import type { Usage } from '../usage.ts'
import type { CachingFacts } from './caching.ts'
import type { Answered, Decision, Try } from './call.ts'
import type { Capture } from './capture.ts'
import type { ClientFacts } from './client-facts.ts'

/** A call that was answered, as it was written down, and who made it. */
export interface Recorded {
  record: CallRecord
  caller: Caller
}

/** A call that repeated this one, as a record of its own. */
export function repeatedRecord(record: CallRecord, [id, atMs, totalMs]: RepeatedCall): CallRecord {
  const { caching } = record
  return {
    ...record,
    id,
    atMs,
    totalMs,
    firstTokenMs: totalMs,
    admittedMs: 0,
    waitedMs: 0,
    ...(caching && { caching: { ...caching, askedMs: [0, totalMs] } })
  }
}

/** What is known of a finished call: the raw material of logs, metrics, traces and the ledger. */
export interface CallRecord {
  id: string
  /** Milliseconds since 1970. */
  atMs: number
  dialect: string
  operation: Operation
  stream: boolean
  key: string | undefined
  modelAsked: string
  answered: Answered | undefined
  attempts: number
  failures: readonly Failure[]
  status: number
  outcome: 'done' | 'failed' | 'aborted'
  failure: Failure | undefined
  usage: Partial<Usage> | undefined
  finish: string | undefined
  firstTokenMs: number | undefined
  totalMs: number
  /**
   * What became of the provider's answer after the client had left: `drained` (read to its end, so that `usage` is the
   * provider's), `cut_short` (a limit of the reading came first), or `bills_on` (closed, at a provider that bills on).
   */
  afterAbort?: 'drained' | 'cut_short' | 'bills_on'
  payers: Payers
  /** What its attempts came to; null: a price is unknown; undefined: it never got so far. */
  costNano: Nano | null | undefined
  /** What its guards said. */
  verdicts?: readonly Verdict[]
  /** Which guards looked at which side, and how long that took. */
  looks?: readonly Look[]
  /** The longest that they held back a piece of a stream, in milliseconds. */
  heldMs?: number
  configDigest: string
  /** Its attempts in the order in which they began. */
  tries: readonly Try[]
  /** When it was taken in: what came before is authentication, routing and its limits. Undefined: it was not. */
  admittedMs: number | undefined
  /** From when to when its guards looked at the request, in milliseconds since it began. */
  guardedMs: readonly [fromMs: number, toMs: number] | undefined
  /** What was spent waiting for providers and between tries, in milliseconds. */
  waitedMs: number
  client: ClientFacts
  /** Why it went where it went. */
  decision: Decision | undefined
  /** What the cache had to do with it; undefined: nothing. */
  caching?: CachingFacts
  /** What was said in it, as far as it is kept. */
  capture: Capture | undefined
}
