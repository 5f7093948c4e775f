import {
  birth,
  dated,
  digits,
  drawn,
  grouped,
  lastWrong,
  letters,
  luhnDigit,
  type Maker,
  one,
  two,
  weigh
} from './values.ts'

/** Odd places of Italy's decree of 23 December 1976, from 0 to 9 and A to Z. */
const ODD_PLACES = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]

/** Ids that states of Europe give to persons. */
export const europe: readonly Maker[] = [
  {
    // NHS Data Dictionary: weights 10 to 2, modulus 11, no check of 10.
    type: 'gb_nhs',
    names: ['NHS number', 'NHS no.', 'National Health Service number'],
    make: dice =>
      drawn(() => {
        const body = digits(dice, 9)
        const check = (11 - (weigh(body, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11
        return check === 10 ? undefined : grouped([...body, check].join(''), [3, 3, 4], one(dice, ['', ' ', '-']))
      }),
    near: lastWrong
  },
  {
    // HMRC, NIM39110: no D F I Q U V first, no O second, some prefixes never, a suffix A to D.
    type: 'gb_nino',
    names: ['National Insurance number', 'NINO', 'NI number'],
    make(dice) {
      const prefix = drawn(() => {
        const pair = `${letters(dice, 1, 'ABCEGHJKLMNOPRSTWXYZ')}${letters(dice, 1, 'ABCEGHJKLMNPRSTWXYZ')}`
        return ['BG', 'GB', 'NK', 'KN', 'TN', 'NT', 'ZZ'].includes(pair) || pair[0] === 'O' ? undefined : pair
      })
      const value = `${prefix}${digits(dice, 6).join('')}${one(dice, [...'ABCD'])}`
      return dice(2) ? value : grouped(value, [2, 2, 2, 2, 1], ' ')
    },
    near: value => `GB${value.slice(2)}`
  },
  {
    // Bundeszentralamt für Steuern: one digit twice or thrice among the first ten, ISO 7064 MOD 11,10.
    type: 'de_tax_id',
    names: ['Steuer-ID', 'steuerliche Identifikationsnummer', 'IdNr'],
    make: dice =>
      drawn(() => {
        const pool = Array.from({ length: 10 }, (_, digit) => digit).sort(() => dice(3) - 1)
        pool[9] = pool[dice(9)]!
        const body = pool.sort(() => dice(3) - 1)
        if (body[0] === 0 || new Set(body).size !== 9) return undefined
        let product = 10
        for (const digit of body) product = (((digit + product) % 10 || 10) * 2) % 11
        return grouped([...body, (11 - product) % 10].join(''), [2, 3, 3, 3], one(dice, ['', ' ']))
      }),
    near: lastWrong
  },
  {
    // INSEE: sex, year, month, department, commune, order, and 97 less the rest by 97.
    type: 'fr_nir',
    names: ['NIR', 'numéro de sécurité sociale', 'numéro de sécu'],
    make(dice) {
      const body = `${1 + dice(2)}${two(dice(100))}${two(1 + dice(12))}${two(1 + dice(95))}${digits(dice, 6).join('')}`
      const value = `${body}${two(97 - Number(BigInt(body) % 97n))}`
      return dice(2) ? value : grouped(value, [1, 2, 2, 2, 3, 3, 2], ' ')
    },
    near: lastWrong
  },
  {
    // Ministerio del Interior: eight digits and a letter by 23.
    type: 'es_dni',
    names: ['DNI', 'número de DNI', 'documento DNI'],
    make(dice) {
      const number = digits(dice, 8).join('')
      return `${number}${one(dice, ['', '-'])}${'TRWAGMYFPDXBNJZSQVHLCKE'[Number(number) % 23]}`
    },
    near: lastWrong
  },
  {
    // The same for foreigners: X, Y or Z stand for 0, 1 and 2.
    type: 'es_nie',
    names: ['NIE', 'número de NIE', 'tarjeta NIE'],
    make(dice) {
      const first = dice(3)
      const number = digits(dice, 7).join('')
      return `${'XYZ'[first]}${number}${'TRWAGMYFPDXBNJZSQVHLCKE'[Number(`${first}${number}`) % 23]}`
    },
    near: lastWrong
  },
  {
    // Agenzia delle Entrate: fifteen characters and a letter.
    type: 'it_codice_fiscale',
    names: ['codice fiscale', 'CF', 'C.F.'],
    make(dice) {
      const { year, day } = birth(dice)
      const body = `${letters(dice, 6, 'BCDFGLMNPRSTVZ')}${two(year % 100)}${one(dice, [...'ABCDEHLMPRST'])}${two(day + 40 * dice(2))}${one(dice, [...'ABCDEFGHILZ'])}${100 + dice(900)}`
      const sum = [...body].reduce((total, character, at) => {
        const place = /\d/.test(character) ? Number(character) : character.charCodeAt(0) - 65
        return total + (at % 2 === 0 ? ODD_PLACES[place]! : place)
      }, 0)
      return `${body}${String.fromCharCode(65 + (sum % 26))}`
    },
    near: value => `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`
  },
  {
    // Rijksdienst voor Identiteitsgegevens: the elfproef.
    type: 'nl_bsn',
    names: ['BSN', 'burgerservicenummer', 'BSN-nummer'],
    make: dice =>
      drawn(() => {
        const body = [1 + dice(9), ...digits(dice, 7)]
        const check = weigh(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
        return check === 10 ? undefined : [...body, check].join('')
      }),
    near: lastWrong
  },
  {
    // Service public fédéral Intérieur: birth, order, and 97 less the rest; births from 2000 on with a 2 before it.
    type: 'be_rijksregister',
    names: ['rijksregisternummer', 'numéro de registre national', 'INSZ'],
    make(dice) {
      const born = birth(dice)
      const body = `${dated(born, 'ymd')}${String(1 + dice(997)).padStart(3, '0')}`
      const check = two(97 - (Number(born.year >= 2000 ? `2${body}` : body) % 97))
      return dice(3) === 0 ? body + check : `${grouped(body.slice(0, 6), [2, 2, 2], '.')}-${body.slice(6)}.${check}`
    },
    near: lastWrong
  },
  {
    // Ministerstwo Cyfryzacji: birth with the century in the month, weights 1 3 7 9.
    type: 'pl_pesel',
    names: ['PESEL', 'numer PESEL', 'nr PESEL'],
    make(dice) {
      const { year, month, day } = birth(dice)
      const date = `${two(year % 100)}${two(month + (year >= 2000 ? 20 : 0))}${two(day)}`
      const body = [...date].map(Number).concat(digits(dice, 4))
      return [...body, (10 - (weigh(body, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10].join('')
    },
    near: lastWrong
  },
  {
    // Skatteverket, SKV 704: birth, three digits, Luhn.
    type: 'se_personnummer',
    names: ['personnummer', 'personnr', 'svenskt personnummer'],
    make(dice) {
      const born = birth(dice)
      const body = [...dated(born, 'ymd')].map(Number).concat(digits(dice, 3))
      const all = [...body, luhnDigit(body)].join('')
      return `${dice(2) ? Math.floor(born.year / 100) : ''}${all.slice(0, 6)}-${all.slice(6)}`
    },
    near: lastWrong
  },
  {
    // Digi- ja väestötietovirasto: birth, a sign of the century, three digits, a character by 31.
    type: 'fi_hetu',
    names: ['henkilötunnus', 'hetu', 'personbeteckning'],
    make(dice) {
      const born = birth(dice)
      const date = dated(born, 'dmy')
      const order = String(2 + dice(897)).padStart(3, '0')
      const check = '0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(`${date}${order}`) % 31]
      return `${date}${born.year >= 2000 ? 'A' : '-'}${order}${check}`
    },
    near: value => `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`
  },
  {
    // Skatteetaten: birth, three digits, two checks by 11.
    type: 'no_fodselsnummer',
    names: ['fødselsnummer', 'personnummer', 'fnr'],
    make: dice =>
      drawn(() => {
        const body = [...dated(birth(dice), 'dmy')].map(Number).concat(digits(dice, 3))
        const first = (11 - (weigh(body, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11)) % 11
        const second = (11 - (weigh([...body, first], [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11
        return first > 9 || second > 9 ? undefined : [...body, first, second].join('')
      }),
    near: lastWrong
  },
  {
    // CPR-kontoret: birth and four digits, which check nothing any more since 2007.
    type: 'dk_cpr',
    names: ['CPR-nummer', 'CPR', 'cpr nr.'],
    make: dice => `${dated(birth(dice), 'dmy')}-${1000 + dice(9000)}`,
    near: value => `45${value.slice(2)}`
  },
  {
    // Autoridade Tributária: weights 9 to 2, modulus 11.
    type: 'pt_nif',
    names: ['NIF', 'número de contribuinte', 'contribuinte'],
    make(dice) {
      const body = [1 + dice(3), ...digits(dice, 7)]
      const check = 11 - (weigh(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)
      return grouped([...body, check > 9 ? 0 : check].join(''), [3, 3, 3], one(dice, ['', ' ']))
    },
    near: lastWrong
  }
]
