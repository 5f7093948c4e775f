import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Event, Part } from '../canonical.ts'
import { decodeCitation } from './citations.ts'
import { decodeCall, nativeItem } from './items.ts'
import { given, Members, objectOf, sealed, sealedIf } from './members.ts'
import { joined } from './names.ts'
import { decodeCarried, decodeReasoning, PARAGRAPH, summaryOf } from './reasoning.ts'

/** An item of a stream on its way in. */
export interface Coming {
  /** As it was announced, or as it is when done. */
  item: JsonObject
  added(event: JsonObject): Event[]
  /** Undefined: an event that is not known for such an item. */
  read(type: string, event: JsonObject): Event[] | undefined
  done(item: JsonObject): Event[]
  /** The stream ends; what is still open closes. */
  leave(): Event[]
}

export function comingItem(item: JsonObject, nextIndex: () => number): Coming {
  switch (item.type) {
    case 'message':
      return new ComingMessage(item, nextIndex)
    case 'function_call':
    case 'custom_tool_call':
      return new ComingCall(item, nextIndex)
    case 'reasoning':
      return new ComingReasoning(item, nextIndex)
    default:
      return new ComingNative(item, nextIndex)
  }
}

/** A part of a message, a call or a reasoning item, as far as it was told. */
class Told {
  readonly index: number
  length = 0
  citations = 0
  closed = false

  constructor(index: number) {
    this.index = index
  }

  delta(text: Json | undefined, logprobs?: Json): Event[] {
    const listed = Array.isArray(logprobs) && logprobs.length > 0 ? { logprobs: { content: logprobs } } : {}
    if (typeof text !== 'string' || text === '') return []
    this.length += text.length
    return [{ type: 'delta', choice: 0, index: this.index, text, ...listed }]
  }

  citation(annotation: Json): Event[] {
    this.citations += 1
    return [{ type: 'delta', choice: 0, index: this.index, citation: decodeCitation(annotation) }]
  }

  /** What the whole text, said at the end, has more than was told. */
  rest(whole: Json | undefined): Event[] {
    return typeof whole === 'string' && whole.length > this.length ? this.delta(whole.slice(this.length)) : []
  }

  close(): Event[] {
    if (this.closed) return []
    this.closed = true
    return [{ type: 'close', choice: 0, index: this.index }]
  }
}

const PART_EVENTS = new Set([
  'response.content_part.added',
  'response.output_text.delta',
  'response.output_text.done',
  'response.output_text.annotation.added',
  'response.refusal.delta',
  'response.refusal.done',
  'response.content_part.done'
])

class ComingMessage implements Coming {
  item: JsonObject
  readonly #nextIndex: () => number
  readonly #parts = new Map<Json | undefined, Told>()

  constructor(item: JsonObject, nextIndex: () => number) {
    this.item = item
    this.#nextIndex = nextIndex
  }

  added(): Event[] {
    return []
  }

  read(type: string, event: JsonObject): Event[] | undefined {
    if (!PART_EVENTS.has(type)) return undefined
    const native = isObject(event.part) ? event.part : { type: type.includes('.refusal.') ? 'refusal' : 'output_text' }
    const events: Event[] = []
    const part = this.#part(event.content_index, native, events)
    if (type.endsWith('.delta')) return [...events, ...part.delta(event.delta, event.logprobs)]
    if (type.endsWith('annotation.added')) return [...events, ...part.citation(event.annotation ?? null)]
    if (type === 'response.content_part.done') return [...events, ...this.#whole(part, native)]
    if (type === 'response.content_part.added') return events
    return [...events, ...part.rest(event.text ?? event.refusal)]
  }

  #part(at: Json | undefined, native: JsonObject, events: Event[]): Told {
    const known = this.#parts.get(at)
    if (known) return known
    const told = new Told(this.#nextIndex())
    const part = this.#shell(native)
    this.#parts.set(at, told)
    events.push({ type: 'open', choice: 0, index: told.index, part })
    return told
  }

  /** The part as it opens; the first of a message also keeps what is said of the message. */
  #shell(native: JsonObject): Part {
    const kept = this.#parts.size > 0 ? { spelling: sealed({ item: 'same' }) } : keptOf(this.item)
    if (native.type === 'refusal') return { type: 'refusal', text: '', ...kept }
    if (native.type === 'output_text') return { type: 'text', text: '', ...kept }
    return { type: 'native', seal: sealed(native), ...kept }
  }

  #whole(part: Told, native: JsonObject): Event[] {
    if (part.closed) return []
    const annotations = Array.isArray(native.annotations) ? native.annotations : []
    return [
      ...part.rest(native.text ?? native.refusal),
      ...annotations.slice(part.citations).flatMap(annotation => part.citation(annotation)),
      ...part.close()
    ]
  }

  done(item: JsonObject): Event[] {
    this.item = item
    const events: Event[] = []
    const content = Array.isArray(item.content) ? item.content : []
    for (const [at, native] of content.entries()) {
      if (isObject(native)) {
        const part = this.#part(at, native, events)
        events.push(...this.#whole(part, native))
      }
    }
    return [...events, ...this.leave()]
  }

  leave(): Event[] {
    return [...this.#parts.values()].flatMap(part => part.close())
  }
}

function keptOf(item: JsonObject): Pick<Part, 'rest' | 'spelling'> {
  const { id, type: _type, status: _status, role: _role, content: _content, ...more } = item
  const rest = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== null))
  return { spelling: sealed({ item: given({ id }) as JsonObject }), ...given({ rest: sealedIf(rest) }) }
}

const CALL_EVENTS = /^response\.(?:function_call_arguments|custom_tool_call_input)\.(delta|done)$/

class ComingCall implements Coming {
  item: JsonObject
  readonly #told: Told
  readonly #part: Part

  constructor(item: JsonObject, nextIndex: () => number) {
    this.item = item
    const { status: _status, arguments: _arguments, input: _input, ...call } = item
    const members = new Members(call, 'item', 'reply')
    this.#part = decodeCall(members, item.type ?? null, { joined, split: name => ({ name }) })
    this.#told = new Told(nextIndex())
  }

  added(): Event[] {
    return [{ type: 'open', choice: 0, index: this.#told.index, part: this.#part }]
  }

  read(type: string, event: JsonObject): Event[] | undefined {
    const known = CALL_EVENTS.exec(type)
    if (!known) return undefined
    return known[1] === 'delta' ? this.#told.delta(event.delta) : this.#told.rest(event.arguments ?? event.input)
  }

  done(item: JsonObject): Event[] {
    this.item = item
    return [...(this.#told.closed ? [] : this.#told.rest(item.arguments ?? item.input)), ...this.#told.close()]
  }

  leave(): Event[] {
    return this.#told.close()
  }
}

const REASONING_EVENTS =
  /^response\.(?:reasoning_(?:summary_part|summary_text|summary|text)|content_part)\.(?:added|delta|done)$/

/** Reasoning opens with its first text: whether that is a summary or the reasoning itself is not known before. */
class ComingReasoning implements Coming {
  item: JsonObject
  readonly #nextIndex: () => number
  #told: Told | undefined
  #kind: 'summary' | 'content' | undefined
  #paragraph: Json | undefined

  constructor(item: JsonObject, nextIndex: () => number) {
    this.item = item
    this.#nextIndex = nextIndex
  }

  added(): Event[] {
    return []
  }

  read(type: string, event: JsonObject): Event[] | undefined {
    if (type === 'response.reasoning_text.delta') return this.#text('content', event.delta)
    if (type === 'response.reasoning_summary_text.delta') {
      const isNext = this.#paragraph !== undefined && this.#paragraph !== event.summary_index
      this.#paragraph = event.summary_index ?? 0
      return [...(isNext ? this.#text('summary', PARAGRAPH) : []), ...this.#text('summary', event.delta)]
    }
    return REASONING_EVENTS.test(type) ? [] : undefined
  }

  #text(kind: 'summary' | 'content', text: Json | undefined): Event[] {
    const events = this.#open(kind)
    return this.#kind === kind ? [...events, ...this.#told!.delta(text)] : events
  }

  #open(kind: 'summary' | 'content' | undefined): Event[] {
    if (this.#told) return []
    this.#told = new Told(this.#nextIndex())
    this.#kind = kind
    const spelling = { ...given({ id: this.item.id }), ...(kind === 'content' && { content: true }) } as JsonObject
    const part: Part = { type: 'thinking', text: '', ...given({ spelling: sealedIf(spelling) }) }
    return [{ type: 'open', choice: 0, index: this.#told.index, part }]
  }

  done(item: JsonObject): Event[] {
    this.item = item
    if (this.#told?.closed) return []
    const carried = decodeCarried(item)
    // A seal for another part, of a gateway before us: that part is long closed.
    if (carried && !carried.part) return [{ type: 'native', seal: sealed({ type: 'response.output_item.done', item }) }]
    const whole = decodeReasoning(item, 'item', 'reply')
    const part = carried?.part ?? whole
    const events = this.#open(objectOf(whole.spelling?.value).content === true ? 'content' : 'summary')
    const text = this.#kind === 'summary' ? summaryOf(item) : whole.text
    const { index } = this.#told!
    this.#told!.closed = true
    const seal = 'seal' in part ? given({ seal: part.seal }) : {}
    return [...events, ...this.#told!.rest(text), { type: 'close', choice: 0, index, ...seal }]
  }

  leave(): Event[] {
    return this.#told?.close() ?? []
  }
}

/** What one of the provider's own tools did: its events pass as they are, the item when it is done. */
class ComingNative implements Coming {
  item: JsonObject
  readonly #nextIndex: () => number

  constructor(item: JsonObject, nextIndex: () => number) {
    this.item = item
    this.#nextIndex = nextIndex
  }

  added(event: JsonObject): Event[] {
    return [{ type: 'native', seal: sealed(event) }]
  }

  read(): undefined {
    return undefined
  }

  done(item: JsonObject): Event[] {
    this.item = item
    const at = { choice: 0, index: this.#nextIndex() }
    return [
      { type: 'open', ...at, part: nativeItem(item) },
      { type: 'close', ...at }
    ]
  }

  leave(): Event[] {
    return []
  }
}
