import fc from 'fast-check'
import type { Json, JsonObject } from '../../src/json.ts'

/** Objects with every kind of value, awkward names included. */
export const jsonObjects: fc.Arbitrary<JsonObject> = fc
  .dictionary(
    fc.oneof(
      fc.constantFrom('model', 'a', 'b', '', '__proto__', 'é"\\'),
      fc.string({ unit: 'grapheme', maxLength: 6 })
    ),
    fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' }),
    { maxKeys: 6, noNullPrototype: true }
  )
  // As JSON has it: no -0, and __proto__ an ordinary member.
  .map(value => JSON.parse(JSON.stringify(value)) as JsonObject)

export type Spell = (value: Json) => string

interface Style {
  space: string
  text(text: string): string
  number(number: number): string
}

function speller(style: Style): Spell {
  const spell: Spell = value => {
    const { space } = style
    if (typeof value === 'string') return style.text(value)
    if (typeof value === 'number') return style.number(value)
    if (Array.isArray(value)) return `[${space}${value.map(spell).join(`${space},${space}`)}${space}]`
    if (value === null || typeof value === 'boolean') return String(value)
    const members = Object.entries(value).map(
      ([name, member]) => `${style.text(name)}${space}:${space}${spell(member as Json)}`
    )
    return `{${space}${members.join(`${space},${space}`)}${space}}`
  }
  return spell
}

const escapeAll = (text: string) =>
  `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`

const exponent = (number: number) => {
  const text = number.toExponential().toUpperCase()
  return Number(text) === number ? text : String(number)
}

/** Five ways to write the same JSON. */
export const spellings: readonly Spell[] = [
  value => JSON.stringify(value),
  value => JSON.stringify(value, null, 2),
  speller({ space: '\r\n\t ', text: text => JSON.stringify(text), number: String }),
  speller({ space: '', text: escapeAll, number: exponent }),
  speller({
    space: ' ',
    text: text => JSON.stringify(text).replaceAll('/', '\\/').replaceAll('a', '\\u0061'),
    number: number => (Number.isInteger(number) && Math.abs(number) < 1e15 ? `${number}.0` : String(number))
  })
]
