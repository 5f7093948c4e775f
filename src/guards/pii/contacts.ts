import { digitsOf, isDay } from './checksums.ts'
import type { Kind } from './kinds.ts'

/** Ways to reach somebody, and when they were born. */

const PHONE_WORDS =
  /phone|\btel\b|\btel[.:]|mobile|\bmob\b|\bcell|call (?:me|us|him|her|at)|\bfax\b|whats ?app|\bsms\b|telefon|handy|rufnummer|telef|\bmovil\b|cellulare|celular|portable|mobiel|puhelin|telephone|電話|携帯|फोन|मोबाइल|전화|电话|手机|тел/

/** Numbers of three, three and four digits that are nobody's to call. */
const OTHER_WORDS = /\bnhs\b|national health|\border\b|invoice|ticket|tracking|\bref\b/

/** Country codes of one and two digits (ITU-T E.164); all others have three. */
const SHORT_CODES = /^(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/

function isE164(text: string): boolean {
  const digits = text.replace(/^00/, '').replace(/\D/g, '')
  return digits.length >= 8 && digits.length <= 15 && (SHORT_CODES.test(digits) || /^[23456789]\d\d/.test(digits))
}

/** The North American plan: neither area nor exchange begins with 0 or 1, or ends with 11. */
function isNorthAmerican(text: string): boolean {
  const digits = digitsOf(text).slice(-10).join('')
  return /^[2-9](?!11)\d\d[2-9](?!11)\d\d\d{4}$/.test(digits)
}

const isNational = (text: string) => {
  const digits = digitsOf(text)
  return digits.length >= 8 && digits.length <= 12 && new Set(digits).size > 2
}

const BIRTH_WORDS =
  /\bborn\b|birth|\bdob\b|d\.o\.b|geboren|geburt|\bgeb\.|naissance|\bnee? le\b|nacid|nacimiento|\bnat[oa] il\b|nascita|nascid|nascimento|geboorte|fodd|fodt|fodselsdato|syntynyt|syntyma|urodz|dogum|生年月日|生まれ|생년월일|出生|जन्म/

const MONTHS =
  'jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|fevrier|mar(?:ch|s)?|maerz|marz|apr(?:il)?|avril|may|mai|june?|juin|juni|july?|juillet|juli|aug(?:ust)?|aout|sep(?:t(?:ember|embre)?)?|oct(?:ober|obre)?|okt(?:ober)?|nov(?:ember|embre)?|dec(?:ember|embre)?|dez(?:ember)?|enero|febrero|abril|mayo|junio|julio|agosto|diciembre|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|janeiro|fevereiro|maio|junho|julho|setembro|outubro|dezembro'

function isBirthday(text: string): boolean {
  const [first = 0, second = 0, third = 0] = (text.match(/\d+/g) ?? []).map(Number)
  if (text.match(/\d+/g)?.length === 2) return /\d{4}/.test(text)
  if (first > 31) return isDay(first, second, third)
  return isDay(third, second, first) || isDay(third, first, second)
}

export const contacts: readonly Kind[] = [
  {
    type: 'phone',
    shape: /(?:(?<![0-9A-Z][ .-])00|(?<=\+))[1-9]\d{0,3}(?:[ .\-/]{0,2}\(?\d{1,5}\)?){2,6}(?![0-9A-Za-z])/y,
    holds: isE164,
    unless: OTHER_WORDS,
    score: 0.8
  },
  {
    type: 'phone',
    shape: /(?<!\d[ .-])(?:1[ .-])?(?:(?<=\()\d{3}\) ?|\d{3}[ .-])\d{3}[.\- ]\d{4}(?![0-9A-Za-z-])/y,
    holds: isNorthAmerican,
    unless: OTHER_WORDS,
    score: 0.7
  },
  {
    type: 'phone',
    shape: /\d{2,5}(?:[ .\-/)(]{0,2}\d{2,6}){1,5}(?![0-9A-Za-z])/y,
    holds: isNational,
    context: PHONE_WORDS,
    score: 0.75
  },
  {
    type: 'date_of_birth',
    shape: new RegExp(
      String.raw`(?:\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}(?:st|nd|rd|th|er)?\.? (?:de |of )?(?:${MONTHS})\.?,? (?:de )?(?:19|20)\d\d)(?![0-9A-Za-z])`,
      'iy'
    ),
    holds: isBirthday,
    context: BIRTH_WORDS,
    score: 0.8
  }
]

const DAY_AND_YEAR = /\d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d(?![0-9A-Za-z])/y
const MONTH_BEFORE = new RegExp(String.raw`\b(?:${MONTHS})\.? $`)

/** `March 4, 1985`, by its day, which is where a number begins. Returns where it begins and ends; undefined: it is none. */
export function birthdayAt(text: string, at: number, before: string): { start: number; end: number } | undefined {
  DAY_AND_YEAR.lastIndex = at
  if (!DAY_AND_YEAR.test(text)) return undefined
  const month = MONTH_BEFORE.exec(before)
  if (!month || !BIRTH_WORDS.test(before.slice(0, month.index))) return undefined
  return { start: at - month[0].length, end: DAY_AND_YEAR.lastIndex }
}
