import type { JsonObject } from '../json.ts'
import type { Nano } from '../nano.ts'
import type { CallRecord } from '../stages/call-record.ts'
import type { RequestRow, VerdictRow } from '../stores/rows.ts'
import { forLog } from './note.ts'

/** The row of a call that is over. */
export function requestRow(record: CallRecord): RequestRow {
  const { answered, failure, atMs, totalMs, client, guardedMs } = record
  return {
    id: record.id,
    startedAtMs: Math.round(atMs - totalMs),
    finishedAtMs: atMs,
    dialect: record.dialect,
    operation: record.operation,
    stream: record.stream,
    modelAsked: record.modelAsked,
    provider: answered?.provider ?? failure?.provider ?? null,
    model: answered?.model ?? failure?.model ?? null,
    payers: record.payers,
    attempts: record.attempts,
    status: record.status,
    outcome: record.outcome,
    code: failure?.code ?? null,
    costNano: record.costNano === undefined ? (0 as Nano) : record.costNano,
    usage: record.usage ?? null,
    firstTokenMs: rounded(record.firstTokenMs),
    totalMs: tenths(totalMs),
    configDigest: record.configDigest,
    finish: record.finish ?? null,
    app: client.app ?? null,
    trace: client.trace?.traceId ?? null,
    parent: client.parent ?? null,
    admittedMs: rounded(record.admittedMs),
    guardMs: guardedMs ? rounded(guardedMs[1] - guardedMs[0]) : null,
    waitedMs: rounded(record.waitedMs),
    heldMs: rounded(record.heldMs),
    ...cacheOf(record),
    verdicts: verdictRows(record),
    details: detailsOf(record)
  }
}

/** What the cache had to do with it. */
function cacheOf({
  caching,
  tries
}: CallRecord): Pick<RequestRow, 'cache' | 'savedNano' | 'savedMs' | 'promptSavedNano'> {
  const { result, given } = caching ?? {}
  return {
    cache: result ?? null,
    savedNano: given?.savedNano() ?? null,
    savedMs: given ? given.savedMs : null,
    promptSavedNano: promptSaved(tries)
  }
}

/** What the providers' own caches saved, in all attempts together; null: a price is unknown. */
function promptSaved(tries: CallRecord['tries']): number | null {
  return tries.reduce<number | null>((sum, { promptSavedNano = 0 }) => {
    return sum === null || promptSavedNano === null ? null : sum + promptSavedNano
  }, 0)
}

/** To a tenth of a millisecond: what is finer is noise, and takes room. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : tenths(ms)
}

/** What guards found, and that they found nothing. */
function verdictRows({ verdicts = [], looks = [] }: CallRecord): VerdictRow[] {
  const passed = looks.filter(look => !verdicts.some(({ guard, side }) => guard === look.guard && side === look.side))
  return [...verdicts, ...passed.map(look => ({ ...look, rule: '', action: 'pass', count: 0, score: 0 }))]
}

/** What is not worth a column; null: there is nothing to say. */
function detailsOf(record: CallRecord): JsonObject | null {
  const { answered, failures, decision, afterAbort } = record
  const leftOut = decision?.leftOut() ?? []
  const details: JsonObject = {}
  if (decision?.route !== undefined) details.route = decision.route
  if (decision && decision.rule !== 'route') details.rule = decision.rule
  if (decision?.require?.length) details.require = decision.require.map(demanded => ({ ...demanded }) as JsonObject)
  if (leftOut.length > 0) details.left_out = leftOut.map(({ target, excludedBy }) => ({ target, reason: excludedBy }))
  if (failures.length > 0) {
    details.failures = failures.map(failure => {
      const { kind, code, provider = null, model = null } = failure
      return { kind, code, provider, model, message: forLog(failure) }
    })
  }
  const { losses = [], touches = [], continued = [] } = answered ?? {}
  if (losses.length > 0) details.losses = [...losses]
  if (touches.length > 0) details.touches = [...touches]
  if (continued.length > 0) details.continued = continued.map(({ provider, model }) => ({ provider, model }))
  if (afterAbort) details.after_abort = afterAbort
  const cached = cacheDetails(record)
  if (cached) details.cache = cached
  return Object.keys(details).length === 0 ? null : details
}

/** Which answer was given, by the call that it was made for, whose words are with its bodies; or why there was none. */
function cacheDetails({ caching }: CallRecord): JsonObject | undefined {
  if (!caching) return undefined
  const { key, bypassed, given } = caching
  return {
    ...(key !== undefined && { key }),
    ...(bypassed !== undefined && { bypassed }),
    ...(given && { of: given.requestId, age_ms: Math.round(given.ageMs) }),
    ...(given?.score !== undefined && { score: given.score }),
    ...(given?.isStale && { stale: true })
  }
}
