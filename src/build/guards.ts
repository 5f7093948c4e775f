import type { Caller } from '../access/caller.ts'
import type { Plant } from '../build.ts'
import { CHECKS, type GuardEntry } from '../config/guards.ts'
import type { Config } from '../config/index.ts'
import { Failure } from '../errors.ts'
import type { Rooms } from '../gateway.ts'
import type { Guard } from '../guards/attached.ts'
import type { Tools } from '../guards/guard.ts'
import { GuardThreads } from '../guards/threads.ts'
import { holds } from '../routing/conditions.ts'
import type { Call } from '../stages/call.ts'
import type { GuardRooms } from '../stages/guard-request.ts'
import type { NamedRoute, Names } from '../stages/resolve.ts'
import { factsOfCall, routesAsked, routesBelow } from '../stages/route-call.ts'
import { guardTools } from './guard-tools.ts'
import { innerCalls } from './inner-calls.ts'
import { demandsBeside } from './residency.ts'
import { sessionOf } from './session-costs.ts'

/** Each reads some megabytes in a second. */
const THREADS_MAX = 2

export interface Attachable {
  guard: Guard
  entry: GuardEntry
}

/** The guards of a configuration: those of each call, and all of them. */
export interface BuiltGuards extends GuardRooms {
  all: readonly Guard[]
}

interface Planned {
  config: Config
  names: Names
}

/** The guards of one version of the configuration; undefined where it has none, and calls need not be looked at. */
export function buildGuards({ config, names }: Planned, plant: Plant, rooms: () => Rooms): BuiltGuards | undefined {
  const guards = guardsIn(config)
  if (guards.length === 0) return undefined
  const namedBy = attachments(config, names)
  const outside = guardTools(config, plant)
  const asking = innerCalls(rooms, plant, demandsBeside({ config, names }))
  return {
    all: guards.map(({ guard }) => guard),
    threads: new GuardThreads(THREADS_MAX),
    nowMs: () => plant.clock.monotonicMs(),
    tools: (call, caller): Tools => ({
      ...outside,
      ...asking(call, caller),
      sessionCostNano: async session => {
        const { team, key } = call.account?.payers ?? {}
        return plant.kept.sessionCosts.spentNano(sessionOf({ session, ...(team && { team }), ...(key && { key }) })!)
      }
    }),
    guardsOf(call, caller) {
      const named = namedBy(call, caller)
      checkKnown(caller, config)
      const attached = guards.filter(({ guard, entry }) => entry.always || named.has(guard.name))
      return attached.filter(one => applies(one, call, caller, plant)).map(({ guard }) => guard)
    }
  }
}

/** Each guard that a configuration has, with what it says of it. */
export function guardsIn({ guards }: Pick<Config, 'guards'>): Attachable[] {
  return Object.entries(guards).map(([name, entry]) => ({ guard: guardOf(name, entry), entry }))
}

function guardOf(name: string, entry: GuardEntry): Guard {
  const kind = CHECKS[entry.check]!
  return {
    name,
    kind: entry.check,
    check: kind.create(entry.options as never),
    options: entry.options,
    sides: entry.on,
    action: entry.action,
    scope: entry.scope,
    failsClosed: entry.onError === 'closed',
    timeoutMs: entry.timeoutMs,
    group: entry.group,
    onStream: entry.onStream
  }
}

function guardsOfKey({ scopes }: Caller): string[] {
  return scopes.flatMap(({ guards = [] }) => guards)
}

/** A key of the stores may name a guard that the configuration no longer has: then nobody knows what it forbids. */
export function checkKnown({ scopes }: Caller, { guards: known }: Config): void {
  for (const { guards } of scopes) {
    const unknown = guards?.find(name => !(name in known))
    if (unknown === undefined) continue
    throw new Failure(
      'guard_unavailable',
      `The key, or whoever it belongs to, names the guard "${unknown}", which is not configured.`
    )
  }
}

function applies({ entry }: Attachable, call: Call, caller: Caller, { clock, random }: Plant): boolean {
  const { when, sample } = entry
  if (when && !holds(when, factsOfCall(call, caller.name, clock.wallMs()))) return false
  return sample >= 1 || random.chance() < sample
}

/** Names of guards that the route, the key (and those it was made from) and the team of a call name. They add up. */
function attachments(config: Config, names: Names): (call: Call, caller: Caller) => ReadonlySet<string> {
  const ofRoute = new Map<NamedRoute, readonly string[]>()
  for (const route of names.routes.values()) {
    ofRoute.set(
      route,
      [...routesBelow(route, names)].flatMap(({ guards = [] }) => guards)
    )
  }
  const ofTeam = new Map(config.teams.map(({ id, guards = [] }) => [id, guards]))
  return (call, caller) => {
    const keys = guardsOfKey(caller)
    const team = caller.team === undefined ? [] : (ofTeam.get(caller.team) ?? [])
    // A question to the guards that names no model comes by no route.
    const routes = (call.operation === 'guard' ? [] : routesAsked(call, names)).flatMap(
      route => ofRoute.get(route) ?? []
    )
    return new Set([...routes, ...keys, ...team])
  }
}
