import type { Caller } from '../access/caller.ts'
import type { Config } from '../config/index.ts'
import type { Demands } from '../residency.ts'
import type { Call } from '../stages/call.ts'
import type { Names } from '../stages/resolve.ts'
import { demandsOf, routesAsked, routesBelow } from '../stages/route-call.ts'

/** What the configuration demands of every provider of a caller: its own demands, and those of the caller's team. */
export function demandsIn({
  require,
  teams
}: Pick<Config, 'require' | 'teams'>): (caller: Caller) => readonly Demands[] {
  const ofAll = require ? [require] : []
  const ofTeam = new Map(teams.flatMap(team => (team.require ? [[team.id, [...ofAll, team.require]]] : [])))
  return ({ team }) => (team === undefined ? ofAll : (ofTeam.get(team) ?? ofAll))
}

/**
 * What is demanded of whoever is sent a part of a call beside its own targets: all that is demanded of the call, on
 * every way that it may go. Nobody knows the way before it was gone, and what is sent cannot be taken back.
 */
export function demandsBeside({ config, names }: { config: Config; names: Names }) {
  const demandsOn = demandsIn(config)
  return (call: Call, caller: Caller): Demands[] => {
    const routes = routesAsked(call, names).flatMap(route => [...routesBelow(route, names)])
    return [...demandsOf(call, caller, { demandsOn }), ...routes.flatMap(({ require = [] }) => require)]
  }
}
