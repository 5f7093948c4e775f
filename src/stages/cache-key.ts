import { type Caller, ownerOf } from '../access/caller.ts'
import { type BodyDigests, digestOf } from '../cache/key.ts'
import type { Guard } from '../guards/attached.ts'
import type { Demands } from '../residency.ts'
import type { Call } from './call.ts'
import { factsOfCall } from './route-call.ts'

/** Walking a larger body would hold the event loop for longer than is good for other calls. */
const BODY_BYTES_MAX = 4_000_000

/** Where a call may go: of one version of the configuration. */
export interface WhereTo {
  /** Of the routes it names, all that they lead to, and how that is asked. */
  digest: string
  /** Facts of a call that decide which way it goes. */
  facts: readonly string[]
}

export interface CacheKeyRooms {
  bodies: BodyDigests
  whereTo(call: Call): WhereTo
  demandsOn(caller: Caller): readonly Demands[]
  /** The tenant is not part of the key: to show that a proof notices. */
  isBroken?: boolean
}

export interface CacheKeyOf {
  namespace: string
  /** Which of the answers that one request may have. */
  variant: number
}

/**
 * SHA-256 over all that the answer to a call follows from (D28): whose it is, what is asked in which dialect, under which
 * of its headers, where it may go and where its keys allow it to, and what its guards make of requests. Or why its answer
 * can be neither found nor kept.
 */
export function cacheKeyOf(
  call: Call,
  caller: Caller,
  { namespace, variant }: CacheKeyOf,
  rooms: CacheKeyRooms
): { key: string } | { bypass: string } {
  const bypass = whyNot(call)
  if (bypass !== undefined) return { bypass }
  const { dialect, operation, model, routing, decision } = call
  const { digest, facts } = rooms.whereTo(call)
  const key = digestOf([
    rooms.isBroken ? '' : JSON.stringify([caller.org, ownerOf(caller)]),
    namespace,
    String(variant),
    dialect.name,
    operation,
    model,
    rooms.bodies.of(call.body.bytes, dialect.members.unheard),
    JSON.stringify(dialect.requestHeaders.map(name => call.headers[name] ?? null)),
    digest,
    JSON.stringify(facts.map(name => factValue(call, caller, name))),
    // An answer of a provider that this key must not use would be one that it could never have got.
    allowed(caller),
    JSON.stringify([rooms.demandsOn(caller), decision?.require ?? []]),
    routing && JSON.stringify([routing.models, routing.wishes, routing.sortsAcross, routing.members, routing.route]),
    guardsOn(call)
  ])
  return { key }
}

function whyNot({ dialect, body, references, object, parent }: Call): string | undefined {
  if (object || references) return 'kept_at_provider'
  if (parent !== undefined) return 'inner_call'
  if (body.bytes.length > BODY_BYTES_MAX) return 'too_large'
  const bound = dialect.members.ofTheMoment.find(name => {
    const kind = body.kind(name)
    return kind !== undefined && kind !== 'null' && body.get(name) !== false
  })
  return bound
}

/** By the clock alone a route may go another way, too: that an answer was made at another time makes it no other call's. */
function factValue(call: Call, caller: Caller, name: string): unknown {
  return factsOfCall(call, caller.name, 0)(name, undefined) ?? null
}

const ALLOWED = new WeakMap<Caller, string>()

function allowed(caller: Caller): string {
  let known = ALLOWED.get(caller)
  if (known === undefined) {
    known = JSON.stringify(caller.scopes.map(({ models, providers, require }) => [models, providers, require]))
    ALLOWED.set(caller, known)
  }
  return known
}

const VERSIONS = new WeakMap<Guard, string>()

/** What looked at the request may have changed it; what looks at answers does so again on every one (D1). */
function guardsOn({ guarding }: Call): string {
  return guarding ? guarding.of('request').map(versionOf).join(' ') : ''
}

function versionOf(guard: Guard): string {
  let known = VERSIONS.get(guard)
  if (known === undefined) {
    const { name, kind, options, action, scope } = guard
    known = digestOf([name, kind, JSON.stringify(options), action, scope])
    VERSIONS.set(guard, known)
  }
  return known
}
