import type { Caller } from '../access/caller.ts'
import type { ListedModel } from '../build.ts'
import type { Clock } from '../clock.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Failure } from '../errors.ts'
import type { Call, Reply } from '../stages/call.ts'
import type { Repeats } from '../stages/repeats.ts'
import type { FeedbackRow } from '../stores/rows.ts'
import type { BodyLimits, Exchange, Headers } from '../wire/exchange.ts'

/** What a door may use: the gateway of the config version in force, and the limits of what comes in. */
export interface Hall {
  handle(call: Call): Promise<Reply>
  /** Who is calling, by the same check as for calls. Throws a Failure, or rejects with one. */
  authenticate(who: Knock): Caller | Promise<Caller>
  /** Notes a request that never became a call, so that its id is found in the log. */
  refused(id: string, dialect: Dialect, failure: Failure): void
  /** Those that the caller may ask for. */
  models(caller: Caller): readonly ListedModel[]
  /** Keeps what somebody thinks of an answer. Rejects with a Failure. */
  feedback(caller: Caller, row: FeedbackRow): Promise<void>
  /** Requests that may come again; undefined: each is read. */
  repeats?: Repeats | undefined
  newId(): string
  clock: Clock
  bodyLimits: BodyLimits
  depthMax: number
  /** How long a stream may be silent before its client gets a sign of life, in milliseconds. */
  keepAliveMs: number
}

/** What a caller shows at a door. */
export interface Knock {
  credentials: readonly string[]
  address: string
  door: string
}

/** A door: a method and path that clients know, one file each. */
export interface Endpoint {
  method: 'GET' | 'POST' | 'DELETE'
  /** Matches the path without its query; the groups are the parameters. */
  path: RegExp
  /** In which dialect this client hears of failures. */
  dialect(headers: Headers, path: string): Dialect
  /** Answers in full, failures included; never rejects. */
  serve(exchange: Exchange, hall: Hall, parameters: RegExpExecArray): Promise<void>
}
