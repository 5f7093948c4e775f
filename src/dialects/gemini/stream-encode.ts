import { Failure } from '../../errors.ts'
import { isObject, type JsonObject } from '../../json.ts'
import { mergeUsage, type Usage } from '../../usage.ts'
import type { Event, Part, Seal } from '../canonical.ts'
import type { EncoderOptions, StreamEncoder } from '../dialect.ts'
import { encodingFunctions } from '../freeform.ts'
import { loseUsage } from '../members.ts'
import { encodePart, signCalls } from './encode-part.ts'
import { streamError } from './failure.ts'
import { encodeFinish } from './finish.ts'
import { encodeLogprobs } from './logprobs.ts'
import { given, lose, NAME, ours, respell, restore } from './members.ts'
import { isNobody } from './response.ts'
import { encodeSignature } from './signature.ts'
import type { Spot } from './spot.ts'
import { encodeUsage, UNSAID } from './usage.ts'

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>

/** How much of the arguments of calls that are coming in is held, in characters. */
const HELD_CHARS_MAX = 8 * 1024 * 1024

interface Choice {
  parts: Map<number, Part>
  /** Whether a call was written, whose signature stands for the calls of the turn. */
  called: boolean
}

/**
 * Writes a stream as Google does: every chunk a reply with the next words. Calls are whole, since its clients take no
 * pieces of arguments unless they asked, and the last chunk has the finish of every candidate and the usage.
 */
export function encoder(options: EncoderOptions): StreamEncoder {
  return encodingFunctions(new GeminiStreamEncoder(options))
}

class GeminiStreamEncoder implements StreamEncoder {
  readonly #options: EncoderOptions
  readonly #choices = new Map<number, Choice>()
  readonly #finishes: EventOf<'finish'>[] = []
  #head: JsonObject = {}
  #usage: Partial<Usage> = {}
  #heldChars = 0
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
        this.#finishes.push(event)
        return ''
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage)
        return ''
      case 'native':
        return this.#native(event.seal)
      case 'failed':
        this.#over = true
        return streamError(event.failure, '', this.#options.write)
      case 'end':
        return this.#end()
      case 'ping':
        return ''
    }
  }

  #start(event: EventOf<'start'>): string {
    this.#usage = mergeUsage(this.#usage, event.usage ?? {})
    this.#head = restore({ modelVersion: event.model, responseId: event.id }, event, '', this.#options.losses)
    return ''
  }

  #choice(index: number): Choice {
    const known = this.#choices.get(index)
    if (known) return known
    const choice: Choice = { parts: new Map(), called: false }
    this.#choices.set(index, choice)
    return choice
  }

  #write(chunk: JsonObject): string {
    return this.#options.write('', JSON.stringify(respell({ ...chunk, ...this.#head })))
  }

  #say(choice: number, parts: JsonObject[], more: JsonObject = {}): string {
    return this.#write({ candidates: [{ content: { role: 'model', parts }, index: choice, ...more }] })
  }

  #spot(choice: number, index: number, own: boolean): Spot {
    const path = `candidates[${choice}].content[${index}]`
    return { path, losses: this.#options.losses, own, side: 'response', role: 'model', names: new Map() }
  }

  #open({ choice, index, part }: EventOf<'open'>): string {
    this.#choice(choice).parts.set(index, { ...part })
    if (part.type === 'text' || part.type === 'thinking' || part.type === 'refusal') {
      restore({}, part, this.#spot(choice, index, false).path, this.#options.losses)
      return part.text === '' ? '' : this.#words(choice, part, part.text)
    }
    if (part.type === 'tool-call') {
      this.#hold(part.input)
      return ''
    }
    const parts = encodePart(part, this.#spot(choice, index, false))
    return parts.length > 0 ? this.#say(choice, parts) : ''
  }

  #hold(text: string): void {
    this.#heldChars += text.length
    if (this.#heldChars > HELD_CHARS_MAX) {
      throw new Failure(
        'provider_malformed',
        "The arguments of a call in the provider's stream are too long to be held."
      )
    }
  }

  #words(choice: number, part: Part, text: string, more?: JsonObject): string {
    return this.#say(choice, [{ text, ...(part.type === 'thinking' ? { thought: true } : {}) }], more)
  }

  #delta({ choice, index, text, citation, logprobs }: EventOf<'delta'>): string {
    const part = this.#choice(choice).parts.get(index)
    if (citation !== undefined && !isGrounding(citation)) {
      lose(this.#options.losses, `${this.#spot(choice, index, false).path}.citations`)
    }
    const logprobsResult = encodeLogprobs(logprobs)
    if (logprobs !== undefined && !logprobsResult) lose(this.#options.losses, `candidates[${choice}].logprobs`)
    if (!part || (!text && !logprobsResult)) return ''
    if (part.type === 'tool-call') {
      this.#hold(text ?? '')
      part.input += text ?? ''
      return ''
    }
    return this.#words(choice, part, text ?? '', given({ logprobsResult }) as JsonObject)
  }

  #close({ choice, index, seal }: EventOf<'close'>): string {
    const known = this.#choice(choice)
    const part = known.parts.get(index)
    known.parts.delete(index)
    if (!part) return ''
    const signed = { ...part, ...given({ seal: seal ?? sealOf(part) }) } as Part
    if (signed.type === 'tool-call') return this.#call(known, choice, index, signed)
    if (signed.type !== 'text' && signed.type !== 'thinking') return ''
    const thoughtSignature = encodeSignature(signed)
    // The words went before it: it follows them in a part of its own, as Google has it too.
    return thoughtSignature === undefined ? '' : this.#signature(choice, signed, thoughtSignature)
  }

  #signature(choice: number, part: Part, thoughtSignature: string): string {
    const thought = part.type === 'thinking' ? { thought: true } : {}
    return this.#say(choice, [{ text: '', ...thought, thoughtSignature }])
  }

  #call(known: Choice, choice: number, index: number, part: Extract<Part, { type: 'tool-call' }>): string {
    this.#heldChars -= part.input.length
    const own = part.seal?.maker === NAME || part.spelling?.maker === NAME
    const parts = encodePart(part, this.#spot(choice, index, own))
    const first = !known.called
    known.called = true
    return this.#say(choice, first && !own ? signCalls(parts) : parts)
  }

  /** A chunk of our own that we did not understand; another dialect's event is named by its type. */
  #native(seal: Seal): string {
    if (seal.maker === NAME) return this.#write(ours(seal))
    const type = isObject(seal.value) && typeof seal.value.type === 'string' ? seal.value.type : 'event'
    lose(this.#options.losses, type)
    return ''
  }

  #end(): string {
    this.#over = true
    const { losses } = this.#options
    const open = [...this.#choices].flatMap(([choice, { parts }]) =>
      [...parts.keys()].map(index => this.#close({ type: 'close', choice, index }))
    )
    const candidates = this.#finishes.filter(event => !isNobody(event)).map(event => this.#candidate(event))
    loseUsage(this.#usage, NAME, losses, UNSAID)
    const isUsed = Object.keys(this.#usage).length > 0
    if (candidates.length === 0 && this.#finishes.length === 0 && !isUsed) return open.join('')
    const last = {
      ...(candidates.length > 0 ? { candidates } : {}),
      ...(isUsed ? { usageMetadata: encodeUsage(this.#usage) } : {})
    }
    return open.join('') + this.#write(last)
  }

  #candidate({ choice, finish, logprobs, rest }: EventOf<'finish'>): JsonObject {
    const { losses } = this.#options
    const path = `candidates[${choice}]`
    const logprobsResult = encodeLogprobs(logprobs)
    const made = {
      content: { role: 'model', parts: [{ text: '' }] },
      ...encodeFinish(finish, path, losses),
      index: choice,
      ...given({ logprobsResult })
    }
    return restore(made, given({ rest }), path, losses)
  }
}

function sealOf(part: Part): Seal | undefined {
  return part.type === 'text' || part.type === 'thinking' || part.type === 'tool-call' ? part.seal : undefined
}

/** Ours come again with the metadata they are from. */
function isGrounding(citation: unknown): boolean {
  return isObject(citation) && citation.type === 'grounding'
}
