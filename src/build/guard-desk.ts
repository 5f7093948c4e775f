import { OPEN_CALLER } from '../access/caller.ts'
import type { GuardEntry } from '../config/guards.ts'
import type { Config } from '../config/index.ts'
import type { Trial } from '../guards/trial.ts'
import { tryGuards } from '../guards/trial.ts'
import { JsonBody } from '../json.ts'
import type { Call } from '../stages/call.ts'
import { factsFor } from '../stages/guard-facts.ts'
import { namedGuards, type Question } from '../stages/guard-question.ts'
import type { BuiltGuards } from './guards.ts'

/** A guard as the configuration has it; its check's own options are left out, for they may hold secrets. */
export interface ListedGuard extends Omit<GuardEntry, 'options' | 'when'> {
  name: string
  /** It looks at some calls alone. */
  conditional: boolean
  /** Names in the configuration that name it. */
  routes: readonly string[]
  keys: readonly string[]
  teams: readonly string[]
}

/** For whoever looks after the guards: which there are, and what they say of something. */
export interface GuardDesk {
  list(): ListedGuard[]
  /**
   * What guards say of a question, with no call made; those of `names`, or all that look at its side. Models that their
   * checks ask are charged to nobody, under the tag `guards-test`. Failure: `wrong_type` with the path of a wrong name.
   */
  test(question: Question, names: readonly string[] | undefined, model: string): Promise<Trial>
}

interface World {
  random: { id(): string }
}

/** The desk of one version of the configuration; `guards`: undefined where it has none. */
export function guardDesk(config: Config, guards: BuiltGuards | undefined, { random }: World): GuardDesk {
  return {
    list: () => Object.entries(config.guards).map(([name, entry]) => listed(name, entry, config)),
    async test(question, names, model) {
      const { side, dialect, body, request } = question
      const all = guards?.all ?? []
      const chosen = names ? namedGuards(names, all, side) : all.filter(({ sides }) => sides.includes(side))
      const given = JsonBody.from(body)
      if (!guards) return { after: given, paths: [], guards: [] }
      const { nowMs } = guards
      const call = callFor({ id: random.id(), dialect, model, body: JsonBody.from(request), startedMs: nowMs() })
      const facts = { dialect, operation: call.operation }
      return tryGuards(given, facts, chosen, {
        side,
        tools: guards.tools(call, { ...OPEN_CALLER, tags: ['guards-test'] }),
        signal: call.signal,
        facts: () => factsFor(call, body, side),
        nowMs
      })
    }
  }
}

function listed(name: string, { options: _, when, ...entry }: GuardEntry, config: Config): ListedGuard {
  const isNamed = ({ guards = [] }: { guards?: readonly string[] | undefined }) => guards.includes(name)
  const routes = Object.entries(config.routes).filter(([, route]) => isNamed(route))
  return {
    name,
    ...entry,
    conditional: when !== undefined,
    routes: routes.map(([route]) => route),
    keys: config.keys.filter(isNamed).map(key => key.name),
    teams: config.teams.filter(isNamed).map(({ id }) => id)
  }
}

function callFor(given: Pick<Call, 'id' | 'dialect' | 'model' | 'body' | 'startedMs'>): Call {
  return {
    ...given,
    operation: 'chat',
    doorProvider: given.dialect.maker,
    stream: false,
    framing: 'sse',
    headers: {},
    credentials: [],
    signal: new AbortController().signal,
    waitedMs: 0
  }
}
