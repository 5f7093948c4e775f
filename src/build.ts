import { setTimeout as sleep } from 'node:timers/promises'
import { KeyRing } from './access/keys.ts'
import type { OwnedIds } from './access/owned.ts'
import { catalog, familyOwner } from './catalog/catalog.ts'
import type { Clock } from './clock.ts'
import type { Config, LoadedConfig } from './config/index.ts'
import { Failure, type Kind } from './errors.ts'
import type { Rooms } from './gateway.ts'
import type { Log } from './log.ts'
import type { Signers } from './providers/auth/signers.ts'
import { type Endpoint, endpointFor, holdersOf, modelFacts, modelsOf, type Provider } from './providers/provider.ts'
import { type Missing, resolveProviders } from './providers/resolve.ts'
import type { Random } from './random.ts'
import type { Recent } from './records/recent.ts'
import type { Step } from './routing/facts.ts'
import type { Health } from './routing/health.ts'
import { nameOf, type Timeouts } from './routing/route.ts'
import { holdsSecret } from './secret.ts'
import { attempt } from './stages/attempt.ts'
import type { Address, AttemptRooms } from './stages/attempt-rooms.ts'
import type { Call, CallRecord } from './stages/call.ts'
import { fetchMedia } from './stages/fetch-media.ts'
import { takingIn } from './stages/intake.ts'
import { measured } from './stages/measure.ts'
import { failed, observe } from './stages/observe.ts'
import { holding, unwrapIds, wrapIds } from './stages/owned.ts'
import { racing } from './stages/race.ts'
import { recover } from './stages/recover.ts'
import { type Names, resolveName } from './stages/resolve.ts'
import { type CallExplanation, explainCall, planCall, type RoutingRooms } from './stages/route-call.ts'
import type { Upstream } from './wire/upstream.ts'

/** What lives as long as the process (D7): sockets, counters, the log. Keyed by stable names, so that a reload keeps it. */
export interface Plant {
  clock: Clock
  random: Random
  upstream: Upstream
  log: Log
  recent: Recent<CallRecord>
  health: Health
  /** Tokens of providers that want more than a key. */
  signers: Signers
  /** Ids of what providers keep for our callers. */
  ownedIds: OwnedIds
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
  /** Where a call would go if every target met this failure, with no call made. Throws what the call would get. */
  explain(call: Call, key: string | undefined, assuming: Kind): CallExplanation
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
export function buildPlan(loaded: LoadedConfig, plant: Plant, env: Env): Plan {
  const { config, digest } = loaded
  const { providers, missing, names } = buildDirectory(loaded, plant.simUrl, env)
  const keys = config.auth === 'keys' ? new KeyRing(config.keys) : undefined
  const base = {
    config,
    digest,
    providers,
    missing,
    names,
    keys,
    models: listModels(config, providers, names)
  }
  const routing = buildRoutingRooms(base, plant)
  return Object.freeze({
    ...base,
    rooms: buildRooms(base, routing, plant),
    explain: (call: Call, key: string | undefined, assuming: Kind) => explainCall(call, key, routing, assuming)
  })
}

/** `explain` for a configuration that nothing runs with: no sockets, and the health of targets nobody has called. */
export function explainPlan(
  loaded: LoadedConfig,
  world: Pick<Plant, 'clock' | 'random' | 'health'>,
  env: Env
): Plan['explain'] {
  const { config } = loaded
  // Its address is of no account here: nothing is sent.
  const simUrl = config.sim === true ? 'http://127.0.0.1:0' : undefined
  const routing = buildRoutingRooms({ ...buildDirectory(loaded, simUrl, env), config }, world)
  return (call, key, assuming) => explainCall(call, key, routing, assuming)
}

/** Who can be called, and which names lead there. */
function buildDirectory({ config, sources }: LoadedConfig, simUrl: string | undefined, env: Env) {
  const { found, missing } = resolveProviders(config.providers, env)
  const providers = new Map(found.map(provider => [provider.name, withSources(provider, sources.values)]))
  if (simUrl !== undefined && config.sim !== false) providers.set('sim', simProvider(simUrl))
  return { providers, missing, names: buildNames(config, providers, missing) }
}

/** Credentials say the variable or file they came from, where the configuration had a reference: people look there. */
function withSources(provider: Provider, values: ReadonlyMap<string, string>): Provider {
  const credentials = provider.credentials.map(credential => {
    const path = credential.source.replace(/^config /, '')
    // A key stands there itself or below; of an identity, its first secret is what people look for.
    const below = [...values.keys()].find(name => name.startsWith(`${path}.`))
    return { ...credential, source: values.get(path) ?? values.get(below ?? '') ?? credential.source }
  })
  return { ...provider, credentials }
}

function simProvider(url: string): Provider {
  const { found } = resolveProviders(
    {
      sim: {
        endpoints: [
          { dialect: 'openai-chat', base_url: `${url}/v1`, embeddings: 'openai' },
          { dialect: 'openai-responses', base_url: `${url}/v1` },
          { dialect: 'anthropic-messages', base_url: `${url}/v1` },
          { dialect: 'gemini', base_url: `${url}/v1beta` }
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
    missing.map(({ name, variables, lacks }) => [
      name,
      variables.length > 0 ? `has no ${lacks.replace('_', ' ')} (set ${variables.join(' or ')})` : 'is not configured'
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
        touches: answered.touches,
        ...(answered.continued && answered.continued.length > 0 && { continued: answered.continued })
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

type Base = Omit<Plan, 'rooms' | 'explain'>

function buildRooms(plan: Base, routing: RoutingRooms, plant: Plant): Rooms {
  const attemptRooms = buildAttemptRooms(plan, plant)
  const ownedRooms = { ids: plant.ownedIds, providers: plan.providers }
  const isNative = ({ dialect }: Call, { target }: Step) =>
    endpointFor(plan.providers.get(target.provider)!, dialect.name, target.model).dialect === dialect.name
  const tryOne = racing(
    measured(takingIn(holding((call, step) => attempt(call, step, attemptRooms), isNative)), plant.health)
  )
  const observeRooms = {
    clock: plant.clock,
    configDigest: plan.digest,
    record: (record: CallRecord) => {
      learn(record, plant.health)
      note(record, plant)
    }
  }
  return {
    authenticate: call => ({ key: plan.keys?.authenticate(call.credentials) }),
    unwrap: (call, caller) => unwrapIds(call, caller.key, ownedRooms),
    resolve: (call, caller) => planCall(call, caller.key, routing),
    wait: (call, milliseconds) => wait(call, milliseconds, plant.clock),
    attempt: tryOne,
    recover,
    wrap: (call, caller, reply) => wrapIds(call, caller.key, reply, ownedRooms),
    observe: (call, caller, trail, reply) => observe(call, caller.key, trail, reply, observeRooms),
    failed: (call, caller, trail, failure) => failed(call, caller?.key, trail, failure, observeRooms)
  }
}

function buildRoutingRooms(
  { names, providers, config }: Pick<Plan, 'names' | 'providers' | 'config'>,
  { health, clock, random }: Pick<Plant, 'health' | 'clock' | 'random'>
): RoutingRooms {
  return { names, providers, totalMs: config.timeouts.totalMs, health, clock, random }
}

/** How much of a target's input comes from its provider's cache decides what it costs. */
function learn({ answered, usage }: CallRecord, health: Health): void {
  if (answered && usage?.inputTokens) health.sawUsage(nameOf(answered), usage.inputTokens, usage.cacheReadTokens ?? 0)
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

/** Targets not yet tried are kept some of the call's time (D12): until its first content, none takes more than its share. */
function within(deadlineMs: number, timeouts: Timeouts): Timeouts {
  const shareMs = Math.max(1, Math.floor(deadlineMs))
  const { headMs, firstTokenMs, firstTokenReasoningMs, attemptMs } = timeouts
  return {
    ...timeouts,
    headMs: Math.min(headMs, shareMs),
    firstTokenMs: Math.min(firstTokenMs, shareMs),
    firstTokenReasoningMs: Math.min(firstTokenReasoningMs, shareMs),
    attemptMs: Math.min(attemptMs, shareMs)
  }
}

function addressOf(baseUrl: string): Address {
  const { origin, pathname } = new URL(baseUrl)
  return { origin, path: pathname.replace(/\/$/, '') }
}

function buildAttemptRooms(plan: Base, plant: Plant): AttemptRooms {
  const timeouts = (step: Step): Timeouts =>
    within(step.deadlineMs, { ...plan.config.timeouts, ...step.target.timeouts })
  const addresses = new Map<Endpoint, Address>()
  for (const { endpoints } of plan.providers.values()) {
    for (const endpoint of endpoints) addresses.set(endpoint, addressOf(endpoint.baseUrl))
  }
  const userAgent = `gatehouse/${plant.version}`
  const media = { upstream: plant.upstream, userAgent, settings: plan.config.media }
  return {
    address: endpoint => addresses.get(endpoint)!,
    provider: name => plan.providers.get(name)!,
    credential: (provider, id) => provider.credentials.find(credential => credential.id === id)!,
    timeouts,
    reasons: ({ provider, model }) => modelFacts(plan.providers.get(provider)!, model)?.abilities.reasoning === 'yes',
    prefills: ({ provider, model }) => modelFacts(plan.providers.get(provider)!, model)?.abilities.prefill === 'yes',
    authorize: (...request) => plant.signers.authorize(...request),
    refused: (...request) => plant.signers.refused(...request),
    fetchMedia: (request, call, dialect) => fetchMedia(request, call, dialect, media),
    upstream: plant.upstream,
    clock: plant.clock,
    newId: () => plant.random.id(),
    strict: plan.config.strict,
    forceCanonical: plant.forceCanonical,
    userAgent,
    replyBytesMax: REPLY_BYTES_MAX,
    eventBytesMax: EVENT_BYTES_MAX
  }
}
