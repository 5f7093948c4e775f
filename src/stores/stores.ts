import type { RequestPlace } from './bodies.ts'
import type { CachePurge } from './cache.ts'
import type { IdempotencyStore } from './idempotency.ts'
import type { LogStore } from './logs.ts'
import type {
  AdminRow,
  AttemptRow,
  AuditRow,
  BudgetRow,
  BudgetUnit,
  FeedbackRow,
  KeyRow,
  KeySecretRow,
  PriceRow,
  RateLimitRow,
  RepeatedRequests,
  RequestRow,
  ScopeKind,
  TenantKind,
  TenantRow,
  ViewRow
} from './rows.ts'

/** The durable stores. Every implementation passes one conformance suite (`test/stores`). */
export interface Stores {
  keys: KeyStore
  tenants: TenantStore
  admins: Table<AdminRow>
  budgets: Table<BudgetRow>
  rateLimits: Table<RateLimitRow>
  prices: Table<PriceRow>
  audit: AuditStore
  ledger: LedgerStore
  logs: LogStore
  /** Filters that people gave a name. */
  views: Table<ViewRow>
  feedback: FeedbackStore
  /** What calls with an `Idempotency-Key` came to. */
  idempotency: IdempotencyStore
  cachePurges: PurgeLog
  meta: MetaStore
  /** All of it or nothing; one at a time where the engine has one writer. The stores of `tx` are only of use inside. */
  transaction<T>(run: (tx: Stores) => Promise<T>): Promise<T>
  /** Milliseconds since 1970 by the engine's clock: what windows are reckoned with (invariant I16). */
  nowMs(): Promise<number>
  /** Raised in the transaction of every change that caches must hear of; starts at 0. */
  version(): Promise<number>
  raiseVersion(): Promise<void>
  close(): Promise<void>
}

/** Small facts about the stores themselves, by name: what checks the secret they were made with, … */
export interface MetaStore {
  get(name: string): Promise<string | undefined>
  /** Keeps it where there is none; whoever was first stays. */
  putIfAbsent(name: string, value: string): Promise<void>
}

/** A page of a list, in the order of ids; `after` is the last id of the page before. */
export interface Page {
  after?: string | undefined
  /** 1 to 1,000. */
  limit: number
}

export interface Table<Row> {
  find(id: string): Promise<Row | undefined>
  list(page?: Page): Promise<Row[]>
  /** Inserts or replaces by id. */
  put(row: Row): Promise<void>
  /** Whether there was one. */
  remove(id: string): Promise<boolean>
}

export interface KeyStore extends Table<KeyRow> {
  /** The key and the secret with this digest, if any, whatever their state. */
  findBySecret(
    scheme: KeySecretRow['scheme'],
    digest: string
  ): Promise<{ key: KeyRow; secret: KeySecretRow } | undefined>
  secretsOf(keyId: string): Promise<KeySecretRow[]>
  addSecret(secret: KeySecretRow): Promise<void>
  /** The tokens of a key but the newest end then at the latest. */
  expireOlderSecrets(keyId: string, atMs: number): Promise<void>
  childrenOf(keyId: string): Promise<KeyRow[]>
  /** Never moves back. */
  used(marks: readonly { id: string; atMs: number }[]): Promise<void>
}

export interface TenantStore {
  find(kind: TenantKind, id: string): Promise<TenantRow | undefined>
  list(kind: TenantKind, page?: Page): Promise<TenantRow[]>
  put(row: TenantRow): Promise<void>
  remove(kind: TenantKind, id: string): Promise<boolean>
  /** Makes those that are not there, as seen. */
  seen(found: readonly { kind: TenantKind; id: string; org: string | null; atMs: number }[]): Promise<void>
}

export interface AuditStore {
  /** The newest row; the chain goes on from it. Locks the chain until the transaction is over. */
  last(): Promise<AuditRow | undefined>
  append(row: AuditRow): Promise<void>
  /** In order, from `fromSeq` on. */
  list(fromSeq: number, limit: number): Promise<AuditRow[]>
}

export interface FeedbackStore {
  put(row: FeedbackRow): Promise<void>
  of(requestId: string): Promise<FeedbackRow[]>
}

/** What was purged from the cache, in order: what every replica must hear of, whether it was there or not. */
export interface PurgeLog {
  /** Its number: one more than the last. Whoever appends next waits until the transaction is over. */
  append(what: CachePurge, atMs: number): Promise<number>
  /** Those with larger numbers, in order, as far as they were not dropped. */
  after(seq: number, limit: number): Promise<OrderedPurge[]>
  /** The number of the last that there ever was; 0: none. */
  last(): Promise<number>
  /** Removes what was purged before then. Resolves to how many. */
  dropBefore(ms: number): Promise<number>
}

export interface OrderedPurge {
  seq: number
  atMs: number
  what: CachePurge
}

/** What the ledger is asked for: attempts or requests, never both in one figure. */
export interface UsageQuery {
  of: 'attempts' | 'requests'
  fromMs: number
  toMs: number
  groupBy: readonly UsageGroup[]
  /** Rows of these alone. */
  where: Partial<Record<ScopeKind | 'session', string>>
  /** Percentiles take longer than sums. */
  percentiles?: boolean
  limit: number
}

/** What figures can be grouped by. `app` to `cache` are known of requests alone. Times are in UTC; weeks begin on Monday. */
export type UsageGroup =
  | ScopeKind
  | 'session'
  | 'outcome'
  | 'app'
  | 'dialect'
  | 'operation'
  | 'code'
  | 'guard'
  | 'label'
  /** The model or route that was asked for. */
  | 'route'
  /** What the cache said. */
  | 'cache'
  | 'failure'
  | 'minute'
  | 'hour'
  | 'day'
  | 'week'

export interface UsageLine {
  group: Record<string, string | null>
  count: number
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
  reasoningTokens: number
  /** Of rows with a price. */
  costNano: bigint
  /** Rows without one. */
  unpriced: number
  /** Rows whose usage nobody told us. */
  estimated: number
  failed: number
  /** Of requests: answers of the cache, and what they saved; what providers' own caches did. */
  cached: number
  savedNano: bigint
  savedMs: number
  promptSavedNano: bigint
  /** Of rows that brought no answer: attempts that were in vain, requests that failed or were given up. */
  wasteNano: bigint
  /** Milliseconds of generation, and the tokens that came in them: their quotient is the pace. */
  generationMs: number
  generatedTokens: number
  /** How people found the answers: the number of scores and their sum. */
  scores: number
  scoreSum: number
  /** Where percentiles were asked for; null: no row has that figure. */
  percentiles?: { totalMs: Percentiles | null; firstTokenMs: Percentiles | null }
}

export interface Percentiles {
  p50: number
  p90: number
  p95: number
  p99: number
}

/** What a ledger is given at one time. */
export interface LedgerBatch {
  attempts: readonly AttemptRow[]
  requests: readonly RequestRow[]
  /** Requests too, said in short. */
  repeats?: readonly RepeatedRequests[]
}

export interface LedgerStore {
  /**
   * Puts rows, in one transaction, in any order and as often as it likes: a finished row is never replaced by a started
   * one, and the same row twice is once.
   */
  ingest(batch: LedgerBatch): Promise<void>
  /**
   * What counts against a budget in [fromMs, toMs) by the start of the attempt: Σ cost (unknown counts 0), Σ input and
   * output tokens, or the number of *requests*. Attempts that have not finished count with their hold.
   */
  spent(scope: { kind: ScopeKind; value: string }, unit: BudgetUnit, fromMs: number, toMs: number): Promise<bigint>
  attempt(id: string): Promise<AttemptRow | undefined>
  request(id: string): Promise<{ request: RequestRow | undefined; attempts: AttemptRow[] }>
  /** Attempts in state `started` that began before then. */
  started(beforeMs: number, limit: number): Promise<AttemptRow[]>
  /** In order of their id, for exports and proofs. */
  attempts(page: Page): Promise<AttemptRow[]>
  requests(page: Page): Promise<RequestRow[]>
  usage(query: UsageQuery): Promise<UsageLine[]>
  /** How many calls name the subject. */
  callsOf(subject: Subject): Promise<number>
  /** Some of them; those whose own row is not there too. */
  placesOf(subject: Subject, limit: number): Promise<RequestPlace[]>
  /** Takes the subject out of these calls, with what whoever called has chosen (session, trace, tags, …). Money stays. */
  erase(subject: Subject, requestIds: readonly string[]): Promise<void>
  /** What was erased is overwritten on the disk too, as far as the engine does that when it is asked. Not in a transaction. */
  settle(): Promise<void>
  /** Removes calls and attempts that began before then and are over; at most `limit` of each. Resolves to how many. */
  dropBefore(ms: number, limit: number): Promise<number>
}

/** Whose records are to be erased. */
export interface Subject {
  kind: 'user' | 'customer' | 'key'
  id: string
}
