import type { Event } from '../../src/dialects/canonical.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { Failure } from '../../src/errors.ts'
import { isObject, type Json } from '../../src/json.ts'
import type { Usage } from '../../src/usage.ts'
import type { ReadStream } from './interactions.ts'

/** What a run is held with. */
export interface Parts {
  dialects: readonly Dialect[]
  readStream: ReadStream
  /** The native path is left: bytes are rebuilt. */
  forceCanonical: boolean
}

/** A mechanism that is turned off, and the rules that must fail then. */
interface Break {
  rules: readonly string[]
  apply(parts: Parts): Parts
}

/** By the word that `--break=` takes. */
export const BREAKS: Readonly<Record<string, Break>> = {
  /** The same dialect goes through the canonical form. */
  native: { rules: ['same-request', 'same-reply'], apply: parts => ({ ...parts, forceCanonical: true }) },
  /** Nobody keeps what the canonical form does not model. */
  rest: {
    rules: ['request-document', 'reply-document'],
    apply: reading(value => without(value, ['rest', 'spelling']))
  },
  /** Signatures and encrypted reasoning are forgotten. */
  seals: { rules: ['request-document', 'reply-document'], apply: reading(value => without(value, ['seal'])) },
  /** What cannot be said is dropped silently. */
  losses: { rules: ['crossed-request', 'crossed-reply'], apply: each(silent) },
  /** Cached tokens are counted once more. */
  usage: { rules: ['usage'], apply: reading(cachedTwice) },
  /** However it ended, it ended well. */
  finish: { rules: ['same-words'], apply: reading(endedWell) },
  /** An event that a cut goes through is lost. */
  cuts: {
    rules: ['cut-anywhere'],
    apply: parts => ({
      ...parts,
      readStream: (framing, pieces) => [...pieces].flatMap(piece => parts.readStream(framing, [piece]))
    })
  },
  /** Every error is the provider's fault, and its words are gone. */
  errors: {
    rules: ['error'],
    apply: each(dialect => ({ ...dialect, readFailure: () => new Failure('provider_error', 'It failed.') }))
  }
}

/** These parts with one mechanism turned off, or with all of them. Throws an Error where there is no such word. */
export function broken(parts: Parts, word: string | undefined): Parts {
  if (word === undefined) return parts
  if (word === 'all') return Object.values(BREAKS).reduce((soFar, { apply }) => apply(soFar), parts)
  const one = BREAKS[word]
  if (!one) throw new Error(`--break takes one of ${Object.keys(BREAKS).join(', ')}, or nothing`)
  return one.apply(parts)
}

function each(change: (dialect: Dialect) => Dialect): Break['apply'] {
  return parts => ({ ...parts, dialects: parts.dialects.map(change) })
}

/** Changes whatever a dialect has read: requests, replies, events. */
function reading(change: (value: Json) => Json): Break['apply'] {
  const changed = <Value>(value: Value) => change(value as Json) as Value
  return each(dialect => ({
    ...dialect,
    decodeRequest: (body, address) => changed(dialect.decodeRequest(body, address)),
    decodeResponse: body => changed(dialect.decodeResponse(body)),
    decoder() {
      const decode = dialect.decoder()
      return (event, data) => decode(event, data).map(told => (told.type === 'failed' ? told : changed<Event>(told)))
    }
  }))
}

function silent(dialect: Dialect): Dialect {
  return {
    ...dialect,
    encodeRequest: request => dialect.encodeRequest(request, []),
    encodeResponse: (response, _, request) => dialect.encodeResponse(response, [], request),
    encoder: options => dialect.encoder({ ...options, losses: [] })
  }
}

/** A copy without the members of these names, wherever they stand. */
function without(value: Json, names: readonly string[]): Json {
  return deep(value, member => Object.fromEntries(Object.entries(member).filter(([name]) => !names.includes(name))))
}

function cachedTwice(value: Json): Json {
  return deep(value, member => {
    const { inputTokens, cacheReadTokens } = member as Partial<Usage>
    return cacheReadTokens && inputTokens ? { ...member, inputTokens: inputTokens + cacheReadTokens } : member
  })
}

function endedWell(value: Json): Json {
  return deep(value, member => (typeof member.unified === 'string' ? { ...member, unified: 'stop' } : member))
}

type Member = Record<string, Json | undefined>

function deep(value: Json, change: (member: Member) => Member): Json {
  if (Array.isArray(value)) return value.map(item => deep(item, change))
  if (!isObject(value)) return value
  const members = Object.entries(change(value)).map(([name, member]) => [name, deep(member ?? null, change)])
  return Object.fromEntries(members) as Json
}
