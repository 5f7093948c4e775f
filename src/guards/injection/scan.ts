import { normalize } from '../normalize.ts'
import { SPOKEN_PATTERNS } from './languages.ts'
import { type Family, PATTERNS, type Pattern } from './patterns.ts'

/** One sign of an attack, and where it stands in the text that was scanned. */
export interface Sign {
  family: Family
  weight: number
  start: number
  end: number
}

interface Rule {
  family: Family
  weight: number
  /** Sticky: what follows one of the pattern's beginnings. */
  follows: RegExp
}

/** Spaces of a pattern are any white space: lines break anywhere. */
const loosened = (source: string) => source.replace(/\[[^\]]*\]| /g, part => (part === ' ' ? '\\s{1,3}' : part))
const escaped = (literal: string) => literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** Beginnings, the longest first; each with its rules, and those of every shorter beginning that it begins with. */
function indexed(patterns: readonly Pattern[]) {
  const own = new Map<string, Rule[]>()
  for (const { family, weight, on, follows } of patterns) {
    const rule: Rule = { family, weight, follows: new RegExp(loosened(normalize(follows).text), 'y') }
    for (const start of on.split(' / ')) {
      const plain = normalize(start, { lower: true }).text
      own.set(plain, [...(own.get(plain) ?? []), rule])
    }
  }
  const starts = [...own.keys()].sort((a, b) => b.length - a.length)
  const rules = new Map(
    starts.map(start => {
      const shorter = starts.filter(other => start.startsWith(other))
      return [start, shorter.map(other => ({ length: other.length, rules: own.get(other)! }))] as const
    })
  )
  const [words, others] = [starts.filter(start => /^[a-z]/.test(start)), starts.filter(start => !/^[a-z]/.test(start))]
  // Most units are letters and spaces: one look tells that none of the others begins there.
  return { rules, anchors: new RegExp(`(?<![a-z])(?:${oneOf(words)})|(?![a-z0-9 ])${oneOf(others)}`, 'g') }
}

/** A regular expression of these texts that reads each unit once: what begins alike stands together, longest first. */
function oneOf(texts: readonly string[]): string {
  const byFirst = new Map<string, string[]>()
  for (const text of texts) {
    if (text !== '') byFirst.set(text[0]!, [...(byFirst.get(text[0]!) ?? []), text.slice(1)])
  }
  const branches = [...byFirst].map(
    ([first, rests]) => loosened(escaped(first)) + (rests.length > 1 ? oneOf(rests) : loosened(escaped(rests[0]!)))
  )
  const all = branches.length > 1 ? `(?:${branches.join('|')})` : branches.join('')
  return texts.includes('') && all !== '' ? `(?:${all})?` : all
}

const INDEX = indexed([...PATTERNS, ...SPOKEN_PATTERNS])

/** The signs in a text that `normalize` made plain, in lower case. */
export function signsIn(plain: string): Sign[] {
  const { rules, anchors } = INDEX
  // Some signs stand at the beginning of a line, and so may stand at that of the text.
  const text = `\n${plain}`
  const signs: Sign[] = []
  anchors.lastIndex = 0
  for (let match = anchors.exec(text); match; match = anchors.exec(text)) {
    const at = match.index
    const key = match[0].replace(/(?!^)\s+/g, ' ')
    const isExact = key.length === match[0].length
    for (const { length, rules: each } of rules.get(key) ?? []) {
      // Where white space was longer than written, a shorter beginning cannot be placed; the whole one can.
      if (!isExact && length !== key.length) continue
      for (const { family, weight, follows } of each) {
        follows.lastIndex = at + (isExact ? length : match[0].length)
        if (follows.test(text)) signs.push({ family, weight, start: Math.max(0, at - 1), end: follows.lastIndex - 1 })
      }
    }
    // Within a phrase another one may begin: `repeat the system prompt` after `start with`.
    anchors.lastIndex = at + Math.max(1, wordLength(match[0]))
  }
  return signs
}

function wordLength(anchor: string): number {
  const space = anchor.search(/(?!^)\s/)
  return space === -1 ? anchor.length : space
}

/** Short quotes of attacks, without any spaces: for text that was spelled out letter by letter. */
const SQUEEZED =
  /(?:ignor|disregard|forget|overrid|bypass)e?(?:all|any|the|your|my|of|every)*(?:previous|prior|above|earlier|system|safety|instruction|rules|guideline)|(?:reveal|show|print|repeat|tell|output|give|display)(?:me|us)?(?:your|the)(?:system|initial|hidden|secret|original|full)*(?:prompt|instruction)|developermode|doanythingnow|youarenow(?:dan|unrestricted|free)|norestrictions|jailbreak/g

/** The signs in letters without spaces. */
export function squeezedSigns(letters: string): Sign[] {
  return [...letters.matchAll(SQUEEZED)].map(({ 0: { length }, index }) => ({
    family: 'splitting',
    weight: 0.8,
    start: index,
    end: index + length
  }))
}
