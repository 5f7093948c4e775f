import { isObject, type Json, type JsonObject } from '../../json.ts'
import { CallIds } from '../call-ids.ts'
import type { Event, Part, Seal } from '../canonical.ts'
import { decodePart } from './decode-part.ts'
import { decodeFinish } from './finish.ts'
import { groundingCitations } from './grounding.ts'
import { given, Members } from './members.ts'
import { PartialArgs } from './partial-args.ts'
import { decodeIndex, takeLogprobs } from './response.ts'

type Words = Extract<Part, { type: 'text' | 'thinking' }>

/** Words that are growing. */
interface Open {
  type: Words['type']
  index: number
  seal?: Seal | undefined
}

/** A call whose arguments are coming in pieces. */
interface Calling {
  index: number
  args: PartialArgs
  seal?: Seal | undefined
}

/**
 * One candidate of a stream. Words go on where the last chunk's left off, and a signature that follows them in an empty
 * part is theirs; everything else comes whole, except arguments that a client asked for in pieces.
 */
export class CandidateStream {
  readonly #choice: number
  readonly #ids: CallIds
  #opened = 0
  #words: Open | undefined
  #calling: Calling | undefined
  #called = false
  /** What the chunks before the last said of the candidate. */
  #said: JsonObject = {}

  constructor(choice: number, responseId: string) {
    this.#choice = choice
    this.#ids = new CallIds(`${responseId}${choice || ''}`)
  }

  push(value: Json, events: Event[]): void {
    const members = new Members(value, `candidates[${this.#choice}]`, 'reply')
    const content = members.nested('content')
    for (const part of content?.maybeList('parts') ?? []) this.#part(part, events)
    const { content: _, index: _index, ...beside } = isObject(value) ? value : {}
    this.#logprobs(members, events)
    this.#said = { ...this.#said, ...beside }
    if (typeof beside.finishReason === 'string' || typeof beside.finishReason === 'number') this.#finish(events)
  }

  #part(value: Json, events: Event[]): void {
    const call = isObject(value) ? (value.functionCall ?? value.function_call) : undefined
    if (isObject(call) && this.#isPiece(call)) {
      this.#piece(value as JsonObject, call, events)
      return
    }
    this.#endCall(events)
    const part = decodePart(value, 'parts', { fault: 'reply', ids: this.#ids })
    if (part.type === 'text' || part.type === 'thinking') this.#grow(part, events)
    else this.#whole(part, events)
  }

  #grow(part: Words, events: Event[]): void {
    const { text, seal, ...shell } = part
    const known = this.#words
    const isTheirs = known?.type === part.type && known.seal === undefined && (seal === undefined || text === '')
    if (!isTheirs) {
      // The last chunk may have an empty part only to hold its finish.
      if (text === '' && seal === undefined) return
      this.#closeWords(events)
      this.#words = { type: part.type, index: this.#opened++ }
      events.push({
        type: 'open',
        choice: this.#choice,
        index: this.#words.index,
        part: { ...shell, text: '' } as Words
      })
    }
    const words = this.#words!
    words.seal = seal ?? words.seal
    if (text !== '') events.push({ type: 'delta', choice: this.#choice, index: words.index, text })
  }

  #closeWords(events: Event[]): void {
    const words = this.#words
    if (!words) return
    this.#words = undefined
    events.push({ type: 'close', choice: this.#choice, index: words.index, ...given({ seal: words.seal }) })
  }

  #whole(part: Part, events: Event[]): void {
    this.#closeWords(events)
    const at = { choice: this.#choice, index: this.#opened++ }
    if (part.type !== 'tool-call') {
      events.push({ type: 'open', ...at, part }, { type: 'close', ...at })
      return
    }
    this.#called = true
    events.push(
      { type: 'open', ...at, part: { ...part, input: '' } },
      { type: 'delta', ...at, text: part.input },
      { type: 'close', ...at }
    )
  }

  #isPiece(call: JsonObject): boolean {
    return this.#calling !== undefined || call.willContinue === true || call.partialArgs !== undefined
  }

  #piece(part: JsonObject, call: JsonObject, events: Event[]): void {
    // A name begins a call; what comes without one belongs to the call that is open.
    if (typeof call.name === 'string' && call.name !== '') this.#beginCall(part, call, events)
    this.#calling?.args.add(call)
    if (call.willContinue !== true) this.#endCall(events)
  }

  #beginCall(part: JsonObject, call: JsonObject, events: Event[]): void {
    this.#endCall(events)
    this.#closeWords(events)
    const { partialArgs: _args, willContinue: _more, ...whole } = call
    const opened = decodePart({ ...part, functionCall: { ...whole, args: {} } }, 'parts', {
      fault: 'reply',
      ids: this.#ids
    })
    this.#called = true
    this.#calling = { index: this.#opened++, args: new PartialArgs() }
    events.push({
      type: 'open',
      choice: this.#choice,
      index: this.#calling.index,
      part: { ...opened, input: '' } as Part
    })
  }

  #endCall(events: Event[]): void {
    const calling = this.#calling
    if (!calling) return
    this.#calling = undefined
    const at = { choice: this.#choice, index: calling.index }
    events.push({ type: 'delta', ...at, text: JSON.stringify(calling.args.args) }, { type: 'close', ...at })
  }

  #logprobs(members: Members, events: Event[]): void {
    const logprobs = takeLogprobs(members)
    const words = this.#words
    if (logprobs === undefined || !words) return
    events.push({ type: 'delta', choice: this.#choice, index: words.index, logprobs })
  }

  #finish(events: Event[]): void {
    const { logprobsResult: _, ...said } = this.#said
    const members = new Members(said, 'candidate', 'reply')
    decodeIndex(members, this.#choice)
    const finish = decodeFinish(members, this.#called)
    this.#endCall(events)
    const words = this.#words
    if (words?.type === 'text') {
      for (const citation of groundingCitations(members.peek('groundingMetadata'))) {
        events.push({ type: 'delta', choice: this.#choice, index: words.index, citation })
      }
    }
    this.#closeWords(events)
    const { rest } = members.kept()
    events.push({ type: 'finish', choice: this.#choice, finish, ...given({ rest }) })
  }
}
