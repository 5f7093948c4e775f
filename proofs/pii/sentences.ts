import { type Dice, digits, hex, letters, one, two } from './values.ts'

/** Sentences around a value: what people write to an assistant, in eight languages. */
export const FRAMES: readonly string[] = [
  'My {name} is {value}, please update it.',
  'For the form: {name} {value}. Anything else you need?',
  'Can you check whether {name} {value} is already on file?',
  'Meine Angabe zu {name}: {value}, vielen Dank.',
  'Im Antrag steht als {name} {value} – stimmt das?',
  'Voici mon {name} : {value}. Merci de vérifier !',
  'Le client a donné son {name} ({value}) hier.',
  'Mi {name} es {value}, gracias.',
  'El paciente indica {name}: {value}.',
  'Il mio {name} è {value}, grazie.',
  'O meu {name} é {value}, obrigado.',
  'Mijn {name} is {value}, alvast bedankt.',
  'Mój {name} to {value}, dziękuję.'
]

export function said(frame: string, name: string, value: string): string {
  return frame.replace('{name}', () => name).replace('{value}', () => value)
}

const VERBS = ['shipped', 'closed', 'reopened', 'merged', 'paid', 'returned'] as const

/** Numbers and texts of everyday work that belong to nobody: orders, versions, digests, times, prices, sizes, code. */
const HARMLESS: readonly ((dice: Dice) => string)[] = [
  dice =>
    `Order ${digits(dice, 8 + dice(4)).join('')} was ${one(dice, VERBS)} on 2026-${two(1 + dice(12))}-${two(1 + dice(28))}.`,
  dice =>
    `Upgrade from version ${dice(20)}.${dice(30)}.${dice(99)} to v${dice(20)}.${dice(30)}.${dice(99)}.${dice(9)} first.`,
  dice => `Commit ${hex(dice, 40)} breaks the build; revert to ${hex(dice, 7)}.`,
  dice =>
    `Trace ${hex(dice, 8)}-${hex(dice, 4)}-4${hex(dice, 3)}-a${hex(dice, 3)}-${hex(dice, 12)} took ${dice(9_000)} ms.`,
  dice => `The event at ${1_700_000_000_000 + dice(90_000_000_000)} (epoch ms) was late by ${dice(5_000)}.`,
  dice =>
    `Die Rechnung ${2020 + dice(7)}-${two(dice(100))}${two(dice(100))}-${dice(99_999)} beläuft sich auf ${dice(9_999)},${two(dice(100))} EUR.`,
  dice => `La réunion du ${1 + dice(28)}/${1 + dice(12)}/2026 commence à ${dice(24)}h${two(dice(60))}.`,
  dice => `El pedido ${letters(dice, 2)}-${100_000 + dice(900_000)} pesa ${dice(900)},${dice(9)} kg.`,
  dice => `sha256:${hex(dice, 64)} is the digest of the image.`,
  dice => `const LIMIT = ${digits(dice, 7 + dice(6)).join('')}; // bytes`,
  dice => `Ticket ${letters(dice, 4)}-${1_000 + dice(99_000)} blocks row ${dice(1_000_000)} of table ${dice(100)}.`,
  dice =>
    `Set the color to #${hex(dice, 6)} and the width to ${dice(4_000)}px, at ${dice(90)}.${digits(dice, 6).join('')}, ${dice(90)}.${digits(dice, 6).join('')}.`,
  dice => `ISBN 978-3-${dice(9)}${dice(9)}-${100_000 + dice(900_000)}-${dice(10)}, page ${dice(900)}.`,
  dice => `Tracking number 1Z${letters(dice, 3)}${digits(dice, 11).join('')} left the depot.`,
  dice => `Il modello ${letters(dice, 3)}${dice(9_999)} costa ${dice(999)} euro, sconto ${dice(90)}%.`,
  dice =>
    `The invoice of March ${1 + dice(28)}, ${2015 + dice(11)} lists ${dice(500)} items at $${dice(999)}.${two(dice(100))}.`
]

export function harmless(dice: Dice): string {
  return one(dice, HARMLESS)(dice)
}
