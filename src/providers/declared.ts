import type { ModelFacts } from '../catalog/catalog.ts'
import { ABILITIES, type Abilities, UNKNOWN_ABILITIES } from '../catalog/facts.ts'
import { nanoUsd, type PriceLine, type Prices } from '../catalog/prices.ts'
import type { Entry } from './schema.ts'

/** A model as the configuration declares it, in the catalogue's form. What it leaves out is unknown. */
export function declaredModel(provider: string, model: NonNullable<Entry['models']>[number]): ModelFacts {
  const said = typeof model === 'string' ? { name: model } : model
  return Object.freeze({
    provider,
    id: said.name,
    contextTokens: said.context ?? null,
    outputTokensMax: said.output ?? null,
    abilities: said.abilities ? declaredAbilities(said.abilities) : UNKNOWN_ABILITIES,
    released: null,
    retired: false,
    prices: said.prices ? declaredPrices(said.prices) : null,
    sources: [{ document: `config providers.${provider}.models`, date: '' }]
  })
}

function declaredAbilities(said: Readonly<Record<string, boolean | undefined>>): Abilities {
  const entries = ABILITIES.map(name => [name, said[name] === undefined ? 'unknown' : said[name] ? 'yes' : 'no'])
  return Object.freeze(Object.fromEntries(entries))
}

function declaredPrices(usdPerMillion: Readonly<Record<string, number>>): Prices {
  const lines: Record<string, PriceLine> = {}
  for (const [unit, usd] of Object.entries(usdPerMillion)) lines[unit] = { nanoUsdPerMillion: nanoUsd(usd) }
  return Object.freeze([{ lines: Object.freeze(lines) }])
}
