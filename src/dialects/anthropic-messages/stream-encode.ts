import { Failure } from '../../errors.ts'
import { isObject, type JsonObject } from '../../json.ts'
import { mergeUsage, type Usage } from '../../usage.ts'
import type { Event, Part, Seal } from '../canonical.ts'
import type { EncoderOptions, StreamEncoder, WriteEvent } from '../dialect.ts'
import { encodingFunctions } from '../freeform.ts'
import { loseUsage } from '../members.ts'
import { encodePart, isForeign, isOwnCitation } from './encode-part.ts'
import { streamError } from './failure.ts'
import { given, lose, NAME, restore } from './members.ts'
import { encodeFinish, type Seen } from './response.ts'
import { encodeCallSeal, encodeSignature } from './signature.ts'
import { encodeUsage, NO_USAGE } from './usage.ts'

export function ping(write: WriteEvent): string {
  return write('ping', '{"type": "ping"}')
}

export function streamEnd(write: WriteEvent): string {
  return write('message_stop', '{"type":"message_stop"}')
}

/** How much of the parts that wait for their turn is held, in characters of their text. */
const HELD_CHARS_MAX = 8 * 1024 * 1024

type Delta = Extract<Event, { type: 'delta' }>

/** A part on its way to be a content block. */
interface Lane {
  part: Part
  /** Deltas that came while an earlier block was open. */
  held: Delta[]
  closed: boolean
  seal?: Seal | undefined
  /** Of thinking that only carries the seal of the call after it. */
  signature?: string
  /** The number of its block once it has one; `none` where it cannot be said. */
  block?: number | 'none'
}

/**
 * Writes a stream that clients of this dialect accept: one block open at a time, numbered as they come. Parts that
 * grow side by side (parallel tool calls) wait for each other; text and thinking make way at once when another part
 * opens, and what still comes for them becomes a new block.
 */
export function encoder(options: EncoderOptions): StreamEncoder {
  return encodingFunctions(new Stream(options))
}

class Stream {
  readonly #options: EncoderOptions
  /** In order of opening; the first is the one whose block is open. */
  #queue: Lane[] = []
  readonly #lanes = new Map<number, Lane>()
  #begun = false
  #ended = false
  #blocks = 0
  #heldChars = 0
  #usage: Partial<Usage> = {}
  /** Whether the start told what the prompt took. */
  #counted = false
  #end: Extract<Event, { type: 'finish' }> | undefined
  #seen: Seen = { refusal: false, toolCall: false }

  constructor(options: EncoderOptions) {
    this.#options = options
  }

  push(event: Event): string {
    if (this.#ended) return ''
    if ('choice' in event && event.choice !== 0) {
      this.#lose(`choices[${event.choice}]`)
      return ''
    }
    switch (event.type) {
      case 'start':
        return this.#start(event)
      case 'open':
        return this.#begin() + this.#open(event.index, event.part)
      case 'delta':
        return this.#begin() + this.#delta(event)
      case 'close':
        return this.#close(event.index, event.seal)
      case 'finish':
        this.#end = event
        return ''
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage)
        return ''
      case 'ping':
        return ping(this.#options.write)
      case 'native':
        return this.#native(event.seal)
      case 'failed':
        this.#ended = true
        return streamError(event.failure, '', this.#options.write)
      case 'end':
        return this.#begin() + this.#finish()
    }
  }

  #start(event: Extract<Event, { type: 'start' }>): string {
    if (this.#begun) return ''
    this.#begun = true
    this.#usage = mergeUsage(this.#usage, event.usage ?? {})
    this.#counted = event.usage?.inputTokens !== undefined
    const message: JsonObject = {
      id: event.id,
      type: 'message',
      role: 'assistant',
      model: event.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      // Clients read these counts without asking; a maker that counts at the end gets zeros here.
      usage: this.#counted ? { output_tokens: 0, ...encodeUsage(this.#usage) } : NO_USAGE
    }
    return this.#say('message_start', { message: restore(message, event, '', this.#options.losses) })
  }

  /** A stream whose maker never said a start has one all the same. */
  #begin(): string {
    return this.#begun ? '' : this.#start({ type: 'start', id: 'msg_unnamed', model: '' })
  }

  #open(index: number, part: Part): string {
    if (part.type === 'refusal') this.#seen.refusal = true
    if (part.type === 'tool-call') this.#seen.toolCall = true
    const lane: Lane = { part, held: [], closed: false, seal: part.type === 'thinking' ? part.seal : undefined }
    this.#lanes.set(index, lane)
    if (part.type === 'tool-call' && part.seal && isForeign(part.seal)) this.#queue.push(carrierOf(part.id, part.seal))
    this.#queue.push(lane)
    const initial = initialText(part)
    if (initial !== '') this.#hold(lane, { type: 'delta', choice: 0, index, text: initial })
    return this.#advance()
  }

  #delta(event: Delta): string {
    if (event.logprobs !== undefined) this.#lose('choices[0].logprobs')
    const lane = this.#lanes.get(event.index)
    if (lane === undefined) return ''
    if (lane === this.#queue[0]) return this.#write(lane, event)
    if (this.#queue.includes(lane)) {
      this.#hold(lane, event)
      return ''
    }
    // Its block made way and is closed: the words go on in a new one.
    return this.#open(event.index, withoutText(lane.part)) + this.#delta(event)
  }

  #close(index: number, seal: Seal | undefined): string {
    const lane = this.#lanes.get(index)
    if (lane === undefined) return ''
    const waits = this.#queue.includes(lane)
    // Only a block that is still open can be signed, and only thinking has a place for a signature.
    if (seal && lane.part.type === 'thinking' && waits) sign(lane, seal)
    else if (seal && lane.part.type !== 'native' && !isSealed(lane.part))
      this.#lose(`choices[0].content[${index}].signature`)
    lane.closed = true
    return waits ? this.#advance() : ''
  }

  /**
   * Writes what the first in the queue held, and goes on to the next ones while they are done. Words are done when
   * another part waits; a tool call must be whole before the next block begins.
   */
  #advance(): string {
    let text = ''
    for (let lane = this.#queue[0]; lane; lane = this.#queue[0]) {
      text += this.#unhold(lane)
      const makesWay = isWords(lane.part) && this.#queue.length > 1
      if (!lane.closed && !makesWay) return text
      text += this.#stop(lane)
      this.#queue.shift()
    }
    return text
  }

  #hold(lane: Lane, event: Delta): void {
    this.#heldChars += event.text?.length ?? 0
    if (this.#heldChars > HELD_CHARS_MAX) {
      throw new Failure('provider_malformed', "Parts of the provider's stream run side by side for too long.")
    }
    lane.held.push(event)
  }

  #unhold(lane: Lane): string {
    // Words begin with their first delta: an empty text block would be refused when the client sends it back.
    let text = isWords(lane.part) && !isRedacted(lane.part) ? '' : this.#startBlock(lane)
    for (const event of lane.held) {
      this.#heldChars -= event.text?.length ?? 0
      text += this.#write(lane, event)
    }
    lane.held = []
    return text
  }

  #startBlock(lane: Lane): string {
    if (lane.block !== undefined) return ''
    const block = startOf(lane.part, this.#options, this.#blocks)
    lane.block = block === undefined ? 'none' : this.#blocks++
    if (lane.block === 'none') return ''
    return this.#say('content_block_start', { index: lane.block, content_block: block })
  }

  #write(lane: Lane, event: Delta): string {
    const delta = this.#nativeDelta(lane.part, event)
    if (delta === undefined) return ''
    const start = this.#startBlock(lane)
    return lane.block === 'none' ? '' : start + this.#say('content_block_delta', { index: lane.block!, delta })
  }

  #nativeDelta(part: Part, event: Delta): JsonObject | undefined {
    if (event.seal?.maker === NAME && isObject(event.seal.value)) return event.seal.value
    if (event.citation !== undefined) {
      if (isOwnCitation(event.citation)) return { type: 'citations_delta', citation: event.citation }
      this.#lose('choices[0].citations')
    }
    if (event.text === undefined || event.text === '') return undefined
    switch (part.type) {
      case 'thinking':
        return { type: 'thinking_delta', thinking: event.text }
      case 'tool-call':
        return { type: 'input_json_delta', partial_json: event.text }
      case 'text':
      case 'refusal':
        return { type: 'text_delta', text: event.text }
      default:
        return undefined
    }
  }

  #stop(lane: Lane): string {
    const signs = lane.part.type === 'thinking' && !isRedacted(lane.part)
    // Thinking whose words are kept back is a signature alone.
    const start = signs && lane.seal ? this.#startBlock(lane) : ''
    const index = lane.block
    if (index === undefined || index === 'none') return ''
    const delta = {
      type: 'signature_delta',
      signature: lane.signature ?? encodeSignature({ ...lane.part, ...given({ seal: lane.seal }) })
    }
    const signature = signs ? this.#say('content_block_delta', { index, delta }) : ''
    return start + signature + this.#say('content_block_stop', { index })
  }

  #native(seal: Seal): string {
    if (seal.maker === NAME && isObject(seal.value)) return this.#say(String(seal.value.type), seal.value)
    this.#lose('event')
    return ''
  }

  #finish(): string {
    this.#ended = true
    for (const lane of this.#queue) lane.closed = true
    const blocks = this.#advance()
    const { losses } = this.#options
    const end = this.#end
    const delta: JsonObject = end
      ? encodeFinish(end.finish, this.#seen, losses)
      : { stop_reason: null, stop_sequence: null }
    loseUsage(this.#usage, NAME, losses)
    const { cache_creation, service_tier, ...counts } = encodeUsage(this.#usage)
    // The provider says these at the start; a maker that counts at the end says them here.
    const usage = this.#counted ? counts : { ...counts, ...given({ cache_creation, service_tier }) }
    const { context_management, ...ended } = restore(delta, end ?? {}, 'choices[0]', losses)
    const beside: JsonObject = context_management === undefined ? {} : { context_management }
    return (
      blocks +
      this.#say('message_delta', { delta: ended, usage: { output_tokens: 0, ...usage }, ...beside }) +
      streamEnd(this.#options.write)
    )
  }

  #say(type: string, members: JsonObject): string {
    return this.#options.write(type, JSON.stringify({ type, ...members }))
  }

  #lose(name: string): void {
    lose(this.#options.losses, name)
  }
}

/** A call says its seal when it opens; what carries it stands before the call. */
function isSealed(part: Part): boolean {
  return part.type === 'tool-call' && part.seal !== undefined
}

/** Whole as it is: its block is only there to be signed. */
function carrierOf(id: string, seal: Seal): Lane {
  return { part: { type: 'thinking', text: '' }, held: [], closed: true, seal, signature: encodeCallSeal(id, seal) }
}

function isWords(part: Part): boolean {
  return part.type === 'text' || part.type === 'thinking' || part.type === 'refusal'
}

/** Before its block has begun, the seal may still say that it is a redacted one. */
function sign(lane: Lane, seal: Seal): void {
  lane.seal = seal
  if (lane.block === undefined && lane.part.type === 'thinking') lane.part = { ...lane.part, seal }
}

/** Redacted thinking is whole from the start: it has no words to wait for and nothing to sign. */
function isRedacted(part: Part): boolean {
  return part.type === 'thinking' && part.seal?.maker === NAME && isObject(part.seal.value)
}

function initialText(part: Part): string {
  switch (part.type) {
    case 'text':
    case 'thinking':
    case 'refusal':
      return part.text
    case 'tool-call':
      return part.input
    default:
      return ''
  }
}

function withoutText(part: Part): Part {
  return part.type === 'text' || part.type === 'refusal' || part.type === 'thinking' ? { ...part, text: '' } : part
}

/** What `content_block_start` holds: the block before its first delta. */
function startOf(part: Part, options: EncoderOptions, index: number): JsonObject | undefined {
  const path = `choices[0].content[${index}]`
  const spot = { path, losses: options.losses, own: true, side: 'response', role: 'assistant' } as const
  switch (part.type) {
    case 'text':
      return encodePart({ ...part, text: '' }, spot)
    case 'refusal':
      return { type: 'text', text: '' }
    case 'thinking':
      return isRedacted(part) ? encodePart(part, spot) : { type: 'thinking', thinking: '', signature: '' }
    case 'tool-call':
      return encodePart({ ...part, input: '{}' }, spot)
    default:
      return encodePart(part, { ...spot, own: part.type === 'native' && part.seal.maker === NAME })
  }
}
