import type { Failure, Kind } from '../errors.ts'
import type { JsonObject } from '../json.ts'

/** Durations in milliseconds; a route or target overrides what the configuration says for all (D12). */
export interface Timeouts {
  /** To a connected socket. */
  connectMs: number
  /** To the head of a streamed answer; a whole answer has `attemptMs`. */
  headMs: number
  /** To the first content of a stream. */
  firstTokenMs: number
  /** The same where the request asks for reasoning. */
  firstTokenReasoningMs: number
  /** Between any bytes. */
  idleMs: number
  /** Between content; pings don't count. */
  idleContentMs: number
  /** One attempt at a whole answer. */
  attemptMs: number
  /** The whole call, all attempts and waits together. */
  totalMs: number
}

/** Changes that a route makes to the native request: `set` wins over the client, `default` yields to it. */
export interface Params {
  set?: JsonObject | undefined
  default?: JsonObject | undefined
  drop?: readonly string[] | undefined
}

/** A routing policy, as data (HOUSE 7). A string is `provider/model` or another route's name. */
export type Route =
  | string
  | { use: string; params?: Params | undefined; timeouts?: Partial<Timeouts> | undefined }
  | { fallback: readonly Route[]; on?: readonly Kind[] | undefined }
  | { retry: Route; times: number; on?: readonly Kind[] | undefined }
  | { split: readonly { weight: number; to: Route }[]; sticky_by?: string | undefined }

/** Where an attempt goes. */
export interface Target {
  provider: string
  model: string
  params?: Params | undefined
  timeouts?: Partial<Timeouts> | undefined
}

/** One attempt to make. */
export interface Step {
  target: Target
  /** Which of the provider's credentials. */
  credential: string
  /** How long to wait before, in milliseconds. */
  waitMs: number
  /** 0 for the first target of the plan, counted up with every further target. */
  fallback: number
}

/** What a plan may know; gathered before it is walked, so that it does no I/O (HOUSE 5). */
export interface Facts {
  /** A name in a route: another route (an alias), or a target. Undefined: cannot be resolved now. */
  lookup(name: string): { route: Route; timeouts?: Partial<Timeouts> | undefined } | { target: Target } | undefined
  /** Ids of a provider's credentials, in the order to try them. Never empty for a usable provider. */
  credentials(provider: string): readonly string[]
  /** Context window in tokens, where known. */
  contextTokens(target: Target): number | undefined
  /** Milliseconds left until the call's deadline. */
  remainingMs(): number
  /** From 0 to 1. */
  random(): number
  /** The value a sticky split hashes, by its `sticky_by`. */
  sticky(by: string): string | undefined
}

/** Another try at the same target may help (D13, column 2). */
const SAME_AGAIN: ReadonlySet<Kind> = new Set([
  'connect',
  'reset',
  'server_error',
  'overloaded',
  'truncated',
  'malformed',
  'rate_limited'
])
/** The credential is at fault or used up: another one of the same provider may do. */
const NEXT_CREDENTIAL: ReadonlySet<Kind> = new Set(['rate_limited', 'our_credential', 'spend_limit'])
/** What a fallback answers unless its `on` says otherwise (D13, column 3). */
const FALLBACK_ON: ReadonlySet<Kind> = new Set([
  'connect',
  'reset',
  'server_error',
  'overloaded',
  'rate_limited',
  'silent',
  'slow_first_token',
  'stalled',
  'truncated',
  'malformed',
  'our_credential',
  'spend_limit',
  'no_such_model',
  'too_long',
  'budget_exceeded',
  'limited_here'
])

const BACKOFF_BASE_MS = 250
const BACKOFF_CAP_MS = 8_000
const RETRY_AFTER_CAP_MS = 30_000
export const DEPTH_MAX = 8
export const ATTEMPTS_MAX = 20

interface Walk {
  facts: Facts
  retries: number
  retryOn: ReadonlySet<Kind>
  /** Of the named routes on the way here; the innermost wins. */
  timeouts: Partial<Timeouts>
  depth: number
  /** Shared by the whole walk: how many targets were begun, how many attempts made. */
  count: { targets: number; attempts: number }
}

/**
 * Walks a route: yields a step, is told that step's failure, yields the next. Returns the failure to show when
 * nothing is left to try; undefined when the route names nothing that can be tried.
 */
export function* plan(route: Route, facts: Facts): Generator<Step, Failure | undefined, Failure> {
  return yield* walk(route, {
    facts,
    retries: 1,
    retryOn: SAME_AGAIN,
    timeouts: {},
    depth: 0,
    count: { targets: 0, attempts: 0 }
  })
}

type Walker = Generator<Step, Failure | undefined, Failure>

function* walk(route: Route, at: Walk): Walker {
  if (at.depth > DEPTH_MAX) return undefined
  const down = { ...at, depth: at.depth + 1 }
  if (typeof route === 'string') return yield* named(route, down)
  if ('use' in route) return yield* named(route.use, down, route)
  if ('fallback' in route) return yield* fallback(route.fallback, route.on ? new Set(route.on) : FALLBACK_ON, down)
  if ('retry' in route) return yield* retry(route, down)
  return yield* walk(pick(route, at.facts), down)
}

function* named(name: string, at: Walk, use?: Pick<Target, 'params' | 'timeouts'>): Walker {
  const found = at.facts.lookup(name)
  if (!found) return undefined
  const timeouts = { ...at.timeouts, ...use?.timeouts, ...('route' in found && found.timeouts) }
  if ('route' in found) return yield* walk(found.route, { ...at, timeouts })
  return yield* attempts({ ...found.target, params: use?.params, timeouts }, at)
}

/** One target: its credentials in turn, and its retries. */
function* attempts(target: Target, at: Walk): Walker {
  const credentials = at.facts.credentials(target.provider)
  const fallback = at.count.targets++
  let credential = 0
  let retried = 0
  let waitMs = 0
  for (;;) {
    const id = credentials[credential]
    if (id === undefined || at.count.attempts >= ATTEMPTS_MAX) return undefined
    at.count.attempts++
    const failure = yield { target, credential: id, waitMs, fallback }
    if (NEXT_CREDENTIAL.has(failure.kind) && credential + 1 < credentials.length) {
      credential++
      waitMs = 0
      continue
    }
    if (retried >= at.retries || !at.retryOn.has(failure.kind)) return failure
    waitMs = failure.retryAfterMs ?? backoffMs(retried, at.facts.random())
    if (waitMs > RETRY_AFTER_CAP_MS || waitMs >= at.facts.remainingMs()) return failure
    retried++
  }
}

function backoffMs(retried: number, random: number): number {
  return Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** retried) * random
}

function* fallback(routes: readonly Route[], on: ReadonlySet<Kind>, at: Walk): Walker {
  let last: Failure | undefined
  let contextMin: number | undefined
  for (const route of routes) {
    // A request too long for one model is not sent to another that is known to hold no more.
    if (contextMin !== undefined && !holdsMore(route, contextMin, at.facts)) continue
    const failure: Failure | undefined = yield* walk(route, at)
    if (!failure) continue
    last = failure
    if (!on.has(failure.kind)) return failure
    if (failure.kind === 'too_long') contextMin = contextOf(route, at.facts) ?? contextMin
  }
  return last
}

function* retry(route: { retry: Route; times: number; on?: readonly Kind[] | undefined }, at: Walk): Walker {
  const on = route.on ? new Set(route.on) : SAME_AGAIN
  const isTarget = typeof route.retry === 'string' || 'use' in route.retry
  // Around a single target `times` replaces its default; around a tree the whole tree is walked again.
  if (isTarget) return yield* walk(route.retry, { ...at, retries: route.times, retryOn: on })
  let failure: Failure | undefined
  for (let time = 0; time <= route.times; time++) {
    failure = yield* walk(route.retry, at)
    if (!failure || !on.has(failure.kind)) return failure
  }
  return failure
}

function pick(
  route: { split: readonly { weight: number; to: Route }[]; sticky_by?: string | undefined },
  facts: Facts
): Route {
  const total = route.split.reduce((sum, branch) => sum + branch.weight, 0)
  const sticky = route.sticky_by === undefined ? undefined : facts.sticky(route.sticky_by)
  let point = (sticky === undefined ? facts.random() : fraction(sticky)) * total
  for (const branch of route.split) {
    point -= branch.weight
    if (point < 0) return branch.to
  }
  return route.split.at(-1)!.to
}

/** FNV-1a over the text, as a number from 0 to 1: the same caller always lands on the same branch. */
function fraction(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0) / 2 ** 32
}

function contextOf(route: Route, facts: Facts): number | undefined {
  const name = typeof route === 'string' ? route : 'use' in route ? route.use : undefined
  const found = name === undefined ? undefined : facts.lookup(name)
  return found && 'target' in found ? facts.contextTokens(found.target) : undefined
}

function holdsMore(route: Route, contextMin: number, facts: Facts): boolean {
  const context = contextOf(route, facts)
  return context === undefined || context > contextMin
}
