import { isObject, type Json, type JsonObject } from '../../json.ts'
import { mergeUsage, type Usage } from '../../usage.ts'
import type { Event, Part, Seal } from '../canonical.ts'
import type { EncoderOptions, StreamEncoder } from '../dialect.ts'
import { encodingFunctions } from '../freeform.ts'
import { loseUsage } from '../members.ts'
import { encodeCitation } from './citations.ts'
import { encodePart } from './encode-part.ts'
import { streamError } from './failure.ts'
import { lose, NAME, restore } from './members.ts'
import { OneByOne } from './one-by-one.ts'
import { encodeFinish, encodeTier, replySpot, type Seen } from './response.ts'
import { encodeSignature } from './signature.ts'
import { encodeUsage, metricsOf, UNSAID } from './usage.ts'

type Delta = Extract<Event, { type: 'delta' }>

/** Writes a stream as Bedrock does: one block at a time, and the usage after the end of the message. */
export function encoder(options: EncoderOptions): StreamEncoder {
  const stream = new Stream(options)
  return encodingFunctions({ push: event => stream.push(event) })
}

class Stream {
  readonly #options: EncoderOptions
  readonly #parts = new OneByOne()
  /** The part whose block is open. */
  #part: Part | undefined
  /** Whether something of it was said: a block that says nothing is left out. */
  #said = false
  /** Blocks that were said; one that cannot be said takes no number. */
  #blocks = 0
  #begun = false
  #ended = false
  #usage: Partial<Usage> = {}
  /** What else our own dialect told with the usage. */
  #metadata: JsonObject = {}
  #finish: Extract<Event, { type: 'finish' }> | undefined
  readonly #seen: Seen = { refusal: false, toolCall: false }

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
        if (event.usage) this.#usage = mergeUsage(this.#usage, event.usage)
        restore({}, event, '', this.#options.losses)
        return this.#begin()
      case 'open':
        return this.#begin() + this.#write(this.#parts.open(event.index, event.part))
      case 'delta':
        if (event.logprobs !== undefined) this.#lose('choices[0].logprobs')
        return this.#write(this.#parts.delta(event))
      case 'close':
        return this.#write(this.#parts.close(event.index, event.seal))
      case 'finish':
        this.#finish = event
        return ''
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage)
        return ''
      case 'ping':
        return ''
      case 'native':
        return this.#native(event.seal)
      case 'failed':
        this.#ended = true
        return streamError(event.failure, '', this.#options.write)
      case 'end':
        return this.#begin() + this.#end()
    }
  }

  #begin(): string {
    if (this.#begun) return ''
    this.#begun = true
    return this.#say('messageStart', { role: 'assistant' })
  }

  #write(events: readonly Event[]): string {
    return events.map(event => this.#block(event)).join('')
  }

  /** Parts come one by one here. */
  #block(event: Event): string {
    switch (event.type) {
      case 'open':
        return this.#open(event.part)
      case 'delta':
        return this.#delta(event)
      case 'close':
        return this.#close(event.seal)
      default:
        return ''
    }
  }

  #open(part: Part): string {
    this.#part = part
    this.#said = false
    if (part.type === 'refusal') this.#seen.refusal = true
    if (part.type === 'tool-call') this.#seen.toolCall = true
    switch (part.type) {
      case 'tool-call': {
        const [block] = encodePart({ ...part, input: '' }, replySpot(true, this.#options.losses))
        const begun = this.#start({ toolUse: block!.toolUse })
        return part.input === '' ? begun : begun + this.#change({ toolUse: { input: part.input } })
      }
      case 'text':
      case 'refusal':
      case 'thinking':
        restore({}, part, this.#path(), this.#options.losses)
        return part.text === '' ? '' : this.#delta({ type: 'delta', choice: 0, index: 0, text: part.text })
      default:
        return this.#whole(part)
    }
  }

  #path(): string {
    return `choices[0].content[${this.#blocks}]`
  }

  /** A part without deltas of its own: a picture, or what only this dialect's clients can read. */
  #whole(part: Part): string {
    const spot = replySpot(part.spelling?.maker === NAME, this.#options.losses)
    const [block] = encodePart(part, { ...spot, path: this.#path() })
    if (block === undefined) return ''
    const image = isObject(block.image) ? block.image : undefined
    if (!image) return this.#start(block)
    return this.#start({ image: { format: image.format } }) + this.#change({ image: { source: image.source } })
  }

  #delta({ text, citation, seal }: Delta): string {
    const part = this.#part!
    if (part.type === 'native' || part.type === 'media') {
      return this.#said && seal?.maker === NAME ? this.#change(seal.value as JsonObject) : ''
    }
    if (seal?.maker === NAME && isObject(seal.value)) return this.#change(seal.value)
    const cited = citation === undefined ? '' : this.#cite(citation)
    if (text === undefined || (text === '' && !this.#said)) return cited
    if (part.type === 'tool-call') return cited + this.#change({ toolUse: { input: text } })
    return cited + this.#change(part.type === 'thinking' ? { reasoningContent: { text } } : { text })
  }

  #cite(citation: Json): string {
    const encoded = encodeCitation(citation)
    if (encoded) return this.#change({ citation: encoded })
    this.#lose('choices[0].citations')
    return ''
  }

  #close(seal: Seal | undefined): string {
    const part = this.#part!
    const signed = part.type === 'thinking' ? this.#sign(part, seal) : ''
    if (seal && seal.maker !== NAME && part.type !== 'thinking' && part.type !== 'native')
      this.#lose('choices[0].signature')
    this.#part = undefined
    if (!this.#said) return ''
    return signed + this.#say('contentBlockStop', { contentBlockIndex: this.#blocks++ })
  }

  /** Thinking whose words are kept back is a signature alone; what nobody said and nobody signed is nothing. */
  #sign(part: Extract<Part, { type: 'thinking' }>, closing: Seal | undefined): string {
    const seal = closing ?? part.seal
    if (seal?.maker === NAME && isObject(seal.value)) return this.#change({ reasoningContent: { ...seal.value } })
    if (!seal && !this.#said) return ''
    const signature = encodeSignature({ ...part, ...(seal && { seal }) })
    return signature === undefined ? '' : this.#change({ reasoningContent: { signature } })
  }

  #native(seal: Seal): string {
    const { event, data } = seal.maker === NAME && isObject(seal.value) ? seal.value : {}
    if (typeof event !== 'string' || !isObject(data)) {
      this.#lose('event')
      return ''
    }
    if (event !== 'metadata') return this.#say(event, data)
    this.#metadata = data
    return ''
  }

  #end(): string {
    const blocks = this.#write(this.#parts.end())
    this.#ended = true
    const { losses } = this.#options
    const finish = this.#finish
    const stop = restore(
      finish ? encodeFinish(finish.finish, this.#seen, losses) : {},
      finish ?? {},
      'choices[0]',
      losses
    )
    const own = finish?.finish.maker === NAME
    loseUsage(this.#usage, NAME, losses, UNSAID)
    const metadata = {
      usage: encodeUsage(this.#usage, own),
      ...encodeTier(this.#usage.tier, own),
      ...metricsOf(this.#usage),
      ...this.#metadata
    }
    return blocks + this.#say('messageStop', stop) + this.#say('metadata', metadata)
  }

  #start(start: JsonObject): string {
    this.#said = true
    return this.#say('contentBlockStart', { contentBlockIndex: this.#blocks, start })
  }

  #change(delta: JsonObject): string {
    this.#said = true
    return this.#say('contentBlockDelta', { contentBlockIndex: this.#blocks, delta })
  }

  #say(event: string, data: JsonObject): string {
    return this.#options.write(event, JSON.stringify(data))
  }

  #lose(name: string): void {
    lose(this.#options.losses, name)
  }
}
