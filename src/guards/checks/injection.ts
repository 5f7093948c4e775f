import * as z from 'zod'
import { type Check, checkKind, type Finding, type Place } from '../guard.ts'
import { encodedSigns, hiddenSigns, leetSigns, piecedSigns, spelledSigns } from '../injection/hidden.ts'
import { FAMILIES, type Family } from '../injection/patterns.ts'
import { type Sign, signsIn } from '../injection/scan.ts'
import { normalize } from '../normalize.ts'

/** Signs so near each other speak for one another. */
const NEAR = 320
/** A sign is at most some 350 units long, three times that in hex, and the next one may yet come near. */
const REACH = 1_536

const options = z.strictObject({
  threshold: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.5)
    .describe('From this score on it counts, 0.1 to 1. Signs that stand near each other add up.'),
  families: z
    .partialRecord(z.enum(FAMILIES), z.boolean())
    .default({})
    .describe('Families that are off (`persona: false`); those not named are on.')
})

const REASONS: Readonly<Record<Family, string>> = {
  override: 'The text asks to set earlier instructions aside.',
  spoofing: 'The text speaks as the system or as somebody with authority over the model.',
  extraction: 'The text asks for the instructions that the model was given.',
  persona: 'The text asks the model to be somebody without its rules.',
  encoded: 'Instructions to the model stand encoded in the text.',
  hidden: 'The text has characters that a reader does not see.',
  exfiltration: 'The text asks to send data elsewhere, or has a link that carries it.',
  delimiter: 'The text pretends that the input ends and instructions begin.',
  tool: "The text gives orders to a model, about tools or behind the user's back.",
  multilingual: 'The text asks, in another language than English, to set instructions aside or to tell them.',
  suppression: 'The text forbids to refuse, or says how the answer must begin.',
  splitting: 'Instructions to the model stand in pieces in the text.'
}

/** Prompt injection and jailbreaks by their wording: heuristics, with a score and a reason, never a proof. */
export const check = checkKind({
  name: 'injection',
  summary: 'Scores signs of prompt injection and jailbreaks, also in tool results and documents.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'mask', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'flag',
  options,
  create({ threshold, families }): Check {
    return {
      reach: REACH,
      find: (text, place) => judged(signsOf(text, place), threshold, family => families[family] !== false)
    }
  }
})

/** All signs of a text, at their places in the original. */
function signsOf(original: string, place: Place): Sign[] {
  const signs = hiddenSigns(original)
  // A system prompt is the operator's own: it may say all that an attack says, and hides nothing.
  if (place.role === 'system') return signs
  const plain = normalize(original, { lower: true })
  const cased = plain.text.length === original.length ? { ...plain, text: original } : normalize(original)
  const read = [
    ...signsIn(plain.text),
    ...spelledSigns(plain.text),
    ...leetSigns(plain.text),
    ...piecedSigns(plain.text)
  ]
  const isForeign = place.kind === 'tool-result' || place.kind === 'document' || place.role === 'tool'
  const weighed = read.map(sign => (isForeign ? heavier(sign) : discounted(sign, plain.text)))
  const all = [...weighed, ...encodedSigns(cased)]
  return [...signs, ...all.map(sign => ({ ...sign, start: plain.start(sign.start), end: plain.end(sign.end) }))]
}

/** What tools and documents say has no business to instruct anybody. */
function heavier(sign: Sign): Sign {
  return { ...sign, weight: Math.min(1, sign.weight + 0.1) }
}

const QUOTE_BEFORE = /["'`“‘«][^"'`“‘«\n]{0,24}$/
const TALK =
  /\b(?:phrases?|strings?|words?|texts?|like|such as|examples?|e\.g|called|attacks?|detect\w{0,4}|contain\w{0,3}|injections?|filter\w{0,3}|classif\w{0,6}|patterns?|regex\w{0,3}|match\w{0,3}|inputs?|tests?|says?|mean|means|matches|blocks?|jailbreak\w{0,4}|tokens?|templates?|parse\w{0,3}|fixtures?|expects?|assert\w{0,4}|payloads?)\b/

/**
 * Who writes about attacks quotes them: a sign in quotes after words like `phrases such as` counts half. An attack can
 * be written so too; the price of not stopping everybody who works on this.
 */
function discounted(sign: Sign, text: string): Sign {
  const before = text.slice(Math.max(0, sign.start - 100), sign.start)
  const isTalk = QUOTE_BEFORE.test(before) && TALK.test(before)
  return isTalk ? { ...sign, weight: sign.weight / 2 } : sign
}

/** Signs of different families near each other add up, as chances that are independent do. */
function judged(all: readonly Sign[], threshold: number, isOn: (family: Family) => boolean): Finding[] {
  const signs = all.filter(({ family }) => isOn(family)).sort((a, b) => a.start - b.start)
  const found: Finding[] = []
  let first = 0
  for (const sign of signs) {
    while (signs[first]!.start < sign.start - NEAR) first++
    const most = new Map<Family, number>()
    for (
      let at = first;
      at < signs.length && signs[at]!.start <= sign.start + NEAR && most.size < FAMILIES.length;
      at++
    ) {
      const { family, weight } = signs[at]!
      most.set(family, Math.max(most.get(family) ?? 0, weight))
    }
    const miss = [...most].reduce((rest, [family, weight]) => (family === sign.family ? rest : rest * (1 - weight)), 1)
    const score = 1 - miss * (1 - sign.weight)
    if (score >= threshold) found.push(findingOf(sign, score))
  }
  return found
}

function findingOf({ family, start, end }: Sign, score: number): Finding {
  const rounded = Math.round(score * 100) / 100
  return { rule: `injection.${family}`, start, end, score: rounded, label: 'INJECTION', reason: REASONS[family] }
}
