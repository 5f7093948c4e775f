/**
 * Makers of values that have the form of personal data, and of ones that nearly have it. They compute check digits by
 * code of their own, from the issuing authorities' descriptions, and import nothing of the checks they judge.
 */

/** From 0 to below `below`. */
export type Dice = (below: number) => number

export interface Maker {
  type: string
  /** What a writer says before it, in several languages. */
  lead: readonly string[]
  make(dice: Dice): string
  /** The same form with a wrong check digit; absent: the form has none. */
  near?(value: string): string
}

const digits = (dice: Dice, count: number) => Array.from({ length: count }, () => dice(10))
const one = <T>(dice: Dice, all: readonly T[]): T => all[dice(all.length)]!
const weigh = (all: readonly number[], by: readonly number[]) =>
  by.reduce((sum, weight, at) => sum + weight * all[at]!, 0)
const two = (value: number) => String(value).padStart(2, '0')

/** Tries until the form allows what was drawn. */
function drawn(attempt: () => string | undefined): string {
  for (;;) {
    const value = attempt()
    if (value !== undefined) return value
  }
}

function luhnDigit(body: readonly number[]): number {
  let sum = 0
  body.toReversed().forEach((digit, at) => {
    const doubled = at % 2 === 0 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  })
  return (10 - (sum % 10)) % 10
}

/** Adds one to the last digit, which then checks no more. */
const lastWrong = (value: string) => value.replace(/\d(?=\D*$)/, digit => String((Number(digit) + 1) % 10))

function grouped(value: string, sizes: readonly number[], mark: string): string {
  const starts = sizes.map((_, at) => sizes.slice(0, at).reduce((sum, size) => sum + size, 0))
  return sizes.map((size, at) => value.slice(starts[at], starts[at]! + size)).join(mark)
}

function iban(dice: Dice): string {
  const [country, length] = one(dice, [
    ['DE', 18],
    ['AT', 16],
    ['BE', 12],
    ['ES', 20],
    ['PL', 24],
    ['DK', 14]
  ] as const)
  const body = digits(dice, length).join('')
  const letters = [...country].map(letter => letter.charCodeAt(0) - 55).join('')
  const check = 98n - (BigInt(`${body}${letters}00`) % 97n)
  const value = `${country}${two(Number(check))}${body}`
  return dice(2) ? value : value.replace(/(.{4})(?=.)/g, '$1 ')
}

/** Dihedral group of order ten, computed rather than tabled (Verhoeff, 1969). */
function dihedral(a: number, b: number): number {
  const sum = a < 5 ? (b % 5) + a : a - (b % 5) + 5
  if (a < 5) return b < 5 ? sum % 5 : (sum % 5) + 5
  return b < 5 ? ((a - 5 + 5 - b) % 5) + 5 : (a - b + 5) % 5
}
const SHUFFLE = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]

function isVerhoeff(all: readonly number[]): boolean {
  let check = 0
  all.toReversed().forEach((digit, at) => {
    let moved = digit
    for (let turn = 0; turn < at % 8; turn++) moved = SHUFFLE[moved]!
    check = dihedral(check, moved)
  })
  return check === 0
}

const CARDS = [
  ['4', 16],
  ['51', 16],
  ['55', 16],
  ['37', 15],
  ['34', 15],
  ['6011', 16]
] as const

export const MAKERS: readonly Maker[] = [
  {
    type: 'card',
    lead: ['My card is', 'Meine Karte ist', 'Ma carte est', 'Mi tarjeta es'],
    make(dice) {
      const [prefix, length] = one(dice, CARDS)
      const body = [...[...prefix].map(Number), ...digits(dice, length - prefix.length - 1)]
      const value = [...body, luhnDigit(body)].join('')
      return dice(2) ? value : grouped(value, length === 15 ? [4, 6, 5] : [4, 4, 4, 4], one(dice, [' ', '-']))
    },
    near: lastWrong
  },
  { type: 'iban', lead: ['Pay to', 'Konto', 'Compte', 'Cuenta'], make: iban, near: lastWrong },
  {
    type: 'email',
    lead: ['Write to', 'Schreib an', 'Écrivez à', 'Escribe a'],
    make: dice =>
      `${one(dice, ['ana', 'j.doe', 'müller', 'li_wei', 'o-brien+x'])}${dice(999)}@${one(dice, ['example.com', 'mail.example.co.uk', 'bücher.example'])}`,
    near: value => value.replace('@', '#')
  },
  {
    type: 'us_ssn',
    lead: ['SSN', 'social security number', 'Her SSN is'],
    make: dice => `${two(1 + dice(6))}${1 + dice(5)}-${two(1 + dice(99))}-${1000 + dice(8999)}`.replace(/^078/, '079'),
    near: value => `000${value.slice(3)}`
  },
  {
    type: 'gb_nhs',
    lead: ['NHS number', 'NHS no.', 'His NHS number is'],
    make: dice =>
      drawn(() => {
        const body = digits(dice, 9)
        const check = (11 - (weigh(body, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11
        return check === 10 ? undefined : grouped([...body, check].join(''), [3, 3, 4], one(dice, ['', ' ', '-']))
      }),
    near: lastWrong
  },
  {
    type: 'es_dni',
    lead: ['DNI', 'Mi DNI es', 'His DNI is'],
    make(dice) {
      const number = digits(dice, 8).join('')
      return `${number}${'TRWAGMYFPDXBNJZSQVHLCKE'[Number(number) % 23]}`
    },
    near: lastWrong
  },
  {
    type: 'nl_bsn',
    lead: ['BSN', 'burgerservicenummer', 'Mijn BSN is'],
    make: dice =>
      drawn(() => {
        const body = [1 + dice(9), ...digits(dice, 7)]
        const check = weigh(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
        return check === 10 ? undefined : [...body, check].join('')
      }),
    near: lastWrong
  },
  {
    type: 'pl_pesel',
    lead: ['PESEL', 'Numer PESEL', 'Her PESEL is'],
    make(dice) {
      const body = [...`${two(dice(100))}${two(1 + dice(12))}${two(1 + dice(28))}`].map(Number).concat(digits(dice, 4))
      return [...body, (10 - (weigh(body, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10].join('')
    },
    near: lastWrong
  },
  {
    type: 'br_cpf',
    lead: ['CPF', 'Meu CPF é', 'His CPF is'],
    make(dice) {
      const all = digits(dice, 9)
      for (const count of [9, 10]) {
        const rest = all.reduce((sum, digit, at) => sum + digit * (count + 1 - at), 0) % 11
        all.push(rest < 2 ? 0 : 11 - rest)
      }
      const value = all.join('')
      return dice(2) ? value : value.replace(/(...)(...)(...)(..)/, '$1.$2.$3-$4')
    },
    near: lastWrong
  },
  {
    type: 'in_aadhaar',
    lead: ['Aadhaar', 'Mera Aadhaar', 'आधार'],
    make(dice) {
      const body = [2 + dice(8), ...digits(dice, 10)]
      const check = Array.from({ length: 10 }, (_, digit) => digit).find(digit => isVerhoeff([...body, digit]))!
      return grouped([...body, check].join(''), [4, 4, 4], one(dice, ['', ' ']))
    },
    near: lastWrong
  },
  {
    type: 'ca_sin',
    lead: ['SIN', 'social insurance number', 'assurance sociale'],
    make(dice) {
      const body = [1 + dice(7), ...digits(dice, 7)]
      return grouped([...body, luhnDigit(body)].join(''), [3, 3, 3], one(dice, ['', ' ', '-']))
    },
    near: lastWrong
  },
  {
    type: 'fr_nir',
    lead: ['NIR', 'Numéro de sécurité sociale', 'Her NIR is'],
    make(dice) {
      const body = `${1 + dice(2)}${two(dice(100))}${two(1 + dice(12))}${two(1 + dice(95))}${digits(dice, 6).join('')}`
      return `${body}${two(97 - Number(BigInt(body) % 97n))}`
    },
    near: lastWrong
  },
  {
    type: 'phone',
    lead: ['Call me at', 'Telefon', 'Téléphone', 'Teléfono'],
    make: dice =>
      dice(2)
        ? `+49 30 ${1_000_000 + dice(8_999_999)}`
        : `(${one(dice, ['415', '212', '646'])}) 555-${1_000 + dice(8_999)}`
  },
  {
    type: 'ip',
    lead: ['Request from', 'Anfrage von', 'Requête de'],
    make: dice => `${1 + dice(126)}.${dice(256)}.${dice(256)}.${dice(256)}`.replace(/^127\./, '126.'),
    near: value => `${value}.300`
  },
  {
    type: 'mac',
    lead: ['Device', 'Gerät', 'Appareil'],
    make: dice => Array.from({ length: 6 }, () => dice(256).toString(16).padStart(2, '0')).join(dice(2) ? ':' : '-'),
    near: value => value.slice(0, -1)
  }
]
