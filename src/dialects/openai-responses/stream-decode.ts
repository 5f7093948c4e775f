import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Event } from '../canonical.ts'
import type { StreamDecoder } from '../dialect.ts'
import { failureInBody } from '../openai-failure.ts'
import { decodeFinish, evidenceIn } from './finish.ts'
import { given, objectOf, sealed, sealedIf } from './members.ts'
import { divide, readUsage } from './response.ts'
import { type Coming, comingItem } from './stream-items.ts'

/**
 * Reads a stream of `response.…` events: items by their place in the output, the parts of each, the whole response at
 * the end. Source: the provider's reference, "Responses: streaming events". Events of the provider's own tools, and
 * those that are new, pass as `native`.
 */
export function decoder(): StreamDecoder {
  const stream = new Stream()
  return (event, data) => stream.read(event, data)
}

class Stream {
  readonly #items = new Map<Json | undefined, Coming>()
  #started = false
  #over = false
  #parts = 0

  read(event: string, text: string): Event[] {
    if (this.#over || text === '') return []
    if (text.trim() === '[DONE]') return this.#end([])
    const data = parse(text)
    const type = typeof data.type === 'string' ? data.type : event
    switch (type) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#start(objectOf(data.response))
      case 'response.completed':
      case 'response.incomplete':
      case 'response.cancelled':
        return this.#finish(data)
      case 'response.failed':
        return this.#fail(objectOf(data.response))
      case 'error':
        return this.#end([{ type: 'failed', failure: failureInBody(data) }])
      case 'keepalive':
      case 'ping':
        return [{ type: 'ping' }]
      default:
        if (data.error !== undefined && data.error !== null)
          return this.#end([{ type: 'failed', failure: failureInBody(data) }])
        return this.#item(type, data) ?? [{ type: 'native', seal: sealed(data) }]
    }
  }

  #start(response: JsonObject): Event[] {
    if (this.#started) return []
    this.#started = true
    const { echo } = divide(response)
    return [
      {
        type: 'start',
        id: typeof response.id === 'string' ? response.id : '',
        model: typeof response.model === 'string' ? response.model : '',
        ...given({
          created: typeof response.created_at === 'number' ? response.created_at : undefined,
          spelling: sealedIf(echo)
        })
      }
    ]
  }

  /** What an event says of its item; undefined where we do not know the event. */
  #item(type: string, data: JsonObject): Event[] | undefined {
    const at = data.output_index
    if (type === 'response.output_item.added' && isObject(data.item)) {
      const item = comingItem(data.item, () => this.#parts++)
      this.#items.set(at, item)
      return item.added(data)
    }
    if (type === 'response.output_item.done' && isObject(data.item)) {
      // Some send an item only when it is done.
      const item = this.#items.get(at) ?? comingItem(data.item, () => this.#parts++)
      const before = this.#items.has(at) ? [] : item.added({ ...data, type: 'response.output_item.added' })
      this.#items.set(at, item)
      return [...before, ...item.done(data.item)]
    }
    return this.#items.get(at)?.read(type, data)
  }

  #finish(data: JsonObject): Event[] {
    const { type: _type, sequence_number: _number, response: _response, ...beside } = data
    const response = objectOf(data.response)
    const events = this.#start(response)
    const output = Array.isArray(response.output) ? response.output : []
    // What the stream never told, the whole response does.
    if (this.#items.size === 0) for (const [at, item] of output.entries()) events.push(...this.#late(item, at))
    const coming = [...this.#items.values()]
    for (const item of coming) events.push(...item.leave())
    const seen = evidenceIn([...output, ...coming.map(item => item.item)])
    const { echo, rest } = divide(response)
    const finish = decodeFinish(response, seen)
    const kept = given({ rest: sealedIf({ ...rest, ...beside }), spelling: sealedIf(echo) })
    events.push({ type: 'finish', choice: 0, finish, ...kept })
    const usage = readUsage(response)
    if (usage) events.push({ type: 'usage', usage })
    return this.#end(events)
  }

  #late(item: Json, at: number): Event[] {
    return this.#item('response.output_item.done', { output_index: at, item }) ?? []
  }

  #fail(response: JsonObject): Event[] {
    const usage = readUsage(response)
    const failure = isObject(response.error)
      ? failureInBody({ error: response.error })
      : new Failure('provider_error', 'The provider says that its answer failed.')
    return this.#end([...(usage ? [{ type: 'usage' as const, usage }] : []), { type: 'failed', failure }])
  }

  #end(events: Event[]): Event[] {
    this.#over = true
    if (events.at(-1)?.type !== 'failed') events.push({ type: 'end' })
    return events
  }
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {}
  throw new Failure('provider_malformed', 'The provider sent a stream event that is no JSON object.')
}
