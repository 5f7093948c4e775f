/**
 * `npm run proof:pii`: recall and precision of the built-in check for personal data, for every type that it knows: 1,500
 * sentences in eight languages, as many near misses, harmless numbers, values of all other types; and the same values in
 * disguise, and cut over a stream. See docs/guide/proofs.md.
 *
 *   npm run proof:pii
 *   npm run proof:pii -- --quick    100 sentences a type
 *   npm run proof:pii -- --break    the types are switched off: must fail
 */
import { parseArgs } from 'node:util'
import { check } from '../src/guards/checks/pii.ts'
import { TYPES } from '../src/guards/pii/scan.ts'
import { framesOf, guardingOf, guardOf, heard, Playing, through } from '../test/guards/kit.ts'
import { americas } from './pii/americas.ts'
import { beyond } from './pii/beyond.ts'
import { contacts } from './pii/contacts.ts'
import { DISGUISES } from './pii/disguises.ts'
import { europe } from './pii/europe.ts'
import { FRAMES, harmless, said } from './pii/sentences.ts'
import { type Dice, type Maker, one, seeded } from './pii/values.ts'
import { type Goal, prove } from './rig/proof.ts'

const RUN_MS = 300_000
const GOAL = 0.95
const SENTENCES = 1_500
const SENTENCES_QUICK = 100
const STREAMS = 40
const STREAMS_QUICK = 3
/** Of every other type, among what must not be taken for one. */
const OTHERS = 50
const OTHERS_QUICK = 4
const SEED = 20_261_123

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, break: { type: 'boolean', default: false } }
})
const isSmall = values.quick || values.break
const count = isSmall ? SENTENCES_QUICK : SENTENCES
const MAKERS: readonly Maker[] = [...contacts, ...europe, ...americas, ...beyond]
const pii = check.create({ types: values.break ? ['url'] : [...TYPES], except: [] })

interface Found {
  type: string
  value: string
}

function find(text: string): Found[] {
  const place = { side: 'request', role: 'user', kind: 'text', path: 'messages[0].content' } as const
  return pii.find!(text, place).map(({ rule, start, end }) => {
    return { type: rule.slice('pii.'.length), value: text.slice(start, end) }
  })
}

const sentence = ({ names }: Maker, value: string, dice: Dice) => said(one(dice, FRAMES), one(dice, names), value)

/** How many of the values are found whole, as what they are. */
function recallOf(maker: Maker, hidden: (value: string) => string, turns: number, dice: Dice): number {
  let right = 0
  for (let turn = 0; turn < turns; turn++) {
    const value = hidden(maker.make(dice))
    if (find(sentence(maker, value, dice)).some(one => one.type === maker.type && one.value === value)) right++
  }
  return right / turns
}

/** By type, how often it was found where nothing of it was. */
function falseAlarms(dice: Dice): Map<string, number> {
  const alarms = new Map<string, number>()
  const judge = (text: string, isOf: string | undefined) => {
    for (const type of new Set(find(text).map(each => each.type))) {
      if (type !== isOf) alarms.set(type, (alarms.get(type) ?? 0) + 1)
    }
  }
  for (let turn = 0; turn < count; turn++) judge(harmless(dice), undefined)
  for (const maker of MAKERS) {
    for (let turn = 0; turn < (isSmall ? OTHERS_QUICK : OTHERS); turn++) {
      judge(sentence(maker, maker.make(dice), dice), maker.type)
    }
    for (let turn = 0; maker.near && turn < count; turn++) {
      judge(sentence(maker, maker.near(maker.make(dice), dice), dice), undefined)
    }
  }
  return alarms
}

/** Streams that say a value in pieces of some characters; none of it may leave. */
async function leaks(maker: Maker, dice: Dice): Promise<number> {
  const turns = isSmall ? STREAMS_QUICK : STREAMS
  let left = 0
  for (let turn = 0; turn < turns; turn++) {
    const value = maker.make(dice)
    const cuts = Array.from({ length: 5 }, () => 1 + dice(4))
    const frames = framesOf(
      'openai-chat',
      'sse',
      { text: `${sentence(maker, value, dice)} And so on, and so on.` },
      cuts
    )
    const guarding = guardingOf(guardOf(pii, { action: 'mask', kind: 'pii' }))
    const { frames: sent } = await through('openai-chat', 'sse', new Playing(frames), guarding)
    const text = [...heard('openai-chat', 'sse', sent).values()].join('')
    if (text.includes(value)) left++
  }
  return left / turns
}

async function goalOf(maker: Maker, alarms: ReadonlyMap<string, number>, dice: Dice): Promise<Goal> {
  const plain = recallOf(maker, value => value, count, dice)
  const turns = Math.ceil(count / Object.keys(DISGUISES).length)
  const ways = Object.entries(DISGUISES).map(([name, hide]) => ({ name, recall: recallOf(maker, hide, turns, dice) }))
  const streamed = 1 - (await leaks(maker, dice))
  const hidden = [...ways.map(({ recall }) => recall), streamed]
  const disguised = hidden.reduce((sum, recall) => sum + recall, 0) / hidden.length
  const wrong = alarms.get(maker.type) ?? 0
  const right = plain * count
  const precision = right + wrong === 0 ? 0 : right / (right + wrong)
  const weak = [...ways, { name: 'split', recall: streamed }].filter(({ recall }) => recall < GOAL)
  const names = weak.map(({ name, recall }) => `${name} ${recall.toFixed(2)}`).join(', ')
  const isMet = plain >= GOAL && precision >= GOAL && disguised >= GOAL
  return {
    name: maker.type,
    figure: `recall ${plain.toFixed(3)}, in disguise ${disguised.toFixed(3)}${names && ` (${names})`}, precision ${precision.toFixed(3)} (${wrong} false alarms)`,
    goal: `each at least ${GOAL}`,
    problem: isMet ? undefined : 'too many are missed, or taken for one'
  }
}

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: the types are switched off; this run must fail.')
  const dice = seeded(SEED)
  const unproved = TYPES.filter(type => !MAKERS.some(maker => maker.type === type))
  const alarms = falseAlarms(dice)
  for (const maker of MAKERS) reach(await goalOf(maker, alarms, dice))
  reach({
    name: 'types',
    figure: `${MAKERS.length} proved, ${unproved.length} that the check knows are not`,
    goal: 'none is left out',
    problem: unproved.length > 0 ? unproved.join(', ') : undefined
  })
}

process.exitCode = await prove(run, RUN_MS)
