import { isObject, type JsonObject } from '../json.ts'
import type { ChatRequest, ChatResponse, Event, Part, Tool } from './canonical.ts'
import type { Losses, StreamEncoder } from './dialect.ts'
import { lose } from './members.ts'

/**
 * OpenAI's custom tools take free text. For a dialect that has none, such a tool is a function with one string argument
 * `input`, and its calls have `{"input": "<the text>"}`; the calls of the reply are read back as free text by the
 * encoder of the client's dialect, which knows the client's tools. Both ways, for a request, a whole reply and a stream.
 */
const SCHEMA: JsonObject = {
  type: 'object',
  properties: { input: { type: 'string', description: 'The whole input of the tool, as free text.' } },
  required: ['input'],
  additionalProperties: false
}

type ToolCall = Extract<Part, { type: 'tool-call' }>

/** A freeform tool as a function; its grammar is named as lost. Any other tool stays as it is. */
export function functionOf(tool: Tool, path: string, losses: Losses): Tool {
  if (!tool.freeform) return tool
  const { freeform, ...shared } = tool
  const format = freeform.format?.value
  // Any text at all is what a string says too.
  if (format !== undefined && !(isObject(format) && format.type === 'text')) lose(losses, `${path}.format`)
  return { ...shared, input: SCHEMA }
}

/** The JSON input of a call, whatever its tool takes. */
export function jsonInput({ input, freeform }: ToolCall): string {
  return freeform ? JSON.stringify({ input }) : input
}

function functionCall(part: Part): Part {
  if (part.type !== 'tool-call' || !part.freeform) return part
  const { freeform: _, ...call } = part
  return { ...call, input: jsonInput(part) }
}

/** The request for a dialect without freeform tools: they and their calls in the history are functions and theirs. */
export function withFunctions(request: ChatRequest, losses: Losses): ChatRequest {
  const { tools, messages } = request
  return {
    ...request,
    messages: messages.map(message => ({ ...message, parts: message.parts.map(functionCall) })),
    ...(tools && { tools: tools.map((tool, index) => functionOf(tool, `tools[${index}]`, losses)) })
  }
}

/** A whole reply for a dialect without freeform tools. */
export function replyWithFunctions(response: ChatResponse): ChatResponse {
  return mapParts(response, functionCall)
}

/** A whole reply, its calls of the client's freeform tools with free text as input. */
export function replyWithFreeform(response: ChatResponse, tools: readonly Tool[] | undefined): ChatResponse {
  const names = freeformNames(tools)
  if (names.size === 0) return response
  return mapParts(response, part =>
    isCallOf(part, names) ? { ...part, input: freeText(part.input), freeform: true } : part
  )
}

function mapParts(response: ChatResponse, change: (part: Part) => Part): ChatResponse {
  return { ...response, choices: response.choices.map(choice => ({ ...choice, parts: choice.parts.map(change) })) }
}

function freeformNames(tools: readonly Tool[] = []): ReadonlySet<string> {
  return new Set(tools.filter(tool => tool.freeform).map(tool => tool.name))
}

function isCallOf(part: Part, names: ReadonlySet<string>): part is ToolCall {
  return part.type === 'tool-call' && !part.freeform && names.has(part.name)
}

/** Free text out of the JSON input of a call. A model that wrote something else has written the text itself. */
export function freeText(input: string): string {
  const reader = freeTextReader()
  return reader.push(input) + reader.end()
}

/** Changes the input of a call piece by piece. */
interface Pieces {
  push(text: string): string
  end(): string
}

const HEAD = /^\s*\{\s*"input"\s*:\s*"/
/** What may still become a head; an object without members is an empty text. */
const MAYBE_HEAD = /^\s*(?:\{\s*(?:\}\s*|"(?:i(?:n(?:p(?:u(?:t(?:"\s*(?::\s*)?)?)?)?)?)?)?)?)?$/
/** Whole characters and escapes of a JSON string. */
const CHARACTERS = /^(?:[^"\\]+|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/
const MAYBE_ESCAPE = /^\\(?:u[\da-fA-F]{0,3})?$/

function freeTextReader(): Pieces {
  let state: 'head' | 'text' | 'raw' | 'over' = 'head'
  let held = ''
  const read = (): string => {
    const whole = CHARACTERS.exec(held)![0]
    held = held.slice(whole.length)
    const text = unescaped(whole)
    if (held.startsWith('"')) state = 'over'
    else if (held !== '' && !MAYBE_ESCAPE.test(held)) {
      // A backslash that escapes nothing stands for itself.
      held = held.slice(1)
      return `${text}\\${read()}`
    }
    return text
  }
  return {
    push(text) {
      if (state === 'raw') return text
      if (state === 'over') return ''
      held += text
      if (state === 'text') return read()
      const head = HEAD.exec(held)
      if (head) {
        state = 'text'
        held = held.slice(head[0].length)
        return read()
      }
      if (MAYBE_HEAD.test(held)) return ''
      state = 'raw'
      return held
    },
    end() {
      if (state !== 'head' || /^\s*(?:\{\s*\}\s*)?$/.test(held)) return ''
      return held
    }
  }
}

/** The inside of a JSON string; line breaks and the like that should have been escaped are taken as they are. */
function unescaped(characters: string): string {
  const strict = characters.replace(
    /[\u0000-\u001f]/g,
    each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
  return JSON.parse(`"${strict}"`) as string
}

function jsonWriter(): Pieces {
  let begun = false
  const begin = () => {
    if (begun) return ''
    begun = true
    return '{"input":"'
  }
  return { push: text => begin() + JSON.stringify(text).slice(1, -1), end: () => `${begin()}"}` }
}

/** An encoder of a dialect without freeform tools, told of their calls as calls of functions. */
export function encodingFunctions(encoder: StreamEncoder): StreamEncoder {
  return rewriting(encoder, part => {
    if (!part.freeform) return undefined
    const { freeform: _, ...call } = part
    return { call, pieces: jsonWriter() }
  })
}

/** An encoder of a dialect with freeform tools, told of calls of the client's as such, whoever made them. */
export function encodingFreeform(encoder: StreamEncoder, tools: readonly Tool[] | undefined): StreamEncoder {
  const names = freeformNames(tools)
  if (names.size === 0) return encoder
  return rewriting(encoder, part =>
    isCallOf(part, names) ? { call: { ...part, freeform: true }, pieces: freeTextReader() } : undefined
  )
}

type Rewrite = (part: ToolCall) => { call: ToolCall; pieces: Pieces } | undefined

function rewriting(encoder: StreamEncoder, rewrite: Rewrite): StreamEncoder {
  const open = new Map<string, Pieces>()
  const events = (event: Event): Event[] => {
    if (event.type === 'open' && event.part.type === 'tool-call') {
      const change = rewrite(event.part)
      if (!change) return [event]
      const { call, pieces } = change
      open.set(`${event.choice}/${event.index}`, pieces)
      return [{ ...event, part: { ...call, input: event.part.input && pieces.push(event.part.input) } }]
    }
    if (event.type !== 'delta' && event.type !== 'close') return [event]
    const pieces = open.get(`${event.choice}/${event.index}`)
    if (!pieces) return [event]
    if (event.type === 'close') {
      const text = pieces.end()
      const { choice, index } = event
      return text === '' ? [event] : [{ type: 'delta', choice, index, text }, event]
    }
    return event.text === undefined ? [event] : [{ ...event, text: pieces.push(event.text) }]
  }
  return {
    push: event =>
      events(event)
        .map(each => encoder.push(each))
        .join('')
  }
}
