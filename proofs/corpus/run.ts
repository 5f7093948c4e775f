import type { Goal } from '../rig/proof.ts'
import type { Parts } from './breaks.ts'
import { crossedReply, crossedRequest } from './crossing.ts'
import { cutAnywhere } from './cuts.ts'
import { replyDocument, requestDocument } from './document.ts'
import { EXCEPTIONS } from './exceptions.ts'
import { errorKind } from './failures.ts'
import type { Interaction } from './interactions.ts'
import { sameReply, sameRequest } from './native.ts'
import type { Bench, Rule } from './rule.ts'
import { Stand } from './stand.ts'
import { signatures } from './turns.ts'
import { sameUsage, sameWords } from './words.ts'

/** What a codec does alone: quickly held against all there is. */
export const CODEC_RULES: readonly Rule[] = [requestDocument, replyDocument, sameWords, errorKind]

const RULES: readonly Rule[] = [
  sameRequest,
  sameReply,
  requestDocument,
  replyDocument,
  cutAnywhere,
  sameWords,
  sameUsage,
  crossedRequest,
  crossedReply,
  signatures,
  errorKind
]

export interface RunOptions {
  interactions: readonly Interaction[]
  parts: Parts
  /** Default: all of them. */
  rules?: readonly Rule[]
  reach(goal: Goal): void
  /** A line for people, below the goal it belongs to. */
  note(line: string): void
}

/** How many interactions of a group keep a rule. */
interface Tally {
  kept: number
  of: number
}

/** Holds every rule against every interaction; a goal for each provider and operation. */
export async function run({ interactions, parts, rules = RULES, reach, note }: RunOptions): Promise<void> {
  const { dialects, readStream, forceCanonical } = parts
  const stand = await Stand.open(dialects, forceCanonical)
  try {
    for (const [name, group] of groupsOf(interactions)) {
      const { goal, notes } = await judge(name, group, rules, { stand, dialects, readStream })
      reach(goal)
      for (const line of notes) note(`  ${line}`)
    }
  } finally {
    await stand.close()
  }
}

function groupsOf(interactions: readonly Interaction[]): Map<string, Interaction[]> {
  return Map.groupBy(interactions, ({ provider, operation }) => `${provider} ${operation}`)
}

async function judge(
  name: string,
  group: readonly Interaction[],
  rules: readonly Rule[],
  bench: Bench
): Promise<{ goal: Goal; notes: string[] }> {
  const tallies = new Map<string, Tally>()
  const notes = new Map<string, number>()
  const failures: string[] = []
  for (const interaction of group) {
    for (const rule of rules) {
      const outcome = await hold(rule, interaction, bench)
      if (outcome === undefined) continue
      if ('note' in outcome) count(notes, `${rule.name}: ${outcome.note}`)
      const findings = 'note' in outcome ? outcome.findings : outcome
      if (!findings) continue
      const { failed, excepted } = sorted(rule, interaction, findings)
      const tally = tallies.get(rule.name) ?? { kept: 0, of: 0 }
      tallies.set(rule.name, { kept: tally.kept + (failed.length === 0 ? 1 : 0), of: tally.of + 1 })
      for (const reason of excepted) count(notes, `${rule.name} not held: ${reason}`)
      failures.push(...failed.map(finding => `FAIL ${rule.name} of ${interaction.id}: ${finding}`))
    }
  }
  const figure = [...tallies].map(([rule, { kept, of }]) => `${kept}/${of} ${rule}`).join(' ')
  const problem = failures.length > 0 ? `${failures.length} findings` : undefined
  return {
    goal: { name: `corpus ${name}`, figure: figure || 'nothing to hold', goal: 'all, or a reason', problem },
    notes: [...[...notes].map(([line, times]) => `${times} × ${line}`), ...failures]
  }
}

function count(counts: Map<string, number>, line: string): void {
  counts.set(line, (counts.get(line) ?? 0) + 1)
}

async function hold(rule: Rule, interaction: Interaction, bench: Bench) {
  try {
    return await rule.check(interaction, bench)
  } catch (thrown) {
    return [`it throws: ${thrown instanceof Error ? thrown.message : String(thrown)}`]
  }
}

/** What is wrong, and the reasons of what may be. */
function sorted(rule: Rule, interaction: Interaction, findings: readonly string[]) {
  const failed: string[] = []
  const excepted = new Set<string>()
  for (const finding of findings) {
    const exception = EXCEPTIONS.find(each => each.rule.test(rule.name) && each.covers(finding, interaction))
    if (exception) excepted.add(exception.reason)
    else failed.push(finding)
  }
  return { failed, excepted }
}
