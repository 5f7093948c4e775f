import type { Failure } from '../errors.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { type Call, copyOf } from './call.ts'

/**
 * The call for who answers again. Where the guard wants the same model to do better (`retry`), the conversation ends
 * with its verdict: the rule and the reason, never the text.
 */
export function heed(call: Call, verdict: Failure): Call {
  if (verdict.kind !== 'guard_retry' || call.operation !== 'chat') return call
  const member = call.dialect.members.conversation
  const words = `Your last answer was not delivered. ${verdict.message} Answer again so that it can be.`
  const value = withWords(call.body.get(member), words, member)
  return value === undefined ? call : copyOf(call, { body: call.body.edit([{ path: [member], value }]) })
}

type Member = Call['dialect']['members']['conversation']

/** The turns with these words in the user's last one, or as a turn of their own: several makers want turns to alternate. */
function withWords(turns: Json | undefined, words: string, member: Member): Json | undefined {
  if (typeof turns === 'string') return `${turns}\n\n${words}`
  if (!Array.isArray(turns)) return undefined
  const last = turns.at(-1)
  const name = member === 'contents' ? 'parts' : 'content'
  if (!isObject(last) || last.role !== 'user') return [...turns, turnOf(words, member)]
  const said = last[name]
  if (typeof said === 'string') return [...turns.slice(0, -1), { ...last, [name]: `${said}\n\n${words}` }]
  if (!Array.isArray(said)) return [...turns, turnOf(words, member)]
  return [...turns.slice(0, -1), { ...last, [name]: [...said, partOf(words, said, member)] }]
}

function turnOf(words: string, member: Member): JsonObject {
  return member === 'contents' ? { role: 'user', parts: [{ text: words }] } : { role: 'user', content: words }
}

/** A text as its neighbours are written. */
function partOf(words: string, beside: readonly Json[], member: Member): JsonObject {
  const isTyped = beside.some(part => isObject(part) && 'type' in part)
  if (!isTyped) return { text: words }
  return { type: member === 'input' ? 'input_text' : 'text', text: words }
}
