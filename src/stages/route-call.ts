import { allowsModel, allowsProvider, type Caller } from '../access/caller.ts'
import type { Ability } from '../catalog/facts.ts'
import type { Clock } from '../clock.ts'
import { Failure, type Kind } from '../errors.ts'
import { isObject, type Json } from '../json.ts'
import { nearest } from '../nearest.ts'
import { type Credential, modelFacts, type Provider } from '../providers/provider.ts'
import type { Random } from '../random.ts'
import type { Demands } from '../residency.ts'
import { type Fact, timeIn } from '../routing/conditions.ts'
import { type Explanation, explain } from '../routing/explain.ts'
import type { Asks, Facts, Found, Step, Wishes } from '../routing/facts.ts'
import type { HealthView } from '../routing/health.ts'
import { abilitiesNeeded } from '../routing/needs.ts'
import { type PerCall, readRequire } from '../routing/per-call.ts'
import { FALLBACK_ON, planWith } from '../routing/plan.ts'
import { leftOut, namesIn } from '../routing/reasons.ts'
import { type Best, nameOf, type Route } from '../routing/route.ts'
import { addressOf, type Call } from './call.ts'
import { conversationOf, ranked } from './conversation.ts'
import { estimateTokens } from './count-tokens.ts'
import { candidatesOf, type NamedRoute, type Names, type Rule, resolveName, unknownModel } from './resolve.ts'
import { explainEnd } from './why.ts'

/** What routing works with: plain values of one config version, and the health of the process's targets. */
export interface RoutingRooms {
  names: Names
  providers: ReadonlyMap<string, Provider>
  /** What the gateway and a caller's team in the file demand of every provider. */
  demandsOn(caller: Caller): readonly Demands[]
  /** Milliseconds of a call where neither it nor its route says otherwise. */
  totalMs: number
  health: HealthView
  clock: Clock
  random: Random
}

/**
 * The plan of a call. Its last failure says which candidates were left out, and why. `known`: facts that stand for those
 * of the call itself, where all that is left of it is its row in the log.
 */
export function* planCall(
  call: Call,
  caller: Caller,
  rooms: RoutingRooms,
  known?: Partial<Facts>
): Generator<Step, Failure, Failure> {
  const { route, facts, rule, name } = decide(call, caller, rooms)
  const { steps, shared } = planWith(route, known ? { ...facts, ...known } : facts)
  call.decision = {
    rule,
    route: name,
    require: demandsIn(call),
    leftOut: () => leftOut(shared.passed, shared.triedNames)
  }
  const failure = yield* steps
  return explainEnd(failure, call.model, leftOut(shared.passed, shared.triedNames))
}

/** Where a call would go, with no call made. */
export interface CallExplanation extends Explanation {
  model: string
  /** Which rule of the house found the name (D11). */
  rule: Rule
  /** The kind of failure that every target is assumed to meet. */
  assuming: Kind
}

/** Throws the Failure that the call itself would get before any attempt: an unknown model, a wrong header. */
export function explainCall(call: Call, caller: Caller, rooms: RoutingRooms, assuming: Kind): CallExplanation {
  const { route, facts, rule } = decide(call, caller, rooms)
  return { model: call.model, rule, assuming, ...explain(route, facts, assuming) }
}

const NOTHING: PerCall = {
  models: [],
  wishes: {},
  sortsAcross: false,
  members: {},
  totalMs: undefined,
  route: undefined,
  metadata: {}
}
const VARIANTS: Readonly<Record<string, Best>> = { floor: 'cheapest', nitro: 'fastest' }
/** OpenRouter's clients expect the next model after a refusal for content too. */
const MODELS_ON: readonly Kind[] = [...FALLBACK_ON, 'content_filter']

interface Decision {
  route: Route
  rule: Rule
  /** The configured route that was asked for; undefined: there is none of that name. */
  name: string | undefined
  facts: Facts
}

/** The route of a call: of the model it names, or what else it says about its routing. */
function decide(call: Call, caller: Caller, rooms: RoutingRooms): Decision {
  const { names, providers } = rooms
  const perCall = call.routing ?? NOTHING
  const name = perCall.route === undefined ? call.model : configured(perCall.route, names)
  const found = resolveName(name, names, call.doorProvider)
  mayAsk(caller, name, call, names)
  if (found?.target && providers.get(found.target.provider)?.routesItself) {
    // It understands these members itself, and better.
    const route = { use: name, params: { set: perCall.members } }
    const { noFallback } = perCall.wishes
    return { route, rule: found.rule, name: undefined, facts: factsOf(call, caller, rooms, { noFallback }, undefined) }
  }
  const first = entryOf(name, call, names, perCall.wishes, 'model')
  const further = perCall.models
    .filter(model => model !== name)
    .map((model, index) => {
      mayAsk(caller, model, call, names, `models[${index}]`)
      return entryOf(model, call, names, perCall.wishes, `models[${index}]`).route
    })
  const route =
    further.length === 0
      ? first.route
      : { fallback: [first.route, ...further], on: MODELS_ON, fixed: perCall.sortsAcross ? undefined : (true as const) }
  const wishes = { ...perCall.wishes, sort: perCall.wishes.sort ?? first.sort }
  const named = splitVariant(name, names).name
  return {
    route,
    rule: first.rule,
    name: names.routes.has(named) ? named : undefined,
    facts: factsOf(call, caller, rooms, wishes, first.totalMs)
  }
}

/** A key may be held to some models, by any of the names that lead to them. */
function mayAsk(caller: Caller, written: string, call: Call, names: Names, param = 'model'): void {
  // Of what is kept at a provider, its owner decides (D6).
  if (caller.scopes.length === 0 || call.object) return
  const { name } = splitVariant(written, names)
  const target = resolveName(name, names, call.doorProvider)?.target
  if (allowsModel(caller, target ? [name, target.model, nameOf(target)] : [name])) return
  throw new Failure('not_allowed', `This key may not ask for the model "${name}".`, { param })
}

function configured(name: string, names: Names): string {
  if (names.routes.has(name)) return name
  const near = nearest(name, names.routes.keys(), 3)
  const suggestion = near.length > 0 ? ` Did you mean ${near.map(each => `"${each}"`).join(', ')}?` : ''
  throw new Failure(
    'invalid_header',
    `The header "x-gatehouse-route" names no route of the configuration.${suggestion}`
  )
}

interface Entry {
  route: Route
  rule: Rule
  /** What the name's variant asks for (`:floor`), where the name is a route. */
  sort: Best | undefined
  totalMs: number | undefined
}

/** One model that a call names: a route, a target, or (where it matters which provider) all that have the model. */
function entryOf(written: string, call: Call, names: Names, wishes: Wishes, param: string): Entry {
  const { name, variant } = splitVariant(written, names)
  const found = resolveName(name, names, call.doorProvider)
  if (!found) throw unknownModel(name, names, param)
  const { rule } = found
  if (found.route) return { route: name, rule, sort: variant, totalMs: found.route.timeouts?.totalMs }
  const hasWish =
    call.references ?? variant ?? wishes.sort ?? wishes.order ?? wishes.only ?? wishes.ignore ?? wishes.maxPrice
  const targets = hasWish ? candidatesOf(name, names, call.doorProvider) : [found.target]
  const all = targets.map(nameOf)
  const route: Route = all.length === 1 ? all[0]! : variant ? { best: variant, of: all } : { fallback: all }
  return { route, rule, sort: undefined, totalMs: undefined }
}

/** `llama-3.3-70b:floor` without its variant; a route may have such a name of its own. */
function splitVariant(written: string, names: Names): { name: string; variant: Best | undefined } {
  const colon = written.lastIndexOf(':')
  const variant = VARIANTS[written.slice(colon + 1)]
  if (colon < 1 || !variant || names.routes.has(written)) return { name: written, variant: undefined }
  return { name: written.slice(0, colon), variant }
}

/** What a plan may know, for this call. */
function factsOf(
  call: Call,
  caller: Caller,
  rooms: RoutingRooms,
  wishes: Wishes,
  routeTotalMs: number | undefined
): Facts {
  const { names, providers, clock, random } = rooms
  const totalMs = call.routing?.totalMs ?? routeTotalMs ?? rooms.totalMs
  const asks = new CallAsks(call)
  const wallMs = clock.wallMs()
  const pinned = call.references?.holder
  let conversation: string | undefined
  const session = () => (conversation ??= conversationOf(call, caller.name))
  return {
    lookup: name => {
      const found = resolveName(name, names, call.doorProvider)
      return found?.route ? routeFound(found.route, found.star) : found && { target: found.target }
    },
    credentials: ({ provider, sticky }) =>
      pinned ? [pinned.credential] : inTurn(providers.get(provider)!.credentials, sticky ? session() : random.chance()),
    model: ({ provider, model }) => modelFacts(providers.get(provider)!, model),
    asks,
    fact: (name, zone) => factOf(name, zone, { call, key: caller.name, asks, wallMs }),
    remainingMs: () => call.startedMs + totalMs - clock.monotonicMs(),
    totalMs,
    wallMs,
    random: () => random.chance(),
    sticky: by => stickyValue(call, by),
    session,
    health: rooms.health,
    terms: provider => providers.get(provider)?.data,
    demands: demandsOf(call, caller, rooms),
    wishes: {
      ...wishes,
      ...(pinned && { pinned: pinned.provider }),
      ...(caller.scopes.length > 0 && { allowed: (provider: string) => allowsProvider(caller, provider) })
    }
  }
}

function routeFound({ to: route, ...rest }: NamedRoute, star: string | undefined): Found {
  const { timeouts, streams, require, promptCache, sticky } = rest
  return { route, timeouts, streams, star, require, promptCache, sticky }
}

/** What every provider of a call must fulfil, whichever way it goes. Failure `invalid_header`. */
export function demandsOf(call: Call, caller: Caller, { demandsOn }: Pick<RoutingRooms, 'demandsOn'>): Demands[] {
  const ofKeys = caller.scopes.flatMap(({ require = [] }) => require)
  return [...demandsOn(caller), ...ofKeys, ...demandsIn(call)]
}

/** What the call itself demands, in its body and its headers. Failure `invalid_header`. */
function demandsIn({ routing, headers }: Call): Demands[] {
  return [...(routing?.require ?? []), ...readRequire(headers)]
}

/** Ids of the credentials: by their rank for a conversation, else by chance. */
function inTurn(credentials: readonly Credential[], by: string | number): string[] {
  return typeof by === 'number' ? spread(credentials, by) : ranked(credentials, by).map(({ id }) => id)
}

/** Ids of the credentials, one drawn by weight first, the others after it in their order. */
function spread(credentials: readonly Credential[], chance: number): string[] {
  let point = chance * credentials.reduce((sum, { weight }) => sum + weight, 0)
  const drawn = ({ weight }: Credential) => {
    point -= weight
    return point < 0
  }
  const first = credentials.find(drawn) ?? credentials[0]
  return first ? [first.id, ...credentials.filter(other => other !== first).map(({ id }) => id)] : []
}

/** Reads the request only when a route or a fallback wants to know: most calls need none of it. */
class CallAsks implements Asks {
  readonly stream: boolean
  readonly #call: Call
  #estimated: number | undefined
  #abilities: readonly Ability[] | undefined

  constructor(call: Call) {
    this.#call = call
    this.stream = call.stream
  }

  get estimatedTokens(): number {
    this.#estimated ??= estimateTokens(this.#call)
    return this.#estimated
  }

  get outputTokensMax(): number | undefined {
    const { dialect, body } = this.#call
    const values = dialect.members.outputTokensMax.map(path => body.at(path))
    return values.find(value => typeof value === 'number')
  }

  get abilities(): readonly Ability[] {
    this.#abilities ??= this.#readAbilities()
    return this.#abilities
  }

  #readAbilities(): readonly Ability[] {
    const { dialect, body } = this.#call
    try {
      return abilitiesNeeded(dialect.decodeRequest(body.object(), addressOf(this.#call)))
    } catch {
      // A request that cannot be read is for the provider to refuse; it rules no target out.
      return []
    }
  }
}

/** The facts of one call, for conditions outside of its routing. */
export function factsOfCall(call: Call, key: string | undefined, wallMs: number): Fact {
  const asks = new CallAsks(call)
  return (name, zone) => factOf(name, zone, { call, key, asks, wallMs })
}

/** A route and every route that calls may come by from there. */
export function routesBelow(route: NamedRoute, names: Names): ReadonlySet<NamedRoute> {
  const found = new Set<NamedRoute>()
  const walk = (at: NamedRoute) => {
    if (found.has(at)) return
    found.add(at)
    for (const name of namesIn(at.to)) {
      const below = resolveName(name, names, undefined)?.route
      if (below) walk(below)
    }
  }
  walk(route)
  return found
}

/** The configured routes that a call names, in its body, its headers and its list of models. */
export function routesAsked(call: Call, names: Names): NamedRoute[] {
  const perCall = call.routing ?? NOTHING
  return [perCall.route ?? call.model, ...perCall.models].flatMap(written => {
    const route = resolveName(splitVariant(written, names).name, names, call.doorProvider)?.route
    return route ? [route] : []
  })
}

interface FactSources {
  call: Call
  key: string | undefined
  asks: Asks
  wallMs: number
}

/** The facts of conditions, by name. */
function factOf(name: string, zone: string | undefined, { call, key, asks, wallMs }: FactSources): Json | undefined {
  const metadata = call.routing?.metadata
  if (name.startsWith('metadata.')) return memberAt(metadata, name.slice('metadata.'.length))
  if (name.startsWith('header.')) return call.headers[name.slice('header.'.length).toLowerCase()]
  if (name.startsWith('body.')) return memberOfBody(call, name.slice('body.'.length))
  if (name === 'estimated_tokens') return asks.estimatedTokens
  if (name === 'time' || name === 'weekday') return timeIn(zone, wallMs)[name]
  if (name === 'tags') return metadata?.tags
  if (name === 'key') return key
  return name === 'model' ? call.model : call.stream
}

/** `header:x-session-id`, or a path in the body as `metadata.user_id`. */
function stickyValue(call: Call, by: string): string | undefined {
  const isHeader = by.startsWith('header:')
  const value = isHeader ? call.headers[by.slice('header:'.length).toLowerCase()] : memberOfBody(call, by)
  return value === undefined ? undefined : String(value)
}

function memberOfBody({ body }: Call, path: string): Json | undefined {
  const [first, ...rest] = path.split('.')
  if (!body.has(first!)) return undefined
  return rest.length === 0 ? body.get(first!) : memberAt(body.get(first!), rest.join('.'))
}

function memberAt(value: Json | undefined, path: string): Json | undefined {
  let at = value
  for (const name of path.split('.')) {
    if (Array.isArray(at)) at = /^\d{1,6}$/.test(name) ? at[Number(name)] : undefined
    else at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined
  }
  return at
}
