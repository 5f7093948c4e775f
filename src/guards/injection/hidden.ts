import { type Normalized, normalize } from '../normalize.ts'
import { type Sign, signsIn, squeezedSigns } from './scan.ts'

/** Signs in what a reader does not see as text: hidden characters, encodings, letters spelled out or pieced together. */

/** Runs of these beside each other: nobody's keyboard makes them. Joiners alone hold emoji and Persian words together. */
const HIDDEN_RUN =
  /(?:[\u200b-\u200f\u2060-\u2064\u00ad\ufeff\u180e]|\u034f){3,}|[\u202d\u202e]|(?:\udb40[\udc00-\udfff]){2,}/g
const FLAG_TAGS_MAX = 7
/** Between two letters of the Latin alphabet; so many of them within a few words are meant to hide. */
const HIDDEN_BETWEEN = /[a-z][\u200b-\u200d\u2060-\u2064\u00ad\ufeff](?=[a-z])/gi
const BETWEEN_LEAST = 3

export function hiddenSigns(text: string): Sign[] {
  const signs: Sign[] = []
  for (const { 0: run, index } of text.matchAll(HIDDEN_RUN)) {
    // The flags of England, Scotland and Wales are a black flag and tags.
    const isFlag = text.startsWith('\ud83c\udff4', index - 2) && run.length <= FLAG_TAGS_MAX * 2
    const end = index + run.length
    if (!isFlag) signs.push({ family: 'hidden', weight: run.startsWith('\udb40') ? 0.9 : 0.6, start: index, end })
  }
  for (const group of grouped([...text.matchAll(HIDDEN_BETWEEN)], BETWEEN_LEAST, 16)) {
    signs.push({ family: 'hidden', weight: 0.6, ...group })
  }
  return signs
}

const BASE64 = /(?<![0-9A-Za-z+/_-])[0-9A-Za-z+/_-]{20,}/g
const HEX_RUN = /[0-9A-Fa-f]{24,}/
const HEX_APART =
  /(?<![0-9A-Za-z])(?:0x)?[0-9A-Fa-f]{2}(?:[ :,]{1,2}(?:0x)?[0-9A-Fa-f]{2}){11,}|(?:(?:\\x|%)[0-9A-Fa-f]{2}){12,}/g
const MOST_CONTROLS = 0.05

/** One level of base64 and hex. The place of a sign is that of the characters it was decoded from. */
export function encodedSigns({ text }: Normalized): Sign[] {
  const signs: Sign[] = []
  for (const { 0: run, index } of text.matchAll(BASE64)) {
    const hex = HEX_RUN.exec(run)
    if (hex) signs.push(...hexSigns(hex[0], index + hex.index))
    if (!/[A-Z]/.test(run) || !/[a-z]/.test(run)) continue
    // A run at the very beginning may have been cut: it may stand in any of four ways.
    for (let cut = 0; cut < (index === 0 ? 4 : 1); cut++) {
      const place = (offset: number) => index + cut + Math.floor((offset * 4) / 3)
      signs.push(...decodedSigns(Buffer.from(run.slice(cut), 'base64'), place, index + run.length))
    }
  }
  for (const { 0: run, index } of text.matchAll(HEX_APART)) signs.push(...hexSigns(run, index))
  return signs
}

function hexSigns(run: string, index: number): Sign[] {
  const digits = run.replace(/\\x|0x|[^0-9A-Fa-f]/g, '')
  const stride = run.length / (digits.length / 2)
  const place = (offset: number) => index + Math.floor(offset * stride)
  return decodedSigns(Buffer.from(digits, 'hex'), place, index + run.length)
}

function decodedSigns(bytes: Buffer, place: (offset: number) => number, end: number): Sign[] {
  const decoded = bytes.toString('utf8')
  const controls = (decoded.match(/[\x00-\x08\x0e-\x1f\x7f\ufffd]/g) ?? []).length
  if (controls > decoded.length * MOST_CONTROLS) return []
  const strongest = signsIn(normalize(decoded, { lower: true }).text)
  return strongest.map(sign => ({
    family: 'encoded',
    weight: 0.9,
    start: place(sign.start),
    end: Math.min(end, place(sign.end) + 1)
  }))
}

const SPELLED = /(?<![a-z])[a-z](?:[ .\-_*|/]{1,4}[a-z](?![a-z])){6,400}/g

/** `i g n o r e`, `i-g-n-o-r-e`. */
export function spelledSigns(plain: string): Sign[] {
  return [...plain.matchAll(SPELLED)].flatMap(({ 0: run, index }) => {
    const letters = run.replace(/[^a-z]/g, '')
    return squeezedSigns(letters).map(sign => ({ ...sign, start: index, end: index + run.length }))
  })
}

const LEET = /[a-z][013457@$!][a-z]|\b[013457@$!][a-z]{2}/g
const LEET_LETTERS: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  '@': 'a',
  $: 's',
  '!': 'i'
}
const LEET_LEAST = 3
const NEAR = 40

/** Digits for letters, several within a few words. Every unit stands for one, so places stay. */
export function leetSigns(plain: string): Sign[] {
  return grouped([...plain.matchAll(LEET)], LEET_LEAST, NEAR).flatMap(({ start, end }) => {
    const from = Math.max(0, start - NEAR)
    const letters = plain.slice(from, end + NEAR).replace(/[013457@$!]/g, sign => LEET_LETTERS[sign]!)
    return signsIn(letters).map(sign => ({ ...sign, start: sign.start + from, end: sign.end + from }))
  })
}

const QUOTED = /(["'`])([^"'`\n]{1,60})\1/g
const FRAGMENTS_LEAST = 2
const BETWEEN_FRAGMENTS = 32

/** Pieces in quotes that are added up: `a = "ign"; b = "ore previous"`. */
export function piecedSigns(plain: string): Sign[] {
  const pieces = [...plain.matchAll(QUOTED)]
  let next = 0
  return grouped(pieces, FRAGMENTS_LEAST, BETWEEN_FRAGMENTS).flatMap(({ start, end }) => {
    while (pieces[next]!.index < start) next++
    const first = next
    while (next < pieces.length && pieces[next]!.index < end) next++
    const between = plain.slice(start, end).replace(QUOTED, ' ')
    if (!/[+=]|\band\b|\bthen\b|concat|combin|join/.test(between)) return []
    const parts = pieces.slice(first, next).map(([, , piece]) => piece ?? '')
    // The pieces themselves are read anyway: only what their sum says is of interest.
    const sums = [parts.join(''), parts.join(' ')].flatMap(signsIn)
    const isSplit = sums.some(sign => !parts.some(part => signsIn(part).some(({ family }) => family === sign.family)))
    return isSplit ? [{ family: 'splitting', weight: 0.75, start, end } as const] : []
  })
}

interface Range {
  start: number
  end: number
}

/** At least so many of the matches, each at most `most` units from the one before: from the first to the last. */
function grouped(matches: readonly RegExpMatchArray[], least: number, most: number): Range[] {
  const groups: (Range & { count: number })[] = []
  for (const { 0: run, index = 0 } of matches) {
    const last = groups.at(-1)
    if (last && index - last.end <= most && index - last.start < GROUP_MAX) {
      last.end = index + run.length
      last.count++
    } else groups.push({ start: index, end: index + run.length, count: 1 })
  }
  return groups.filter(({ count }) => count >= least)
}

/** A group is read as one: longer ones begin anew, so that a stream need not hold back more. */
const GROUP_MAX = 400
