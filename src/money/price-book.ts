import { createHash } from 'node:crypto'
import { type Prices, readPrices } from '../catalog/prices.ts'
import type { PriceRow } from '../stores/rows.ts'
import { matcher } from './rules.ts'

/** The prices of one model, as they are in force. */
export interface Tariff {
  /** Null: nobody knows. */
  prices: Prices | null
  /** What every line is multiplied by: a discount or markup. */
  factor: number
  /** Of the whole price table: on every row that was reckoned with it. */
  version: string
}

export interface PriceBookOptions {
  /** What the configuration of providers or the catalogue knows; null: nothing. */
  lookup(provider: string, model: string): Prices | null
  /**
   * In rising order of precedence where they begin alike. Of those that match and have begun, the last says the factor,
   * and the last that has lines says those: a discount on everything does not take a model the prices it was given.
   */
  overrides: readonly PriceRow[]
  /** Of what `lookup` answers from. */
  version: string
}

interface Override {
  row: PriceRow
  prices: Prices | null
  matches(model: string): boolean
}

/** The most models whose overrides are remembered. */
const REMEMBERED_MAX = 4_096

/** The price table: the catalogue's, with what people changed of it. Frozen; a change makes a new one. */
export class PriceBook {
  readonly version: string
  readonly #lookup: PriceBookOptions['lookup']
  readonly #overrides: readonly Override[]
  readonly #found = new Map<string, readonly Override[]>()

  constructor({ lookup, overrides, version }: PriceBookOptions) {
    this.#lookup = lookup
    const rising = overrides.toSorted((one, other) => one.fromMs - other.fromMs)
    this.#overrides = rising.map(row => ({
      row,
      prices: row.usd === null ? null : readPrices(row.usd as Parameters<typeof readPrices>[0]),
      matches: matcher(row.model)
    }))
    this.version = overrides.length === 0 ? version : `${version}+${digestOf(overrides)}`
  }

  pricesFor(provider: string, model: string, wallMs: number): Tariff {
    const begun = this.#of(provider, model).filter(({ row }) => row.fromMs <= wallMs)
    const prices = begun.findLast(override => override.prices)?.prices ?? this.#lookup(provider, model)
    return { prices, factor: begun.at(-1)?.row.factor ?? 1, version: this.version }
  }

  #of(provider: string, model: string): readonly Override[] {
    if (this.#overrides.length === 0) return this.#overrides
    const name = `${provider}\n${model}`
    let found = this.#found.get(name)
    if (!found) {
      found = this.#overrides.filter(({ row, matches }) => row.provider === provider && matches(model))
      if (this.#found.size >= REMEMBERED_MAX) this.#found.clear()
      this.#found.set(name, found)
    }
    return found
  }
}

function digestOf(overrides: readonly PriceRow[]): string {
  return createHash('sha256').update(JSON.stringify(overrides)).digest('hex').slice(0, 12)
}
