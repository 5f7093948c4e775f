import { Failure } from '../../errors.ts'
import type { Event, Part, Seal } from '../canonical.ts'

type Delta = Extract<Event, { type: 'delta' }>

/** A part on its way to be a block. */
interface Lane {
  part: Part
  /** Its number among the blocks, once it is the first in the queue. */
  block?: number
  /** Deltas that came while an earlier block was open. */
  held: Delta[]
  closed: boolean
  seal?: Seal | undefined
}

/** How much of the parts that wait for their turn is held, in characters of their text. */
const HELD_CHARS_MAX = 8 * 1024 * 1024

/**
 * Puts the parts of a stream one after the other, numbered as they come: makers may let them grow side by side
 * (parallel tool calls), clients of this dialect expect one block at a time. A tool call must be whole before the next
 * block begins; text and thinking make way at once when another part opens, and what still comes for them opens anew.
 */
export class OneByOne {
  /** In order of opening; the first is the one whose block is open. */
  readonly #queue: Lane[] = []
  readonly #lanes = new Map<number, Lane>()
  #blocks = 0
  #heldChars = 0

  open(index: number, part: Part): Event[] {
    const lane: Lane = { part, held: [], closed: false }
    this.#lanes.set(index, lane)
    this.#queue.push(lane)
    return this.#advance()
  }

  delta(event: Delta): Event[] {
    const lane = this.#lanes.get(event.index)
    if (lane === undefined) return []
    if (lane === this.#queue[0]) return [{ ...event, index: lane.block! }]
    if (this.#queue.includes(lane)) {
      this.#hold(lane, event)
      return []
    }
    return [...this.open(event.index, withoutText(lane.part)), ...this.delta(event)]
  }

  close(index: number, seal: Seal | undefined): Event[] {
    const lane = this.#lanes.get(index)
    if (lane === undefined || !this.#queue.includes(lane)) return []
    lane.closed = true
    lane.seal = seal
    return this.#advance()
  }

  /** Closes whatever is still open. */
  end(): Event[] {
    for (const lane of this.#queue) lane.closed = true
    return this.#advance()
  }

  #advance(): Event[] {
    const events: Event[] = []
    for (let lane = this.#queue[0]; lane; lane = this.#queue[0]) {
      events.push(...this.#unhold(lane))
      const makesWay = isWords(lane.part) && this.#queue.length > 1
      if (!lane.closed && !makesWay) break
      events.push({ type: 'close', choice: 0, index: lane.block!, ...(lane.seal && { seal: lane.seal }) })
      this.#queue.shift()
    }
    return events
  }

  #unhold(lane: Lane): Event[] {
    const opens = lane.block === undefined
    lane.block ??= this.#blocks++
    const index = lane.block
    const held = lane.held.map(event => ({ ...event, index }))
    for (const { text } of lane.held) this.#heldChars -= text?.length ?? 0
    lane.held = []
    return opens ? [{ type: 'open', choice: 0, index, part: lane.part }, ...held] : held
  }

  #hold(lane: Lane, event: Delta): void {
    this.#heldChars += event.text?.length ?? 0
    if (this.#heldChars > HELD_CHARS_MAX)
      throw new Failure('provider_malformed', "Parts of the provider's stream run side by side for too long.")
    lane.held.push(event)
  }
}

function isWords({ type }: Part): boolean {
  return type === 'text' || type === 'thinking' || type === 'refusal'
}

function withoutText(part: Part): Part {
  return part.type === 'text' || part.type === 'refusal' || part.type === 'thinking' ? { ...part, text: '' } : part
}
