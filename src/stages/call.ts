import type { Event, Frame } from '../dialects/canonical.ts'
import type { Dialect, Operation } from '../dialects/dialect.ts'
import type { Failure } from '../errors.ts'
import type { JsonBody } from '../json.ts'
import type { Usage } from '../usage.ts'
import type { Headers } from '../wire/exchange.ts'
import type { Source } from '../wire/frames.ts'

/** One call of a client, as every stage sees it. Nothing in it changes but `waitedMs`. */
export interface Call {
  readonly id: string
  readonly operation: Operation
  /** The client's dialect; every Reply is in it. */
  readonly dialect: Dialect
  /** The provider a name nobody knows goes to, from this door (D11). */
  readonly doorProvider: string
  /** The client's own body; stages that change it make a new one for their attempt. */
  readonly body: JsonBody
  /** The model asked for. */
  readonly model: string
  readonly stream: boolean
  readonly headers: Headers
  /** Every credential the client sent, in whatever header. */
  readonly credentials: readonly string[]
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
  /** On the monotonic clock, in milliseconds. */
  readonly startedMs: number
  /** Milliseconds spent waiting for providers and between retries, so far: what is left of the total is our own. */
  waitedMs: number
}

/** Who answered, and what it took: for headers, records and traces. */
export interface Answered {
  provider: string
  /** The model that was asked for upstream. */
  model: string
  /** Attempts made, the answering one included. Filled in by `observe`; an attempt knows only of itself. */
  attempts: number
  /** 0 when the first target of the plan answered. */
  fallback: number
  /** What the client said and the target could not be told, by name. */
  losses: readonly string[]
  /** What was changed in the client's own body (D20). */
  touches: readonly string[]
  /** The simulated provider answered; no model was asked. */
  simulated: boolean
}

interface ReplyBase {
  status: number
  /** Provider headers that the client's dialect lets through. */
  headers: Record<string, string>
  answered: Answered
}

/** The answer of a call, always in the client's dialect. */
export type Reply =
  | (ReplyBase & { how: 'whole'; body: Buffer; usage: Partial<Usage> | undefined; finish: string | undefined })
  | (ReplyBase & { how: 'stream'; source: Source<Frame> })

/** Whether an event is something the client asked for: from here on the stream is committed (HOUSE 5). */
export function isContent(event: Event): boolean {
  if (event.type === 'delta') return event.text !== undefined && event.text !== ''
  if (event.type === 'open') return event.part.type !== 'text' && event.part.type !== 'thinking'
  return event.type === 'native' || event.type === 'finish'
}

/** What is known of a finished call: the raw material of logs, metrics and, later, the ledger. */
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
  configDigest: string
}
