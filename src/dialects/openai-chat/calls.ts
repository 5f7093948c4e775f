import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { CallIds } from '../call-ids.ts'
import type { Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { carryCallSeal, keepsCallSeal, takeCallSeal } from './call-seals.ts'
import { compact, isForeign, lose, Members, restore, spelt, wrongType } from './members.ts'

export type ToolCall = Extract<Part, { type: 'tool-call' }>

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
  const freeform = type === 'custom'
  if (type !== 'function' && !freeform) members.spell('type', type ?? null)
  const member = freeform ? 'custom' : 'function'
  const nested = new Members(members.required(member, members.object(member)), members.at(member), options)
  const name = nested.required('name', nested.string('name'))
  if (isObject(nested.peek('arguments'))) members.spell('parsed', true)
  const input = freeform ? (nested.string('input') ?? '') : decodeArguments(nested)
  members.nest(member, nested)
  return {
    type: 'tool-call',
    id: decodeId(members) ?? ids.call(name),
    name,
    input,
    ...(freeform && { freeform }),
    ...takeCallSeal(members),
    ...members.kept()
  }
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

interface CallOptions {
  losses: Losses
  /** A client carries what another dialect sealed; a provider would refuse it. */
  side: 'client' | 'provider'
}

/** `tool_calls` and `function_call` members for these calls. */
export function encodeCalls(calls: readonly ToolCall[], path: string, options: CallOptions): JsonObject {
  const { losses } = options
  const isLegacy = (call: ToolCall) => spelt(call, 'legacy') === true
  const modern = calls.filter(call => !isLegacy(call))
  const legacy = calls.find(isLegacy)
  return compact<JsonObject>({
    tool_calls:
      modern.length > 0
        ? modern.map((call, index) => encodeCall(call, `${path}.tool_calls[${index}]`, options))
        : undefined,
    function_call: legacy && restore({ name: legacy.name, arguments: legacy.input }, legacy, path, losses)
  })
}

function encodeCall(call: ToolCall, path: string, { losses, side }: CallOptions): JsonObject {
  const isCarried = isForeign(call.seal) && !keepsCallSeal(call)
  if (isCarried && side === 'provider') lose(losses, `${path}.signature`)
  const type = spelt(call, 'type')
  const id = spelt(call, 'id')
  const written = spelt(call, 'parsed') === true ? JSON.parse(call.input) : call.input
  const native = compact<JsonObject>({
    id: id === undefined ? call.id : (id ?? undefined),
    ...(call.freeform
      ? { type: 'custom', custom: { name: call.name, input: call.input } }
      : {
          type: type === undefined ? 'function' : (type ?? undefined),
          function: { name: call.name, arguments: written }
        }),
    ...(isCarried && side === 'client' ? carryCallSeal(call.seal!) : {})
  })
  return restore(native, call, path, losses)
}
