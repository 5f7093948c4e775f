import { isObject, type Json, type JsonObject } from '../../json.ts'
import { mergeUsage, type Usage } from '../../usage.ts'
import type { Event, Part, Seal } from '../canonical.ts'
import type { EncoderOptions, StreamEncoder, WriteEvent } from '../dialect.ts'
import { encodingFreeform } from '../freeform.ts'
import { encodeCitation } from '../openai-citation.ts'
import { carryCallSeal, keepsCallSeal } from './call-seals.ts'
import type { ToolCall } from './calls.ts'
import { encodeStreamError } from './failure.ts'
import { encodeFinish } from './finish.ts'
import { compact, isForeign, lose, loseForeign, NAME, ours, restore, spelt } from './members.ts'
import { encodeTier } from './response.ts'
import { carriedDetails } from './thinking.ts'
import { encodeUsage } from './usage.ts'

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>

/** What ends a stream. */
export function streamEnd(write: WriteEvent): string {
  return write('', '[DONE]')
}

/** A choice that is being written. */
interface Written {
  /** Parts by their index, texts of thinking grown: what `reasoning_details` must repeat in full. */
  parts: Part[]
  /** Place in `tool_calls`, by part. */
  calls: Map<number, number>
  /** Citations of open texts, by part: where the text ends is known when it closes. */
  citations: Map<number, { start: number; list: Json[] }>
  textLength: number
  /** Lengths of texts, by part. */
  lengths: Map<number, number>
}

export function encoder(options: EncoderOptions): StreamEncoder {
  return encodingFreeform(new ChatStreamEncoder(options), options.request.tools)
}

/**
 * Writes a stream as OpenAI does: the role first, deltas, a chunk with the finish reason, one with the usage where it
 * was asked for, `[DONE]`. Nothing follows a failure. Sealed thinking of other dialects goes into one
 * `reasoning_details` delta before the finish: accumulators that append, that merge by index and that keep the last
 * value (the official SDK's) then all end with the same list.
 */
class ChatStreamEncoder implements StreamEncoder {
  readonly #options: EncoderOptions
  readonly #choices = new Map<number, Written>()
  #head: JsonObject = { id: '', object: 'chat.completion.chunk', created: 0, model: '' }
  /** Members of this dialect's own first chunk that only it carries. */
  #once: JsonObject = {}
  #usage: Partial<Usage> = {}
  #over = false

  constructor(options: EncoderOptions) {
    this.#options = options
  }

  push(event: Event): string {
    if (this.#over) return ''
    switch (event.type) {
      case 'start':
        return this.#start(event)
      case 'open':
        return this.#open(event)
      case 'delta':
        return this.#delta(event)
      case 'close':
        return this.#close(event)
      case 'finish':
        return this.#finish(event)
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage)
        return ''
      case 'native':
        return this.#native(event.seal)
      case 'failed':
        this.#over = true
        return encodeStreamError(event.failure, '', this.#options.write)
      case 'end':
        this.#over = true
        return this.#usageChunk() + streamEnd(this.#options.write)
      case 'ping':
        return ''
    }
  }

  #start(event: EventOf<'start'>): string {
    const { losses } = this.#options
    this.#usage = mergeUsage(this.#usage, event.usage ?? {})
    const rest = Object.entries(ours(event.rest) ?? {})
    loseForeign(event.rest, '', losses)
    this.#head = compact<JsonObject>({
      ...this.#head,
      id: event.id,
      created: event.created ?? 0,
      model: event.model,
      service_tier: encodeTier(event.usage?.tier),
      ...Object.fromEntries(rest.filter(([, value]) => typeof value !== 'object'))
    })
    this.#once = Object.fromEntries(rest.filter(([, value]) => typeof value === 'object'))
    return ''
  }

  #chunk(choices: Json[], more: JsonObject = {}): string {
    const usage = this.#options.request.streamUsage ? { usage: null } : {}
    const chunk = { ...this.#head, ...this.#once, choices, ...usage, ...more }
    this.#once = {}
    return this.#options.write('', JSON.stringify(chunk))
  }

  #say(choice: number, delta: JsonObject, more: { logprobs?: Json; finish?: string; rest?: JsonObject } = {}): string {
    const { logprobs = null, finish = null, rest } = more
    return this.#chunk([{ index: choice, delta, logprobs, finish_reason: finish, ...rest }])
  }

  /** The choice, and its first chunk where this is the first we hear of it. */
  #choice(choice: number, first?: Part): [Written, string] {
    const known = this.#choices.get(choice)
    if (known) return [known, '']
    const written: Written = { parts: [], calls: new Map(), citations: new Map(), textLength: 0, lengths: new Map() }
    this.#choices.set(choice, written)
    const content = first?.type === 'text' ? '' : null
    return [written, this.#say(choice, { role: 'assistant', content, refusal: null })]
  }

  #path(choice: number, index: number): string {
    return `choices[${choice}].message.content[${index}]`
  }

  #open({ choice, index, part }: EventOf<'open'>): string {
    const [written, role] = this.#choice(choice, part)
    written.parts[index] = part.type === 'thinking' ? { ...part, text: '' } : { ...part }
    const { losses } = this.#options
    switch (part.type) {
      case 'text':
      case 'thinking':
      case 'refusal': {
        const list = part.type === 'text' ? [...(part.citations ?? [])] : []
        loseForeign(part.rest, this.#path(choice, index), losses)
        written.citations.set(index, { start: written.textLength, list })
        const text = part.text === '' ? '' : this.#text(written, { choice, index, text: part.text })
        return role + text
      }
      case 'tool-call':
        return role + this.#say(choice, this.#callDelta(written, { choice, index, part }))
      default:
        lose(losses, this.#path(choice, index))
        return role
    }
  }

  #callDelta(written: Written, said: { choice: number; index: number; part: ToolCall }): JsonObject {
    const { choice, index, part } = said
    if (spelt(part, 'legacy') === true) return { function_call: { name: part.name, arguments: part.input } }
    const place = written.calls.size
    written.calls.set(index, place)
    const type = part.freeform ? 'custom' : 'function'
    const body = type === 'custom' ? { name: part.name, input: part.input } : { name: part.name, arguments: part.input }
    const carried = part.seal && isForeign(part.seal) && !keepsCallSeal(part) ? carryCallSeal(part.seal) : {}
    const call = { index: place, id: part.id, type, [type]: body, ...carried }
    return {
      tool_calls: [restore(call, part, `choices[${choice}].message.tool_calls[${place}]`, this.#options.losses)]
    }
  }

  #delta(event: EventOf<'delta'>): string {
    const { choice, index, text, logprobs, citation, seal } = event
    const [written, role] = this.#choice(choice)
    const part = written.parts[index]
    if (seal && part?.type === 'thinking') part.seal = seal
    if (citation !== undefined) written.citations.get(index)?.list.push(citation)
    if (!text && logprobs === undefined) return role
    return role + this.#text(written, { choice, index, text: text ?? '', ...(logprobs !== undefined && { logprobs }) })
  }

  #text(written: Written, said: { choice: number; index: number; text: string; logprobs?: Json }): string {
    const { choice, index, text, logprobs } = said
    const part = written.parts[index]
    const more = logprobs === undefined ? {} : { logprobs }
    switch (part?.type) {
      case 'text':
        written.textLength += text.length
        written.lengths.set(index, (written.lengths.get(index) ?? 0) + text.length)
        return this.#say(choice, { content: text }, more)
      case 'refusal':
        return this.#say(choice, { refusal: text }, more)
      case 'thinking':
        part.text += text
        return this.#say(choice, thinkingDelta(part, text), more)
      case 'tool-call': {
        if (spelt(part, 'legacy') === true) return this.#say(choice, { function_call: { arguments: text } }, more)
        const place = written.calls.get(index)!
        const body = part.freeform ? { custom: { input: text } } : { function: { arguments: text } }
        return this.#say(choice, { tool_calls: [{ index: place, ...body }] }, more)
      }
      default:
        return ''
    }
  }

  #citations(written: Written, choice: number, index: number): string {
    const { start, list } = written.citations.get(index) ?? { start: 0, list: [] }
    const annotations = list.map(citation => encodeCitation(citation, start, written.textLength))
    const said = annotations.filter(annotation => annotation !== undefined)
    if (said.length < list.length) lose(this.#options.losses, `${this.#path(choice, index)}.citations`)
    return said.length > 0 ? this.#say(choice, { annotations: said }) : ''
  }

  #close({ choice, index, seal }: EventOf<'close'>): string {
    const written = this.#choices.get(choice)
    const part = written?.parts[index]
    if (part?.type === 'text') {
      if (seal) part.seal = seal
      return this.#citations(written!, choice, index)
    }
    if (!part || !seal) return ''
    if (part.type === 'thinking' || part.type === 'native') part.seal = seal
    if (part.type === 'thinking' && seal.maker === NAME) return this.#say(choice, { reasoning_details: seal.value })
    if (part.type === 'tool-call' && isForeign(seal)) {
      return this.#say(choice, { tool_calls: [{ index: written!.calls.get(index)!, ...carryCallSeal(seal) }] })
    }
    return ''
  }

  #finish({ choice, finish, logprobs, rest }: EventOf<'finish'>): string {
    const [written, role] = this.#choice(choice)
    const { losses } = this.#options
    const details = carriedDetails(written.parts, written.lengths)
    const carried = details.length > 0 ? this.#say(choice, { reasoning_details: details }) : ''
    if (finish.stopSequence !== undefined && finish.maker !== NAME) lose(losses, `choices[${choice}].stop_sequence`)
    loseForeign(rest, `choices[${choice}]`, losses)
    const own = ours(rest)
    const more = {
      finish: encodeFinish(finish),
      ...(logprobs !== undefined && { logprobs }),
      ...(own && { rest: own })
    }
    return role + carried + this.#say(choice, {}, more)
  }

  /** A chunk of our own that we did not understand; another dialect's event is named by its type. */
  #native(seal: Seal): string {
    const own = ours(seal)
    if (own) {
      const { choices, ...members } = own
      const list = Array.isArray(choices) ? choices.filter(isObject) : []
      const full = list.map(each => ({ logprobs: null, finish_reason: null, ...each }))
      return list.map(each => this.#choice(Number(each.index))[1]).join('') + this.#chunk(full, members)
    }
    const type = isObject(seal.value) && typeof seal.value.type === 'string' ? seal.value.type : 'event'
    lose(this.#options.losses, type)
    return ''
  }

  #usageChunk(): string {
    const { losses, request } = this.#options
    loseForeign(this.#usage.rest as Seal | undefined, 'usage', losses)
    if (!request.streamUsage || this.#usage.outputTokens === undefined) return ''
    return this.#chunk([], { usage: encodeUsage(this.#usage) })
  }
}

/** Under the member it came in; Mistral's way is a list in `content`. */
function thinkingDelta(part: Extract<Part, { type: 'thinking' }>, text: string): JsonObject {
  const member = spelt(part, 'member')
  if (member === 'content') return { content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] }
  // The list that comes at the close says it in full.
  if (member === 'details') return { reasoning: text }
  return { [typeof member === 'string' ? member : 'reasoning_content']: text }
}
