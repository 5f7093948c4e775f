import { isObject, type JsonObject } from '../../json.ts'
import { mergeUsage, type Usage } from '../../usage.ts'
import type { Event, Part, Seal } from '../canonical.ts'
import type { EncoderOptions, StreamEncoder } from '../dialect.ts'
import { encodingFreeform } from '../freeform.ts'
import { encodeFailure } from './failure.ts'
import { encodeFinish, evidenceIn } from './finish.ts'
import { itemIds } from './ids.ts'
import { CallLane, type Desk, type Lane, MessageWriter, ThinkingLane } from './item-writers.ts'
import { goesOn, type ItemSpot, isWords } from './items.ts'
import { isForeign, lose, objectOf } from './members.ts'
import { toolNames } from './names.ts'
import { carrierFor } from './reasoning.ts'
import { encodeObject } from './response.ts'

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>

/**
 * Writes a stream as the provider does: the response as it begins, items as they come with every part begun and ended,
 * the whole response at the end, all numbered. What its accumulators put together equals that whole.
 */
export function encoder(options: EncoderOptions): StreamEncoder {
  return encodingFreeform(new Stream(options), options.request.tools)
}

class Stream implements StreamEncoder, Desk {
  spot: ItemSpot
  readonly #options: EncoderOptions
  readonly #lanes = new Map<number, Lane>()
  readonly #output: JsonObject[] = []
  /** Places of the provider's own tools' items, by id. */
  readonly #natives = new Map<string, number>()
  #head: EventOf<'start'> | undefined
  #usage: Partial<Usage> = {}
  #end: EventOf<'finish'> | undefined
  #message: MessageWriter | undefined
  #number = 0
  #items = 0
  #over = false

  constructor(options: EncoderOptions) {
    this.#options = options
    const { losses, request } = options
    this.spot = {
      path: 'choices[0]',
      losses,
      side: 'response',
      own: true,
      names: toolNames(request.tools),
      id: itemIds('')
    }
  }

  push(event: Event): string {
    if (this.#over) return ''
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
        return this.#delta(event)
      case 'close':
        return this.#close(event.index, event.seal)
      case 'finish':
        this.#end = event
        return ''
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage)
        return ''
      case 'native':
        return this.#native(event.seal)
      case 'failed':
        return this.#fail(event)
      case 'end':
        return this.#begin() + this.#finish()
      case 'ping':
        return ''
    }
  }

  say(type: string, members: JsonObject): string {
    return this.#options.write(type, JSON.stringify({ type, sequence_number: this.#number++, ...members }))
  }

  finish(index: number, item: JsonObject): string {
    this.#output[index] = item
    return this.say('response.output_item.done', { output_index: index, item })
  }

  #start(event: EventOf<'start'>): string {
    if (this.#head) return ''
    this.#head = event
    this.#usage = mergeUsage(this.#usage, event.usage ?? {})
    this.spot = { ...this.spot, id: itemIds(event.id) }
    const response = this.#response({ status: 'in_progress', error: null, incomplete_details: null }, {})
    return this.say('response.created', { response }) + this.say('response.in_progress', { response })
  }

  /** A stream whose maker never said a start has one all the same. */
  #begin(): string {
    return this.#head ? '' : this.#start({ type: 'start', id: 'resp_unnamed', model: '' })
  }

  #response(ended: JsonObject, usage: Partial<Usage>): JsonObject {
    const { type: _, usage: _usage, ...head } = this.#head ?? { type: 'start', id: '', model: '' }
    const output = this.#output.filter(item => item !== undefined)
    const choice = this.#end ? { choice: this.#end } : {}
    return encodeObject({ ...head, ...choice, ended, output, usage }, this.#options.request, this.#options.losses)
  }

  #delta(event: EventOf<'delta'>): string {
    const lane = this.#lanes.get(event.index)
    // Only texts have a place for the probabilities of their tokens.
    if (event.logprobs !== undefined && lane?.part.type !== 'text') this.#lose('choices[0].logprobs')
    return lane?.delta(event) ?? ''
  }

  #open(index: number, part: Part): string {
    if (isWords(part)) {
      const next = this.#message && goesOn(part) ? '' : this.#leave()
      const message = this.#message ?? new MessageWriter(this, this.#items++, part)
      const begun = this.#message ? '' : message.begin(part)
      this.#message = message
      const { lane, text } = message.open(part, index)
      this.#lanes.set(index, lane)
      return next + begun + text
    }
    return this.#leave() + this.#item(index, part)
  }

  #item(index: number, part: Part): string {
    switch (part.type) {
      case 'tool-call': {
        const lane = new CallLane(this, this.#items++, part, index)
        this.#lanes.set(index, lane)
        return lane.begin(part.input)
      }
      case 'thinking': {
        const lane = new ThinkingLane(this, this.#items++, part, index)
        this.#lanes.set(index, lane)
        return lane.begin(part.text)
      }
      case 'native':
        if (!isForeign(part.seal)) return this.#whole(part.seal.value as JsonObject)
        this.#lose(`choices[0].content[${index}].${String(objectOf(part.seal.value).type ?? 'native')}`)
        return this.#carrier(part)
      default:
        this.#lose(`choices[0].content[${index}].${part.type}`)
        return ''
    }
  }

  /** An item that is told all at once. */
  #whole(item: JsonObject): string {
    const known = typeof item.id === 'string' ? this.#natives.get(item.id) : undefined
    if (known !== undefined) return this.finish(known, item)
    const index = this.#items++
    return this.say('response.output_item.added', { output_index: index, item }) + this.finish(index, item)
  }

  #carrier(part: Part): string {
    const item = carrierFor(part, this.spot.id('rs', this.#items))
    return item ? this.#whole(item) : ''
  }

  #close(index: number, seal: Seal | undefined): string {
    const lane = this.#lanes.get(index)
    if (!lane) return ''
    this.#lanes.delete(index)
    const closed = lane.close(seal)
    const carrier = carrierFor(lane.part, '') ? this.#leave() + this.#carrier(lane.part) : ''
    return closed + carrier
  }

  #leave(): string {
    const message = this.#message
    this.#message = undefined
    return message?.leave() ?? ''
  }

  /** An event of the provider's own, in its place among ours. */
  #native(seal: Seal): string {
    const { value } = seal
    if (isForeign(seal) || !isObject(value)) {
      this.#lose(isObject(value) && typeof value.type === 'string' ? value.type : 'event')
      return ''
    }
    const { type, sequence_number: _, ...event } = value
    const { id } = objectOf(value.item)
    let before = ''
    if (type === 'response.output_item.added' && typeof id === 'string') {
      before = this.#leave()
      this.#natives.set(id, this.#items++)
    }
    const known = this.#natives.get(String(id ?? value.item_id))
    const at = known === undefined ? {} : { output_index: known }
    return this.#begin() + before + this.say(String(type), { ...event, ...at })
  }

  #fail({ failure }: EventOf<'failed'>): string {
    const begun = this.#begin()
    this.#over = true
    const response = this.#response({ status: 'failed', error: null, incomplete_details: null }, this.#usage)
    const events = encodeFailure(failure, '', response, () => this.#number++)
    return begun + events.map(([event, data]) => this.#options.write(event, JSON.stringify(data))).join('')
  }

  #finish(): string {
    const closed = [...this.#lanes.keys()].map(index => this.#close(index, undefined)).join('') + this.#leave()
    this.#over = true
    if (this.#end?.logprobs !== undefined) this.#lose('choices[0].logprobs')
    const ended = encodeFinish(this.#end?.finish, evidenceIn(this.#output.filter(isObject)), this.#options.losses)
    const response = this.#response(ended, this.#usage)
    const { status } = ended
    const type = status === 'completed' || status === 'failed' ? status : 'incomplete'
    return closed + this.say(`response.${type}`, { response })
  }

  #lose(name: string): void {
    lose(this.#options.losses, name)
  }
}
