import { isObject, type Json, type JsonObject } from '../../json.ts'
import { CallIds } from '../call-ids.ts'
import type { Event } from '../canonical.ts'
import { isCarried, readCallSeal } from './call-seals.ts'
import type { ToolCall } from './calls.ts'
import { compact, sealed } from './members.ts'

/** A call that is coming in. Nothing is told of it until its name is there and its arguments begin. */
interface Coming {
  key: number | string
  id: string | undefined
  name: string
  type: string | undefined
  /** Arguments so far, to hold back before the name and to know a repetition by. */
  input: string
  rest: JsonObject
  legacy: boolean
  /** Place among the parts of the choice, once opened. */
  index?: number
}

const READ = new Set(['index', 'id', 'type', 'function', 'custom'])

/**
 * Puts the fragments of tool calls together. What providers do with them: the id only in the first fragment, or in
 * each; no index (then the id tells, else it is the last call); one index for several calls, told apart by id; a name
 * in pieces, or repeated with every fragment; arguments before the name; a call said once more when it is complete.
 */
export class CallStreams {
  readonly #choice: number
  readonly #ids: CallIds
  readonly #nextIndex: () => number
  readonly #calls: Coming[] = []
  #closed = 0

  constructor(choice: number, responseId: string, nextIndex: () => number) {
    this.#choice = choice
    this.#ids = new CallIds(`${responseId}${choice || ''}`)
    this.#nextIndex = nextIndex
  }

  get count(): number {
    return this.#calls.length
  }

  fragment(native: JsonObject, events: Event[]): void {
    const body = [native.function, native.custom].find(isObject) ?? {}
    const name = typeof body.name === 'string' ? body.name : ''
    const text = inputText(native.custom === body ? body.input : body.arguments)
    const id = idText(native.id)
    const call = this.#find(native, id, name) ?? this.#begin(native.index, id, events)
    if (native.index === undefined && call.id === id && text.length > 1 && text === call.input) return
    if (typeof native.type === 'string') call.type = native.type
    for (const [member, value] of Object.entries(native)) {
      if (!READ.has(member) && value !== null && call.index === undefined) call.rest[member] = value
    }
    this.#grow(call, name, text, events)
  }

  /** The `function_call` of old: one a choice, without an id. */
  legacy(native: JsonObject, events: Event[]): void {
    const call = this.#calls.find(each => each.legacy) ?? this.#begin('legacy', undefined, events)
    call.legacy = true
    this.#grow(call, typeof native.name === 'string' ? native.name : '', inputText(native.arguments), events)
  }

  closeAll(events: Event[]): void {
    for (const call of this.#calls.slice(this.#closed)) {
      this.#tell(call, events)
      events.push({ type: 'close', choice: this.#choice, index: call.index! })
    }
    this.#closed = this.#calls.length
  }

  #find(native: JsonObject, id: string | undefined, name: string): Coming | undefined {
    const open = this.#calls.slice(this.#closed)
    if (typeof native.index === 'number') {
      const known = open.findLast(call => call.key === native.index)
      const isOther = known?.id !== undefined && id !== undefined && id !== known.id && name !== ''
      return isOther ? undefined : known
    }
    return id === undefined ? open.at(-1) : open.find(call => call.id === id)
  }

  #begin(key: Json | undefined, id: string | undefined, events: Event[]): Coming {
    // Calls open in order: one whose arguments never came is opened before the next.
    for (const call of this.#calls) if (call.name !== '') this.#tell(call, events)
    const known = typeof key === 'number' || typeof key === 'string' ? key : this.#calls.length
    const call: Coming = { key: known, id, name: '', type: undefined, input: '', rest: {}, legacy: false }
    this.#calls.push(call)
    return call
  }

  #grow(call: Coming, name: string, text: string, events: Event[]): void {
    if (call.index === undefined && name !== '' && name !== call.name) call.name += name
    call.input += text
    if (call.index !== undefined) {
      if (text !== '') events.push({ type: 'delta', choice: this.#choice, index: call.index, text })
    } else if (call.name !== '' && call.input !== '') this.#tell(call, events)
  }

  /** Opens the call, with the arguments that were held back. */
  #tell(call: Coming, events: Event[]): void {
    if (call.index !== undefined) return
    call.index = this.#nextIndex()
    const { type, legacy } = call
    const freeform = type === 'custom'
    const { extra_content: extra, ...others } = call.rest
    const seal = readCallSeal(extra)
    const rest = seal ? others : call.rest
    const spelling = compact<JsonObject>({
      legacy: legacy || undefined,
      type: !legacy && type !== 'function' && !freeform ? type : undefined,
      members: seal && !isCarried(extra) ? { extra_content: extra! } : undefined
    })
    const part = compact<ToolCall>({
      type: 'tool-call',
      id: call.id ?? this.#ids.call(call.name),
      name: call.name,
      input: '',
      freeform: freeform || undefined,
      rest: Object.keys(rest).length > 0 ? sealed(rest) : undefined,
      spelling: Object.keys(spelling).length > 0 ? sealed(spelling) : undefined,
      seal
    })
    events.push({ type: 'open', choice: this.#choice, index: call.index, part })
    if (call.input !== '') events.push({ type: 'delta', choice: this.#choice, index: call.index, text: call.input })
  }
}

function inputText(value: Json | undefined): string {
  if (typeof value === 'string') return value
  return isObject(value) ? JSON.stringify(value) : ''
}

function idText(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}
