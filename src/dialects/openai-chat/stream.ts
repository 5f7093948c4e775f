import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Event } from '../canonical.ts'
import type { StreamDecoder } from '../dialect.ts'
import { failureInBody } from '../openai-failure.ts'
import { compact, sealed } from './members.ts'
import { ChoiceDecoder } from './stream-choice.ts'
import { decodeUsage } from './usage.ts'

/** Members of a chunk that are read, or that mean nothing (`obfuscation` and `p` only pad). */
const READ = new Set([
  'id',
  'object',
  'created',
  'model',
  'choices',
  'usage',
  'service_tier',
  'obfuscation',
  'p',
  'error'
])

/** Reads the data of `chat.completion.chunk` events, `[DONE]` and errors in the stream, of OpenAI and of its kin. */
export function decoder(): StreamDecoder {
  const stream = new ChatStreamDecoder()
  return (_event, data) => stream.push(data)
}

class ChatStreamDecoder {
  readonly #choices = new Map<number, ChoiceDecoder>()
  /** Chunk members that are not read, as last seen. */
  readonly #seen: JsonObject = {}
  #id = ''
  #started = false
  #over = false
  #usage: JsonObject | undefined

  push(data: string): Event[] {
    if (this.#over || data === '') return []
    if (data.trim() === '[DONE]') {
      this.#over = true
      return [...this.#flush(), { type: 'end' }]
    }
    const chunk = parse(data)
    const events: Event[] = []
    if (chunk.error !== undefined && chunk.error !== null) {
      this.#over = true
      this.#readUsage(chunk, events, false)
      events.push({ type: 'failed', failure: failureInBody(chunk) })
      return events
    }
    const choices = Array.isArray(chunk.choices) ? chunk.choices : []
    const unread = this.#unread(chunk)
    this.#start(chunk, choices, unread, events)
    for (const choice of choices) if (isObject(choice)) this.#choice(choice).push(choice, events)
    this.#readUsage(chunk, events, choices.length === 0)
    return events
  }

  /** The first chunk that says who answers. Azure sends one before it with neither id nor model. */
  #start(chunk: JsonObject, choices: readonly Json[], unread: JsonObject, events: Event[]): void {
    if (!this.#started) {
      Object.assign(this.#seen, unread)
      const isEmpty = choices.length === 0 && !isObject(chunk.usage) && !chunk.id
      if (isEmpty) return
      this.#started = true
      this.#id = typeof chunk.id === 'string' ? chunk.id : ''
      const hasRest = Object.keys(this.#seen).length > 0
      events.push(
        compact<Extract<Event, { type: 'start' }>>({
          type: 'start',
          id: this.#id,
          model: typeof chunk.model === 'string' ? chunk.model : '',
          created: typeof chunk.created === 'number' ? chunk.created : undefined,
          usage: typeof chunk.service_tier === 'string' ? { tier: chunk.service_tier } : undefined,
          rest: hasRest ? sealed({ ...this.#seen }) : undefined
        })
      )
      return
    }
    if (Object.keys(unread).length === 0) return
    Object.assign(this.#seen, unread)
    events.push({ type: 'native', seal: sealed(unread) })
  }

  /** Members that are new or other than in the chunks before. */
  #unread(chunk: JsonObject): JsonObject {
    const found: JsonObject = {}
    for (const name of Object.keys(chunk)) {
      const given = chunk[name]
      if (READ.has(name) || given === null || given === this.#seen[name]) continue
      const value = name === 'x_groq' && isObject(given) ? withoutUsage(given) : given
      if (!isDeepStrictEqual(this.#seen[name], value)) found[name] = value
    }
    return found
  }

  #choice(choice: JsonObject): ChoiceDecoder {
    const index = typeof choice.index === 'number' ? choice.index : 0
    const known = this.#choices.get(index)
    if (known) return known
    const state = new ChoiceDecoder(index, this.#id)
    this.#choices.set(index, state)
    return state
  }

  /**
   * Usage of the last chunk, of every chunk (cumulative), or Groq's own place; told again only when it changed, or when
   * the chunk is for nothing else. A chunk that has a choice as well says at least that the answer goes on.
   */
  #readUsage(chunk: JsonObject, events: Event[], isAlone: boolean): void {
    const groq = isObject(chunk.x_groq) ? chunk.x_groq.usage : undefined
    const usage = isObject(chunk.usage) ? chunk.usage : groq
    if (!isObject(usage) || (!isAlone && isDeepStrictEqual(usage, this.#usage))) return
    this.#usage = usage
    if (!isAlone && events.length === 0) events.push({ type: 'ping' })
    events.push({ type: 'usage', usage: decodeUsage(usage) })
  }

  #flush(): Event[] {
    const events: Event[] = []
    for (const choice of this.#choices.values()) choice.closeAll(events)
    return events
  }
}

function withoutUsage({ usage: _, ...members }: JsonObject): JsonObject {
  return members
}

function parse(data: string): JsonObject {
  try {
    const value: unknown = JSON.parse(data)
    if (isObject(value)) return value
  } catch {}
  throw new Failure('provider_malformed', 'The provider sent a stream event that is no JSON object.')
}
