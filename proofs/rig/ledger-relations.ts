import type { JsonObject } from '../../src/json.ts'
import type { AttemptRow, RequestRow } from '../../src/stores/rows.ts'
import { many } from './evidence.ts'
import type { ClientCall } from './ledger-load.ts'
import type { Goal } from './proof.ts'

/** What the provider's own log says of an attempt. */
export interface ProviderEntry {
  /** The attempt id that came along; undefined: none did. */
  id: string | undefined
  usage: JsonObject | null
}

/** The three witnesses: the provider, the ledger, and the clients. */
export interface LedgerEvidence {
  provider: readonly ProviderEntry[]
  attempts: readonly AttemptRow[]
  requests: readonly RequestRow[]
  calls: readonly ClientCall[]
  kills: number
  /** Calls in flight at all kills together. */
  inFlight: number
}

/** US dollars per million tokens are thousands of nano-dollars a token. */
const INPUT_NANO = 3_000
const OUTPUT_NANO = 15_000

/** The six relations of D4 between a ledger and its provider's log. */
export function judgeRelations(evidence: LedgerEvidence): Goal[] {
  const rows = new Map(evidence.attempts.map(row => [row.id, row]))
  const entries = new Map(evidence.provider.map(entry => [entry.id, entry]))
  return [
    judgeEveryAttempt(evidence, rows),
    judgeUnsent(evidence, entries),
    judgeTold(evidence, entries),
    judgeEstimated(evidence, entries),
    judgeOnce(evidence),
    judgeFinished(evidence)
  ]
}

function judgeEveryAttempt({ provider }: LedgerEvidence, rows: ReadonlyMap<string, AttemptRow>): Goal {
  const unnamed = provider.filter(({ id }) => id === undefined).length
  const missing = provider.filter(({ id }) => id !== undefined && !rows.has(id)).length
  return {
    name: '1 attempts in the log of the provider',
    figure: `${provider.length}, of which ${missing} have no row`,
    goal: 'each has a row',
    problem:
      provider.length === 0 ? 'there are none' : (some(unnamed, 'came without an id') ?? some(missing, 'are lost'))
  }
}

function judgeUnsent(
  { attempts, inFlight }: LedgerEvidence,
  entries: ReadonlyMap<string | undefined, ProviderEntry>
): Goal {
  const unsent = attempts.filter(({ id }) => !entries.has(id))
  const finished = unsent.filter(({ state }) => state !== 'started').length
  const tooMany = unsent.length > inFlight ? 'more than calls were in flight' : undefined
  return {
    name: '2 rows that the provider does not know',
    figure: `${unsent.length}, of which ${finished} are finished`,
    goal: `none finished, at most ${inFlight} (calls in flight at the kills)`,
    problem: some(finished, 'finished without having been sent') ?? tooMany
  }
}

function judgeTold({ attempts }: LedgerEvidence, entries: ReadonlyMap<string | undefined, ProviderEntry>): Goal {
  const told = attempts.filter(({ usageSource }) => usageSource === 'provider')
  const wrong = told.filter(({ id, usage }) => {
    const said = tokensOf(entries.get(id)?.usage)
    return said === undefined || usage?.inputTokens !== said.input || usage.outputTokens !== said.output
  })
  const [first] = wrong
  const example = first && `${JSON.stringify(first.usage)} for ${JSON.stringify(entries.get(first.id)?.usage ?? null)}`
  return {
    name: '3 rows with the usage of the provider',
    figure: `${told.length}, of which ${wrong.length} say otherwise`,
    goal: 'each equals it',
    problem: told.length === 0 ? 'there are none' : example
  }
}

function judgeEstimated(
  { attempts, calls, inFlight }: LedgerEvidence,
  entries: ReadonlyMap<string | undefined, ProviderEntry>
): Goal {
  const finished = new Set(calls.flatMap(({ id, finished }) => (finished ? id : [])))
  const estimated = attempts.filter(({ usageSource }) => usageSource === 'estimated')
  const below = estimated.filter(({ id, costNano }) => {
    const said = tokensOf(entries.get(id)?.usage)
    return said !== undefined && (costNano ?? 0) < said.input * INPUT_NANO + said.output * OUTPUT_NANO
  }).length
  const needless = estimated.filter(({ requestId }) => finished.has(requestId)).length
  const tooMany = estimated.length > inFlight ? `more than ${inFlight} calls in flight` : undefined
  return {
    name: '4 rows with an estimate',
    figure: `${estimated.length}, of which ${below} are below what was used`,
    goal: 'none below it, only of calls in flight at a kill',
    problem: some(below, 'are too low') ?? some(needless, 'are of calls that were answered') ?? tooMany
  }
}

function judgeOnce({ provider, attempts, requests }: LedgerEvidence): Goal {
  const twice = (ids: readonly unknown[]) => ids.length - new Set(ids).size
  const counts = [
    twice(provider.map(({ id }) => id)),
    twice(attempts.map(row => row.id)),
    twice(requests.map(row => row.id))
  ]
  return {
    name: '5 ids that are there twice',
    figure: `${counts.join(', ')} of attempts at the provider, attempts and requests in the ledger`,
    goal: 'none',
    problem: counts.some(count => count > 0) ? 'an id names two things' : undefined
  }
}

function judgeFinished({ calls, attempts, requests }: LedgerEvidence): Goal {
  const answered = calls.filter(({ finished }) => finished)
  const done = new Set(
    attempts.flatMap(row => (row.state === 'finished' && row.outcome === 'done' ? row.requestId : []))
  )
  const missing = answered.filter(({ id }) => id === undefined || !done.has(id)).length
  const known = new Set(requests.map(({ id }) => id))
  const rows = answered.filter(({ id }) => id !== undefined && known.has(id)).length
  return {
    name: '6 answers that their clients had whole',
    figure: `${answered.length}, of which ${missing} have no finished row (${many(rows, 'request row')})`,
    goal: 'each has one',
    problem: answered.length === 0 ? 'there are none' : some(missing, 'have none')
  }
}

function some(count: number, what: string): string | undefined {
  return count > 0 ? `${count} ${what}` : undefined
}

/** Everything read and everything written, in the words of any dialect. */
export function tokensOf(usage: JsonObject | null | undefined): { input: number; output: number } | undefined {
  if (!usage) return undefined
  const sum = (...names: string[]) => names.reduce((total, name) => total + Number(usage[name] ?? 0), 0)
  return {
    // Anthropic and Amazon count what was cached beside the input, the others in it.
    input: sum(
      'prompt_tokens',
      'input_tokens',
      'cache_read_input_tokens',
      'cache_creation_input_tokens',
      'promptTokenCount',
      'inputTokens',
      'cacheReadInputTokens',
      'cacheWriteInputTokens'
    ),
    output: sum('completion_tokens', 'output_tokens', 'candidatesTokenCount', 'thoughtsTokenCount', 'outputTokens')
  }
}
