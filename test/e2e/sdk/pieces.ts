import { type Answer, callIds } from './ask.ts'

/** A red pixel. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='

/** The smallest thing that calls itself a PDF. */
export const PDF = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n').toString(
  'base64'
)

const CITY = {
  type: 'object',
  properties: { city: { type: 'string', description: 'Its name.' } },
  required: ['city']
}
const ZONE = {
  type: 'object',
  properties: { zone: { type: 'string', enum: ['Europe/Paris', 'UTC'] } },
  required: ['zone']
}
const NOTHING = { type: 'object', properties: {} }

interface Declared {
  name: string
  description: string
  schema: object
}

export const weather: Declared = { name: 'get_weather', description: 'Tells the weather.', schema: CITY }
export const time: Declared = { name: 'get_time', description: 'Tells the time.', schema: ZONE }
export const ping: Declared = { name: 'ping', description: 'Takes nothing.', schema: NOTHING }

export const openaiTools = (...tools: Declared[]) =>
  tools.map(({ name, description, schema }) => ({
    type: 'function',
    function: { name, description, parameters: schema }
  }))

export const anthropicTools = (...tools: Declared[]) =>
  tools.map(({ name, description, schema }) => ({ name, description, input_schema: schema }))

/** Results for every call of an answer: one `tool` message each. */
export const toolMessages =
  (...texts: string[]) =>
  (answer: Answer): object[] =>
    callIds(answer).map((id, index) => ({ role: 'tool', tool_call_id: id, content: texts[index] ?? '' }))

/** The same as Anthropic has it: blocks of one user message, with what else each says. */
export const toolResults =
  (...results: object[]) =>
  (answer: Answer): object[] => [
    {
      role: 'user',
      content: callIds(answer).map((id, index) => ({ type: 'tool_result', tool_use_id: id, ...results[index] }))
    }
  ]
