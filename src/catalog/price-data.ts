import { createRequire } from 'node:module'
import type * as GenaiPrices from '@pydantic/genai-prices'
import type { Source } from './facts.ts'
import type { ServiceTiers } from './prices.ts'

export const PRICE_DATA: Source = { document: '@pydantic/genai-prices 0.1.8 (MIT)', date: '2026-11-22' }

/** How the price data sees one of our providers. */
interface Shelf {
  /** Its name there. */
  id: string
  /** The part of it that is really this provider (the data of Google, say, has Claude on Vertex too). */
  only?: RegExp
  /** What the provider puts before a name that the data has bare. */
  prefix?: string
  /** What names there look like at all, where the data finds its own anywhere in a text. An ARN ends with the name. */
  names?: RegExp
  /** The data is the only listing we have: list every model, not just those whose context is known. */
  listing?: true
  serviceTiers?(id: string): ServiceTiers | undefined
}

const HALF: ServiceTiers = { flex: 500, batch: 500 }

/** https://openai.com/api-priority-processing/ (2026-11). Long contexts are not in it: they are answered as `default`. */
const OPENAI_PRIORITY: Readonly<Record<string, number>> = {
  'gpt-5.5': 2_500,
  'gpt-5.4': 2_000,
  'gpt-5.4-mini': 2_000,
  'gpt-5.2': 2_000,
  'gpt-5.1': 2_000,
  'gpt-5': 2_000,
  'gpt-5-mini': 1_800,
  'gpt-4.1': 1_750,
  'gpt-4.1-mini': 1_750,
  'gpt-4.1-nano': 2_000,
  'gpt-4o': 1_700
}

function openaiTiers(id: string): ServiceTiers {
  const priority = Object.hasOwn(OPENAI_PRIORITY, id) ? OPENAI_PRIORITY[id] : undefined
  return priority === undefined ? HALF : { ...HALF, priority }
}

/** Our provider names → the price data's. A provider that is not here has no price data: its prices are unknown. */
const SHELVES: Readonly<Record<string, Shelf>> = {
  anthropic: { id: 'anthropic', serviceTiers: () => ({ batch: 500 }) },
  openai: { id: 'openai', only: /^(?!gpt-oss)/, serviceTiers: openaiTiers },
  // https://ai.google.dev/gemini-api/docs/optimization: priority is 75 % to 100 % more, which is no number.
  google: { id: 'google', only: /^(gemini|gemma)/, serviceTiers: () => HALF },
  mistral: { id: 'mistral' },
  deepseek: { id: 'deepseek' },
  xai: { id: 'x-ai' },
  moonshot: { id: 'moonshotai' },
  zai: { id: 'zai' },
  minimax: { id: 'minimax' },
  perplexity: { id: 'perplexity' },
  cohere: { id: 'cohere' },
  voyage: { id: 'voyageai', listing: true },
  // https://console.groq.com/docs/flex-processing: its pricing is that of the on-demand tier.
  groq: { id: 'groq', serviceTiers: () => ({ flex: 1_000 }) },
  cerebras: { id: 'cerebras' },
  together: { id: 'together' },
  fireworks: { id: 'fireworks', prefix: 'accounts/fireworks/models/' },
  baseten: { id: 'baseten' },
  novita: { id: 'novita' },
  openrouter: { id: 'openrouter', listing: true }
}

const AWS: Shelf = { id: 'aws', names: /^[a-z0-9-]+\.[a-z]/ }

/**
 * What a cloud serves of others: it has prices, but is neither listed nor found by its bare name, for which of it an
 * account may call hangs on regions and contracts. Vertex AI goes by the name of Google.
 *
 * The rule: a cloud's price is the one that the data has for that cloud, else unknown. The maker's own list never stands
 * in for it: clouds put a premium on regions and data zones, and a bill that is a tenth too low looks like a right one.
 */
const GUESTS: Readonly<Record<string, Shelf>> = {
  google: { id: 'google', only: /^claude/ },
  bedrock: AWS,
  'bedrock-mantle': AWS,
  'azure-foundry': { id: 'azure' }
}

/** A model of the price data, as the catalogue uses it. */
export interface Priced {
  id: string
  /** Name to call it by; undefined where it is not to be listed. */
  listed: string | undefined
  /** Another's, on this cloud. */
  isGuest: boolean
  contextTokens: number | null
  retired: boolean
  matches(model: string): boolean
  prices: GenaiPrices.ModelInfo['prices']
  serviceTiers: ServiceTiers | undefined
}

/** Those with models of their own, and those of whom only prices are known. */
export function pricedProviders(): string[] {
  return [...new Set([...Object.keys(SHELVES), ...Object.keys(GUESTS)])]
}

/** The price data of one provider of ours. Loads the package at first use (about 50 ms), not at start. */
export function pricedModels(provider: string): Priced[] {
  const own = Object.hasOwn(SHELVES, provider) ? SHELVES[provider] : undefined
  const guests = Object.hasOwn(GUESTS, provider) ? GUESTS[provider] : undefined
  return [...(own ? pricedOn(own, false) : []), ...(guests ? pricedOn(guests, true) : [])]
}

function pricedOn(shelf: Shelf, isGuest: boolean): Priced[] {
  const { findProvider } = createRequire(import.meta.url)('@pydantic/genai-prices') as typeof GenaiPrices
  const models = findProvider({ providerId: shelf.id })?.models ?? []
  return models.filter(model => shelf.only?.test(model.id) ?? true).map(model => toPriced(model, shelf, isGuest))
}

function toPriced(model: GenaiPrices.ModelInfo, shelf: Shelf, isGuest: boolean): Priced {
  const { names, prefix = '', listing = model.context_window !== undefined } = shelf
  const name = prefix + model.id
  const isCallable = matches(model.match, name) && !/^ft:|-$/.test(name)
  return {
    id: model.id,
    listed: isCallable && listing && !isGuest ? name : undefined,
    isGuest,
    contextTokens: model.context_window ?? null,
    retired: model.deprecated ?? false,
    matches: names ? text => matchesName(model.match, names, text) : text => matches(model.match, text),
    prices: model.prices,
    serviceTiers: shelf.serviceTiers?.(model.id)
  }
}

function matchesName(logic: GenaiPrices.MatchLogic, names: RegExp, text: string): boolean {
  const name = text.slice(text.lastIndexOf('/') + 1)
  return names.test(name) && matches(logic, name)
}

/** The price data's own rule of which names are a model. Case does not count, except in patterns. */
function matches(logic: GenaiPrices.MatchLogic, model: string): boolean {
  if ('or' in logic) return logic.or.some(each => matches(each, model))
  if ('and' in logic) return logic.and.every(each => matches(each, model))
  if ('regex' in logic) return new RegExp(logic.regex).test(model)
  const name = model.toLowerCase()
  if ('equals' in logic) return name === logic.equals.toLowerCase()
  if ('starts_with' in logic) return name.startsWith(logic.starts_with.toLowerCase())
  if ('ends_with' in logic) return name.endsWith(logic.ends_with.toLowerCase())
  return name.includes(logic.contains.toLowerCase())
}
