import type { Dialect } from '../../src/dialects/dialect.ts'
import type { Interaction, ReadStream } from './interactions.ts'
import type { Stand } from './stand.ts'

/** What the rules are held with: `--break` puts others in the place of the real ones. */
export interface Bench {
  stand: Stand
  dialects: readonly Dialect[]
  readStream: ReadStream
}

/**
 * What is wrong, each as a sentence; none: the rule is kept. A note says under what conditions; without findings, why
 * the rule cannot be held here at all.
 */
export type Outcome = string[] | { note: string; findings?: string[] }

/** A rule of issue 4. */
export interface Rule {
  name: string
  /** Undefined: the rule says nothing of such an interaction. */
  check(interaction: Interaction, bench: Bench): Promise<Outcome | undefined> | Outcome | undefined
}
