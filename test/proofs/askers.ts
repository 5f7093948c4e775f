import type { DialectName } from '../../src/dialects/canonical.ts'
import type { JsonObject } from '../../src/json.ts'
import { ANTHROPIC, type Answer, type Door, OPENAI } from '../support/client.ts'
import type { Said } from '../support/dialects.ts'

/** How a client of some dialect asks for an answer, and what it sees in one. */
export interface Asker {
  name: string
  dialect: DialectName
  /** Where it asks for this model, and with what. */
  request(model: string, text: string, stream: boolean): { path: string; body: JsonObject }
  /** The text of a whole answer. */
  said(answer: JsonObject): string
  /** The words of an error answer. */
  error(body: JsonObject): string
  /** The events of a stream; throws where it cannot be read. */
  events(answer: Answer): readonly Said[]
  streamed(events: readonly Said[]): string
  /** Whether the stream says that it ended well. */
  ended(events: readonly Said[]): boolean
  /** Whether it ends with an error. */
  broken(events: readonly Said[]): boolean
}

function atDoor(door: Door): Asker {
  return {
    ...door,
    dialect: door.name,
    request: (model, text, stream) => ({ path: door.path, body: door.body(model, text, { stream }) }),
    error: body => door.error(body).message,
    events: answer => answer.events(),
    broken: events => door.broken(events) !== undefined
  }
}

interface Response {
  output: { content?: { text?: string }[] }[]
}

const RESPONSES: Asker = {
  name: 'openai-responses',
  dialect: 'openai-responses',
  request: (model, text, stream) => ({ path: '/v1/responses', body: { model, input: text, stream } }),
  said: answer => (answer as unknown as Response).output.map(({ content }) => content?.[0]?.text ?? '').join(''),
  error: body => String((body.error as JsonObject).message),
  events: answer => answer.events(),
  streamed: events =>
    events
      .filter(({ event }) => event === 'response.output_text.delta')
      .map(({ data }) => (JSON.parse(data) as { delta: string }).delta)
      .join(''),
  ended: events => events.at(-1)?.event === 'response.completed',
  broken: events => ['error', 'response.failed'].every(name => events.some(({ event }) => event === name))
}

interface Chunk {
  candidates?: { content?: { parts?: { text?: string }[] }; finishReason?: string }[]
  error?: { message: string }
}

const chunks = (events: readonly Said[]) => events.map(({ data }) => JSON.parse(data) as Chunk)
const words = ({ candidates }: Chunk) => candidates?.[0]?.content?.parts?.map(({ text }) => text ?? '').join('') ?? ''

function gemini(name: string, query: string, events: Asker['events']): Asker {
  return {
    name,
    dialect: 'gemini',
    request: (model, text, stream) => ({
      path: `/v1beta/models/${model}:${stream ? `streamGenerateContent${query}` : 'generateContent'}`,
      body: { contents: [{ role: 'user', parts: [{ text }] }] }
    }),
    said: answer => words(answer as Chunk),
    error: body => String((body.error as JsonObject).message),
    events,
    streamed: said => chunks(said).map(words).join(''),
    ended: said => chunks(said).some(({ candidates }) => candidates?.[0]?.finishReason !== undefined),
    broken: said => chunks(said).at(-1)?.error !== undefined
  }
}

export const ASKERS = {
  'openai-chat': atDoor(OPENAI),
  'anthropic-messages': atDoor(ANTHROPIC),
  'openai-responses': RESPONSES,
  gemini: gemini('gemini', '?alt=sse', answer => answer.events()),
  /** One JSON array, which must be closed whatever happened. */
  array: gemini('gemini as an array', '', answer =>
    (JSON.parse(answer.text) as JsonObject[]).map(element => ({ event: '', data: JSON.stringify(element) }))
  )
}
