/**
 * What makes two questions different however alike they are: vectors of texts are near where the words are, and "not",
 * another number or another name hardly moves them. What stands here must be the same in both.
 */

/** With digits in it: amounts, dates, versions, codes, places of things. */
const FIGURE = /[\p{L}\p{N}_.:/#@$€£%-]*\p{N}[\p{L}\p{N}_.:/#@$€£%-]*/gu
/** Addresses, and what stands for a masked value. */
const ADDRESS = /\[\[[A-Z][A-Z0-9_]*\]\]|[a-z][a-z0-9+.-]*:\/\/\S+|[^\s@]+@[^\s@]+\.[^\s@]+/giu
const QUOTED = /"[^"\n]{1,200}"|“[^”\n]{1,200}”|«[^»\n]{1,200}»|`[^`\n]{1,200}`/gu
/** Names as they are written amid a sentence: a capital that no sentence begins with. */
const NAME = /(?<=[\p{Ll}\p{N},;:)]\s+)\p{Lu}[\p{L}\p{M}'’-]+/gu
/** Words that turn a sentence into its opposite, in the commonest languages; those that mean something else elsewhere are left out. */
const NEGATION =
  /(?<![\p{L}\p{M}])(?:not|never|no|none|nothing|without|cannot|\p{L}+n['’]t|nicht|kein\p{L}*|nie|niemals|ohne|ne|pas|jamais|sans|sin|nunca|jamás|não|nunca|sem|non|mai|senza|geen|niet|nooit|zonder|ikke|aldrig|aldri|uten|uden|inte|aldrig|utan|nie|bez|не|нет|без|никогда)(?![\p{L}\p{M}])/giu
/** Words of which one pair makes two questions opposite, where nothing else differs. */
const OPPOSITES: readonly (readonly [RegExp, RegExp])[] = pairs([
  ['before', 'after'],
  ['increase', 'decrease'],
  ['enable', 'disable'],
  ['start', 'stop'],
  ['open', 'close'],
  ['add', 'remove'],
  ['buy', 'sell'],
  ['first', 'last'],
  ['most', 'least'],
  ['more', 'less'],
  ['highest', 'lowest'],
  ['largest', 'smallest'],
  ['maximum', 'minimum'],
  ['max', 'min'],
  ['male', 'female'],
  ['encode', 'decode'],
  ['encrypt', 'decrypt'],
  ['import', 'export'],
  ['upload', 'download'],
  ['install', 'uninstall'],
  ['with', 'without'],
  ['left', 'right'],
  ['north', 'south'],
  ['east', 'west'],
  ['from', 'to']
])

function pairs(words: readonly (readonly [string, string])[]): [RegExp, RegExp][] {
  const whole = (word: string) => new RegExp(`(?<![\\p{L}\\p{M}])${word}(?:s|d|ed|ing|es)?(?![\\p{L}\\p{M}])`, 'giu')
  return words.map(([one, other]) => [whole(one), whole(other)])
}

/** Why two questions cannot have the same answer, whatever their vectors say; undefined: nothing speaks against it. */
export function differs(one: string, other: string): string | undefined {
  if (marksOf(one, ADDRESS) !== marksOf(other, ADDRESS)) return 'address'
  if (marksOf(one, FIGURE) !== marksOf(other, FIGURE)) return 'figure'
  if (marksOf(one, QUOTED) !== marksOf(other, QUOTED)) return 'quotation'
  if (marksOf(one, NAME) !== marksOf(other, NAME)) return 'name'
  if (count(one, NEGATION) !== count(other, NEGATION)) return 'negation'
  return OPPOSITES.some(pair => turns(one, other, pair)) ? 'opposite' : undefined
}

/** One of a pair where the other question has its counterpart, or none. */
function turns(one: string, other: string, [left, right]: readonly [RegExp, RegExp]): boolean {
  return (
    count(one, left) - count(one, right) !== count(other, left) - count(other, right) &&
    hasBoth(one + other, left, right)
  )
}

function hasBoth(text: string, left: RegExp, right: RegExp): boolean {
  return count(text, left) > 0 && count(text, right) > 0
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

/** In any order: "from Rome to Paris" and "to Paris from Rome" are one question; "from Paris to Rome" is found by its vector. */
function marksOf(text: string, pattern: RegExp): string {
  const found = text.match(pattern) ?? []
  return found
    .map(mark =>
      mark
        .normalize('NFKC')
        .toLowerCase()
        .replace(/[.:,/-]+$/, '')
    )
    .sort()
    .join('\n')
}
