import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { compact, isForeign, lose, Members, restore, spelt, wrongType } from './members.ts'

export type ToolCall = Extract<Part, { type: 'tool-call' }>

/**
 * Ids for calls that came without one (the legacy `function_call`, some providers): the same input gives the same ids,
 * and a result of the legacy kind, which names only the function, finds the call it answers.
 */
export class CallIds {
  readonly #salt: string
  readonly #waiting: { name: string; id: string }[] = []
  #count = 0

  constructor(salt: string) {
    this.#salt = salt.replace(/[^\w-]/g, '').slice(0, 24)
  }

  call(name: string): string {
    const id = `call_${this.#salt}${this.#salt && '_'}${this.#count++}`
    this.#waiting.push({ name, id })
    return id
  }

  /** The oldest unanswered call of that name. */
  result(name: string): string {
    const at = this.#waiting.findIndex(call => call.name === name)
    return at < 0 ? this.call(name) : this.#waiting.splice(at, 1)[0]!.id
  }
}

/** `tool_calls` and the legacy `function_call` of an assistant message. */
export function decodeCalls(members: Members, ids: CallIds): ToolCall[] {
  const calls = members.array('tool_calls') ?? []
  if (members.peek('tool_calls') !== undefined && calls.length === 0) members.putBack('tool_calls')
  const decoded = calls.map((call, index) => decodeCall(call, `${members.at('tool_calls')}[${index}]`, members, ids))
  const legacy = decodeLegacy(members, ids)
  return legacy ? [...decoded, legacy] : decoded
}

function decodeCall(value: Json, path: string, options: { lenient: boolean }, ids: CallIds): ToolCall {
  if (!isObject(value)) throw wrongType(path, 'an object', value)
  const members = new Members(value, path, options)
  const type = members.string('type')
  if (type !== 'function') members.spell('type', type ?? null)
  const member = type === 'custom' ? 'custom' : 'function'
  const nested = new Members(members.required(member, members.object(member)), members.at(member), options)
  const name = nested.required('name', nested.string('name'))
  if (isObject(nested.peek('arguments'))) members.spell('parsed', true)
  const input = type === 'custom' ? (nested.string('input') ?? '') : decodeArguments(nested)
  members.nest(member, nested)
  return { type: 'tool-call', id: decodeId(members) ?? ids.call(name), name, input, ...members.kept() }
}

function decodeId(members: Members): string | undefined {
  const id = members.peek('id')
  if (typeof id === 'string' && id !== '') return members.string('id')
  // A number (seen from Hugging Face) or nothing.
  members.take('id')
  members.spell('id', id ?? null)
  return typeof id === 'number' ? String(id) : undefined
}

/** The arguments are JSON text; some providers give the object itself, or null for none. */
function decodeArguments(members: Members): string {
  const given = members.peek('arguments')
  if (typeof given === 'string') return members.string('arguments')!
  if (isObject(given)) {
    members.take('arguments')
    return JSON.stringify(given)
  }
  return members.string('arguments') ?? ''
}

function decodeLegacy(members: Members, ids: CallIds): ToolCall | undefined {
  const given = members.object('function_call')
  if (!given) return undefined
  const nested = new Members(given, members.at('function_call'), members)
  const name = nested.string('name')
  const input = nested.string('arguments') ?? ''
  if (!name && input === '') {
    members.verbatim('function_call', given)
    return undefined
  }
  nested.spell('legacy', true)
  const called = nested.required('name', name)
  return { type: 'tool-call', id: ids.call(called), name: called, input, ...nested.kept() }
}

/** `tool_calls` and `function_call` members for these calls. */
export function encodeCalls(calls: readonly ToolCall[], path: string, losses: Losses): JsonObject {
  const isLegacy = (call: ToolCall) => spelt(call, 'legacy') === true
  const modern = calls.filter(call => !isLegacy(call))
  const legacy = calls.find(isLegacy)
  return compact<JsonObject>({
    tool_calls:
      modern.length > 0
        ? modern.map((call, index) => encodeCall(call, `${path}.tool_calls[${index}]`, losses))
        : undefined,
    function_call: legacy && restore({ name: legacy.name, arguments: legacy.input }, legacy, path, losses)
  })
}

function encodeCall(call: ToolCall, path: string, losses: Losses): JsonObject {
  if (isForeign(call.seal)) lose(losses, `${path}.signature`)
  const type = spelt(call, 'type')
  const id = spelt(call, 'id')
  const written = spelt(call, 'parsed') === true ? JSON.parse(call.input) : call.input
  const body = type === 'custom' ? { name: call.name, input: call.input } : { name: call.name, arguments: written }
  const native = compact<JsonObject>({
    id: id === undefined ? call.id : (id ?? undefined),
    type: type === undefined ? 'function' : (type ?? undefined),
    [type === 'custom' ? 'custom' : 'function']: body
  })
  return restore(native, call, path, losses)
}
