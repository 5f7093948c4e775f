import type { Json, JsonObject } from '../../json.ts'
import type { Event, Part, Seal } from '../canonical.ts'
import { encodeCitation, isPlaced } from './citations.ts'
import { callItem, encodeWords, type ItemSpot, isSilent, messageItem, type ToolCall, type Words } from './items.ts'
import { given, loseForeign, merge, objectOf, ours, spelt } from './members.ts'
import { PARAGRAPH, reasoningItem } from './reasoning.ts'
import { wordsWith } from './response.ts'

type Delta = Extract<Event, { type: 'delta' }>
type Thinking = Extract<Part, { type: 'thinking' }>

/** What the writers of items share: the stream they write, and where finished items go. */
export interface Desk {
  readonly spot: ItemSpot
  say(type: string, members: JsonObject): string
  /** Says that the item at this place is done, and keeps it for the whole response. */
  finish(index: number, item: JsonObject): string
}

/** A part on its way out. */
export interface Lane {
  part: Part
  delta(event: Delta): string
  close(seal: Seal | undefined): string
}

/** A message: parts of text and refusal, told one after the other; done when another item begins. */
export class MessageWriter {
  readonly #desk: Desk
  readonly #index: number
  readonly #id: string
  readonly #lanes: WordsLane[] = []
  #left = false

  constructor(desk: Desk, index: number, first: Part) {
    this.#desk = desk
    this.#index = index
    const { id } = objectOf(spelt(first, 'item'))
    this.#id = typeof id === 'string' ? id : desk.spot.id('msg', index)
  }

  begin(first: Part): string {
    const { part: _, ...rest } = ours(first.rest)
    const item = { id: this.#id, type: 'message', status: 'in_progress', role: 'assistant', content: [], ...rest }
    return this.#desk.say('response.output_item.added', { output_index: this.#index, item })
  }

  open(part: Words, partIndex: number): { lane: Lane; text: string } {
    const at = { item_id: this.#id, output_index: this.#index, content_index: this.#lanes.length }
    const lane = new WordsLane(this.#desk, at, part, partIndex, () => this.#doneIf())
    this.#lanes.push(lane)
    return { lane, text: lane.begin(part) }
  }

  /** Another item begins, or the stream ends. */
  leave(): string {
    if (this.#left) return ''
    this.#left = true
    return this.#doneIf()
  }

  #doneIf(): string {
    if (!this.#left || this.#lanes.some(lane => !lane.closed)) return ''
    const words = this.#lanes.map(lane => [lane.whole(), lane.partIndex] as [Words, number])
    return this.#desk.finish(this.#index, messageItem(words, this.#id, this.#desk.spot))
  }
}

class WordsLane implements Lane {
  part: Words
  readonly partIndex: number
  closed = false
  readonly #desk: Desk
  readonly #at: JsonObject
  readonly #done: () => string
  readonly #citations: Json[] = []
  readonly #logprobs: Json[] = []
  #cited = 0

  constructor(desk: Desk, at: JsonObject, part: Words, partIndex: number, done: () => string) {
    this.#desk = desk
    this.#at = at
    this.part = part.type === 'native' ? part : { ...part, text: '' }
    this.partIndex = partIndex
    this.#done = done
  }

  begin(part: Words): string {
    const native = encodeWords(withoutCitations(this.part), '', { ...this.#desk.spot, losses: [] })
    const added = this.#say('response.content_part.added', { part: native })
    if (part.type === 'native') return added
    if (part.type === 'text') this.#citations.push(...(part.citations ?? []))
    return added + (part.text === '' ? '' : this.#text(part.text, []))
  }

  #say(type: string, members: JsonObject): string {
    return this.#desk.say(type, { ...this.#at, ...members })
  }

  delta({ text = '', citation, logprobs }: Delta): string {
    if (citation !== undefined) this.#citations.push(citation)
    const { content } = objectOf(logprobs)
    const listed = Array.isArray(content) ? content : []
    this.#logprobs.push(...listed)
    const cited = citation !== undefined && isPlaced(citation) ? this.#cite(this.#citations.length) : ''
    return (text === '' ? '' : this.#text(text, listed)) + cited
  }

  #text(text: string, logprobs: Json[]): string {
    if (this.part.type === 'native') return ''
    this.part.text += text
    if (this.part.type === 'refusal') return this.#say('response.refusal.delta', { delta: text })
    return this.#say('response.output_text.delta', { delta: text, logprobs })
  }

  /** Tells the citations up to this one; those without a place of their own belong to the whole text. */
  #cite(end: number): string {
    const length = this.part.type === 'text' ? this.part.text.length : 0
    const annotations = this.#citations.slice(0, end).map(citation => encodeCitation(citation, 0, length))
    const known = annotations.filter(annotation => annotation !== undefined)
    const said = known
      .slice(this.#cited)
      .map((annotation, index) =>
        this.#say('response.output_text.annotation.added', { annotation_index: this.#cited + index, annotation })
      )
    this.#cited = known.length
    return said.join('')
  }

  /** The part as it stands in the whole reply. */
  whole(): Words {
    const { part } = this
    if (part.type !== 'text') return part
    const cited: Words = { ...part, ...(this.#citations.length > 0 && { citations: this.#citations }) }
    return this.#logprobs.length > 0 ? (wordsWith(cited, this.#logprobs) as Words) : cited
  }

  close(seal: Seal | undefined): string {
    if (this.closed) return ''
    this.closed = true
    if (seal && this.part.type === 'text') this.part = { ...this.part, seal }
    // What is lost is named once, with the finished item.
    const native = encodeWords(this.whole(), '', { ...this.#desk.spot, losses: [] })
    return this.#cite(this.#citations.length) + this.#textDone(native) + this.#partDone(native) + this.#done()
  }

  #textDone({ text, refusal, logprobs = [] }: JsonObject): string {
    if (typeof text === 'string') return this.#say('response.output_text.done', { text, logprobs })
    return typeof refusal === 'string' ? this.#say('response.refusal.done', { refusal }) : ''
  }

  #partDone(part: JsonObject): string {
    return this.#say('response.content_part.done', { part })
  }
}

function withoutCitations(part: Words): Words {
  if (part.type !== 'text') return part
  const { citations: _, ...bare } = part
  return bare
}

/** A function call or a call of a custom tool. */
export class CallLane implements Lane {
  part: ToolCall
  readonly #desk: Desk
  readonly #at: { item_id: string; output_index: number }
  readonly #path: string
  #closed = false

  constructor(desk: Desk, index: number, part: ToolCall, partIndex: number) {
    this.#desk = desk
    const id = spelt(part, 'id')
    const made = desk.spot.id(part.freeform ? 'ctc' : 'fc', index)
    this.part = { ...part, input: '' }
    this.#at = { item_id: typeof id === 'string' ? id : made, output_index: index }
    this.#path = `${desk.spot.path}.content[${partIndex}]`
  }

  begin(input: string): string {
    const empty: JsonObject = this.part.freeform ? {} : { arguments: '' }
    const item = merge(this.#item([]), { status: 'in_progress', ...empty })
    const added = this.#desk.say('response.output_item.added', { output_index: this.#at.output_index, item })
    return added + this.delta({ type: 'delta', choice: 0, index: 0, text: input })
  }

  #item(losses = this.#desk.spot.losses): JsonObject {
    return callItem(this.part, this.#at.item_id, this.#path, { ...this.#desk.spot, losses })
  }

  delta({ text = '' }: Delta): string {
    if (text === '') return ''
    this.part.input += text
    const type = this.part.freeform ? 'response.custom_tool_call_input.delta' : 'response.function_call_arguments.delta'
    return this.#desk.say(type, { ...this.#at, delta: text })
  }

  close(seal: Seal | undefined): string {
    if (this.#closed) return ''
    this.#closed = true
    if (seal) this.part = { ...this.part, seal }
    const silent = isSilent(this.part) ? this.delta({ type: 'delta', choice: 0, index: 0, text: '{}' }) : ''
    const { input, freeform } = this.part
    const item = this.#item()
    const said = freeform
      ? this.#desk.say('response.custom_tool_call_input.done', { ...this.#at, input })
      : this.#desk.say('response.function_call_arguments.done', {
          ...this.#at,
          ...given({ name: item.name }),
          arguments: input
        })
    return silent + said + this.#desk.finish(this.#at.output_index, item)
  }
}

/** Reasoning: a summary in one part, or where the provider says so the reasoning itself. */
export class ThinkingLane implements Lane {
  part: Thinking
  readonly #desk: Desk
  readonly #at: { item_id: string; output_index: number }
  readonly #path: string
  readonly #kind: 'summary' | 'content'
  readonly #isOwn: boolean
  /** Texts of the paragraphs so far; the last one is open. */
  readonly #texts: string[] = []
  #closed = false

  constructor(desk: Desk, index: number, part: Thinking, partIndex: number) {
    this.#desk = desk
    const id = spelt(part, 'id')
    this.#path = `${desk.spot.path}.content[${partIndex}]`
    this.#kind = spelt(part, 'content') === true ? 'content' : 'summary'
    this.#isOwn = typeof id === 'string'
    this.#at = { item_id: typeof id === 'string' ? id : desk.spot.id('rs', index), output_index: index }
    this.part = { ...part, text: '' }
  }

  begin(text: string): string {
    const empty = {
      id: this.#at.item_id,
      type: 'reasoning',
      summary: [],
      ...(this.#kind === 'content' && { content: [] })
    }
    const added = this.#desk.say('response.output_item.added', { output_index: this.#at.output_index, item: empty })
    return added + this.delta({ type: 'delta', choice: 0, index: 0, text })
  }

  delta({ text = '', seal }: Delta): string {
    if (seal) this.part = { ...this.part, seal }
    if (text === '') return ''
    this.part.text += text
    // The provider's own summaries come in paragraphs.
    if (this.#isOwn && this.#kind === 'summary' && text === PARAGRAPH && this.#texts.length > 0) {
      return this.#endText() + this.#beginText()
    }
    const begun = this.#texts.length === 0 ? this.#beginText() : ''
    this.#texts.push(this.#texts.pop() + text)
    return begun + this.#say('text.delta', { delta: text })
  }

  #say(what: string, members: JsonObject): string {
    const at = this.#texts.length - 1
    if (this.#kind === 'content') {
      const type = what.startsWith('part') ? `response.content_${what}` : `response.reasoning_${what}`
      return this.#desk.say(type, { ...this.#at, content_index: at, ...members })
    }
    return this.#desk.say(`response.reasoning_summary_${what}`, { ...this.#at, summary_index: at, ...members })
  }

  #beginText(): string {
    this.#texts.push('')
    return this.#say('part.added', { part: { type: this.#type(), text: '' } })
  }

  #endText(): string {
    const text = this.#texts.at(-1)
    if (text === undefined) return ''
    return this.#say('text.done', { text }) + this.#say('part.done', { part: { type: this.#type(), text } })
  }

  #type(): string {
    return this.#kind === 'content' ? 'reasoning_text' : 'summary_text'
  }

  close(seal: Seal | undefined): string {
    if (this.#closed) return ''
    this.#closed = true
    if (seal) this.part = { ...this.part, seal }
    loseForeign(this.part.rest, this.#path, this.#desk.spot.losses)
    // An item keeps the id it was announced with.
    const item = { ...reasoningItem(this.part, this.#at.item_id), id: this.#at.item_id }
    return this.#endText() + this.#desk.finish(this.#at.output_index, item)
  }
}
