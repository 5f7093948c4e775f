import { createRequire } from 'node:module'
import type * as GenaiPrices from '@pydantic/genai-prices'
import type { Source } from './facts.ts'

export const PRICE_DATA: Source = { document: '@pydantic/genai-prices 0.1.8 (MIT)', date: '2026-11-22' }

/** How the price data sees one of our providers. */
interface Shelf {
  /** Its name there. */
  id: string
  /** The part of it that is really this provider (the data of Google, say, has Claude on Vertex too). */
  only?: RegExp
  /** What the provider puts before a name that the data has bare. */
  prefix?: string
  /** The data is the only listing we have: list every model, not just those whose context is known. */
  listing?: true
}

/** Our provider names → the price data's. A provider that is not here has no price data: its prices are unknown. */
const SHELVES: Readonly<Record<string, Shelf>> = {
  anthropic: { id: 'anthropic' },
  openai: { id: 'openai', only: /^(?!gpt-oss)/ },
  google: { id: 'google', only: /^(gemini|gemma)/ },
  mistral: { id: 'mistral' },
  deepseek: { id: 'deepseek' },
  xai: { id: 'x-ai' },
  moonshot: { id: 'moonshotai' },
  zai: { id: 'zai' },
  minimax: { id: 'minimax' },
  perplexity: { id: 'perplexity' },
  groq: { id: 'groq' },
  cerebras: { id: 'cerebras' },
  together: { id: 'together' },
  fireworks: { id: 'fireworks', prefix: 'accounts/fireworks/models/' },
  baseten: { id: 'baseten' },
  novita: { id: 'novita' },
  openrouter: { id: 'openrouter', listing: true }
}

/** A model of the price data, as the catalogue uses it. */
export interface Priced {
  id: string
  /** Name to call it by; undefined where it is not to be listed. */
  listed: string | undefined
  contextTokens: number | null
  retired: boolean
  matches(model: string): boolean
  prices: GenaiPrices.ModelInfo['prices']
}

export function pricedProviders(): string[] {
  return Object.keys(SHELVES)
}

/** The price data of one provider of ours. Loads the package at first use (about 50 ms), not at start. */
export function pricedModels(provider: string): Priced[] {
  const shelf = Object.hasOwn(SHELVES, provider) ? SHELVES[provider] : undefined
  if (shelf === undefined) return []
  const { findProvider } = createRequire(import.meta.url)('@pydantic/genai-prices') as typeof GenaiPrices
  const models = findProvider({ providerId: shelf.id })?.models ?? []
  return models.filter(model => shelf.only?.test(model.id) ?? true).map(model => toPriced(model, shelf))
}

function toPriced(model: GenaiPrices.ModelInfo, shelf: Shelf): Priced {
  const name = (shelf.prefix ?? '') + model.id
  const callable = matches(model.match, name) && !/^ft:|-$/.test(name)
  return {
    id: model.id,
    listed: callable && (shelf.listing || model.context_window !== undefined) ? name : undefined,
    contextTokens: model.context_window ?? null,
    retired: model.deprecated ?? false,
    matches: text => matches(model.match, text),
    prices: model.prices
  }
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
