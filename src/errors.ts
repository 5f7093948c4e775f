import { CODES } from './errors/codes.ts'
import type { Kind } from './errors/kinds.ts'
import type { Json, JsonObject } from './json.ts'
import type { Usage } from './usage.ts'

export { CODES } from './errors/codes.ts'
export type { Kind } from './errors/kinds.ts'

export type Code = keyof typeof CODES

/** A provider's own error, kept so that a client of the same dialect can have it byte for byte (D34). */
export interface NativeFailure {
  dialect: string
  status: number
  headers: Record<string, string>
  body: Buffer
}

export interface FailureFacts {
  /** Overrides the kind of the code where one code covers several kinds (`silent` and `stalled` are both timeouts). */
  kind?: Kind
  /** Overrides the status of the code. */
  status?: number
  /** Path of the offending member in the client's body, as `messages[2].content[0].type`. */
  param?: string
  /** How long the provider (or a limit) asks to wait, in milliseconds. */
  retryAfterMs?: number
  /** Which provider and model failed, where one was asked. */
  provider?: string
  model?: string
  native?: NativeFailure
  /** More for the log and for structured error bodies; must hold no secret and no prompt. */
  details?: JsonObject
  cause?: unknown
}

/** Everything that can go wrong with a call is one of these; it is thrown before the reply begins and sent within it after. */
export class Failure extends Error {
  readonly code: Code
  readonly kind: Kind
  readonly status: number
  readonly param: string | undefined
  readonly retryAfterMs: number | undefined
  readonly native: NativeFailure | undefined
  readonly details: Record<string, Json | undefined>
  /** Filled in by the attempt that met it. */
  provider: string | undefined
  model: string | undefined
  /** Filled in by the pipeline when nothing is left to try. */
  attempts: number | undefined
  /** What the attempt is known to have used all the same; filled in by the attempt. */
  usage: Partial<Usage> | undefined

  constructor(code: Code, message: string, facts: FailureFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'Failure'
    this.code = code
    this.kind = facts.kind ?? CODES[code].kind
    this.status = facts.status ?? CODES[code].status
    this.param = facts.param
    this.retryAfterMs = facts.retryAfterMs
    this.native = facts.native
    this.details = facts.details ?? {}
    this.provider = facts.provider
    this.model = facts.model
  }

  /** Anything thrown, as a Failure: our own stay themselves, the rest becomes `internal` without its text. */
  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown
    return new Failure('internal', 'The gateway met an unexpected fault; its log has the details.', { cause: thrown })
  }
}
