import type { Event, Frame } from '../dialects/canonical.ts'
import type { Dialect, Operation } from '../dialects/dialect.ts'
import type { Failure } from '../errors.ts'
import type { JsonBody } from '../json.ts'
import type { PerCall } from '../routing/per-call.ts'
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
  /** What the call says about its own routing; those members are no longer in `body`. */
  readonly routing?: PerCall
  /** Every credential the client sent, in whatever header. */
  readonly credentials: readonly string[]
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
  /** On the monotonic clock, in milliseconds. */
  readonly startedMs: number
  /** Milliseconds spent waiting for providers and between retries, so far: what is left of the total is our own. */
  waitedMs: number
  /** How a stage wants the provider's stream; set on a copy of the call, for the stages below it. */
  readonly intake?: Intake
  /** What the client has of the answer already, where a broken stream is gone on with. */
  readonly continues?: Continuation
}

/** How a provider's stream is taken in, where it is not simply passed on. */
export interface Intake {
  /** Frames carry events and no bytes: a stage above writes them. */
  decoded?: true
  /** Nothing of it is handed on before it is complete: up to then a failure goes back to the plan. */
  held?: true
}

export interface Continuation {
  /** All text that the client was sent, joined. */
  text: string
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
  /** The provider goes on generating, and billing, for a client that has left (`bills_after_disconnect`). */
  billsOn?: true
  /** Who went on with the stream after it had broken, in order; grows while the stream is sent. */
  continued?: Continued[]
}

/** One who went on with a broken stream. */
export interface Continued {
  provider: string
  model: string
  /** `prefill`: was given the text so far, to go on from it. `restart`: said it again, and that part was skipped. */
  how: 'prefill' | 'restart'
  /** How much text the client had by then, in characters. */
  afterChars: number
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
  | (ReplyBase & {
      how: 'stream'
      source: Source<Frame>
      intake?: Intake
      /** The provider was given the text so far (`call.continues`), and goes on from it. */
      prefilled?: boolean
    })

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
  /**
   * What became of the provider's answer after the client had left: `drained` (read to its end, so that `usage` is the
   * provider's), `cut_short` (a limit of the reading came first), or `bills_on` (closed, at a provider that bills on).
   */
  afterAbort?: 'drained' | 'cut_short' | 'bills_on'
  configDigest: string
}
