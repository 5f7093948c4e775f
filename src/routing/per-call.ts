import { Failure } from '../errors.ts'
import { isObject, type Json, type JsonBody, type JsonObject } from '../json.ts'
import { type Demands, readDemands } from '../residency.ts'
import type { Wishes } from './facts.ts'
import type { Best } from './route.ts'

/** What one call says about its own routing: members of the body and headers that are ours, not the provider's. */
export interface PerCall {
  /** Further models, tried in order after the one asked for. */
  models: readonly string[]
  /** The body's `provider` object, as OpenRouter's clients send it. */
  wishes: Wishes
  /** What the body's `provider` object demands of whoever answers (`zdr`, `data_collection: deny`). */
  require?: readonly Demands[] | undefined
  /** With `sort` over all models together, not within each (`partition: none`). */
  sortsAcross: boolean
  /** The members as they came, for a provider that reads them itself. */
  members: JsonObject
  totalMs: number | undefined
  /** A configured route to take instead of the model. */
  route: string | undefined
  metadata: JsonObject
}

export const PER_CALL_MEMBERS = ['models', 'provider'] as const
const MODELS_MAX = 10
const TIMEOUT_MAX_MS = 3_600_000

/**
 * Reads what a call says about its routing. Failures: `invalid_header`, and `wrong_type` with the path in the body.
 * Members that ask for what we cannot promise (`quantizations`) are refused rather than overlooked.
 */
export function readPerCall(body: JsonBody, headers: Readonly<Record<string, string>>): PerCall {
  const { wishes, sortsAcross, require } = readProvider(body.has('provider') ? body.get('provider') : undefined)
  const members: JsonObject = {}
  for (const name of PER_CALL_MEMBERS) if (body.has(name)) members[name] = body.get(name)
  return {
    models: readModels(body.has('models') ? body.get('models') : undefined),
    wishes: { ...wishes, ...(readFlag(headers, 'x-gatehouse-no-fallback') && { noFallback: true }) },
    ...(require.length > 0 && { require }),
    sortsAcross,
    members,
    totalMs: readTimeout(headers),
    route: readRoute(headers),
    metadata: { ...bodyMetadata(body), ...readMetadata(headers) }
  }
}

function readModels(value: Json | undefined): string[] {
  if (value === undefined || value === null) return []
  const isList = Array.isArray(value) && value.every(each => typeof each === 'string' && each !== '')
  if (!isList) throw wrong('models', 'a list of model names')
  if (value.length > MODELS_MAX) throw wrong('models', `at most ${MODELS_MAX} model names`)
  return value as string[]
}

const SORTS: Readonly<Record<string, Best>> = { price: 'cheapest', throughput: 'fastest', latency: 'fastest' }
/** Promises about weights and models: we don't know, so we must not seem to keep them. */
const PROMISES = ['enforce_distillable_text', 'quantizations'] as const

interface OfProvider {
  wishes: Wishes
  sortsAcross: boolean
  require: readonly Demands[]
}

function readProvider(value: Json | undefined): OfProvider {
  if (value === undefined || value === null) return { wishes: {}, sortsAcross: false, require: [] }
  if (!isObject(value)) throw wrong('provider', 'an object')
  const promised = PROMISES.find(name => value[name] !== undefined && value[name] !== null && value[name] !== false)
  if (promised !== undefined) {
    const message = `"provider.${promised}" cannot be promised here; name providers in "provider.only".`
    throw new Failure('wrong_type', message, { param: `provider.${promised}` })
  }
  const order = names(value, 'order')
  const fallbacks = value.allow_fallbacks ?? true
  if (typeof fallbacks !== 'boolean') throw wrong('provider.allow_fallbacks', 'a boolean')
  const only = names(value, 'only')
  const ignore = names(value, 'ignore')
  const { sort, across } = readSort(value.sort)
  const maxPrice = readMaxPrice(value.max_price)
  return {
    wishes: {
      ...(order && { order }),
      ...(only && { only: new Set(only) }),
      ...(ignore && { ignore: new Set(ignore) }),
      ...(!fallbacks && (order ? { orderOnly: true } : { noFallback: true })),
      ...(sort && { sort }),
      ...(maxPrice && { maxPrice })
    },
    sortsAcross: across,
    require: readDataWishes(value)
  }
}

/** What it says of data: what is denied to collect it may neither keep it nor learn from it. */
function readDataWishes({ zdr, data_collection: collection }: JsonObject): Demands[] {
  if (zdr !== undefined && zdr !== null && typeof zdr !== 'boolean') throw wrong('provider.zdr', 'a boolean')
  if (collection !== undefined && collection !== null && collection !== 'allow' && collection !== 'deny') {
    throw wrong('provider.data_collection', '"allow" or "deny"')
  }
  return [
    ...(zdr ? [{ zero_retention: true as const }] : []),
    ...(collection === 'deny' ? [{ zero_retention: true as const, no_training: true as const }] : [])
  ]
}

/** Names of providers, without the variant that may follow a slash. */
function names(object: JsonObject, member: string): string[] | undefined {
  const value = object[member]
  if (value === undefined || value === null) return undefined
  const isList = Array.isArray(value) && value.every(each => typeof each === 'string')
  if (!isList) throw wrong(`provider.${member}`, 'a list of provider names')
  return value.length === 0 ? undefined : (value as string[]).map(name => name.split('/')[0]!.toLowerCase())
}

function readSort(value: Json | undefined): { sort: Best | undefined; across: boolean } {
  if (value === undefined || value === null) return { sort: undefined, across: false }
  const by = isObject(value) ? value.by : value
  const sort = typeof by === 'string' && Object.hasOwn(SORTS, by) ? SORTS[by] : undefined
  if (!sort) throw wrong('provider.sort', `one of ${Object.keys(SORTS).join(', ')}`)
  return { sort, across: isObject(value) && value.partition === 'none' }
}

const PRICES = ['prompt', 'completion', 'request', 'image'] as const

function readMaxPrice(value: Json | undefined): Wishes['maxPrice'] {
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw wrong('provider.max_price', 'an object')
  const read: NonNullable<Wishes['maxPrice']> = {}
  for (const name of PRICES) {
    const usd = value[name]
    if (usd === undefined || usd === null) continue
    const number = typeof usd === 'string' && usd.trim() !== '' ? Number(usd) : usd
    if (typeof number !== 'number' || !(number >= 0)) throw wrong(`provider.max_price.${name}`, 'a price in dollars')
    read[name] = number
  }
  return read
}

function wrong(param: string, expected: string): Failure {
  return new Failure('wrong_type', `"${param}" must be ${expected}.`, { param })
}

type Headers = Readonly<Record<string, string>>

function readTimeout(headers: Headers): number | undefined {
  const text = headers['x-gatehouse-timeout-ms']
  if (text === undefined) return undefined
  const valueMs = Number(text)
  if (!/^\d{1,9}$/.test(text) || valueMs < 1 || valueMs > TIMEOUT_MAX_MS) {
    throw invalid('x-gatehouse-timeout-ms', `a whole number of milliseconds from 1 to ${TIMEOUT_MAX_MS}`)
  }
  return valueMs
}

function readFlag(headers: Headers, name: string): boolean {
  const text = headers[name]?.toLowerCase()
  if (text === undefined || text === 'false' || text === '0') return false
  if (text !== 'true' && text !== '1') throw invalid(name, '"true" or "false"')
  return true
}

function readRoute(headers: Headers): string | undefined {
  const name = headers['x-gatehouse-route']
  if (name === '') throw invalid('x-gatehouse-route', 'the name of a route')
  return name
}

/** What a call demands of its providers, beside what is demanded of all (`x-gatehouse-require`). Failure `invalid_header`. */
export function readRequire(headers: Headers): readonly Demands[] {
  const text = headers['x-gatehouse-require']
  if (text === undefined) return []
  const demands = readDemands(text)
  // Whoever overlooks a demand that it cannot read sends the call where it must not go.
  if (!demands)
    throw invalid('x-gatehouse-require', 'of "region=eu", "zero-retention", "no-training", with ";" between')
  return demands
}

function readMetadata(headers: Headers): JsonObject {
  const text = headers['x-gatehouse-metadata']
  if (text === undefined) return {}
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // The failure below says what is wanted.
  }
  throw invalid('x-gatehouse-metadata', 'a JSON object')
}

function bodyMetadata(body: JsonBody): JsonObject {
  const value = body.has('metadata') ? body.get('metadata') : undefined
  return isObject(value) ? value : {}
}

function invalid(name: string, expected: string): Failure {
  return new Failure('invalid_header', `The header "${name}" must be ${expected}.`)
}
