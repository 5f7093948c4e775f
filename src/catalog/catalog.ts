import { createHash } from 'node:crypto'
import {
  type Abilities,
  type Facts,
  factsOf,
  providersWithFacts,
  rowsOf,
  type Source,
  UNKNOWN_ABILITIES
} from './facts.ts'
import { PRICE_DATA, type Priced, pricedModels, pricedProviders } from './price-data.ts'
import { type Prices, pricesFromUsd, readPrices } from './prices.ts'

/** What is known of one model at one provider. Every `null` and `unknown` is a fact nobody told us, never a guess. */
export interface ModelFacts {
  provider: string
  /** As the provider spells it. */
  id: string
  contextTokens: number | null
  outputTokensMax: number | null
  abilities: Abilities
  released: string | null
  retired: boolean
  prices: Prices | null
  sources: readonly Source[]
}

interface Shelf {
  facts: Map<string, Facts>
  priced: Priced[]
}

/** The most names of models that are remembered with what they led to. */
const REMEMBERED_MAX = 4_096

const shelves = new Map<string, Shelf>()
const found = new Map<string, ModelFacts | null>()
const owners = new Map<string, readonly string[]>()
let digest: string | undefined

/** The model catalogue: read-only data, loaded at first use. Providers go by the names of our presets. */
export const catalog = Object.freeze({
  /** What is known of a model: by its exact name, the name without its date, or a name the price data counts to it. */
  find(provider: string, model: string): ModelFacts | undefined {
    const known = remember(found, `${provider}\n${model}`, () => look(provider, model) ?? null)
    return known ?? undefined
  },

  /** The providers that have a model of this name, makers before hosts. */
  providersOf(model: string): readonly string[] {
    return remember(owners, model, () => providers().filter(provider => look(provider, model, isOwn) !== undefined))
  },

  /** The models of a provider that can be called today, newest first where the release is known. */
  models(provider: string): ModelFacts[] {
    const { facts, priced } = shelfOf(provider)
    const ids = new Set([...facts.values()].filter(row => !row.retired).map(row => row.id))
    for (const model of priced) {
      // A row of ours that the price data counts to this model is the name to call it by.
      const covered = [...facts.keys()].some(model.matches)
      if (model.listed !== undefined && !model.retired && !covered) ids.add(model.listed)
    }
    const models = [...ids].map(id => catalog.find(provider, id)).filter(model => model !== undefined)
    return models.sort((a, b) => (b.released ?? '').localeCompare(a.released ?? '') || a.id.localeCompare(b.id))
  },

  /** Digest of everything in the catalogue: rows that carry a cost say by which version it was reckoned. */
  get version(): string {
    digest ??= digestOf(providers())
    return digest
  }
})

const FAMILIES: readonly (readonly [pattern: RegExp, owner: string])[] = [
  [/^claude-/, 'anthropic'],
  [/^(ft:)?(gpt-|o[134](-|$)|chatgpt-|text-embedding-)/, 'openai'],
  [/^gemini-/, 'google']
]

/** Whose family a bare model name belongs to, whether the catalogue has it or not (D11). */
export function familyOwner(model: string): string | undefined {
  return FAMILIES.find(([pattern]) => pattern.test(model))?.[1]
}

function providers(): string[] {
  return [...new Set([...pricedProviders(), ...providersWithFacts()])]
}

function shelfOf(provider: string): Shelf {
  let shelf = shelves.get(provider)
  if (shelf === undefined) {
    shelf = { facts: factsOf(provider), priced: pricedModels(provider) }
    // Only names of data are kept; anything else would let callers fill the map.
    if (shelf.facts.size > 0 || shelf.priced.length > 0) shelves.set(provider, shelf)
  }
  return shelf
}

/** What a provider has of its own, rather than as a cloud for others. */
const isOwn = ({ isGuest }: Priced): boolean => !isGuest

function look(provider: string, model: string, counts?: (priced: Priced) => boolean): ModelFacts | undefined {
  const { facts, priced: all } = shelfOf(provider)
  const priced = counts ? all.filter(counts) : all
  const price =
    priced.find(each => each.listed === model || each.id === model) ?? priced.find(each => each.matches(model))
  const row = facts.get(model) ?? facts.get(undated(model)) ?? (price && facts.get(price.id))
  if (row === undefined && price === undefined) return undefined
  const prices = price && readPrices(price.prices, price.serviceTiers)
  return Object.freeze({
    provider,
    id: model,
    contextTokens: row?.contextTokens ?? price?.contextTokens ?? null,
    outputTokensMax: row?.outputTokensMax ?? null,
    abilities: row?.abilities ?? UNKNOWN_ABILITIES,
    released: row?.released ?? null,
    retired: row?.retired ?? price?.retired ?? false,
    prices: prices ?? pricesFromUsd(row?.usdPerMillion ?? null),
    sources: Object.freeze([...(row ? [row.source] : []), ...(prices ? [PRICE_DATA] : [])])
  })
}

/** `claude-haiku-4-5-20251001` and `gpt-5.5-2026-04-23` without their dates. */
function undated(model: string): string {
  return model.replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, '')
}

function remember<Value>(memory: Map<string, Value>, name: string, make: () => Value): Value {
  let value = memory.get(name)
  if (value === undefined) {
    value = make()
    if (memory.size >= REMEMBERED_MAX) memory.clear()
    memory.set(name, value)
  }
  return value
}

/** Of our own rows, and the name of the price data with its version: to read all of it would take too long for a call. */
function digestOf(names: readonly string[]): string {
  const hash = createHash('sha256').update(PRICE_DATA.document)
  for (const name of names) hash.update(`${name}\n${rowsOf(name)}\n`)
  return hash.digest('hex').slice(0, 12)
}
