import { type Code, Failure } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Recent } from '../records/recent.ts'
import { holdsSecret } from '../secret.ts'
import type { CallRecord } from '../stages/call-record.ts'

/** Where people see what happened. */
interface Plant {
  log: Log
  recent: Recent<CallRecord>
}

/** Levels of a log that hears of no call that went well. */
const DEAF_TO_CALLS: ReadonlySet<string> = new Set(['warn', 'error', 'fatal', 'silent'])

export function hearsOfCalls({ level }: Log): boolean {
  return !DEAF_TO_CALLS.has(level)
}

/** A call that is over: to the front page, and to the log. Neither holds a prompt, an answer or a secret. */
export function note(record: CallRecord, plant: Plant): void {
  plant.recent.add(record)
  const level = record.outcome === 'failed' && record.status >= 500 ? 'warn' : 'info'
  if (level === 'info' && !hearsOfCalls(plant.log)) return
  const {
    answered,
    failure,
    failures,
    tries: _,
    looks: __,
    decision: ___,
    capture: ____,
    caching,
    client,
    ...facts
  } = record
  plant.log[level](
    {
      ...facts,
      ...(caching && { cache: caching.result }),
      ...(client.app !== undefined && { app: client.app }),
      ...(client.trace && { trace: client.trace.traceId }),
      ...(answered && {
        provider: answered.provider,
        model: answered.model,
        losses: answered.losses,
        touches: answered.touches,
        ...(answered.continued && answered.continued.length > 0 && { continued: answered.continued })
      }),
      ...(failure && { code: failure.code, kind: failure.kind, why: forLog(failure), ...ownWords(failure) }),
      ...(failures.length > 0 && {
        failures: failures.map(each => ({
          kind: each.kind,
          provider: each.provider,
          model: each.model,
          message: forLog(each)
        }))
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

/** What a provider says of a request may quote it: that is for its client alone. */
const OF_THE_REQUEST: ReadonlySet<Code> = new Set([
  'provider_bad_request',
  'context_too_long',
  'content_filtered',
  'provider_too_large'
])

export function forLog({ code, message }: Failure): string {
  return OF_THE_REQUEST.has(code) ? 'The provider refused the request; what it said went to the client.' : message
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
