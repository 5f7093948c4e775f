import { setTimeout as sleep } from 'node:timers/promises'
import { KeyRing } from './access/keys.ts'
import { catalog, familyOwner } from './catalog/catalog.ts'
import type { Clock } from './clock.ts'
import type { Config, LoadedConfig } from './config/index.ts'
import { Failure } from './errors.ts'
import type { Rooms } from './gateway.ts'
import { isObject } from './json.ts'
import type { Log } from './log.ts'
import { type Credential, type Endpoint, holdersOf, modelFacts, modelsOf, type Provider } from './providers/provider.ts'
import { type Missing, resolveProviders } from './providers/resolve.ts'
import type { Random } from './random.ts'
import type { Recent } from './records/recent.ts'
import { type Facts, plan as planRoute, type Step, type Timeouts } from './routing/route.ts'
import { holdsSecret } from './secret.ts'
import { type Address, type AttemptRooms, attempt } from './stages/attempt.ts'
import type { Call, CallRecord } from './stages/call.ts'
import { failed, observe } from './stages/observe.ts'
import { type Names, resolveName, unknownModel } from './stages/resolve.ts'
import type { Upstream } from './wire/upstream.ts'

/** What lives as long as the process (D7): sockets, counters, the log. Keyed by stable names, so that a reload keeps it. */
export interface Plant {
  clock: Clock
  random: Random
  upstream: Upstream
  log: Log
  recent: Recent<CallRecord>
  version: string
  /** Address of the simulated provider's own listener; undefined: not running. */
  simUrl: string | undefined
  /** Same-dialect calls go through the canonical form too: for tests of it (law e). */
  forceCanonical: boolean
}

/** Everything that follows from one version of the configuration (D7). Frozen; calls in flight keep the one they began with. */
export interface Plan {
  config: Config
  digest: string
  providers: ReadonlyMap<string, Provider>
  missing: readonly Missing[]
  names: Names
  keys: KeyRing | undefined
  models: readonly ListedModel[]
  rooms: Rooms
}

/** A model as `/v1/models` lists it. */
export interface ListedModel {
  id: string
  owner: string
  /** Seconds since 1970; 0 where nobody knows. */
  created: number
  title: string
}

/** Largest whole answer and largest stream event that are taken from a provider, in bytes. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024
const EVENT_BYTES_MAX = 16 * 1024 * 1024

type Env = Readonly<Record<string, string | undefined>>

/** Makes the Plan of a configuration: the only place, with the Plant, where rooms meet. */
export function buildPlan({ config, digest, sources }: LoadedConfig, plant: Plant, env: Env): Plan {
  const resolved = resolveProviders(config.providers, env)
  const providers = new Map(resolved.found.map(provider => [provider.name, withSources(provider, sources.values)]))
  if (plant.simUrl !== undefined && config.sim !== false) providers.set('sim', simProvider(plant.simUrl))
  const names = buildNames(config, providers, resolved.missing)
  const keys = config.auth === 'keys' ? new KeyRing(config.keys) : undefined
  const base = {
    config,
    digest,
    providers,
    missing: resolved.missing,
    names,
    keys,
    models: listModels(config, providers, names)
  }
  return Object.freeze({ ...base, rooms: buildRooms(base, plant) })
}

/** Credentials say the variable or file they came from, where the configuration had a reference: people look there. */
function withSources(provider: Provider, values: ReadonlyMap<string, string>): Provider {
  const credentials = provider.credentials.map(credential => {
    const path = credential.source.replace(/^config /, '')
    return { ...credential, source: values.get(path) ?? values.get(`${path}.key`) ?? credential.source }
  })
  return { ...provider, credentials }
}

function simProvider(url: string): Provider {
  const { found } = resolveProviders(
    {
      sim: {
        endpoints: [
          { dialect: 'openai-chat', base_url: `${url}/v1` },
          { dialect: 'anthropic-messages', base_url: `${url}/v1` }
        ],
        allow_private: ['127.0.0.0/8']
      }
    },
    {}
  )
  return { ...found[0]!, simulated: true }
}

function buildNames(config: Config, providers: ReadonlyMap<string, Provider>, missing: readonly Missing[]): Names {
  const routes = new Map(Object.entries(config.routes))
  return {
    routes,
    providers: new Set(providers.keys()),
    missing: reasonsMissing(providers, missing),
    providersOf: model => [...new Set([...holdersOf([...providers.values()], model), ...catalog.providersOf(model)])],
    familyOwner,
    *known() {
      yield* routes.keys()
      for (const provider of providers.values()) {
        for (const { id } of modelsOf(provider)) {
          yield id
          yield `${provider.name}/${id}`
        }
      }
    }
  }
}

/** Why a provider that everybody knows cannot be called here. */
function reasonsMissing(providers: ReadonlyMap<string, Provider>, missing: readonly Missing[]): Map<string, string> {
  const reasons = new Map(
    missing.map(({ name, variables }) => [
      name,
      variables.length > 0 ? `has no key (set ${variables.join(' or ')})` : 'is not configured'
    ])
  )
  if (!providers.has('sim')) reasons.set('sim', 'is off (turn it on with "sim: true")')
  return reasons
}

/** Routes first, then each provider's known models in both spellings (D11). */
function listModels(config: Config, providers: ReadonlyMap<string, Provider>, names: Names): ListedModel[] {
  const listed = new Map<string, ListedModel>()
  const add = (model: ListedModel) => {
    if (!listed.has(model.id)) listed.set(model.id, model)
  }
  for (const id of Object.keys(config.routes)) add({ id, owner: 'gatehouse', created: 0, title: id })
  for (const provider of providers.values()) {
    for (const { id, released } of modelsOf(provider)) {
      const model = { owner: provider.name, created: secondsOf(released), title: id }
      add({ ...model, id: `${provider.name}/${id}` })
      const bare = resolveName(id, names, undefined)
      if (bare?.target?.provider === provider.name) add({ ...model, id })
    }
  }
  return [...listed.values()]
}

/** A call that is over: to the front page, and to the log. Neither holds a prompt, an answer or a secret. */
function note(record: CallRecord, plant: Plant): void {
  plant.recent.add(record)
  const { answered, failure, failures, ...facts } = record
  const level = record.outcome === 'failed' && record.status >= 500 ? 'warn' : 'info'
  plant.log[level](
    {
      ...facts,
      ...(answered && {
        provider: answered.provider,
        model: answered.model,
        losses: answered.losses,
        touches: answered.touches
      }),
      ...(failure && { code: failure.code, kind: failure.kind, why: failure.message, ...ownWords(failure) }),
      ...(failures.length > 0 && {
        failures: failures.map(({ kind, provider, model, message }) => ({ kind, provider, model, message }))
      }),
      ...stackOf(failure)
    },
    'call'
  )
}

/** A request that never became a call, to the log: there is no model and no provider to tell of. */
export function noteRefused(id: string, dialect: string, failure: Failure, plant: Plant): void {
  const { status, code, kind, message } = failure
  const outcome = kind === 'aborted' ? 'aborted' : 'failed'
  plant.log[status >= 500 ? 'warn' : 'info'](
    { id, dialect, outcome, status, code, kind, why: message, ...stackOf(failure) },
    'refused'
  )
}

/** What the provider itself said where the client gets our words for it (D34). */
function ownWords({ cause }: Failure): { provider_said?: string } {
  return cause instanceof Failure && !holdsSecret(cause.message) ? { provider_said: cause.message } : {}
}

/** The one fault whose text no client gets: people need its stack. */
function stackOf(failure: Failure | undefined): { stack?: string | undefined } {
  if (failure?.code !== 'internal') return {}
  return { stack: failure.cause instanceof Error ? failure.cause.stack : String(failure.cause) }
}

/** `2026-04-16`, or only its month, as seconds since 1970; 0 where unknown. */
function secondsOf(date: string | null): number {
  return date === null ? 0 : Date.parse(date) / 1000
}

type Base = Omit<Plan, 'rooms'>

function buildRooms(plan: Base, plant: Plant): Rooms {
  const attemptRooms = buildAttemptRooms(plan, plant)
  const observeRooms = {
    clock: plant.clock,
    configDigest: plan.digest,
    record: (record: CallRecord) => note(record, plant)
  }
  return {
    authenticate: call => ({ key: plan.keys?.authenticate(call.credentials) }),
    resolve: call => resolve(call, plan, plant),
    wait: (call, milliseconds) => wait(call, milliseconds, plant.clock),
    attempt: (call, step) => attempt(call, step, attemptRooms),
    observe: (call, caller, trail, reply) => observe(call, caller.key, trail, reply, observeRooms),
    failed: (call, caller, trail, failure) => failed(call, caller?.key, trail, failure, observeRooms)
  }
}

function resolve(call: Call, plan: Base, plant: Plant): Generator<Step, Failure | undefined, Failure> {
  const found = resolveName(call.model, plan.names, call.doorProvider)
  if (!found) throw unknownModel(call.model, plan.names)
  return planRoute(call.model, facts(call, plan, plant))
}

/** What a plan may know, for this call. */
function facts(call: Call, plan: Base, plant: Plant): Facts {
  const totalMs = plan.names.routes.get(call.model)?.timeouts?.totalMs ?? plan.config.timeouts.totalMs
  return {
    lookup: name => {
      const found = resolveName(name, plan.names, call.doorProvider)
      return found?.route
        ? { route: found.route.to, timeouts: found.route.timeouts }
        : found && { target: found.target }
    },
    credentials: name => spread(plan.providers.get(name)!.credentials, plant.random.chance()),
    contextTokens: target => modelFacts(plan.providers.get(target.provider)!, target.model)?.contextTokens ?? undefined,
    remainingMs: () => call.startedMs + totalMs - plant.clock.monotonicMs(),
    random: () => plant.random.chance(),
    sticky: by => stickyValue(call, by)
  }
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

/** `header:x-session-id`, or a path in the body as `metadata.user_id`. */
function stickyValue(call: Call, by: string): string | undefined {
  if (by.startsWith('header:')) return call.headers[by.slice('header:'.length).toLowerCase()]
  let value: unknown = call.body.object()
  for (const name of by.split('.')) value = isObject(value) ? value[name] : undefined
  return value === undefined ? undefined : String(value)
}

function wait(call: Call, milliseconds: number, clock: Clock): Promise<void> {
  const fromMs = clock.monotonicMs()
  return sleep(milliseconds, undefined, { signal: call.signal }).then(
    () => {
      call.waitedMs += clock.monotonicMs() - fromMs
    },
    () => {
      throw new Failure('client_closed', 'The client left before the next try.')
    }
  )
}

function addressOf(baseUrl: string): Address {
  const { origin, pathname } = new URL(baseUrl)
  return { origin, path: pathname.replace(/\/$/, '') }
}

function buildAttemptRooms(plan: Base, plant: Plant): AttemptRooms {
  const timeouts = (step: Step): Timeouts => ({ ...plan.config.timeouts, ...step.target.timeouts })
  const addresses = new Map<Endpoint, Address>()
  for (const { endpoints } of plan.providers.values()) {
    for (const endpoint of endpoints) addresses.set(endpoint, addressOf(endpoint.baseUrl))
  }
  return {
    address: endpoint => addresses.get(endpoint)!,
    provider: name => plan.providers.get(name)!,
    credential: (provider, id) => provider.credentials.find(credential => credential.id === id)!,
    timeouts,
    reasons: ({ provider, model }) => modelFacts(plan.providers.get(provider)!, model)?.abilities.reasoning === 'yes',
    upstream: plant.upstream,
    clock: plant.clock,
    newId: () => plant.random.id(),
    strict: plan.config.strict,
    forceCanonical: plant.forceCanonical,
    userAgent: `gatehouse/${plant.version}`,
    replyBytesMax: REPLY_BYTES_MAX,
    eventBytesMax: EVENT_BYTES_MAX
  }
}
