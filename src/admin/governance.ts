import type { Declared } from '../access/changes.ts'
import type { CheckpointSigner } from '../access/checkpoints.ts'
import type { TokenDigests } from '../access/tokens.ts'
import type { CacheStats } from '../cache/answers.ts'
import type { PriceLine } from '../catalog/prices.ts'
import type { Log } from '../log.ts'
import type { BodyStore } from '../stores/bodies.ts'
import type { BusTopic } from '../stores/bus.ts'
import type { BudgetRow, KeyRow, PriceRow, RateLimitRow, TenantRow } from '../stores/rows.ts'
import type { Stores } from '../stores/stores.ts'

/** What the file declares, as rows: shown beside those of the stores. Ids in rising order are not promised. */
export interface DeclaredRows {
  keys: readonly KeyRow[]
  tenants: readonly TenantRow[]
  budgets: readonly BudgetRow[]
  rateLimits: readonly RateLimitRow[]
  prices: readonly PriceRow[]
}

/** What is used of a budget in its present window, in its own unit: nano-dollars, tokens or requests. */
export interface BudgetReading {
  spent: number
  held: number
  /** Milliseconds since 1970. */
  resetMs: number
}

/** The price of a model as calls are charged it now. */
export interface EffectivePrice {
  /** Of the whole price table. */
  version: string
  /** By unit, discount or markup already in them; undefined: nobody knows a price. */
  lines: Readonly<Record<string, PriceLine>> | undefined
}

/** The cache, as people see and empty it. */
export interface GovernedCache {
  stats(): Promise<CacheStats>
  /** Applies what was purged anywhere, as far as it was not yet. Resolves to how many answers went by the purge of this number. */
  purged(seq?: number): Promise<number>
}

/** What the admin API governs with: there is none where the gateway keeps nothing. */
export interface Governance {
  stores: Stores
  /** What was said in calls; undefined: nothing of it is kept. */
  bodies?: BodyStore | undefined
  cache: GovernedCache
  digests: TokenDigests
  signer: CheckpointSigner
  randomBytes(size: number): Buffer
  /** Of the configuration in force. */
  declared(): { names: Declared; rows: DeclaredRows }
  /** `value`: the name that is counted, one of those that the budget's scope matches. */
  reading(budget: BudgetRow, value: string): Promise<BudgetReading>
  priceOf(provider: string, model: string): EffectivePrice
  /** Resolves when what was written down so far is in the ledger. */
  flush(): Promise<void>
  /** As `flush`, and nothing of it is left in the journal. */
  settle(): Promise<void>
  /** Something was changed: this process goes by it when this resolves, the others as soon as they hear of it. */
  changed(topic: BusTopic): Promise<void>
  /** Milliseconds since 1970. */
  wallMs(): number
  log: Log
}
