import type { Event, PartType } from '../dialects/canonical.ts'
import type { Told } from './told.ts'

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>

/** The new answer does not begin as the old one did: to put them together would be to make something up. */
export const DIVERGED = Symbol('diverged')

/** A part of the new answer. */
interface Piece {
  type: PartType
  /** The client's number of it, once it has one. */
  index: number | undefined
  /** The client gets nothing of it. */
  isDropped: boolean
  /** Nothing of it was said before. */
  isNew: boolean
}

/**
 * Fits the answer of another attempt onto what the client has of the broken one, event by event. A `restart` says
 * everything again: the text that the client has is compared and skipped. A `prefill` goes on from that text, less the
 * white space at its end, which is skipped where it comes again. Parts get the client's numbers; thinking is skipped
 * where the client has text already (it is older than that text), and else begins anew beside what was thought before.
 */
export class Splice {
  readonly #told: Told
  /** Text that must come first, and is not sent again. */
  #skip: string
  /** White space that may come first, and is not sent again. */
  #spare: string
  /** By the numbers of the new answer. */
  readonly #parts = new Map<number, Piece>()

  constructor(told: Told, how: 'prefill' | 'restart') {
    this.#told = told
    this.#skip = how === 'restart' ? told.text : ''
    this.#spare = how === 'prefill' ? told.text.slice(told.text.trimEnd().length) : ''
  }

  /** What the client gets for this event. */
  fit(event: Event): Event[] | typeof DIVERGED {
    switch (event.type) {
      // It has begun already.
      case 'start':
        return event.usage ? [{ type: 'usage', usage: event.usage }] : []
      case 'open':
        return event.choice === 0 ? this.#open(event) : []
      case 'delta':
        return event.choice === 0 ? this.#delta(event) : []
      case 'close':
        return event.choice === 0 ? this.#close(event) : []
      case 'finish':
        if (event.choice !== 0) return []
        return this.#skip === '' ? [...this.#seam(), event] : DIVERGED
      case 'native':
        return this.#skip === '' ? [event] : []
      default:
        return [event]
    }
  }

  #open(event: EventOf<'open'>): Event[] | typeof DIVERGED {
    const { type } = event.part
    const isDropped = type === 'thinking' && this.#told.text !== ''
    const part: Piece = { type, index: undefined, isDropped, isNew: this.#skip === '' }
    this.#parts.set(event.index, part)
    if (isDropped) return []
    if (type === 'text') {
      // Opened when its first new text comes. A text that it opens with comes like any other.
      const { text } = event.part
      return text === '' ? [] : this.#delta({ type: 'delta', choice: 0, index: event.index, text })
    }
    if (this.#skip !== '') return DIVERGED
    part.index = this.#told.nextIndex
    return [...this.#seam(), { ...event, index: part.index }]
  }

  #delta(event: EventOf<'delta'>): Event[] | typeof DIVERGED {
    const part = this.#parts.get(event.index)
    if (!part || part.isDropped) return []
    if (part.type !== 'text') return [{ ...event, index: part.index! }]
    const text = event.text ?? ''
    const rest = this.#unsaid(text)
    if (rest === undefined) return DIVERGED
    // What goes with text that was skipped, the client has.
    if (rest === '' && (text !== '' || (part.index === undefined && !part.isNew))) return []
    const opening = part.index === undefined ? this.#openText(part) : []
    if (rest === text) return [...opening, { ...event, index: part.index! }]
    // Probabilities of tokens of which a part was skipped belong to nothing that is sent.
    return [...opening, { type: 'delta', choice: 0, index: part.index!, text: rest }]
  }

  /** New text goes on in the text that is open, else in a part of its own. */
  #openText(part: Piece): Event[] {
    const { open, nextIndex } = this.#told
    if (open?.type === 'text') {
      part.index = open.index
      return []
    }
    part.index = nextIndex
    return [...this.#seam(), { type: 'open', choice: 0, index: nextIndex, part: { type: 'text', text: '' } }]
  }

  /** What of the text the client does not have; undefined where it is another one. */
  #unsaid(text: string): string | undefined {
    const count = Math.min(text.length, this.#skip.length)
    if (text.slice(0, count) !== this.#skip.slice(0, count)) return undefined
    this.#skip = this.#skip.slice(count)
    let rest = text.slice(count)
    while (this.#spare !== '' && rest !== '') {
      const isSame = rest[0] === this.#spare[0]
      this.#spare = isSame ? this.#spare.slice(1) : ''
      if (isSame) rest = rest.slice(1)
    }
    return rest
  }

  #close(event: EventOf<'close'>): Event[] {
    const index = this.#parts.get(event.index)?.index
    return index === undefined ? [] : [{ ...event, index }]
  }

  /** Closes what the broken attempt left open. */
  #seam(): Event[] {
    const { open } = this.#told
    return open ? [{ type: 'close', choice: 0, index: open.index }] : []
  }
}
