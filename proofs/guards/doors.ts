import type { JsonObject } from '../../src/json.ts'
import { readSse } from '../../test/support/dialects.ts'

/** What an answer says, as its client reads it. */
export interface Heard {
  text: string
  thinking: string
  /** Arguments of the calls of tools, as JSON text. */
  inputs: string[]
}

/** A door, how its clients ask, and how they read what comes. */
export interface Door {
  name: string
  path(model: string, stream: boolean): string
  body(model: string, messages: readonly Said[], more: { stream: boolean; tool?: JsonObject }): JsonObject
  whole(answer: JsonObject): Heard
  streamed(events: readonly JsonObject[]): Heard
}

export interface Said {
  role: 'user' | 'assistant'
  text: string
}

/** A path in a value that nobody promises; `*` stands for every element, joined. */
function at(value: unknown, ...path: (string | number)[]): string {
  const [step, ...rest] = path
  if (step === undefined) return typeof value === 'string' ? value : ''
  if (step === '*') return (Array.isArray(value) ? value : []).map(each => at(each, ...rest)).join('')
  return at((value as Record<string | number, unknown> | undefined)?.[step], ...rest)
}

const items = (value: unknown): JsonObject[] => (Array.isArray(value) ? value : [])
const joined = (events: readonly JsonObject[], ...path: (string | number)[]) =>
  events.map(each => at(each, ...path)).join('')
const ofType = (values: readonly JsonObject[], type: string) => values.filter(each => each.type === type)

const chat: Door = {
  name: 'openai-chat',
  path: () => '/v1/chat/completions',
  body: (model, messages, { stream, tool }) => ({
    model,
    stream,
    messages: messages.map(({ role, text }) => ({ role, content: text })),
    ...(tool && { tools: [{ type: 'function', function: { name: 'send_mail', parameters: tool } }] })
  }),
  whole: answer => {
    const message = items(answer.choices)[0]?.message as JsonObject
    return {
      text: at(message, 'content'),
      thinking: at(message, 'reasoning_content'),
      inputs: items(message.tool_calls).map(call => at(call, 'function', 'arguments'))
    }
  },
  streamed: events => {
    const calls = events.flatMap(each => items((items(each.choices)[0]?.delta as JsonObject | undefined)?.tool_calls))
    const count = new Set(calls.map(({ index }) => index)).size
    return {
      text: joined(events, 'choices', 0, 'delta', 'content'),
      thinking: joined(events, 'choices', 0, 'delta', 'reasoning_content'),
      inputs: Array.from({ length: count }, (_, index) =>
        joined(
          calls.filter(call => call.index === index),
          'function',
          'arguments'
        )
      )
    }
  }
}

const heardIn = (output: readonly JsonObject[]): Heard => ({
  text: ofType(output, 'message')
    .map(item => at(item, 'content', '*', 'text'))
    .join(''),
  thinking: ofType(output, 'reasoning')
    .map(item => at(item, 'summary', '*', 'text'))
    .join(''),
  inputs: ofType(output, 'function_call').map(item => at(item, 'arguments'))
})

const responses: Door = {
  name: 'openai-responses',
  path: () => '/v1/responses',
  body: (model, messages, { stream, tool }) => ({
    model,
    stream,
    store: false,
    input: messages.map(({ role, text }) => ({ role, content: text })),
    ...(tool && { tools: [{ type: 'function', name: 'send_mail', parameters: tool, strict: false }] })
  }),
  whole: answer => heardIn(items(answer.output)),
  /** The pieces and the events that repeat them must say the same: what differs is told beside it. */
  streamed: events => {
    const last = ofType(events, 'response.completed')[0]?.response as JsonObject | undefined
    const whole = heardIn(items(last?.output))
    const text = joined(ofType(events, 'response.output_text.delta'), 'delta')
    const again = joined(ofType(events, 'response.output_text.done'), 'text')
    const inputs = joined(ofType(events, 'response.function_call_arguments.delta'), 'delta')
    const agrees = text === again && text === whole.text && inputs === whole.inputs.join('')
    return agrees ? whole : { ...whole, text: JSON.stringify({ text, again, whole: whole.text, inputs }) }
  }
}

const messages: Door = {
  name: 'anthropic-messages',
  path: () => '/v1/messages',
  body: (model, said, { stream, tool }) => ({
    model,
    stream,
    max_tokens: 8_000,
    messages: said.map(({ role, text }) => ({ role, content: text })),
    ...(tool && { tools: [{ name: 'send_mail', input_schema: tool }] })
  }),
  whole: answer => {
    const content = items(answer.content)
    return {
      text: joined(ofType(content, 'text'), 'text'),
      thinking: joined(ofType(content, 'thinking'), 'thinking'),
      inputs: ofType(content, 'tool_use').map(({ input }) => JSON.stringify(input))
    }
  },
  streamed: events => {
    const begun = ofType(events, 'content_block_start')
    const calls = begun.filter(({ content_block: block }) => (block as JsonObject).type === 'tool_use')
    return {
      text: joined(events, 'delta', 'text'),
      thinking: joined(events, 'delta', 'thinking'),
      inputs: calls.map(({ index }) =>
        joined(
          events.filter(each => each.index === index),
          'delta',
          'partial_json'
        )
      )
    }
  }
}

const partsOf = (chunk: JsonObject) => items(((items(chunk.candidates)[0]?.content ?? {}) as JsonObject).parts)

const heardOf = (parts: readonly JsonObject[]): Heard => ({
  text: joined(
    parts.filter(({ thought }) => thought !== true),
    'text'
  ),
  thinking: joined(
    parts.filter(({ thought }) => thought === true),
    'text'
  ),
  inputs: parts.flatMap(({ functionCall }) => (functionCall ? [JSON.stringify((functionCall as JsonObject).args)] : []))
})

const gemini: Door = {
  name: 'gemini',
  path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
  body: (_, said, { tool }) => ({
    contents: said.map(({ role, text }) => ({ role: role === 'user' ? 'user' : 'model', parts: [{ text }] })),
    ...(tool && { tools: [{ functionDeclarations: [{ name: 'send_mail', parametersJsonSchema: tool }] }] })
  }),
  whole: answer => heardOf(partsOf(answer)),
  streamed: events => heardOf(events.flatMap(partsOf))
}

export const DOORS: readonly Door[] = [chat, responses, messages, gemini]

export interface Answer {
  status: number
  /** Everything that the client got. */
  bytes: Buffer
  heard: Heard | undefined
  /** The code of the error that it got instead, or that its stream ended with. */
  refused: string | undefined
}

/** One call, with the bytes of its answer as they came. */
export async function ask(
  url: string,
  door: Door,
  model: string,
  said: readonly Said[],
  more: { stream: boolean; tool?: JsonObject }
): Promise<Answer> {
  const response = await fetch(url + door.path(model, more.stream), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(door.body(model, said, more))
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  const refused = /"guardrail_blocked"|guardrail_blocked|does not let the \w+ pass/.test(bytes.toString())
    ? 'guardrail_blocked'
    : undefined
  const { status } = response
  if (status !== 200) return { status, bytes, heard: undefined, refused: refused ?? `status ${status}` }
  if (!more.stream) return { status, bytes, heard: door.whole(JSON.parse(bytes.toString())), refused }
  const events = readSse([bytes]).flatMap(({ data }) => (data === '[DONE]' ? [] : [JSON.parse(data) as JsonObject]))
  return { status, bytes, heard: door.streamed(events), refused }
}
