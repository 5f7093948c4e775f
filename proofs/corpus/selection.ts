import type { Dialect } from '../../src/dialects/dialect.ts'
import { type Interaction, interactionOf, type Recording, spokenIn, strangeness } from './interactions.ts'

export interface Selection {
  dialects: readonly Dialect[]
  /** `provider`, or `provider/operation`; all without it. */
  only?: string | undefined
  /** So many of each provider and operation; all without it. */
  each?: number | undefined
}

/** The recorded calls that can be held against the rules, and why others cannot. */
export function select(
  recorded: readonly Recording[],
  { dialects, only, each }: Selection
): { interactions: Interaction[]; left: Map<string, number> } {
  const taken = new Map<string, number>()
  const left = new Map<string, number>()
  const interactions = recorded.flatMap(recording => {
    const group = `${recording.provider}/${recording.operation}`
    if (only !== undefined && group !== only && recording.provider !== only) return []
    const strange = spokenIn(recording) === undefined ? 'no chat, but another operation' : strangeness(recording)
    const interaction = strange === undefined ? interactionOf(recording, dialects) : undefined
    if (!interaction) {
      count(left, strange ?? 'in a dialect that is not here')
      return []
    }
    if (count(taken, group) > (each ?? Number.POSITIVE_INFINITY)) return []
    return [interaction]
  })
  return { interactions, left }
}

function count(counts: Map<string, number>, name: string): number {
  const now = (counts.get(name) ?? 0) + 1
  counts.set(name, now)
  return now
}
