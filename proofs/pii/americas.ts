import { birth, dated, digits, grouped, lastWrong, letters, luhnDigit, type Maker, one, two } from './values.ts'

/** Ids that states of the Americas give to persons. */
export const americas: readonly Maker[] = [
  {
    // Social Security Administration, RM 10201: no area 000, 666 or from 900 on, no group 00, no serial 0000.
    type: 'us_ssn',
    names: ['SSN', 'social security number', 'Social Security no.'],
    make: dice => `${two(1 + dice(6))}${1 + dice(5)}-${two(1 + dice(99))}-${1000 + dice(8999)}`.replace(/^078/, '079'),
    near: (value, dice) => (dice(2) ? `000${value.slice(3)}` : value.replace(/-\d\d-/, '-00-'))
  },
  {
    // Internal Revenue Service, Publication 1915: 9xx, and groups 50-65, 70-88, 90-92, 94-99.
    type: 'us_itin',
    names: ['ITIN', 'taxpayer id', 'Individual Taxpayer Identification Number'],
    make: dice => `9${two(dice(100))}-${one(dice, [50, 58, 65, 70, 80, 88, 90, 92, 94, 99])}-${1000 + dice(8999)}`,
    near: value => value.replace(/-\d\d-/, '-49-')
  },
  {
    // Canada Revenue Agency: nine digits by Luhn, none first a zero or an eight.
    type: 'ca_sin',
    names: ['SIN', 'social insurance number', 'numéro d’assurance sociale (NAS)'],
    make(dice) {
      const body = [1 + dice(7), ...digits(dice, 7)]
      return grouped([...body, luhnDigit(body)].join(''), [3, 3, 3], one(dice, [' ', '-', '']))
    },
    near: lastWrong
  },
  {
    // Receita Federal: two check digits, weights from the length up to two.
    type: 'br_cpf',
    names: ['CPF', 'número de CPF', 'cadastro CPF'],
    make(dice) {
      const all = digits(dice, 9)
      for (const count of [9, 10]) {
        const rest = all.reduce((sum, digit, at) => sum + digit * (count + 1 - at), 0) % 11
        all.push(rest < 2 ? 0 : 11 - rest)
      }
      const value = all.join('')
      return dice(3) === 0 ? value : value.replace(/(...)(...)(...)(..)/, '$1.$2.$3-$4')
    },
    near: lastWrong
  },
  {
    // RENAPO, instructivo de la CURP: 16 characters, a homonym and a check digit in base 37.
    type: 'mx_curp',
    names: ['CURP', 'clave CURP', 'Mi CURP:'],
    make(dice) {
      const born = birth(dice)
      const state = one(dice, ['DF', 'JC', 'NL', 'PL', 'VZ', 'YN'])
      const body = `${letters(dice, 1)}${one(dice, ['A', 'E', 'I', 'O', 'U'])}${letters(dice, 2)}${dated(born, 'ymd')}${one(dice, ['H', 'M'])}${state}${letters(dice, 3, 'BCDFGHJKLMNPQRSTVWXYZ')}${dice(10)}`
      const order = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ'
      const sum = [...body].reduce((total, character, at) => total + order.indexOf(character) * (18 - at), 0)
      return `${body}${(10 - (sum % 10)) % 10}`
    },
    near: lastWrong
  }
]
