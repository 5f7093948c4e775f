import type { Kind } from './kinds.ts'

/** What a stable error code stands for. */
export interface CodeFacts {
  /** HTTP status the client gets. */
  status: number
  kind: Kind
  /** One sentence for the reference page: when a client sees this. */
  when: string
  /** One sentence for the same page: what helps. */
  fix: string
}
