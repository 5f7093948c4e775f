import { setTimeout as sleep } from 'node:timers/promises'
import { type Caller, OPEN_CALLER, ownerOf } from './access/caller.ts'
import { declaredKeys, KeyRing } from './access/key-ring.ts'
import type { OwnedIds } from './access/owned.ts'
import type { StoredKeys } from './access/stored-keys.ts'
import { buildAttemptRooms } from './build/attempt.ts'
import { countCache, withCache } from './build/cache.ts'
import { cacheTools } from './build/cache-tools.ts'
import { buildDirectory, type ListedModel, listModels } from './build/directory.ts'
import { type GuardDesk, guardDesk } from './build/guard-desk.ts'
import { withGuardDoor } from './build/guard-door.ts'
import { type BuiltGuards, buildGuards, checkKnown } from './build/guards.ts'
import { withIdempotency } from './build/idempotent-calls.ts'
import type { Kept } from './build/kept.ts'
import { buildMoney } from './build/money.ts'
import { note } from './build/note.ts'
import { requestRow } from './build/request-row.ts'
import { demandsIn } from './build/residency.ts'
import type { Clock } from './clock.ts'
import type { Config, LoadedConfig } from './config/index.ts'
import { Failure, type Kind } from './errors.ts'
import type { Rooms } from './gateway.ts'
import type { Log } from './log.ts'
import type { Signers } from './providers/auth/signers.ts'
import { endpointFor, type Provider } from './providers/provider.ts'
import type { Missing } from './providers/resolve.ts'
import type { Random } from './random.ts'
import type { Recent } from './records/recent.ts'
import type { Step } from './routing/facts.ts'
import type { Health } from './routing/health.ts'
import { nameOf } from './routing/route.ts'
import { attempt } from './stages/attempt.ts'
import { authenticate } from './stages/authenticate.ts'
import type { Call } from './stages/call.ts'
import type { CallRecord } from './stages/call-record.ts'
import { Capture, levelOf } from './stages/capture.ts'
import { charging } from './stages/charge.ts'
import { heed } from './stages/guard-heed.ts'
import { guardReply } from './stages/guard-reply.ts'
import { guardRequest } from './stages/guard-request.ts'
import { takingIn } from './stages/intake.ts'
import { measured } from './stages/measure.ts'
import { failed, observe } from './stages/observe.ts'
import { holding, unwrapIds, wrapIds } from './stages/owned.ts'
import { racing } from './stages/race.ts'
import { recover } from './stages/recover.ts'
import type { Names } from './stages/resolve.ts'
import { type CallExplanation, explainCall, planCall, type RoutingRooms } from './stages/route-call.ts'
import type { FinishedAttempt } from './stores/rows.ts'
import type { Telemetry } from './telemetry/telemetry.ts'
import type { Upstream } from './wire/upstream.ts'

export { type ListedModel, ROUTE_OWNER } from './build/directory.ts'
export { noteRefused } from './build/note.ts'

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
  /** Stores, counters, the ledger: what is kept, and counted. */
  kept: Kept
  /** Metrics, traces and alerts; undefined: nothing has started yet. */
  telemetry: Telemetry | undefined
  /** Keys that were made by the admin API; undefined: there are no stores. */
  storedKeys: StoredKeys | undefined
  version: string
  /** Address of the simulated provider's own listener; undefined: not running. */
  simUrl: string | undefined
  /** Same-dialect calls go through the canonical form too: for tests of it (law e). */
  forceCanonical: boolean
  /** What is turned off to show that a proof notices. */
  breakage?: string | undefined
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
  guards: GuardDesk
  /** Where a call would go if every target met this failure, with no call made. Throws what the call would get. */
  explain(call: Call, key: string | undefined, assuming: Kind): CallExplanation
}

type Env = Readonly<Record<string, string | undefined>>

/** Makes the Plan of a configuration: the only place, with the Plant, where rooms meet. */
export function buildPlan(loaded: LoadedConfig, plant: Plant, env: Env): Plan {
  const { config, digest } = loaded
  const { providers, missing, names } = buildDirectory(loaded, plant.simUrl, env)
  const keys = config.auth === 'keys' ? new KeyRing(config.keys, plant.storedKeys, teamsOff(config)) : undefined
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
  const named = callersIn(config)
  const guards = buildGuards(base, plant, () => rooms)
  const rooms = buildRooms(base, routing, plant, guards)
  return Object.freeze({
    ...base,
    rooms,
    guards: guardDesk(config, guards, plant),
    explain: (call: Call, key: string | undefined, assuming: Kind) => explainCall(call, named(key), routing, assuming)
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
  const named = callersIn(config)
  return (call, key, assuming) => explainCall(call, named(key), routing, assuming)
}

/** Teams of the file that are disabled: their keys are refused. */
function teamsOff({ teams }: Config): ReadonlySet<string> {
  return new Set(teams.filter(({ disabled }) => disabled).map(({ id }) => id))
}

/** The caller of a key of the file; by another name, one who may do everything. */
function callersIn({ keys }: Config): (key: string | undefined) => Caller {
  const known = declaredKeys(keys)
  return key => (key === undefined ? undefined : known.get(key)?.caller) ?? { ...OPEN_CALLER, name: key }
}

type Base = Omit<Plan, 'rooms' | 'guards' | 'explain'>

function buildRooms(plan: Base, routing: RoutingRooms, plant: Plant, guards: BuiltGuards | undefined): Rooms {
  const attemptRooms = buildAttemptRooms(plan, plant)
  const ownedRooms = { ids: plant.ownedIds, providers: plan.providers }
  const money = buildMoney(plan, plant)
  const isNative = ({ dialect }: Call, { target }: Step) =>
    endpointFor(plan.providers.get(target.provider)!, dialect.name, target.model).dialect === dialect.name
  const charged = charging((call, step, watch) => attempt(call, step, attemptRooms, watch), money.charge)
  const tryOne = racing(measured(takingIn(holding(charged, isNative)), plant.health))
  const observeRooms = {
    clock: plant.clock,
    configDigest: plan.digest,
    record: (record: CallRecord, ended: readonly FinishedAttempt[]) => {
      learn(record, plant.health)
      plant.kept.ledger.request(requestRow(record), ended)
      plant.kept.bodies?.take(record)
      plant.telemetry?.take(record)
      plant.kept.sessionCosts.add(record.payers, record.costNano ?? 0)
      note(record, plant)
      countCache(record, plant.kept.answers)
    }
  }
  const rooms: Rooms = {
    authenticate: call => authenticate(call, { keys: plan.keys, nowMs: () => plant.clock.wallMs() }),
    unwrap: (call, caller) => unwrapIds(call, ownerOf(caller), ownedRooms),
    resolve(call, caller) {
      const level = levelOf(call, caller, plan.config.bodies.level)
      if (level !== 'none') call.capture = new Capture(level, call)
      return planCall(call, caller, routing)
    },
    admit: money.admit,
    guardRequest: (call, caller) => {
      if (guards) return timed(call, () => guardRequest(call, caller, guards), plant.clock)
      checkKnown(caller, plan.config)
      return call
    },
    guardReply: (call, caller, reply) => (guards ? guardReply(call, caller, reply, guards) : reply),
    lookup: () => undefined,
    heed,
    wait: (call, milliseconds) => wait(call, milliseconds, plant.clock),
    attempt: tryOne,
    recover,
    wrap: (call, caller, reply) => wrapIds(call, ownerOf(caller), reply, ownedRooms),
    observe: (call, caller, trail, reply) =>
      observe(call, caller, trail, call.capture?.watch(reply) ?? reply, observeRooms),
    failed: (call, caller, trail, failure) => failed(call, caller?.name, trail, failure, observeRooms)
  }
  const cached = withCache(
    rooms,
    plan,
    plant,
    cacheTools(plan, plant, routing, () => all, plant.breakage === 'tenant')
  )
  const all: Rooms = withIdempotency(withGuardDoor(cached, guards), plant.kept.idempotency)
  return all
}

/** Notes when the guards looked at the request, whatever comes of it. */
function timed(call: Call, look: () => Call | Promise<Call>, clock: Clock): Call | Promise<Call> {
  const sinceBegun = () => clock.monotonicMs() - call.startedMs
  const fromMs = sinceBegun()
  const over = () => {
    if (call.guarding) call.guarding.askedMs = [fromMs, sinceBegun()]
  }
  try {
    const guarded = look()
    if (guarded instanceof Promise) return guarded.finally(over)
    over()
    return guarded
  } catch (thrown) {
    over()
    throw thrown
  }
}

function buildRoutingRooms(
  { names, providers, config }: Pick<Plan, 'names' | 'providers' | 'config'>,
  { health, clock, random }: Pick<Plant, 'health' | 'clock' | 'random'>
): RoutingRooms {
  const demandsOn = demandsIn(config)
  return { names, providers, demandsOn, totalMs: config.timeouts.totalMs, health, clock, random }
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
