import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Event, Part } from '../canonical.ts'
import { decodeFinish } from './finish.ts'
import { compact, sealed } from './members.ts'
import { CallStreams } from './stream-calls.ts'
import { detailsText, isCarried } from './thinking.ts'

type TextKind = 'thinking' | 'text' | 'refusal'
type Delta = Extract<Event, { type: 'delta' }>

/** Members of a delta that are read, or that mean nothing: `token_id` and `channel` number and name the tokens. */
// biome-ignore format: a list
const DELTA_READ = new Set([
  'role', 'name', 'content', 'reasoning_content', 'reasoning', 'reasoning_details', 'refusal', 'tool_calls',
  'function_call', 'annotations', 'token_id', 'channel'
])
const CHOICE_READ = new Set(['index', 'delta', 'message', 'text', 'finish_reason', 'logprobs', 'seed', 'token_ids'])

/**
 * One choice of a stream. Thinking, text and refusal follow one another: each opens when its first text comes and
 * closes when another kind begins. Tool calls stay open until the choice ends, since their fragments may interleave.
 */
export class ChoiceDecoder {
  readonly #choice: number
  readonly #calls: CallStreams
  #nextIndex = 0
  #open: { kind: TextKind; index: number; member: string | undefined } | undefined
  /** OpenRouter's `reasoning_details` of the open thinking, their pieces joined. */
  #details: JsonObject[] = []
  #logprobs: Json | undefined
  #finished = false
  #refused = false

  constructor(choice: number, responseId: string) {
    this.#choice = choice
    this.#calls = new CallStreams(choice, responseId, () => this.#nextIndex++)
  }

  push(choice: JsonObject, events: Event[]): void {
    // Perplexity sends the message so far beside each delta; others send only a message.
    const delta = isObject(choice.delta) ? choice.delta : isObject(choice.message) ? choice.message : {}
    this.#takeLogprobs(choice.logprobs)
    this.#thinking(delta, events)
    this.#content(delta.content, events)
    if (typeof delta.refusal === 'string' && delta.refusal !== '') {
      this.#refused = true
      this.#text('refusal', delta.refusal, events)
    }
    this.#callFragments(delta, events)
    this.#annotations(delta.annotations, events)
    this.#unread(delta, events)
    this.#finish(choice, events)
  }

  /** Closes whatever is open: at the finish, or where the stream ends without one. */
  closeAll(events: Event[]): void {
    this.#closeText(events)
    this.#calls.closeAll(events)
  }

  #takeLogprobs(given: Json | undefined): void {
    if (isObject(given) && Object.values(given).some(value => value !== null)) this.#logprobs = given
  }

  #thinking(delta: JsonObject, events: Event[]): void {
    const member = ['reasoning_content', 'reasoning'].find(
      name => typeof delta[name] === 'string' && delta[name] !== ''
    )
    const entries = Array.isArray(delta.reasoning_details) ? delta.reasoning_details : []
    const carried = entries.filter(isCarried)
    const own = entries.filter(entry => isObject(entry) && !isCarried(entry)) as JsonObject[]
    // Details alone may be all there is (Snowflake), or the list that sums up what was said flat before.
    const isSummary = this.#open?.kind === 'thinking' && this.#open.member !== 'details'
    const text = member !== undefined ? (delta[member] as string) : isSummary ? '' : detailsText(own)
    if (text !== '' || own.length > 0) this.#text('thinking', text, events, member ?? 'details')
    for (const entry of own) this.#joinDetail(entry)
    // Another gateway's list comes when the parts it seals are long closed: it can only go on as it is.
    if (carried.length > 0) this.#native({ reasoning_details: carried }, events)
  }

  /** Pieces with one index are one entry: texts grow, other members are stated once. */
  #joinDetail(entry: JsonObject): void {
    const known = this.#details.find(each => each.index === entry.index && each.type === entry.type)
    if (!known || entry.index === undefined) {
      this.#details.push({ ...entry })
      return
    }
    for (const [name, value] of Object.entries(entry)) {
      const isText = name === 'text' || name === 'summary' || name === 'data'
      if (isText && typeof value === 'string' && typeof known[name] === 'string') known[name] = known[name] + value
      else if (value !== null) known[name] = value
    }
  }

  /** A string; Mistral's list of text and thinking; or, at Cloudflare, a whole object. */
  #content(content: Json | undefined, events: Event[]): void {
    if (typeof content === 'string' && content !== '') this.#text('text', content, events)
    if (isObject(content)) this.#text('text', JSON.stringify(content), events)
    for (const part of Array.isArray(content) ? content : []) {
      if (!isObject(part)) continue
      if (typeof part.text === 'string' && part.text !== '') this.#text('text', part.text, events)
      if (!Array.isArray(part.thinking)) continue
      const text = detailsText(part.thinking)
      if (text !== '') this.#text('thinking', text, events, 'content')
    }
  }

  #text(kind: TextKind, text: string, events: Event[], member?: string): void {
    if (this.#open?.kind !== kind) {
      this.#closeText(events)
      this.#open = { kind, index: this.#nextIndex++, member }
      const spelling = member === undefined || kind !== 'thinking' ? {} : { spelling: sealed({ member }) }
      const part: Part = { type: kind, text: '', ...spelling }
      events.push({ type: 'open', choice: this.#choice, index: this.#open.index, part })
    }
    if (text !== '') this.#delta(this.#open.index, { text }, events)
  }

  #delta(index: number, said: Pick<Delta, 'text' | 'citation'>, events: Event[]): void {
    const delta: Delta = { type: 'delta', choice: this.#choice, index, ...said }
    if (this.#logprobs !== undefined) delta.logprobs = this.#logprobs
    this.#logprobs = undefined
    events.push(delta)
  }

  #closeText(events: Event[]): void {
    if (!this.#open) return
    const { kind, index } = this.#open
    const seal = kind === 'thinking' && this.#details.length > 0 ? { seal: sealed(this.#details) } : {}
    if (kind === 'thinking') this.#details = []
    this.#open = undefined
    events.push({ type: 'close', choice: this.#choice, index, ...seal })
  }

  #callFragments(delta: JsonObject, events: Event[]): void {
    const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls.filter(isObject) : []
    const legacy = isObject(delta.function_call) ? delta.function_call : undefined
    if (calls.length === 0 && !legacy) return
    this.#closeText(events)
    for (const call of calls) this.#calls.fragment(call, events)
    if (legacy) this.#calls.legacy(legacy, events)
  }

  #annotations(given: Json | undefined, events: Event[]): void {
    if (!Array.isArray(given) || given.length === 0) return
    const { kind, index } = this.#open ?? {}
    if (kind === 'text') for (const citation of given) this.#delta(index!, { citation }, events)
    else this.#native({ annotations: given }, events)
  }

  /** Members we do not know (`audio`, `images`, …), for clients of this dialect. */
  #unread(delta: JsonObject, events: Event[]): void {
    const unread = Object.keys(delta).filter(name => !DELTA_READ.has(name) && says(delta[name]))
    if (unread.length > 0) this.#native(Object.fromEntries(unread.map(name => [name, delta[name]])), events)
  }

  #native(delta: JsonObject, events: Event[]): void {
    events.push({ type: 'native', seal: sealed({ choices: [{ index: this.#choice, delta }] }) })
  }

  #finish(choice: JsonObject, events: Event[]): void {
    const raw = choice.finish_reason
    // OpenRouter says it again beside the usage.
    if (typeof raw !== 'string' || raw === '' || this.#finished) return
    this.#finished = true
    this.closeAll(events)
    const { stop_reason: stopReason } = choice
    const finish = decodeFinish(raw, {
      hasCalls: this.#calls.count > 0,
      hasRefusal: this.#refused,
      ...(typeof stopReason === 'string' && { stopSequence: stopReason })
    })
    const rest = Object.entries(choice).filter(([name, value]) => !CHOICE_READ.has(name) && says(value))
    events.push(
      compact<Extract<Event, { type: 'finish' }>>({
        type: 'finish',
        choice: this.#choice,
        finish,
        logprobs: this.#logprobs,
        rest: rest.length > 0 ? sealed(Object.fromEntries(rest)) : undefined
      })
    )
    this.#logprobs = undefined
  }
}

function says(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return false
  if (Array.isArray(value)) return value.length > 0
  // Writer sends objects whose members are all null.
  return !isObject(value) || Object.values(value).some(says)
}
