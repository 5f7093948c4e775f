import { createHash } from 'node:crypto'
import {
  birth,
  type Dice,
  digits,
  grouped,
  hex,
  lastWrong,
  letters,
  luhnDigit,
  type Maker,
  one,
  two
} from './values.ts'

/** Networks, their first digits and lengths (ISO/IEC 7812; what the networks publish). */
const CARDS = [
  ['4', 16],
  ['51', 16],
  ['55', 16],
  ['2223', 16],
  ['37', 15],
  ['34', 15],
  ['6011', 16],
  ['3530', 16],
  ['36', 14]
] as const

/** Countries and the lengths of their account numbers (SWIFT, IBAN Registry). */
const IBANS = [
  ['DE', 18],
  ['AT', 16],
  ['BE', 12],
  ['ES', 20],
  ['PL', 24],
  ['DK', 14],
  ['CH', 17],
  ['SE', 20],
  ['CZ', 20]
] as const

/** As people of these countries write their own numbers; `#` is any digit, `+` one that is not 0 or 1. */
const PHONES = [
  '+49 30 #######',
  '030 #######',
  '0171 #######',
  '06 ## ## ## ##',
  '+33 6 ## ## ## ##',
  '020 7### ####',
  '07700 9#####',
  '612 ### ###',
  '347 ### ####',
  '06-########',
  '512 ### ###',
  '(11) 9####-####',
  '(212) +##-####',
  '415-+##-####',
  '090-####-####',
  '010-####-####',
  '138 #### ####',
  '98### #####',
  '0412 ### ###',
  '070-### ## ##',
  '079 ### ## ##',
  '0470 ## ## ##',
  '0664 #######',
  '912 ### ###',
  '+44 20 7### ####',
  '+1 646 +## ####',
  '+81 90 #### ####'
] as const

const MONTHS = ['January', 'March', 'April', 'June', 'August', 'October', 'December'] as const
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

function iban(dice: Dice): string {
  const [country, length] = one(dice, IBANS)
  const body = digits(dice, length).join('')
  const code = [...country].map(letter => letter.charCodeAt(0) - 55).join('')
  const check = 98n - (BigInt(`${body}${code}00`) % 97n)
  const value = `${country}${two(Number(check))}${body}`
  return dice(2) ? value : value.replace(/(.{4})(?=.)/g, '$1 ')
}

/** A Bitcoin address: a version byte, twenty bytes, the beginning of their double digest, in base 58. */
function bitcoin(dice: Dice): string {
  const body = Buffer.from(`00${hex(dice, 40)}`, 'hex')
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest()
  const all = Buffer.concat([body, digest(digest(body)).subarray(0, 4)])
  let value = BigInt(`0x${all.toString('hex')}`)
  let text = ''
  for (; value > 0n; value /= 58n) text = BASE58[Number(value % 58n)] + text
  return `1${text}`
}

/** A day as people write their birthday. */
function birthday(dice: Dice): string {
  const { year, month, day } = birth(dice)
  const name = one(dice, MONTHS)
  return one(dice, [
    `${two(day)}.${two(month)}.${year}`,
    `${day}/${month}/${year}`,
    `${year}-${two(month)}-${two(day)}`,
    `${day} ${name} ${year}`,
    `${name} ${day}, ${year}`
  ])
}

const BIRTH_NAMES = [
  'date of birth',
  'Geburtsdatum',
  'date de naissance',
  'fecha de nacimiento',
  'data di nascita',
  'data de nascimento',
  'geboortedatum',
  'data urodzenia'
]

/** What is not of one state: accounts, ways to reach somebody, addresses of machines. */
export const contacts: readonly Maker[] = [
  {
    type: 'card',
    names: ['card', 'Kreditkarte', 'carte bancaire', 'tarjeta de crédito', 'carta di credito', 'creditcard'],
    make(dice) {
      const [prefix, length] = one(dice, CARDS)
      const body = [...[...prefix].map(Number), ...digits(dice, length - prefix.length - 1)]
      const value = [...body, luhnDigit(body)].join('')
      const sizes = length === 16 ? [4, 4, 4, 4] : length === 15 ? [4, 6, 5] : [4, 6, 4]
      return dice(2) ? value : grouped(value, sizes, one(dice, [' ', '-']))
    },
    near: lastWrong
  },
  {
    type: 'iban',
    names: ['IBAN', 'account', 'Konto', 'compte', 'cuenta', 'conto'],
    make: iban,
    near: lastWrong
  },
  {
    type: 'email',
    names: ['e-mail', 'email address', 'E-Mail-Adresse', 'adresse mail', 'correo', 'indirizzo e-mail'],
    make: dice =>
      `${one(dice, ['ana', 'j.doe', 'müller', 'li_wei', 'o-brien+x'])}${dice(999)}@${one(dice, ['example.com', 'mail.example.co.uk', 'bücher.example'])}`,
    near: value => value.replace('@', one(seedless, ['#', ' at ', '@@']))
  },
  {
    type: 'phone',
    names: [
      'phone number',
      'Telefonnummer',
      'téléphone',
      'teléfono',
      'cellulare',
      'celular',
      'mobiel nummer',
      'telefon'
    ],
    make: dice =>
      one(dice, PHONES).replace(/[#+](?! ?\d)|[#]/g, sign => (sign === '+' ? String(2 + dice(7)) : String(dice(10))))
  },
  {
    type: 'date_of_birth',
    names: BIRTH_NAMES,
    make: birthday,
    near: value => value.replace(/\d{4}/, '3024')
  },
  {
    type: 'ip',
    names: ['IP address', 'IP-Adresse', 'adresse IP', 'dirección IP', 'host'],
    make: dice =>
      dice(3) > 0
        ? `${one(dice, [10, 23, 81, 192, 203])}.${dice(256)}.${dice(256)}.${1 + dice(254)}`
        : `2001:db8:${hex(dice, 4)}:${hex(dice, 4)}::${hex(dice, 4)}`,
    near: value => (value.includes(':') ? value.replace('2001', '20011') : `${value}.300`)
  },
  {
    type: 'mac',
    names: ['MAC address', 'MAC-Adresse', 'adresse MAC', 'device'],
    make: dice => Array.from({ length: 6 }, () => hex(dice, 2)).join(dice(2) ? ':' : '-'),
    near: value => `${value.slice(0, -1)}g`
  },
  {
    type: 'crypto_address',
    names: ['wallet', 'Bitcoin address', 'Wallet-Adresse', 'portefeuille'],
    make: dice => (dice(3) > 0 ? bitcoin(dice) : `0x${hex(dice, 40)}`),
    near: value =>
      value.startsWith('0x') ? value.slice(0, -1) : `${value.slice(0, -1)}${value.endsWith('1') ? '2' : '1'}`
  },
  {
    type: 'url',
    names: ['page', 'website', 'Seite', 'site', 'página'],
    make: dice =>
      `https://${one(dice, ['example.com', 'www.example.org', 'app.example.net'])}/${letters(dice, 6).toLowerCase()}?u=${dice(999)}`,
    near: value => value.replace('://', ':')
  }
]

/** Always the first. */
function seedless(): number {
  return 0
}
