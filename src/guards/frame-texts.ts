import type { Frame } from '../dialects/canonical.ts'
import type { Dialect, TextRef } from '../dialects/dialect.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { CLIENT_FRAMINGS } from '../wire/framing.ts'
import { SseReader } from '../wire/sse.ts'

export type FramingOfClient = keyof typeof CLIENT_FRAMINGS

/** One event of a client's stream. */
export interface Said {
  /** Undefined: it is no JSON object, and so has no text. */
  data: JsonObject | undefined
  /** Its own bytes. */
  raw: Buffer
  /** The same with the data as it is now. */
  written(): Buffer
}

/** The events within the bytes of a frame, in the client's framing. Joined, their bytes are the frame's. */
export function saidIn(raw: Buffer, framing: FramingOfClient): Said[] {
  return framing === 'sse' ? eventsIn(raw) : elementsIn(raw)
}

class SaidEvent implements Said {
  readonly data: JsonObject | undefined
  readonly raw: Buffer
  readonly #event: string

  constructor(event: string, data: string, raw: Buffer) {
    this.#event = event
    this.data = parsed(data)
    this.raw = raw
  }

  written(): Buffer {
    return Buffer.from(CLIENT_FRAMINGS.sse.event(this.#event, JSON.stringify(this.data)))
  }
}

function eventsIn(raw: Buffer): Said[] {
  const one = eventIn(raw)
  if (one) return [one]
  const said: Said[] = []
  const reader = new SseReader(({ event, data, raw: bytes }) => said.push(new SaidEvent(event, data, bytes)), {
    eventBytesMax: Number.POSITIVE_INFINITY
  })
  reader.push(raw)
  reader.end()
  return said
}

/** One event as nearly every provider writes it: its name, if it has one, and a line of data. */
function eventIn(raw: Buffer): Said | undefined {
  const text = raw.toString('utf8')
  const end = text.length - 2
  const from = text.startsWith('event: ') ? text.indexOf('\n') + 1 : 0
  if (!text.startsWith('data: ', from) || text.indexOf('\n', from) !== end || text.includes('\r')) return undefined
  if (text[end + 1] !== '\n') return undefined
  return new SaidEvent(
    from === 0 ? '' : text.slice('event: '.length, from - 1),
    text.slice(from + 'data: '.length, end),
    raw
  )
}

/** Elements of an array: what stands before, between and after them is no one's. */
function elementsIn(raw: Buffer): Said[] {
  const text = raw.toString('utf8')
  let from = 0
  let to = text.length
  while (from < to && ' \t\r\n,['.includes(text[from]!)) from++
  while (to > from && ' \t\r\n]'.includes(text[to - 1]!)) to--
  if (from === to) return [{ data: undefined, raw, written: () => raw }]
  const [before, inner, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)]
  const one = parsed(inner)
  if (one) return [{ data: one, raw, written: () => Buffer.from(`${before}${JSON.stringify(one)}${after}`) }]
  const several = elements(inner)
  return several.map((data, at) => {
    const end = at === several.length - 1 ? after : ''
    const written = () => Buffer.from(`${at === 0 ? before : ',\n'}${JSON.stringify(data)}${end}`)
    return { data, raw: written(), written }
  })
}

function elements(inner: string): JsonObject[] {
  try {
    return (JSON.parse(`[${inner}]`) as Json[]).filter(isObject)
  } catch {
    return []
  }
}

function parsed(text: string): JsonObject | undefined {
  if (text[0] !== '{') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Members that no person reads, and that must stay what they are. */
const NAMES =
  /^(?:type|id|object|status|role|model|name|event|signature|encrypted_content|data|obfuscation|.*_id|.*Id)$/

/**
 * Every text of an event that its dialect has no name for: what nobody knows may be shown to people all the same. Each
 * is a passage by itself.
 */
export function unknownTexts(data: JsonObject, { events }: Frame): TextRef[] {
  return events.some(({ type }) => type === 'native') ? [...stringsIn(data, '')] : []
}

function* stringsIn(holder: JsonObject | Json[], path: string): Iterable<TextRef> {
  for (const [name, value] of Object.entries(holder)) {
    const at = path === '' ? name : `${path}.${name}`
    if (typeof value === 'object' && value !== null) yield* stringsIn(value, at)
    if (typeof value !== 'string' || NAMES.test(name)) continue
    const within = holder as JsonObject
    yield {
      path: at,
      role: 'assistant',
      kind: 'text',
      sealed: false,
      lane: at,
      get: () => String(within[name]),
      set: text => {
        within[name] = text
      }
    }
  }
}

/** Whether a text is all of its passage, whatever comes after it: events that repeat it, arguments that come whole. */
export function isWholePassage(dialect: Dialect, ref: TextRef): boolean {
  if (dialect.name === 'openai-responses') return ref.path !== 'delta'
  if (dialect.name === 'gemini') return ref.kind !== 'text' && ref.kind !== 'thinking'
  return dialect.name === 'anthropic-messages' && ref.path.startsWith('content_block') && ref.kind === 'tool-input'
}

/** Lanes that an event ends: their names, or what stands before the first `/` of them; `all` at the end of everything. */
export function endsOf(dialect: Dialect, data: JsonObject | undefined, { events }: Frame): readonly string[] | 'all' {
  const ended: string[] = []
  if (data?.type === 'content_block_stop') ended.push(`0/${data.index}`)
  if (data && 'contentBlockIndex' in data && !('delta' in data) && !('start' in data)) {
    ended.push(`0/${data.contentBlockIndex}`)
  }
  if (dialect.name === 'openai-responses' && typeof data?.type === 'string' && data.type.endsWith('.done')) {
    for (const { lane } of dialect.streamTexts(data)) if (lane.endsWith(':done')) ended.push(lane.slice(0, -5))
  }
  const hasChoices = dialect.name === 'openai-chat' || dialect.name === 'gemini'
  for (const event of events) {
    if (event.type === 'end') return 'all'
    if (event.type !== 'finish') continue
    if (!hasChoices) return 'all'
    ended.push(String(event.choice))
  }
  return ended
}

/** Probabilities of tokens spell out the text that was replaced beside them: they go. */
export function dropTokens(value: Json | undefined): void {
  if (Array.isArray(value)) for (const each of value) dropTokens(each)
  if (!isObject(value)) return
  for (const [name, member] of Object.entries(value)) {
    if (name === 'logprobs') value[name] = Array.isArray(member) ? [] : null
    else if (name === 'logprobsResult') delete value[name]
    else dropTokens(member)
  }
}
