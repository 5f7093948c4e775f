import { Answers } from '../cache/answers.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/index.ts'
import { Failure } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import type { Log } from '../log.ts'
import { Learned } from '../money/bounds.ts'
import { Holds, type Reached } from '../money/holds.ts'
import type { Scope } from '../money/rules.ts'
import { usdText } from '../nano.ts'
import type { Books } from '../stages/charge.ts'
import { Flights } from '../stages/flights.ts'
import { Idempotency } from '../stages/idempotency.ts'
import type { BodyStore } from '../stores/bodies.ts'
import type { Bus } from '../stores/bus.ts'
import type { CounterStore } from '../stores/counters.ts'
import { MemoryCounters } from '../stores/counters-memory.ts'
import { MemoryIdempotency } from '../stores/idempotency-memory.ts'
import type {
  BudgetRow,
  FinishedAttempt,
  PriceRow,
  RateLimitRow,
  RepeatedRequests,
  RequestRow
} from '../stores/rows.ts'
import type { Stores } from '../stores/stores.ts'
import type { BudgetReached } from '../telemetry/alerts.ts'
import type { Bodies } from './bodies.ts'
import type { KeptAnswers } from './cache-store.ts'
import { type OwnSession, SessionCosts } from './session-costs.ts'

/** What governs money and was made by the admin API. A new object whenever any of it has changed. */
export interface Governed {
  budgets: readonly BudgetRow[]
  rateLimits: readonly RateLimitRow[]
  prices: readonly PriceRow[]
}

/** The ledger's way in. */
export interface Ledger extends Books {
  /** The row of a call that is over, and its attempts that are not written down yet. */
  request(row: RequestRow, ended: readonly FinishedAttempt[]): void
  /** The rows of calls that repeated another. */
  repeated(repeats: RepeatedRequests): void
  /** From now on `flush` and `settle` ask who holds rows back for a moment. */
  gather(rest: () => void): void
  /** There is no room on the disk: nothing new may begin. */
  readonly full: boolean
  /** All that was written down is in the store. */
  flush(withinMs?: number): Promise<void>
  /** As `flush`, and nothing of it is left in the journal, nor among the rows that were set aside. */
  settle(): Promise<void>
}

/** What the process keeps, and counts (D7: part of the Plant). Without a directory it keeps nothing, and counts in memory. */
export interface Kept {
  stores: Stores | undefined
  bus: Bus | undefined
  counters: CounterStore
  holds: Holds
  ledger: Ledger
  /** Undefined: nothing of what is said in calls is kept, whatever a key says. */
  bodies: Bodies | undefined
  /** The same, to be read. */
  bodyStore: BodyStore | undefined
  /** Answers that are given again, and calls that wait for one another's. */
  answers: Answers
  flights: Flights
  /** Calls with an `Idempotency-Key`. */
  idempotency: Idempotency
  /** Applies what was purged anywhere to all that is kept here. Resolves to how many answers went by that of this number. */
  purged: (seq?: number) => Promise<number>
  /** What sessions came to. */
  sessionCosts: SessionCosts
  /** What was learned of models: how long their answers are, and their tokens. */
  learned: Learned
  governed: Governed
  /** Resolves when `governed` is what the stores hold, as far as anybody has told. */
  refreshed: () => Promise<void>
  /** Tells an address of the user's. */
  webhook: (url: string, message: JsonObject) => void
  /** Whoever judges alerts hears of it too. */
  budgetReached: (reached: BudgetReached) => void
  /** Shares of budgets that were told of, with the window they were reached in. */
  told: Set<string>
  /** Of the plan in force. */
  refusalStatus: number
  /** Of the plan in force: some were made from others. */
  declaredKeys: Config['keys']
  /** Keys that were made from a key, for what its budgets count. */
  descendantsOf: (key: string) => Promise<string[]>
  close(): Promise<void>
}

const NOTHING_GOVERNED: Governed = Object.freeze({ budgets: [], rateLimits: [], prices: [] })

/** A ledger that nobody reads: of a gateway without a directory. */
const NO_LEDGER: Ledger = Object.freeze({
  full: false,
  started() {},
  finished() {},
  request() {},
  repeated() {},
  gather() {},
  flush: () => Promise.resolve(),
  settle: () => Promise.resolve()
})

export interface KeptParts {
  stores?: Stores
  bus?: Bus
  counters?: CounterStore
  ledger?: Ledger
  bodies?: Bodies
  bodyStore?: BodyStore
  /** What keeps answers beyond the memory of the process. */
  cache?: Pick<KeptAnswers, 'kind' | 'store' | 'followEverywhere'>
  /** Closes what was opened for it, in order, the counters with it. */
  close?: () => Promise<void>
}

/** What is held of one stream for calls that join it late, or read it slowly. */
const FLIGHT_BYTES_MAX = 2_000_000

/** How long a counter that is asked of the ledger waits for what was not delivered yet. */
const FLUSH_MS = 2_000

/** Budgets and windows that are remembered to have been told of. */
const TOLD_MAX = 10_000

/** How often holds get a longer lease, and those that were left behind are ended. */
const TEND_MS = 10_000

/** Puts together what was opened; what is left out is in memory, and is gone with the process. */
export function keep(parts: KeptParts, { clock, log }: { clock: Clock; log: Log }): Kept {
  const counters = parts.counters ?? new MemoryCounters({ clock })
  const { stores } = parts
  const kept: Kept = {
    stores,
    bus: parts.bus,
    counters,
    ledger: parts.ledger ?? NO_LEDGER,
    bodies: parts.bodies,
    bodyStore: parts.bodyStore,
    learned: new Learned(),
    answers: new Answers({
      nowMs: () => clock.wallMs(),
      store: parts.cache?.store,
      kind: parts.cache?.kind ?? 'none',
      onProblem: thrown => log.warn({ why: Failure.from(thrown).message }, 'the store of the cache did not answer')
    }),
    idempotency: new Idempotency({ store: stores?.idempotency ?? new MemoryIdempotency(), clock, log }),
    flights: new Flights({ bytesMax: FLIGHT_BYTES_MAX }),
    purged: async seq => (await parts.cache?.followEverywhere(seq)) ?? 0,
    sessionCosts: new SessionCosts({
      nowMs: () => clock.monotonicMs(),
      spentOf: session => spentInSession(kept, session)
    }),
    governed: NOTHING_GOVERNED,
    refreshed: () => Promise.resolve(),
    webhook: () => {},
    budgetReached: () => {},
    told: new Set(),
    refusalStatus: 429,
    declaredKeys: [],
    descendantsOf: () => Promise.resolve([]),
    holds: new Holds({
      counters,
      clock,
      refusalStatus: () => kept.refusalStatus,
      spent: (scope, unit, fromMs, toMs) => spent(kept, scope, unit, fromMs, toMs),
      reached: (budget, reached) => tell(kept, log, budget, reached),
      unsettled: thrown => log.warn({ why: Failure.from(thrown).message }, 'a settlement was not delivered')
    }),
    async close() {
      clearInterval(tending)
      await kept.idempotency.close()
      await (parts.close ? parts.close() : counters.close())
    }
  }
  const tending = setInterval(() => {
    kept.holds.tend().catch(thrown => log.warn({ why: Failure.from(thrown).message }, 'holds were not tended'))
  }, TEND_MS)
  tending.unref()
  return kept
}

/** The ledger is the truth (D29); what this process has not delivered yet is part of it. */
async function spent(kept: Kept, scope: Scope, unit: BudgetRow['unit'], fromMs: number, toMs: number): Promise<bigint> {
  const { stores, ledger } = kept
  if (!stores) return 0n
  try {
    await ledger.flush(FLUSH_MS)
    const values = scope.kind === 'key' ? [scope.value, ...(await kept.descendantsOf(scope.value))] : [scope.value]
    const sums = await Promise.all(
      values.map(value => stores.ledger.spent({ kind: scope.kind, value }, unit, fromMs, toMs))
    )
    return sums.reduce((sum, each) => sum + each, 0n)
  } catch (cause) {
    throw new Failure('store_unavailable', 'The ledger does not answer, and what was spent is not known without it.', {
      retryAfterMs: 1_000,
      cause
    })
  }
}

/** What is not delivered yet was added by this process itself. */
async function spentInSession({ stores }: Kept, where: OwnSession): Promise<bigint> {
  if (!stores) return 0n
  const query = {
    of: 'requests',
    fromMs: 0,
    toMs: Number.MAX_SAFE_INTEGER,
    groupBy: [],
    where: { ...where },
    limit: 1
  } as const
  const [line] = await stores.ledger.usage(query)
  return line?.costNano ?? 0n
}

/** Once in each window: what is held comes and goes, and passes a share again and again. */
function tell(kept: Kept, log: Log, { id, scope, unit, limit, webhook }: BudgetRow, reached: Reached): void {
  const { value, share, spentAndHeld, resetMs } = reached
  const name = JSON.stringify([id, value, share, resetMs])
  if (kept.told.has(name)) return
  if (kept.told.size >= TOLD_MAX) kept.told.clear()
  kept.told.add(name)
  const amount = (of: number) => (unit === 'usd' ? `$${usdText(Math.round(of))}` : `${of} ${unit}`)
  const facts = {
    budget: id,
    scope: `${scope.kind}:${value}`,
    share,
    used: amount(spentAndHeld),
    limit: amount(limit),
    reset: new Date(resetMs).toISOString()
  }
  kept.budgetReached({ budget: id, scope: facts.scope, share, used: facts.used, limit: facts.limit, resetMs })
  log.warn(facts, `a budget has reached ${Math.round(share * 100)} %`)
  if (webhook !== null) kept.webhook(webhook, { event: 'budget.reached', ...facts })
}
