import { normalize } from '../normalize.ts'
import { accounts, ibanEnd } from './accounts.ts'
import { birthdayAt, contacts } from './contacts.ts'
import { CONTEXT_UNITS, type Kind, type Spotted } from './kinds.ts'
import { nationalIds } from './national-ids.ts'
import { emails, machines, urls, wallets } from './network.ts'

const NUMBERS: readonly Kind[] = [...accounts, ...nationalIds, ...contacts]
const LETTERS_FIRST: ReadonlySet<string> = new Set([
  'gb_nino',
  'es_nie',
  'it_codice_fiscale',
  'in_pan',
  'sg_nric',
  'mx_curp'
])
const BY_LETTER = NUMBERS.filter(({ type }) => LETTERS_FIRST.has(type))
const BY_DIGIT = NUMBERS.filter(({ type }) => !LETTERS_FIRST.has(type))

/** Every type that there is, in the order of the reference. */
export const TYPES: readonly string[] = [
  'email',
  'phone',
  'card',
  'iban',
  'date_of_birth',
  ...new Set(nationalIds.map(({ type }) => type)),
  'ip',
  'mac',
  'crypto_address',
  'url'
]

/** Letters that a number may begin with, up to its first digit. */
const LETTERS_BEFORE = /(?<![0-9A-Za-z])(?:[A-Z]{3} [A-Z]{3} |[A-Za-z]{1,6}[ -]?)$/
const LETTERS_UNITS = 9
/** Fewer digits than this are no number of anybody. */
const DIGITS_MIN = 4
const LOOK_UNITS = 28
/** A word that says what a number is makes it likelier than any shape. */
const SAID = 0.1

/** All that is personal in a text, apart from one another, in its order. Linear in its length. */
export function personal(original: string, types: ReadonlySet<string>, depth = 1): Spotted[] {
  const plain = normalize(original)
  const text = withPlainDigits(plain.text)
  const wants = (type: string) => types.has(type)
  const found: Spotted[] = []
  if (wants('email') && text.includes('@')) found.push(...emails(text))
  if (DIGIT.test(text)) found.push(...numbers(text, wants), ...machines(text), ...wallets(text), ...ibans(text))
  if (wants('url')) found.push(...urls(text))
  if (depth > 0) found.push(...encoded(text, types, depth))
  if (depth > 0 && SPREAD_AT.test(text)) found.push(...spread(text, types, depth))
  const known = found.filter(({ type }) => wants(type))
  return apart(known, text.length).map(one => ({ ...one, start: plain.start(one.start), end: plain.end(one.end) }))
}

const DIGIT = /\d/
/** Looked for first: most texts have nothing of the kind. */
const SPREAD_AT = /[^\s] {1,3}[^\s] {1,3}[^\s] {1,3}[^\s] /

/** Digits of other scripts as ours: each is one unit, and stays one. */
function withPlainDigits(text: string): string {
  if (!/[^\x00-\x7f]/.test(text)) return text
  rows ??= rowsOfDigits()
  const { pattern, zeros } = rows
  return text.replace(pattern, digit => {
    const code = digit.charCodeAt(0)
    return String(code - zeros.findLast(zero => zero <= code)!)
  })
}

/** Each script has its digits in one row, zero first. Found out once: a class of ranges is far faster than `\p{Nd}`. */
let rows: { pattern: RegExp; zeros: number[] } | undefined

function rowsOfDigits(): { pattern: RegExp; zeros: number[] } {
  const zeros: number[] = []
  for (let code = 0x80; code <= 0xffff; code++) {
    if (!/\p{Nd}/u.test(String.fromCharCode(code))) continue
    zeros.push(code)
    code += 9
  }
  const ranges = zeros.map(zero => `${String.fromCharCode(zero)}-${String.fromCharCode(zero + 9)}`)
  return { pattern: new RegExp(`[${ranges.join('')}]`, 'g'), zeros }
}

function numbers(text: string, wants: (type: string) => boolean): Spotted[] {
  const found: Spotted[] = []
  EACH_DIGIT.lastIndex = 0
  // A digit is the anchor (D24): texts have few.
  for (let match = EACH_DIGIT.exec(text); match; match = EACH_DIGIT.exec(text)) {
    const at = match.index
    const one = hasDigits(text, at) ? beginningAt(text, at, wants) : undefined
    if (one) found.push(one)
    EACH_DIGIT.lastIndex = one ? Math.max(one.end, at + 1) : endOfRun(text, at)
  }
  return found
}

const EACH_DIGIT = /\d/g

/** What begins with this digit, or with letters before it. */
function beginningAt(text: string, at: number, wants: (type: string) => boolean): Spotted | undefined {
  const letters = LETTERS_BEFORE.exec(text.slice(Math.max(0, at - LETTERS_UNITS), at))?.[0].length ?? 0
  const byLetter = letters > 0 ? bestAt(text, at - letters, BY_LETTER, wants) : undefined
  if (byLetter) return byLetter
  return isAlphanumeric(text.charCodeAt(at - 1)) ? undefined : numberAt(text, at, wants)
}

/** Nothing begins amid letters and digits. */
function endOfRun(text: string, at: number): number {
  let end = at + 1
  while (isAlphanumeric(text.charCodeAt(end))) end++
  return end
}

function isAlphanumeric(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}

function numberAt(text: string, at: number, wants: (type: string) => boolean): Spotted | undefined {
  const best = bestAt(text, at, BY_DIGIT, wants)
  if (best) return best
  const birthday = wants('date_of_birth') && birthdayAt(text, at, before(text, at))
  return birthday ? { type: 'date_of_birth', ...birthday, score: 0.8 } : undefined
}

function bestAt(
  text: string,
  at: number,
  kinds: readonly Kind[],
  wants: (type: string) => boolean
): Spotted | undefined {
  let best: Spotted | undefined
  for (const { type, shape, holds, context, unless, score: alone } of kinds) {
    if (!wants(type)) continue
    shape.lastIndex = at
    if (!shape.test(text)) continue
    const end = shape.lastIndex
    if (!holds(text.slice(at, end)) || (context && !context.test(before(text, at)))) continue
    if (unless?.test(before(text, at))) continue
    const score = Math.min(1, context ? alone + SAID : alone)
    if (!best || score > best.score || (score === best.score && end > best.end)) best = { type, start: at, end, score }
  }
  return best?.type === 'phone' ? { ...best, ...withSigns(text, best) } : best
}

/** `+49 …` and `(212) …` begin with their sign; a number in parentheses does not end with one. */
function withSigns(text: string, { start, end }: Spotted): { start: number; end: number } {
  const number = text.slice(start, end)
  const isOpen = text[start - 1] === '(' && /^[^(]*\)./.test(number)
  const isClosed = number.endsWith(')') && !number.includes('(')
  return { start: isOpen || text[start - 1] === '+' ? start - 1 : start, end: isClosed && !isOpen ? end - 1 : end }
}

function before(text: string, at: number): string {
  return text.slice(Math.max(0, at - CONTEXT_UNITS), at).toLowerCase()
}

function hasDigits(text: string, at: number): boolean {
  let digits = 0
  for (let place = at; place < at + LOOK_UNITS && place < text.length && digits < DIGITS_MIN; place++) {
    const code = text.charCodeAt(place)
    if (code >= 48 && code <= 57) digits++
  }
  return digits >= DIGITS_MIN
}

const IBAN_ANCHOR = /(?<![0-9A-Za-z])[A-Z]{2}[ -]?\d[ -]?\d(?=[ -]{0,2}[0-9A-Z])/gi
const IBAN_UNITS = 64

function ibans(text: string): Spotted[] {
  const found: Spotted[] = []
  for (const { index } of text.matchAll(IBAN_ANCHOR)) {
    const end = ibanEnd(text.slice(index, index + IBAN_UNITS))
    if (end !== undefined) found.push({ type: 'iban', start: index, end: index + end, score: 0.98 })
  }
  return found
}

const BASE64 = /[A-Za-z0-9+/_-]{11,}={0,2}/g
/** Longer ones hide files. */
const BASE64_UNITS_MAX = 200

/** What base64 hides, one level of it: the whole of the run is then personal. */
function encoded(text: string, types: ReadonlySet<string>, depth: number): Spotted[] {
  const found: Spotted[] = []
  for (const match of text.matchAll(BASE64)) {
    const [run] = match
    // Plain digits are a number as it stands.
    if (run.length > BASE64_UNITS_MAX || !/[A-Z]/.test(run) || !/[a-z0-9]/.test(run)) continue
    // Digests and keys, of which code is full, are no text from their first bytes on.
    if (!isText(decoded(run.slice(0, 12)).replace(/\ufffd+$/, ''))) continue
    const hidden = decoded(run)
    if (!isText(hidden) || !/[\d@]/.test(hidden)) continue
    const one = amid(text, match.index, hidden, types, depth)
    if (one) found.push({ ...one, start: match.index, end: match.index + run.length })
  }
  return found
}

const isText = (text: string) => text !== '' && !/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]/.test(text)
const decoded = (run: string) => Buffer.from(run, 'base64').toString('utf8')

/** What hidden text is, where it stands: what is said before it says what it is. Offsets are those in the hidden text. */
function amid(
  text: string,
  at: number,
  hidden: string,
  types: ReadonlySet<string>,
  depth: number
): Spotted | undefined {
  const context = before(text, at)
  const one = personal(context + hidden, types, depth - 1).find(({ end }) => end > context.length)
  return one && { ...one, start: Math.max(0, one.start - context.length), end: one.end - context.length }
}

/** Single characters with a space after each, eight or more: three spaces stand for one. */
const SPREAD = /(?<![^\s(:])(?:[^\s](?: | {3})){7,119}[^\s](?![^\s.,;!?)])/g

/** What is written with a space between all of its characters. */
function spread(text: string, types: ReadonlySet<string>, depth: number): Spotted[] {
  const found: Spotted[] = []
  for (const { 0: run, index } of text.matchAll(SPREAD)) {
    if (!/\d|@/.test(run)) continue
    let close = ''
    const places: number[] = []
    // Every other character is a space; one that stands for itself has one on both sides.
    for (let at = 0; at < run.length; at++) {
      const isGap = run[at] === ' ' && !(run[at - 1] === ' ' && run[at + 1] === ' ')
      if (isGap) continue
      close += run[at]
      places.push(index + at)
    }
    // A word of one letter, or a sign, may stand before it.
    for (let skipped = 0; skipped < 2; skipped++) {
      const one = amid(text, places[skipped]!, close.slice(skipped), types, depth)
      if (!one) continue
      found.push({ ...one, start: places[one.start + skipped]!, end: places[one.end + skipped - 1]! + 1 })
      break
    }
  }
  return found
}

/** Of those that overlap, the likelier, then the longer. What is taken is marked, so that the time stays linear. */
function apart(found: Spotted[], units: number): Spotted[] {
  if (found.length < 2) return found
  const taken = new Uint8Array(units)
  const ranked = found.toSorted((a, b) => b.score - a.score || b.end - b.start - (a.end - a.start))
  const kept = ranked.filter(({ start, end }) => {
    if (taken.subarray(start, end).includes(1)) return false
    taken.fill(1, start, end)
    return true
  })
  return kept.sort((a, b) => a.start - b.start)
}
