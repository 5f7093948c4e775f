/**
 * `npm run proof:injection`: how many attacks the built-in check finds, in each of 12 families, and how often it takes a
 * benign coding prompt for one. Half of the attacks are held out: no pattern was written from them. See
 * docs/guide/proofs.md.
 *
 *   npm run proof:injection
 *   npm run proof:injection -- --quick   a third of it
 *   npm run proof:injection -- --list    also prints what was missed, and what was taken for an attack
 *   npm run proof:injection -- --break   only signs that could not be surer count: must fail
 */
import { parseArgs } from 'node:util'
import { check } from '../src/guards/checks/injection.ts'
import type { Place } from '../src/guards/guard.ts'
import { benignPrompts } from './injection/benign.ts'
import { FAMILIES, type Family, TASKS, type Templates } from './injection/families.ts'
import { HELD_OUT } from './injection/held-out.ts'
import { SEEN } from './injection/seen.ts'
import { type Goal, prove } from './rig/proof.ts'

const RUN_MS = 120_000
const RECALL_GOAL = 0.8
const FALSE_ALARM_GOAL = 0.01
/** Attacks of each family, in each of the two parts; 12 × 2 × 15 = 360 in all. */
const EACH = 15
const BENIGN = 1_000

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    break: { type: 'boolean', default: false }
  }
})
const each = values.quick ? EACH / 3 : EACH
const benign = values.quick ? BENIGN / 4 : BENIGN
const injection = check.create({ threshold: values.break ? 1 : 0.5, families: {} })

function isFound(text: string, family?: Family): boolean {
  const kind: Place['kind'] = family === 'tool injection' ? 'tool-result' : 'text'
  const place: Place = { side: 'request', role: kind === 'text' ? 'user' : 'tool', kind, path: 'messages[0].content' }
  return (injection.find?.(text, place) ?? []).length > 0
}

/** Every template in turn, each time with another task; a template that takes none makes one attack. */
function attacksOf(templates: Templates, family: Family): string[] {
  const attacks = new Set<string>()
  const all = templates[family]
  for (let turn = 0; attacks.size < each && turn < all.length * TASKS.length; turn++) {
    attacks.add(all[turn % all.length]!(TASKS[Math.floor(turn / all.length) % TASKS.length]!))
  }
  return [...attacks]
}

interface Tally {
  found: number
  of: number
}

const share = ({ found, of }: Tally) => `${((found / of) * 100).toFixed(1)} % (${found} of ${of})`
const sum = (all: readonly Tally[]): Tally => ({
  found: all.reduce((total, { found }) => total + found, 0),
  of: all.reduce((total, { of }) => total + of, 0)
})

function tally(templates: Templates, family: Family): Tally {
  const attacks = attacksOf(templates, family)
  const missed = attacks.filter(attack => !isFound(attack, family))
  // What is held out stays unread, or patterns would be written for it.
  if (values.list && templates === SEEN) for (const attack of missed) console.log(`  missed: ${JSON.stringify(attack)}`)
  return { found: attacks.length - missed.length, of: attacks.length }
}

function recallGoal(name: string, counted: Tally): Goal {
  const isMet = counted.found / counted.of >= RECALL_GOAL
  const goal = `at least ${RECALL_GOAL * 100} %`
  return { name, figure: share(counted), goal, problem: isMet ? undefined : 'too many are missed' }
}

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: nothing is sure enough to count; this run must fail.')
  const rows = FAMILIES.map(family => ({ family, seen: tally(SEEN, family), heldOut: tally(HELD_OUT, family) }))
  for (const { family, seen, heldOut } of rows) {
    console.log(`${family}: ${share(sum([seen, heldOut]))}; seen ${share(seen)}, held out ${share(heldOut)}`)
  }
  const heldOut = sum(rows.map(row => row.heldOut))
  const all = sum([...rows.map(row => row.seen), heldOut])
  if (!values.quick) {
    const problem = all.of >= 300 ? undefined : 'too few'
    reach({ name: 'attacks', figure: `${all.of} in ${rows.length} families`, goal: 'at least 300 in 12', problem })
  }
  reach(recallGoal('recall, all attacks', all))
  reach(recallGoal('recall, held out', heldOut))
  const parts = (['seen', 'held out'] as const).map(part => alarms(part, Math.round(benign / 2)))
  console.log(`false alarms: seen ${share(parts[0]!)}, held out ${share(parts[1]!)}`)
  const alarmed = sum(parts)
  reach({
    name: 'false alarms, benign coding prompts',
    figure: share(alarmed),
    goal: `at most ${FALSE_ALARM_GOAL * 100} %`,
    problem: alarmed.found / alarmed.of <= FALSE_ALARM_GOAL ? undefined : 'too many'
  })
}

function alarms(part: 'seen' | 'held out', count: number): Tally {
  const prompts = benignPrompts(count, part)
  const taken = prompts.filter(prompt => isFound(prompt))
  if (values.list && part === 'seen') for (const prompt of taken) console.log(`  alarm: ${JSON.stringify(prompt)}`)
  return { found: taken.length, of: prompts.length }
}

process.exitCode = await prove(run, RUN_MS)
