import { digitsOf, luhn, mod97, numberAt } from './checksums.ts'
import type { Kind } from './kinds.ts'

/** Payment cards and bank accounts. */

/** Issuers' first digits and lengths (ISO/IEC 7812; the networks' public ranges). */
function isIssued(digits: readonly number[]): boolean {
  const { length } = digits
  const [two, three, four] = [numberAt(digits, 0, 2), numberAt(digits, 0, 3), numberAt(digits, 0, 4)]
  if (digits[0] === 4) return length === 13 || length === 16 || length === 19
  if (two === 34 || two === 37) return length === 15
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return length === 16
  if (four === 6011 || two === 65 || (three >= 644 && three <= 649)) return length >= 16
  if (four >= 3528 && four <= 3589) return length >= 16
  if (two === 36 || two === 38 || two === 39 || (three >= 300 && three <= 305)) return length >= 14
  if (two === 62 || two === 81) return length >= 16
  return length >= 16 && (two === 50 || (two >= 56 && two <= 69))
}

/** Lengths of the SWIFT registry of IBANs. */
const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ' +
    'ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 ' +
    'LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 ' +
    'PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map(entry => [entry.slice(0, 2), Number(entry.slice(2))])
)

/** Where an IBAN that begins a text ends; undefined: it is none. */
export function ibanEnd(text: string): number | undefined {
  const length = IBAN_LENGTHS[text.slice(0, 2).toUpperCase()]
  if (length === undefined) return undefined
  let plain = ''
  let end = 0
  while (plain.length < length && end < text.length) {
    const character = text[end++]!
    if (/[A-Za-z0-9]/.test(character)) plain += character.toUpperCase()
  }
  if (plain.length < length || /[A-Za-z0-9]/.test(text[end] ?? '')) return undefined
  return mod97(plain.slice(4) + plain.slice(0, 4)) === 1 ? end : undefined
}

export const accounts: readonly Kind[] = [
  {
    type: 'card',
    shape: /\d(?:[ -]{0,2}\d){12,18}(?![0-9A-Za-z])/y,
    holds(text) {
      const digits = digitsOf(text)
      return isIssued(digits) && luhn(digits) && new Set(digits).size > 1
    },
    score: 0.95
  }
]
