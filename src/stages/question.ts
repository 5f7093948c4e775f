import { stepsOf } from '../guards/body.ts'
import type { JsonBody } from '../json.ts'
import { addressOf, type Call } from './call.ts'

/** What is asked last, and the request without it: all that must be equal for two questions to be compared. */
export interface Question {
  text: string
  body: JsonBody
}

/**
 * The question of a call; undefined where it has none that could be compared: its last turn is not the user's, or holds
 * anything but text, or tools are in play and `tools` is false.
 */
export function questionOf(call: Call, { tools }: { tools: boolean }): Question | undefined {
  const { dialect, body, operation } = call
  if (operation !== 'chat') return undefined
  const request = dialect.decodeRequest(body.object(), addressOf(call))
  if (!tools && request.tools && request.tools.length > 0) return undefined
  const last = request.messages.at(-1)
  if (last?.role !== 'user' || last.parts.length === 0) return undefined
  if (!last.parts.every(part => part.type === 'text')) return undefined
  const refs = [...dialect.texts(body.object(), 'request')]
  const place = placeOfLast(body, dialect.members.conversation)
  const own = refs.filter(({ path }) => path === place || path.startsWith(`${place}.`))
  if (own.length === 0 || own.some(({ sealed, kind }) => sealed || kind !== 'text')) return undefined
  return {
    text: own.map(ref => ref.get()).join('\n'),
    body: body.edit(own.map(({ path }) => ({ path: stepsOf(path), value: '' })))
  }
}

/** Where the last turn stands, as a lens writes it. */
function placeOfLast(body: JsonBody, conversation: string): string {
  const turns = body.get(conversation)
  return Array.isArray(turns) ? `${conversation}[${turns.length - 1}]` : conversation
}
