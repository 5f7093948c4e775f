import type { Json, JsonObject } from '../../src/json.ts'

/** A way to write a body. */
export interface Spelling {
  name: string
  write(body: JsonObject): string
}

/** Written as numbers that no double holds and no reader may touch. */
const NUMBERS =
  '{"long":123456789012345678901234567890,"exponent":1E+400,"zero":-0.0,"fraction":0.1000000000000000055511}'

/** The five ways of issue 4. Each says the same; the last says a member more, which nobody knows. */
export const SPELLINGS: readonly Spelling[] = [
  { name: 'compact', write: body => JSON.stringify(body) },
  { name: 'pretty', write: body => JSON.stringify(body, null, 4) },
  { name: 'escaped', write: body => spelled(body, '', escaped) },
  { name: 'odd white space', write: body => `\r\n\t ${spelled(body, ' \t\r\n', JSON.stringify)}\n\n` },
  { name: 'odd numbers', write: body => JSON.stringify(body).replace(/\}$/, `,"unknown_to_all":${NUMBERS}}`) }
]

/** Stands where the name of the model comes, and is written the same in every spelling. */
const PLACE = '"NAME-OF-THE-MODEL"'

/** A spelled body that has `model`, as a JSON text, where the name of the model belongs. */
export function spellWithModel(body: JsonObject, spelling: Spelling): (model: string) => string {
  // Where the body does not say it, the address did: our doors want it in the body.
  const model = JSON.parse(PLACE) as string
  const text = spelling.write(body.model === undefined ? { model, ...body } : { ...body, model })
  return name => text.replace(PLACE, () => JSON.stringify(name))
}

function spelled(value: Json | undefined, space: string, text: (text: string) => string): string {
  const within = (items: readonly string[]) => items.join(`${space},${space}`)
  if (typeof value === 'string') return text(value)
  if (Array.isArray(value)) return `[${space}${within(value.map(item => spelled(item, space, text)))}${space}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, member]) => `${text(name)}${space}:${space}${spelled(member, space, text)}`
  )
  return `{${space}${within(members)}${space}}`
}

/** Every letter that is not plain ASCII as an escape, and of the plain ones the first of each word. */
function escaped(text: string): string {
  return JSON.stringify(text)
    .replace(/[^\x20-\x7e]/g, asEscape)
    .replaceAll('/', '\\/')
    .replace(/(?<![\\\w])[a-z]/g, asEscape)
}

const asEscape = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
