/**
 * `npm run proof:pii`: recall and precision of the built-in PII check for each type that the makers of proofs/pii/ know,
 * plain and in disguise, with values of a wrong check digit beside them. See docs/guide/proofs.md.
 *
 *   npm run proof:pii
 *   npm run proof:pii -- --quick    150 sentences a type
 *   npm run proof:pii -- --break    the types are switched off: must fail
 */
import { parseArgs } from 'node:util'
import { check } from '../src/guards/checks/pii.ts'
import { type Dice, MAKERS, type Maker } from './pii/makers.ts'
import { type Goal, prove } from './rig/proof.ts'

const RUN_MS = 120_000
const GOAL = 0.95
const SENTENCES = 1_500
const SENTENCES_QUICK = 150
const SEED = 20_261_123

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, break: { type: 'boolean', default: false } }
})
const count = values.quick ? SENTENCES_QUICK : SENTENCES
const pii = check.create({ types: values.break ? ['url'] : MAKERS.map(({ type }) => type), except: [] })

/** Mulberry32: the same run every time. */
function seeded(seed: number): Dice {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** As people and attackers write the same value: as it is three times of six. */
function disguised(value: string, dice: Dice): string {
  const way = dice(6)
  const fromZero = (zero: number) => value.replace(/\d/g, digit => String.fromCharCode(zero + Number(digit)))
  if (way === 0) return fromZero(0xff10)
  if (way === 1) return fromZero(0x0660)
  return way === 2 ? [...value].join('\u200b') : value
}

const find = (text: string) =>
  (pii.find?.(text, { side: 'request', role: 'user', kind: 'text', path: 'messages[0].content' }) ?? []).map(
    ({ rule, start, end }) => ({ type: rule.slice('pii.'.length), value: text.slice(start, end) })
  )

function goalsOf(maker: Maker, dice: Dice): Goal {
  let [right, missed, wrong] = [0, 0, 0]
  for (let turn = 0; turn < count; turn++) {
    const value = disguised(maker.make(dice), dice)
    const lead = maker.lead[turn % maker.lead.length]!
    const found = find(`${lead} ${value}, thanks.`)
    if (found.some(one => one.type === maker.type && one.value === value)) right++
    else missed++
    if (maker.near && find(`${lead} ${maker.near(maker.make(dice))}, thanks.`).some(one => one.type === maker.type))
      wrong++
  }
  const recall = right / (right + missed)
  const precision = right + wrong === 0 ? 0 : right / (right + wrong)
  return {
    name: maker.type,
    figure: `recall ${recall.toFixed(3)}, precision ${precision.toFixed(3)}, ${count} sentences and ${maker.near ? count : 'no'} near-misses`,
    goal: `both at least ${GOAL}`,
    problem: recall >= GOAL && precision >= GOAL ? undefined : 'too many are missed, or taken for one'
  }
}

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: the types are switched off; this run must fail.')
  const dice = seeded(SEED)
  for (const maker of MAKERS) reach(goalsOf(maker, dice))
}

process.exitCode = await prove(run, RUN_MS)
