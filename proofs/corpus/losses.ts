import { isDeepStrictEqual } from 'node:util'
import { type Fact, letters } from './facts.ts'

export interface Passage {
  before: readonly Fact[]
  after: readonly Fact[]
  losses: readonly string[]
  /** What was written: a seal may be in it where only its maker will read it again. */
  native: string
}

/** Facts that are not there any more, and that no loss names. */
export function unnamedLosses({ before, after, losses, native }: Passage): string[] {
  const left = [...after]
  const carried = native + contentsOf(native)
  return before.flatMap(fact => {
    const at = left.findIndex(other => other.name === fact.name && isDeepStrictEqual(other.value, fact.value))
    if (at >= 0) {
      left.splice(at, 1)
      return []
    }
    const isNamed = losses.some(loss => namesPart(loss, fact) || fact.words.some(word => names(loss, word)))
    if (isNamed || (fact.mark && carried.includes(fact.mark))) return []
    return [`${fact.name} is lost without a name (${JSON.stringify(fact.value).slice(0, 80)})`]
  })
}

/** What is inside of the seals that are carried as base64: under our name, or with it as their first bytes. */
function contentsOf(native: string): string {
  return [...native.matchAll(/gatehouse[:/][\w-]+:([\w+/=-]+)|(Z2F0ZWhvdXNl[\w+/=-]+)/g)]
    .map(([, sealed, whole]) => Buffer.from(sealed ?? whole!, 'base64').toString())
    .join('\n')
}

function namesPart(loss: string, { part }: Fact): boolean {
  if (part === undefined) return false
  const [place, at] = [placeOf(loss), placeOf(part.at)]
  return at.startsWith(place) || place === `${at}.${part.type}`
}

/** Dialects count the parts of a reply in their own ways, and call its choices by other names. */
function placeOf(path: string): string {
  const isReply = /^(choices|candidates)\[/.test(path)
  return isReply
    ? path
        .replace(/^candidates/, 'choices')
        .replace('.message', '')
        .replace(/\[\d+\]/g, '[]')
    : path
}

function names(loss: string, word: string): boolean {
  // A name of one or two letters is too short to be looked for inside others.
  return word.length > 2 ? letters(loss).includes(word) : letters(loss) === word
}
