import type { CacheMode } from '../cache-rules.ts'
import type { JsonObject } from '../json.ts'
import type { Nano } from '../nano.ts'
import type { Demands } from '../residency.ts'
import type { Usage } from '../usage.ts'

/** Everything the stores keep, as plain values. Times are milliseconds since 1970 on the store's clock. */

/** What budgets, limits and reports can be about. `session` can be reported on, not budgeted. */
export type ScopeKind = 'org' | 'team' | 'user' | 'key' | 'customer' | 'agent' | 'tag' | 'model' | 'provider'

/** Who a call is charged to. `key` is the *name* or id that the rows show; what nobody said is absent. */
export interface Payers {
  org?: string
  team?: string
  user?: string
  key?: string
  customer?: string
  agent?: string
  session?: string
  tags?: readonly string[]
}

/** How much is kept of what is said in a call, from least to most. */
export const BODY_LEVELS = ['none', 'metadata', 'redacted', 'full'] as const
export type BodyLevel = (typeof BODY_LEVELS)[number]

/** What a key may be used for. An absent list allows everything; an empty one nothing. Patterns have `*` as their only sign. */
export interface KeyScopes {
  /** Names that may be asked for (`gpt-*`, `openai/*`, a route). */
  models?: readonly string[]
  /** Providers that may answer. */
  providers?: readonly string[]
  /** Doors by operation and dialect: `chat`, `messages`, `responses`, `gemini`, `embeddings`, `count-tokens`, `models`, `objects`. */
  doors?: readonly string[]
  /** Address ranges (CIDR) that calls may come from. */
  addresses?: readonly string[]
  /** Names of the guards of its calls. They allow nothing: they add up over the keys that one was made from. */
  guards?: readonly string[]
  /** What whoever answers its calls must fulfil. It allows nothing either, and adds up likewise. */
  require?: Demands
  /** The most that is kept of what is said in its calls: it takes the place of what the gateway says. */
  bodies?: BodyLevel
  /** Whether answers to its calls are kept: `off` has the last word, else it takes the place of what the gateway says. */
  cache?: CacheMode
}

/** What holds of all calls of an organisation, team or user. */
export type TenantScopes = Pick<KeyScopes, 'guards' | 'require' | 'bodies'>

export interface KeyRow {
  /** `[0-9A-Za-z]{10}`: the public part of a token; a name where the key was declared in the file. */
  id: string
  name: string
  /** Key that made this one: never more is allowed than it is. */
  parent: string | null
  org: string | null
  team: string | null
  user: string | null
  scopes: KeyScopes
  /** Put on every call of the key. */
  tags: readonly string[]
  metadata: JsonObject
  disabled: boolean
  expiresAtMs: number | null
  createdAtMs: number
  lastUsedAtMs: number | null
}

/** One of the tokens of a key: two while it is being rotated. */
export interface KeySecretRow {
  keyId: string
  /** `hmac-v1`: HMAC-SHA-256 under the pepper, of a token of ours; `sha256`: of any other text (imported keys). Hex. */
  scheme: 'hmac-v1' | 'sha256'
  digest: string
  /** Last four characters, for people. */
  hint: string
  createdAtMs: number
  /** From then on it is not taken any more; null: while the key is. */
  expiresAtMs: number | null
}

export type TenantKind = 'org' | 'team' | 'user' | 'customer' | 'agent'

export interface TenantRow {
  kind: TenantKind
  id: string
  name: string
  /** The organisation of a team or user; null: none. */
  org: string | null
  /** Absent: nothing. */
  scopes?: TenantScopes
  metadata: JsonObject
  disabled: boolean
  createdAtMs: number
  /** Nobody made it: a call named it. */
  asSeen: boolean
}

/** Who may use the admin API, beside the owner's token of the data directory. */
export interface AdminRow {
  id: string
  name: string
  role: string
  /** Sees and changes this organisation alone; null: all. */
  org: string | null
  digest: string
  hint: string
  createdAtMs: number
  expiresAtMs: number | null
  disabled: boolean
}

export type BudgetUnit = 'usd' | 'tokens' | 'requests'

export interface BudgetRow {
  id: string
  /** `match` is a name, a pattern with `*`; a counter is kept for each name that matches. */
  scope: { kind: ScopeKind; match: string }
  unit: BudgetUnit
  /** Nano-dollars, tokens or requests. */
  limit: number
  window: BudgetWindow
  /** `hard` refuses, `soft` only tells. */
  mode: 'hard' | 'soft'
  /** Shares of the limit (0 to 1) at which somebody is told. */
  thresholds: readonly number[]
  /** Told beside the log. */
  webhook: string | null
  createdAtMs: number
}

/** A calendar window begins with the minute, hour, … of its time zone; a rolling one is always so long. */
export type BudgetWindow =
  | { every: 'minute' | 'hour' | 'day' | 'week' | 'month'; timeZone: string }
  | { rollingMs: number }

export interface RateLimitRow {
  id: string
  scope: { kind: ScopeKind; match: string }
  /** `calls` are those in flight; their `perMs` is 0. */
  unit: 'requests' | 'tokens' | 'calls'
  amount: number
  perMs: number
  /** As many may come at once; at most `amount`. */
  burst: number
  createdAtMs: number
}

/** A change of the price table: own models, discounts, markups. The latest that matches and has begun is in force. */
export interface PriceRow {
  id: string
  provider: string
  /** A pattern with `*`. */
  model: string
  /** US dollars, as the price data names them (`input_mtok`, …); null: the lines of the table stay. */
  usd: JsonObject | null
  /** What every line is multiplied by, after `usd`: 0.8 is a discount of 20 %. */
  factor: number
  fromMs: number
  createdAtMs: number
}

/** One attempt whose first byte was handed to a socket (D4). */
export interface AttemptRow {
  id: string
  requestId: string
  /** 1 for the first of its request. */
  number: number
  state: 'started' | 'finished'
  startedAtMs: number
  finishedAtMs: number | null
  provider: string
  model: string
  payers: Payers
  /** What was reserved for it, at the prices of `priceVersion`; null: the price is unknown. */
  heldNano: Nano | null
  /** Null: the price is unknown. While `started`: what it is charged until more is known, its hold. */
  costNano: Nano | null
  /** The lines of the cost by unit: `{ input: { units, nano } }`; for people, they add up to the cost before rounding. */
  lines: JsonObject | null
  priceVersion: string
  usage: Partial<Usage> | null
  /** `provider`: its own count. `estimated`: nobody told us. `none`: it failed before it generated anything. */
  usageSource: 'provider' | 'estimated' | 'none'
  outcome: 'done' | 'failed' | 'aborted' | 'lost' | null
  /** The failure kind where there was one. */
  failure: string | null
  /** `unbounded`, `underestimated`, `bills_on`, `drained`, `cut_short`, `hedge_lost`, `free_by_policy`. */
  marks: readonly string[]
  /** From its beginning to its first content, in milliseconds; null: there was none. */
  firstTokenMs: number | null
}

/** What the end of an attempt adds to its row. */
export type AttemptEnd = Pick<
  AttemptRow,
  'finishedAtMs' | 'costNano' | 'lines' | 'usage' | 'usageSource' | 'outcome' | 'failure' | 'marks' | 'firstTokenMs'
>

export interface FinishedAttempt {
  id: string
  end: AttemptEnd
}

/** One call of a client: a row above its attempts. */
export interface RequestRow {
  id: string
  startedAtMs: number
  finishedAtMs: number
  dialect: string
  operation: string
  stream: boolean
  modelAsked: string
  provider: string | null
  model: string | null
  payers: Payers
  attempts: number
  status: number
  outcome: 'done' | 'failed' | 'aborted'
  code: string | null
  /** The sum of its attempts; null where one of them has no price. */
  costNano: Nano | null
  usage: Partial<Usage> | null
  firstTokenMs: number | null
  totalMs: number
  configDigest: string
  finish: string | null
  /** The application by its user agent. */
  app: string | null
  /** 32 hexadecimal digits of W3C Trace Context. */
  trace: string | null
  /** Id of the call, or of the span, that this one was made for. */
  parent: string | null
  /** How long it took, in milliseconds: to take it in, to look at the request, to wait between tries. */
  admittedMs: number | null
  guardMs: number | null
  waitedMs: number | null
  /** The longest that a piece of its stream was held back by guards. */
  heldMs: number | null
  /** What the cache said: `hit`, `miss`, `semantic`, `coalesced`, `bypass`; null: it was not asked. */
  cache: string | null
  /** What the call would have cost, and how much longer it would have taken, without the cache; null: nobody knows. */
  savedNano: Nano | null
  savedMs: number | null
  /** What its providers' own caches saved, net of what writing to them cost; null: they had no part in it. */
  promptSavedNano: number | null
  verdicts: readonly VerdictRow[]
  /** For who reads the one row: failures, losses, touches, why it went where it went. No prompt, answer or secret. */
  details: JsonObject | null
}

/** A call that repeated another: its id, when it was over (milliseconds since 1970), and how long it took in milliseconds. */
export type RepeatedCall = readonly [id: string, finishedAtMs: number, totalMs: number]

/** Calls that were answered at once as one before them, whose rows say the same but for what is each call's own. */
export interface RepeatedRequests {
  request: RequestRow
  calls: readonly RepeatedCall[]
}

/** The rows of repeated calls, each by itself. */
export function rowsOfRepeats({ request, calls }: RepeatedRequests): RequestRow[] {
  return calls.map(([id, finishedAtMs, totalMs]) => ({
    ...request,
    id,
    startedAtMs: Math.round(finishedAtMs - totalMs),
    finishedAtMs,
    totalMs,
    firstTokenMs: totalMs,
    admittedMs: 0,
    waitedMs: 0
  }))
}

/** What a guard made of one side of a call. */
export interface VerdictRow {
  guard: string
  /** Empty where nothing was found. */
  rule: string
  side: 'request' | 'response'
  /** `pass`: it found nothing. */
  action: string
  count: number
  score: number
  tookMs: number
}

/** What somebody thought of an answer. */
export interface FeedbackRow {
  id: string
  requestId: string
  atMs: number
  /** From -1 to 1; null: none was given. */
  score: number | null
  label: string | null
  comment: string | null
  /** Name of the key that gave it. */
  key: string | null
}

/** A filter of the log that somebody gave a name. */
export interface ViewRow {
  id: string
  name: string
  /** Whose it is; null: of those who see all organisations. */
  org: string | null
  /** As the query of `GET /admin/logs`. */
  query: JsonObject
  createdAtMs: number
}

/** A line of the audit log: every change, and who read what needs a reason. */
export interface AuditRow {
  seq: number
  atMs: number
  /** `owner`, or the id of an admin token. */
  actor: string
  role: string
  address: string | null
  /** `keys:create`, … */
  action: string
  object: string
  /** SHA-256 of the object before and after; null: there was none. What they were is not kept, so that it can be erased. */
  before: string | null
  after: string | null
  requestId: string
  /** SHA-256 (hex) over the hash of the row before and this row in RFC 8785's canonical JSON. */
  hash: string
}
