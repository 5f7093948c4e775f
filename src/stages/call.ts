import type { Event, Frame } from '../dialects/canonical.ts'
import type { Address, Dialect, Operation } from '../dialects/dialect.ts'
import type { OwnedKind } from '../dialects/owned.ts'
import type { Code, Failure, Kind } from '../errors.ts'
import type { Guarding } from '../guards/attached.ts'
import type { JsonBody } from '../json.ts'
import type { Hold, LimitView } from '../money/hold.ts'
import type { Reckoning, RequestSize } from '../money/reckoning.ts'
import type { Nano } from '../nano.ts'
import type { Demands } from '../residency.ts'
import type { Step } from '../routing/facts.ts'
import type { PerCall } from '../routing/per-call.ts'
import type { LeftOut } from '../routing/reasons.ts'
import type { FinishedAttempt, Payers } from '../stores/rows.ts'
import type { Usage } from '../usage.ts'
import type { Headers } from '../wire/exchange.ts'
import type { Source } from '../wire/frames.ts'
import type { CLIENT_FRAMINGS } from '../wire/framing.ts'
import type { Caching } from './caching.ts'
import type { Recorded } from './call-record.ts'
import type { Capture } from './capture.ts'

/** One call of a client, as every stage sees it. Nothing in it changes but `waitedMs`, and `account` is opened once. */
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
  /** How the client's stream is laid out. */
  readonly framing: keyof typeof CLIENT_FRAMINGS
  readonly headers: Headers
  /** What the call says about its own routing; those members are no longer in `body`. */
  readonly routing?: PerCall
  /** Every credential the client sent, in whatever header. */
  readonly credentials: readonly string[]
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
  /** The client's address. */
  readonly address?: string
  /** Which door it came in by, as the scopes of keys name it. */
  readonly door?: string
  /** Who pays, and what is reserved for it; from admission on. */
  account?: Account
  /** What the cache has to do with it; from when it was asked. */
  caching?: Caching
  /** Its guards, what they hold and what they said; from when they have looked at the request. */
  guarding?: Guarding
  /** On the monotonic clock, in milliseconds. */
  readonly startedMs: number
  /** Milliseconds spent waiting for providers and between retries, so far: what is left of the total is our own. */
  waitedMs: number
  /** Something kept at a provider that the call is about, where its operation is `object`. */
  readonly object?: KeptObject
  /** What the call refers to at a provider, and so where it must go. */
  readonly references?: References
  /** How a stage wants the provider's stream; set on a copy of the call, for the stages below it. */
  readonly intake?: Intake
  /** What the client has of the answer already, where a broken stream is gone on with. */
  readonly continues?: Continuation
  /** As it came in at the door; absent where nothing came in. */
  readonly received?: Buffer
  /** What is kept of what is said in it; absent: nothing. */
  capture?: Capture
  /** Another call that this one is made for (D25). */
  readonly parent?: string
  /** How its route was decided; from when it was. */
  decision?: Decision
}

/** Why a call went where it went. */
export interface Decision {
  /** Which rule of the house found the name (D11). */
  rule: string
  /** The configured route; undefined: a target by its name. */
  route: string | undefined
  /** What the call itself demanded of its providers: whoever makes it again is bound by it. */
  require?: readonly Demands[]
  /** Candidates that got no attempt so far, and why. */
  leftOut(): readonly LeftOut[]
}

/** One attempt, as records and traces tell of it. Times are milliseconds since its call began. */
export interface Try {
  id: string
  /** 1 for the first of its call. */
  number: number
  provider: string
  model: string
  startMs: number
  firstTokenMs?: number
  /** Absent: it was not over when the call was, as the loser of a race. */
  endMs?: number
  outcome?: 'done' | 'failed' | 'aborted'
  failure?: Kind
  usage?: Partial<Usage>
  /** Null: no price is known. */
  costNano?: Nano | null
  /** What the provider's own cache saved, net, in nano-dollars; null: no price is known. */
  promptSavedNano?: number | null
}

/** The call with changes. What the copy has waited, the call has waited. */
export function copyOf(call: Call, changes: Partial<Call>): Call {
  const copy = { ...call, ...changes }
  return Object.defineProperty(copy, 'waitedMs', {
    enumerable: true,
    get: () => call.waitedMs,
    set: (valueMs: number) => {
      call.waitedMs = valueMs
    }
  })
}

/** Whoever keeps the books of one attempt. */
export interface AttemptWatch {
  /** Travels as `x-client-request-id` where the provider allows it. */
  id: string
  /** Its first byte is about to go to a socket. What this throws ends the attempt unsent. */
  sending?(body: Buffer | undefined): void
}

/** Who a call is charged to, and what it holds. */
export interface Account {
  payers: Payers
  hold: Hold
  /** How large the request is, for the worst case of each target; worked out once. */
  size: RequestSize | undefined
  /** What its attempts came to, so far; null: one of them has no price. */
  costNano: Nano | null
  /** What the first attempt may come to, as it was reckoned when the call was admitted. */
  reckoned: { step: Step; reckoning: Reckoning } | undefined
  /** Attempts that were begun: the number of the next. */
  begun: number
  /** Every attempt, in the order in which they began, for who tells of the call. */
  tries: Try[]
  /** When it was taken in, in milliseconds since the call began. */
  admittedMs: number
  /**
   * Attempts at a whole answer that are over: they are written down with the call, at once and before the client has
   * any of it. Undefined: the call is over; what ends now (the loser of a race) is written down by itself.
   */
  ended: FinishedAttempt[] | undefined
}

/** What the client's own dialect may say in the address of the call instead of its body. */
export function addressOf({ model, stream }: Call): Address {
  return { model, stream }
}

/** Who keeps a thing: another credential of the provider may be of another account. */
export interface Holder {
  provider: string
  credential: string
}

/** A call about one thing that is kept. */
export interface KeptObject {
  kind: OwnedKind
  /** As the client names it; once it is known whose it is, as its provider does. */
  id: string
  method: 'GET' | 'POST' | 'DELETE'
  /** Below the provider's base URL, its query with it. */
  path(id: string): string
}

/** Ids in a call that were ours and are their provider's again (D6). */
export interface References {
  holder: Holder
  /** The provider's id → ours. */
  ids: ReadonlyMap<string, string>
  /** Where they stand, for the log. */
  touches: readonly string[]
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
  /** No attempt was made for this call: its answer was kept, or another call's. */
  isKept?: true
  /** The simulated provider answered; no model was asked. */
  simulated: boolean
  /** The provider goes on generating, and billing, for a client that has left (`bills_after_disconnect`). */
  billsOn?: true
  /** Who keeps what the answer names; absent where it was said in another dialect. */
  holder?: Holder
  /** What all attempts of the call came to, in nano-dollars, once it is over; null: a price is unknown. */
  costNano?: number | null
  /** What the tightest budget in dollars has left, in nano-dollars. */
  remainingNano?: number
  /** What is left of the limits of the caller. */
  limits?: readonly LimitView[]
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
  | (ReplyBase & {
      how: 'whole'
      body: Buffer
      usage: Partial<Usage> | undefined
      finish: string | undefined
      /** The head of the provider's own answer. */
      providerHeaders?: Headers
      /** Of an answer that was kept: what was written down of the call. */
      recorded?: Recorded
    })
  | (ReplyBase & {
      how: 'stream'
      source: Source<Frame>
      intake?: Intake
      /** The provider was given the text so far (`call.continues`), and goes on from it. */
      prefilled?: boolean
    })

/** Codes with which we keep a step of the plan from being attempted at all. */
const UNATTEMPTED: ReadonlySet<Code> = new Set([
  'budget_exceeded',
  'rate_limited_here',
  'unpriced_model',
  'store_unavailable'
])

/** How many attempts a trail of failures is of. */
export function attemptsIn(trail: readonly Failure[]): number {
  return trail.reduce((count, { code }) => count + (UNATTEMPTED.has(code) ? 0 : 1), 0)
}

/** Whether an event is something the client asked for: from here on the stream is committed (HOUSE 5). */
export function isContent(event: Event): boolean {
  if (event.type === 'delta') return event.text !== undefined && event.text !== ''
  if (event.type === 'open') return event.part.type !== 'text' && event.part.type !== 'thinking'
  return event.type === 'native' || event.type === 'finish'
}
