import { digitsOf, isDay, luhn, mod11Then10, numberAt, verhoeff, weighted } from './checksums.ts'
import type { Kind } from './kinds.ts'

/**
 * Numbers that states give to persons. Sources: the issuing authorities' descriptions of format and check digit. Where
 * a number is bare digits that many others look like, a word before it must say what it is.
 */

type Check = (digits: number[], text: string) => boolean

function id(
  type: string,
  shape: RegExp,
  check: Check,
  more: { context?: RegExp; unless?: RegExp; score?: number } = {}
): Kind {
  return { type, shape, holds: text => check(digitsOf(text), text), score: 0.85, ...more }
}

const plain = (text: string) => text.replace(/[^0-9A-Za-z]/g, '').toUpperCase()

/** Eleven digits with one more than once among the first ten, and none of them first a zero (Germany's tax id). */
function isSteuerId(digits: number[]): boolean {
  const counts = new Map<number, number>()
  for (const digit of digits.slice(0, 10)) counts.set(digit, (counts.get(digit) ?? 0) + 1)
  const repeated = [...counts.values()].filter(count => count > 1)
  return digits[0] !== 0 && repeated.length === 1 && repeated[0]! <= 3 && mod11Then10(digits)
}

function isNir(_: number[], text: string): boolean {
  const written = plain(text)
  const month = Number(written.slice(3, 5))
  const body = written.slice(0, 13).replace('2A', '19').replace('2B', '18')
  const isMonth = (month >= 1 && month <= 12) || (month >= 20 && month <= 42) || month >= 50
  return isMonth && 97 - (Number(body) % 97) === Number(written.slice(13))
}

const DNI_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE'

function isDni(_: number[], text: string): boolean {
  const written = plain(text)
  const number = Number(written.slice(0, -1).replace(/^[XYZ]/, letter => String('XYZ'.indexOf(letter))))
  return DNI_LETTERS[number % 23] === written.at(-1)
}

/** By place from the left, odd ones (Italy's decree of 12 March 1974). */
const ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]

function isCodiceFiscale(_: number[], text: string): boolean {
  const written = plain(text)
  let sum = 0
  for (let at = 0; at < 15; at++) {
    const character = written[at]!
    const value = /\d/.test(character) ? Number(character) : character.charCodeAt(0) - 65
    sum += at % 2 === 0 ? ODD[value]! : value
  }
  return String.fromCharCode(65 + (sum % 26)) === written[15]
}

function isRijksregister(digits: number[]): boolean {
  const body = numberAt(digits, 0, 9)
  const check = numberAt(digits, 9, 11)
  const isDate = numberAt(digits, 2, 4) % 20 <= 12 && numberAt(digits, 4, 6) <= 31
  return isDate && (97 - (body % 97) === check || 97 - ((2_000_000_000 + body) % 97) === check)
}

function isPesel(digits: number[]): boolean {
  const isDate = isDay(numberAt(digits, 0, 2), numberAt(digits, 2, 4) % 20, numberAt(digits, 4, 6))
  return isDate && weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0
}

/** Coordination numbers have 60 added to the day. */
function isPersonnummer(digits: number[]): boolean {
  const ten = digits.slice(-10)
  return isDay(numberAt(ten, 0, 2), numberAt(ten, 2, 4), numberAt(ten, 4, 6) % 60) && luhn(ten)
}

function isHetu(digits: number[], text: string): boolean {
  const isDate = isDay(numberAt(digits, 4, 6), numberAt(digits, 2, 4), numberAt(digits, 0, 2))
  return isDate && '0123456789ABCDEFHJKLMNPRSTUVWXY'[numberAt(digits, 0, 9) % 31] === text.at(-1)!.toUpperCase()
}

/** D-numbers have 40 added to the day. */
function isFodselsnummer(digits: number[]): boolean {
  const isDate = isDay(numberAt(digits, 4, 6), numberAt(digits, 2, 4), numberAt(digits, 0, 2) % 40)
  const first = weighted(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 === 0
  return isDate && first && weighted(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0
}

function isCpf(digits: number[]): boolean {
  const check = (count: number) => {
    const weights = Array.from({ length: count }, (_, at) => count + 1 - at)
    return ((weighted(digits, weights) * 10) % 11) % 10 === digits[count]
  }
  return new Set(digits).size > 1 && check(9) && check(10)
}

function isRrn(digits: number[]): boolean {
  const isDate = isDay(numberAt(digits, 0, 2), numberAt(digits, 2, 4), numberAt(digits, 4, 6))
  return isDate && (11 - (weighted(digits, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10 === digits[12]
}

function isKimlik(digits: number[]): boolean {
  const [odd, even] = [weighted(digits, [1, 0, 1, 0, 1, 0, 1, 0, 1]), weighted(digits, [0, 1, 0, 1, 0, 1, 0, 1])]
  const tenth = (((odd * 7 - even) % 10) + 10) % 10
  return digits[0] !== 0 && tenth === digits[9] && (odd + even + tenth) % 10 === digits[10]
}

function isResidentId(digits: number[], text: string): boolean {
  const isDate = isDay(numberAt(digits, 6, 10), numberAt(digits, 10, 12), numberAt(digits, 12, 14))
  const sum = weighted(digits, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
  return isDate && '10X98765432'[sum % 11] === text.at(-1)!.toUpperCase()
}

function isNric(digits: number[], text: string): boolean {
  const series = text[0]!.toUpperCase()
  const offset = series === 'T' || series === 'G' ? 4 : series === 'M' ? 3 : 0
  const letters = series === 'M' ? 'XWUTRQPNJLK' : series === 'F' || series === 'G' ? 'XWUTRQPNMLK' : 'JZIHGFEDCBA'
  return letters[(weighted(digits, [2, 7, 6, 5, 4, 3, 2]) + offset) % 11] === text.at(-1)!.toUpperCase()
}

/** Serial numbers of South Africa: birth, four digits, citizenship, a digit that was race and is 8 or 9. */
function isSouthAfrican(digits: number[]): boolean {
  const isDate = isDay(numberAt(digits, 0, 2), numberAt(digits, 2, 4), numberAt(digits, 4, 6))
  return isDate && digits[10]! <= 2 && luhn(digits)
}

const isNhs: Check = digits => {
  const check = 11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)
  return check !== 10 && check % 11 === digits[9]
}
const isSsn: Check = digits => {
  const area = numberAt(digits, 0, 3)
  const isArea = area !== 0 && area !== 666 && area < 900
  return isArea && numberAt(digits, 3, 5) !== 0 && numberAt(digits, 5, 9) !== 0
}
const isItin: Check = digits => {
  const group = numberAt(digits, 3, 5)
  return (
    digits[0] === 9 && ((group >= 50 && group <= 65) || (group >= 70 && group <= 99 && group !== 89 && group !== 93))
  )
}
const isBsn: Check = digits => weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && numberAt(digits, 0, 9) > 0
const isNif: Check = digits => {
  const check = 11 - (weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)
  return digits[0] !== 0 && (check > 9 ? 0 : check) === digits[8]
}
const isTfn: Check = digits => weighted(digits, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0
const isMedicare: Check = digits => weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === digits[8]
const isMyNumber: Check = digits => {
  const rest = weighted(digits, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
  return (rest <= 1 ? 0 : 11 - rest) === digits[11]
}
const isCurp: Check = (_, text) => {
  const letters = '0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ'
  const written = plain(text)
  let sum = 0
  for (let at = 0; at < 17; at++) sum += letters.indexOf(written[at]!) * (18 - at)
  return (10 - (sum % 10)) % 10 === Number(written[17])
}
/** Since October 2020 the last digits are drawn, and check nothing. */
const isBirth: Check = digits => isDay(numberAt(digits, 0, 2), numberAt(digits, 2, 4), numberAt(digits, 4, 6))
const isCpr: Check = digits => isDay(numberAt(digits, 4, 6), numberAt(digits, 2, 4), numberAt(digits, 0, 2))

const SSN_WORDS = /\bssn\b|social.{0,3}security|\bsocial\b.{0,8}\b(?:no|number|#)/

export const nationalIds: readonly Kind[] = [
  id('us_ssn', /\d{3}-\d{2}-\d{4}(?![0-9A-Za-z-])/y, isSsn),
  id('us_ssn', /\d{3}[ .]?\d{2}[ .]?\d{4}(?![0-9A-Za-z-])/y, isSsn, { context: SSN_WORDS }),
  id('us_itin', /9\d{2}-\d{2}-\d{4}(?![0-9A-Za-z-])/y, isItin),
  id('us_itin', /9\d{2} ?\d{2} ?\d{4}(?![0-9A-Za-z-])/y, isItin, { context: /\bitin\b|taxpayer/ }),
  id('gb_nhs', /\d{3}[ -]?\d{3}[ -]?\d{4}(?![0-9A-Za-z-])/y, isNhs, { context: /\bnhs\b|national health/ }),
  id(
    'gb_nino',
    /(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D](?![0-9A-Za-z])/iy,
    () => true
  ),
  id('de_tax_id', /\d{2}[ /]?\d{3}[ /]?\d{3}[ /]?\d{3}(?![0-9A-Za-z-])/y, isSteuerId, {
    context: /steuer|\bidnr\b|\bid-?nr\b|\btin\b|tax.{0,4}(?:id|no|number)/
  }),
  id(
    'fr_nir',
    /[12][ .]?\d{2}[ .]?\d{2}[ .]?(?:\d{2}|2[AB])[ .]?\d{3}[ .]?\d{3}[ .]?[-|]?[ .]?\d{2}(?![0-9A-Za-z])/iy,
    isNir
  ),
  id('es_dni', /\d{2}[. ]?\d{3}[. ]?\d{3}[ -]?[A-HJ-NP-TV-Z](?![0-9A-Za-z])/iy, isDni),
  id('es_nie', /[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z](?![0-9A-Za-z])/iy, isDni),
  id(
    'it_codice_fiscale',
    /[A-Z]{3} ?[A-Z]{3} ?[\dL-NP-V]{2}[A-EHLMPRST][\dL-NP-V]{2} ?[A-Z][\dL-NP-V]{3}[A-Z](?![0-9A-Za-z])/iy,
    isCodiceFiscale
  ),
  id('nl_bsn', /\d{4}[. ]?\d{2}[. ]?\d{3}(?![0-9A-Za-z-])/y, isBsn, { context: /\bbsn\b|burgerservice|\bsofi/ }),
  id('nl_bsn', /\d{3}[. ]?\d{3}[. ]?\d{3}(?![0-9A-Za-z-])/y, isBsn, { context: /\bbsn\b|burgerservice|\bsofi/ }),
  id('be_rijksregister', /\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}(?![0-9A-Za-z-])/y, isRijksregister),
  id('be_rijksregister', /\d{2}[. ]?\d{2}[. ]?\d{2}[ -]?\d{3}[. ]?\d{2}(?![0-9A-Za-z-])/y, isRijksregister, {
    context: /rijksregister|registre national|\binsz\b|\bniss\b|national number/
  }),
  id('pl_pesel', /\d{11}(?![0-9A-Za-z-])/y, isPesel, { context: /pesel/ }),
  id('se_personnummer', /\d{6}[-+]\d{4}(?![0-9A-Za-z-])/y, isPersonnummer, { unless: /\bcpr\b|hetu\b|henkil/ }),
  id('se_personnummer', /(?:19|20)?\d{6}[-+ ]?\d{4}(?![0-9A-Za-z-])/y, isPersonnummer, {
    context: /person(?:nummer|nr)|samordningsnummer/
  }),
  id('fi_hetu', /\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y](?![0-9A-Za-z-])/iy, isHetu),
  id('fi_hetu', /\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y](?![0-9A-Za-z-])/iy, isHetu, {
    context: /hetu\b|henkil.{1,2}tunnus|personbeteckning/,
    score: 0.95
  }),
  id('no_fodselsnummer', /\d{6} ?\d{5}(?![0-9A-Za-z-])/y, isFodselsnummer),
  id('dk_cpr', /\d{6}[- ]?\d{4}(?![0-9A-Za-z-])/y, isCpr, { context: /\bcpr\b|personnummer/, score: 0.8 }),
  id('pt_nif', /\d{3}[ .]?\d{3}[ .]?\d{3}(?![0-9A-Za-z-])/y, isNif, { context: /\bnif\b|contribuinte|\bnipc\b/ }),
  id('br_cpf', /\d{3}\.\d{3}\.\d{3}-\d{2}(?![0-9A-Za-z-])/y, isCpf),
  id('br_cpf', /\d{3}[. ]?\d{3}[. ]?\d{3}[ -]?\d{2}(?![0-9A-Za-z-])/y, isCpf, { context: /\bcpf\b/ }),
  id('in_aadhaar', /(?<!\d[ -])[2-9]\d{3}([ -])\d{4}\1\d{4}(?![0-9A-Za-z-]| \d{4})/y, verhoeff, {
    unless: /my ?number|マイナン|個人番号|rechnung|invoice/
  }),
  id('in_aadhaar', /[2-9]\d{11}(?![0-9A-Za-z-])/y, verhoeff, { context: /aadhaa?r|\buidai?\b|आधार/ }),
  id('in_pan', /[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z](?![0-9A-Za-z])/y, () => true),
  id('au_tfn', /\d{3}[ -]?\d{3}[ -]?\d{3}(?![0-9A-Za-z-])/y, isTfn, { context: /\btfn\b|tax file/ }),
  id('au_medicare', /[2-6]\d{3}[ -]?\d{5}[ -]?\d(?:[ /-]?\d)?(?![0-9A-Za-z-])/y, isMedicare, { context: /medicare/ }),
  id('ca_sin', /\d{3}[ -]?\d{3}[ -]?\d{3}(?![0-9A-Za-z-])/y, digits => digits[0] !== 0 && luhn(digits), {
    context: /\bsin\b|social insurance|assurance sociale|\bnas\b/
  }),
  id('za_id', /\d{6} ?\d{4} ?\d{2} ?\d(?![0-9A-Za-z-])/y, isSouthAfrican, { score: 0.8 }),
  // Said to be one, it is none of the cards of thirteen digits.
  id('za_id', /\d{6} ?\d{4} ?\d{2} ?\d(?![0-9A-Za-z-])/y, isSouthAfrican, {
    context: /south afric|\brsa\b|\bsa id\b|\bid (?:number|no\b)/,
    score: 0.9
  }),
  id('sg_nric', /[STFGM]\d{7}[A-Z](?![0-9A-Za-z])/iy, isNric),
  id('kr_rrn', /\d{6} ?- ?[1-8]\d{6}(?![0-9A-Za-z-])/y, isRrn),
  id('kr_rrn', /\d{6} ?-? ?[1-8]\d{6}(?![0-9A-Za-z-])/y, isBirth, {
    context: /주민|\brrn\b|resident registration/,
    score: 0.9
  }),
  id('tr_kimlik', /[1-9]\d{10}(?![0-9A-Za-z-])/y, isKimlik, {
    context: /kimlik|\btckn\b|\bt\.?c\.?(?= |\b)|turkish id/
  }),
  id('cn_resident_id', /[1-9]\d{16}[\dX](?![0-9A-Za-z-])/iy, isResidentId),
  id('jp_my_number', /\d{4}[ -]?\d{4}[ -]?\d{4}(?![0-9A-Za-z-])/y, isMyNumber, {
    context: /my ?number|マイナン|個人番号/
  }),
  id('mx_curp', /[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d(?![0-9A-Za-z])/iy, isCurp)
]
