import { BUCKET_MAX, CACHE_NAME, type CacheMode, type RouteCache, TTL_MAX_MS } from '../cache-rules.ts'
import { Failure } from '../errors.ts'
import { parseDuration } from '../units.ts'
import type { CacheSettings } from './settings.ts'

/** What the cache does for one call. */
export interface CachePolicy {
  mode: Exclude<CacheMode, 'off'>
  ttlMs: number
  staleMs: number
  threshold: number
  namespace: string
  tags: readonly string[]
  /** How many different answers a request has. */
  bucket: number
  coalesce: boolean
  /** A kept answer may be given. */
  reads: boolean
  /** Nothing but a kept answer will do. */
  only: boolean
  /** A kept answer may be as old as this, in milliseconds. */
  maxAgeMs: number
}

type Headers = Readonly<Record<string, string>>

const WISHES = ['off', 'on', 'exact', 'semantic', 'refresh', 'only'] as const
type Wish = (typeof WISHES)[number]

/** By which a call says what it wants of the cache, and an answer what that said. */
export const CACHE_HEADER = 'x-gatehouse-cache'
const THRESHOLD = 0.95
const TAGS_MAX = 20

/**
 * What is to be done with a call; undefined: nobody has turned the cache on for it; `bypass`: somebody has, and the call
 * wants nothing of it, or its route or key forbids it. The call's own wish counts most, then
 * its key's, its route's, the gateway's; but a route or a key that says `off` has the last word (D28). Failure
 * `invalid_header`.
 */
export function cachePolicy(
  headers: Headers,
  said: { gateway: CacheSettings; route: RouteCache | undefined; keys: readonly CacheMode[] }
): CachePolicy | 'bypass' | undefined {
  const { gateway, route } = said
  const wishes = readWishes(headers)
  const control = readControl(headers)
  const isForbidden = route?.mode === 'off' || said.keys.includes('off')
  const mode = wished(wishes, said.keys[0] ?? route?.mode ?? gateway.mode)
  if (mode === 'off') return undefined
  if (isForbidden || wishes.has('off') || control['no-store'] !== undefined) return 'bypass'
  return {
    mode,
    ttlMs: readTtl(headers) ?? route?.ttlMs ?? gateway.ttlMs,
    // However long a call would take it: nothing is kept for longer than purges are remembered.
    staleMs: Math.min(TTL_MAX_MS, seconds(control, 'stale-while-revalidate') ?? route?.staleMs ?? gateway.staleMs),
    threshold: route?.threshold ?? gateway.semantic?.threshold ?? THRESHOLD,
    namespace: readName(headers, 'x-gatehouse-cache-namespace') ?? route?.namespace ?? '',
    tags: readTags(headers) ?? route?.tags ?? [],
    bucket: readBucket(headers) ?? route?.bucket ?? 1,
    coalesce: route?.coalesce ?? gateway.coalesce,
    reads: !wishes.has('refresh') && control['no-cache'] === undefined,
    only: wishes.has('only') || control['only-if-cached'] !== undefined,
    maxAgeMs: seconds(control, 'max-age') ?? Number.POSITIVE_INFINITY
  }
}

/** What the call asks for by name; `on`, `refresh` and `only` turn an exact cache on where nobody said more. */
function wished(wishes: ReadonlySet<Wish>, before: CacheMode): CacheMode {
  if (wishes.has('semantic')) return 'semantic'
  if (wishes.has('exact')) return 'exact'
  return wishes.size > 0 && !wishes.has('off') && before === 'off' ? 'exact' : before
}

function readWishes(headers: Headers): ReadonlySet<Wish> {
  const text = headers[CACHE_HEADER]
  if (text === undefined) return NO_WISHES
  const words = text.split(',').map(word => word.trim().toLowerCase())
  const wishes = new Set(WISHES.filter(wish => words.includes(wish)))
  const isKnown = words.every(word => (WISHES as readonly string[]).includes(word))
  const excludes = wishes.has('only') && wishes.has('refresh')
  if (isKnown && !excludes && (wishes.size === 1 || !wishes.has('off'))) return wishes
  throw invalid(CACHE_HEADER, `"${WISHES.join('", "')}", or some of them with "," between that can hold at once`)
}

const NO_WISHES: ReadonlySet<Wish> = new Set()

/** Directives of `cache-control` (RFC 9111, section 5.2.1, and RFC 5861) by name; what it does not say is absent. */
function readControl(headers: Headers): Readonly<Record<string, string>> {
  const text = headers['cache-control']
  if (text === undefined) return NO_CONTROL
  return Object.fromEntries(
    text.split(',').map(part => {
      const [name = '', value = ''] = part.split('=')
      return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')]
    })
  )
}

const NO_CONTROL: Readonly<Record<string, string>> = Object.freeze({})

/** Seconds of a directive in milliseconds. What cannot be read counts as not said, as the specification has it. */
function seconds(control: Readonly<Record<string, string>>, name: string): number | undefined {
  const value = control[name]
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : undefined
}

function readTtl(headers: Headers): number | undefined {
  const text = headers['x-gatehouse-cache-ttl']
  if (text === undefined) return undefined
  const read = /^\d+$/.test(text) ? { ok: true as const, value: Number(text) * 1_000 } : parseDuration(text)
  if (read.ok && read.value >= 1_000 && read.value <= TTL_MAX_MS) return read.value
  throw invalid('x-gatehouse-cache-ttl', 'seconds, or a duration with a unit, from 1s to 30d')
}

function readName(headers: Headers, name: string): string | undefined {
  const text = headers[name]
  if (text === undefined || CACHE_NAME.test(text)) return text
  throw invalid(name, 'up to 100 letters, digits and . : @ / _ -')
}

function readTags(headers: Headers): readonly string[] | undefined {
  const text = headers['x-gatehouse-cache-tags']
  if (text === undefined) return undefined
  const tags = text.split(',').map(tag => tag.trim())
  if (tags.length <= TAGS_MAX && tags.every(tag => CACHE_NAME.test(tag))) return tags
  throw invalid('x-gatehouse-cache-tags', `up to ${TAGS_MAX} names with "," between`)
}

function readBucket(headers: Headers): number | undefined {
  const text = headers['x-gatehouse-cache-bucket']
  if (text === undefined) return undefined
  const bucket = Number(text)
  if (/^\d{1,3}$/.test(text) && bucket >= 1 && bucket <= BUCKET_MAX) return bucket
  throw invalid('x-gatehouse-cache-bucket', `a number from 1 to ${BUCKET_MAX}`)
}

function invalid(name: string, expected: string): Failure {
  return new Failure('invalid_header', `The header "${name}" must be ${expected}.`, { param: name })
}
