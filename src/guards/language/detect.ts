import { SCRIPTS, WORDS } from './profiles.ts'

/** Every language that is told apart, by its code of ISO 639-1. */
export const LANGUAGES: readonly string[] = [...Object.keys(WORDS), ...SCRIPTS.map(([language]) => language)].sort()

/** So much of a text is read: a language does not change much after it, and the time stays bounded. */
const UNITS_MAX = 16_384
/** Of all its letters, those of the script. Japanese is written with Chinese characters between its own. */
const SCRIPT_SHARE = 0.4
const KANA_SHARE = 0.1
/** Small words of all words, at the least; prose has 30 to 50 of a hundred. */
const WORDS_SHARE = 0.15
/** More than the second best has, by so much of it. */
const AHEAD = 1.15

export interface Detected {
  language: string
  /** 0 to 1: how sure it is. */
  score: number
}

let known: Map<string, string[]> | undefined

/** The language of a text; undefined: it is in none that is known, or too mixed to say. */
export function detect(whole: string): Detected | undefined {
  const text = whole.slice(0, UNITS_MAX)
  return byScript(text) ?? byWords(text)
}

function byScript(text: string): Detected | undefined {
  const letters = text.match(/\p{L}/gu)?.length ?? 0
  if (letters === 0) return undefined
  const shareOf = (pattern: RegExp) => (text.match(pattern)?.length ?? 0) / letters
  const shares = SCRIPTS.map(([language, pattern]) => ({ language, share: shareOf(pattern) }))
  const kana = shares[0]!
  const han = shares.find(({ language }) => language === 'zh')!
  if (kana.share >= KANA_SHARE && kana.share + han.share >= SCRIPT_SHARE) return { language: 'ja', score: 0.95 }
  const best = shares.toSorted((one, other) => other.share - one.share)[0]!
  return best.share >= SCRIPT_SHARE ? { language: best.language, score: Math.min(1, 0.5 + best.share / 2) } : undefined
}

function byWords(text: string): Detected | undefined {
  known ??= languagesOfWords()
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? []
  const hits = new Map<string, number>()
  for (const word of words) {
    const languages = known.get(word)
    // What many have in common says little of each.
    for (const language of languages ?? []) hits.set(language, (hits.get(language) ?? 0) + 1 + 1 / languages!.length)
  }
  const [best, second] = [...hits].sort(([, one], [, other]) => other - one)
  if (!best || words.length === 0) return undefined
  const share = best[1] / (2 * words.length)
  if (share < WORDS_SHARE || best[1] < AHEAD * (second?.[1] ?? 0)) return undefined
  return { language: best[0], score: Math.min(1, 0.5 + share) }
}

function languagesOfWords(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [language, words] of Object.entries(WORDS)) {
    for (const word of new Set(words.split(' '))) found.set(word, [...(found.get(word) ?? []), language])
  }
  return found
}
