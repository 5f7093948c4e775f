import {
  birth,
  dated,
  digits,
  drawn,
  grouped,
  isVerhoeff,
  lastWrong,
  letters,
  luhnDigit,
  type Maker,
  one,
  two,
  weigh
} from './values.ts'

/** Ids that states of Asia, Africa and Oceania give to persons. */
export const beyond: readonly Maker[] = [
  {
    // UIDAI: twelve digits by Verhoeff, none first a zero or a one.
    type: 'in_aadhaar',
    names: ['Aadhaar', 'Aadhaar number', 'आधार'],
    make: dice => drawn(() => aadhaarOf([2 + dice(8), ...digits(dice, 10)], one(dice, [' ', '-', '']))),
    near: lastWrong
  },
  {
    // Income Tax Department: five letters, the fourth for the holder's kind, four digits, a letter.
    type: 'in_pan',
    names: ['PAN', 'PAN card', 'permanent account number'],
    make: dice =>
      `${letters(dice, 3)}${one(dice, [...'ABCFGHJLPT'])}${letters(dice, 1)}${1000 + dice(9000)}${letters(dice, 1)}`,
    near: value => `${value.slice(0, 3)}Z${value.slice(4)}`
  },
  {
    // Australian Taxation Office: nine digits, weights 1 4 3 7 5 8 6 9 10, divisible by 11.
    type: 'au_tfn',
    names: ['TFN', 'tax file number', 'My TFN'],
    make: dice =>
      drawn(() => {
        const body = [1 + dice(9), ...digits(dice, 7)]
        const last = Array.from({ length: 10 }, (_, digit) => digit).find(
          digit => weigh([...body, digit], [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0
        )
        return last === undefined ? undefined : grouped([...body, last].join(''), [3, 3, 3], one(dice, [' ', '']))
      }),
    near: lastWrong
  },
  {
    // Services Australia: first digit 2 to 6, the ninth checks the eight before it, then the issue.
    type: 'au_medicare',
    names: ['Medicare', 'Medicare number', 'Medicare card no.'],
    make(dice) {
      const body = [2 + dice(5), ...digits(dice, 7)]
      const check = weigh(body, [1, 3, 7, 9, 1, 3, 7, 9]) % 10
      return grouped([...body, check, 1 + dice(9)].join(''), [4, 5, 1], one(dice, [' ', '']))
    },
    near: (value, dice) => {
      const place = value.replace(/\D/g, '').length - 2
      let seen = -1
      const turn = 1 + dice(8)
      return value.replace(/\d/g, digit => (++seen === place ? String((Number(digit) + turn) % 10) : digit))
    }
  },
  {
    // Department of Home Affairs: birth, four digits, citizenship, a digit, Luhn.
    type: 'za_id',
    names: ['South African ID', 'ID number', 'RSA ID'],
    make(dice) {
      const body = [...`${dated(birth(dice), 'ymd')}${1000 + dice(9000)}${dice(2)}${8 + dice(2)}`].map(Number)
      return [...body, luhnDigit(body)].join('')
    },
    near: lastWrong
  },
  {
    // Immigration & Checkpoints Authority: series letter, seven digits, a letter by weights 2 7 6 5 4 3 2.
    type: 'sg_nric',
    names: ['NRIC', 'NRIC number', 'FIN'],
    make(dice) {
      const series = one(dice, [...'STFG'])
      const body = digits(dice, 7)
      const sum = weigh(body, [2, 7, 6, 5, 4, 3, 2]) + (series === 'T' || series === 'G' ? 4 : 0)
      return `${series}${body.join('')}${(series < 'H' ? 'XWUTRQPNMLK' : 'JZIHGFEDCBA')[sum % 11]}`
    },
    near: value => `${value.slice(0, -1)}${value.endsWith('A') || value.endsWith('X') ? 'B' : 'Y'}`
  },
  {
    // Ministry of the Interior and Safety: birth, a digit for sex and century, six more.
    type: 'kr_rrn',
    names: ['주민등록번호', 'RRN', 'resident registration number'],
    make(dice) {
      const born = birth(dice)
      return `${dated(born, 'ymd')}-${(born.year < 2000 ? 1 : 3) + dice(2)}${100_000 + dice(900_000)}`
    },
    near: value => `${value.slice(0, 2)}13${value.slice(4)}`
  },
  {
    // General Directorate of Population: eleven digits, the tenth and eleventh check.
    type: 'tr_kimlik',
    names: ['T.C. kimlik no', 'TCKN', 'kimlik numarası'],
    make(dice) {
      const body = [1 + dice(9), ...digits(dice, 8)]
      const odd = body[0]! + body[2]! + body[4]! + body[6]! + body[8]!
      const even = body[1]! + body[3]! + body[5]! + body[7]!
      const tenth = (((odd * 7 - even) % 10) + 10) % 10
      return [...body, tenth, (odd + even + tenth) % 10].join('')
    },
    near: lastWrong
  },
  {
    // GB 11643-1999: region, birth, order, a check by ISO 7064 MOD 11-2.
    type: 'cn_resident_id',
    names: ['身份证号', 'resident identity card', 'Chinese ID'],
    make(dice) {
      const { year, month, day } = birth(dice)
      const body = `${one(dice, ['110105', '310104', '440305', '510104'])}${year}${two(month)}${two(day)}${100 + dice(900)}`
      const sum = weigh([...body].map(Number), [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
      return `${body}${'10X98765432'[sum % 11]}`
    },
    near: value => `${value.slice(0, -1)}${value.endsWith('5') ? '6' : '5'}`
  },
  {
    // Ministry of Internal Affairs, ordinance 85 of 2014: eleven digits, weights 6 5 4 3 2 7 6 5 4 3 2.
    type: 'jp_my_number',
    names: ['マイナンバー', 'My Number', '個人番号'],
    make(dice) {
      const body = digits(dice, 11)
      const rest = weigh(body, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
      return grouped([...body, rest <= 1 ? 0 : 11 - rest].join(''), [4, 4, 4], one(dice, ['', ' ', '-']))
    },
    near: lastWrong
  }
]

function aadhaarOf(body: readonly number[], mark: string): string | undefined {
  const check = Array.from({ length: 10 }, (_, digit) => digit).find(digit => isVerhoeff([...body, digit]))
  return check === undefined ? undefined : grouped([...body, check].join(''), [4, 4, 4], mark)
}
