import type { Json } from './json.ts'

/** An error reply of a provider, before its dialect gives it a body. Thrown by readers, made by faults. */
export interface RefusalFacts {
  /** OpenAI: path of the offending parameter. */
  param?: string
  /** OpenAI: machine-readable code. */
  code?: string
  /** Google: typed details. */
  details?: Json[]
  headers?: Record<string, string>
}

export class Refusal extends Error {
  readonly status: number
  readonly type: string
  readonly param: string | null
  readonly code: string | null
  readonly details: Json[]
  readonly headers: Record<string, string>

  constructor(status: number, type: string, message: string, facts: RefusalFacts = {}) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.type = type
    this.param = facts.param ?? null
    this.code = facts.code ?? null
    this.details = facts.details ?? []
    this.headers = facts.headers ?? {}
  }
}
