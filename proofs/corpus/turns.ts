import { isDeepStrictEqual } from 'node:util'
import type { ChatRequest, ChatResponse, Part } from '../../src/dialects/canonical.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { Failure } from '../../src/errors.ts'
import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import { object, objects } from './hear/heard.ts'
import type { Interaction } from './interactions.ts'
import { replyOf } from './reading.ts'
import type { Rule } from './rule.ts'

/**
 * Signatures across turns: a client of another dialect sends the answer back as the next turn of its conversation, and
 * the maker gets every signature as it wrote it, to the bit; where the client's dialect has no place for one, a loss
 * names it.
 */
export const signatures: Rule = {
  name: 'signatures',
  check(interaction, { dialects, readStream }) {
    const reply = replyOf(interaction, readStream)
    if (!reply || reply instanceof Failure) return undefined
    const seals = sealsIn(reply.choices[0]!.parts)
    if (seals.length === 0) return undefined
    const others = dialects.filter(each => each.name !== interaction.dialect.name && REPLAYS[each.name])
    return others.flatMap(client => {
      const losses: string[] = []
      const returned = replayed(interaction, reply, client, losses)
      const isNamed = losses.some(loss => /signature|thinking|reasoning/.test(loss))
      return isNamed || isDeepStrictEqual(returned, seals)
        ? []
        : [`${client.name}: ${quote(seals)} came back as ${quote(returned)}`]
    })
  }
}

const quote = (value: unknown) => JSON.stringify(value).slice(0, 300)

/** What the reply's own provider finds signed in the next turn of a client of this dialect. */
function replayed({ dialect, address }: Interaction, reply: ChatResponse, client: Dialect, losses: string[]): Json[] {
  const body = client.encodeResponse(structuredClone(reply), losses)
  const turn = { model: address.model, ...REPLAYS[client.name]!(structuredClone(body)) }
  const request = client.decodeRequest(turn, address)
  const native = dialect.encodeRequest({ ...request, model: address.model }, [])
  return sealsIn(turnsOf(dialect.decodeRequest(native, address)))
}

function turnsOf({ messages }: ChatRequest): Part[] {
  return messages.flatMap(({ role, parts }) => (role === 'assistant' ? parts : []))
}

function sealsIn(parts: readonly Part[]): Json[] {
  return parts.flatMap(part => {
    const isSigned = part.type === 'thinking' || part.type === 'tool-call' || part.type === 'text'
    const value = isSigned ? part.seal?.value : undefined
    // A list of them may be taken apart, or be joined with another.
    return [value ?? []].flat().filter(each => !isEmpty(each))
  })
}

/** A reasoning item of which its provider kept everything to itself: there is nothing in it to send back. */
function isEmpty(value: Json): boolean {
  return isObject(value) && value.type === 'reasoning' && !value.encrypted_content
}

const ASKED = 'What is it?'
const DONE = 'It is done.'

/** How a client puts an answer into its next request, with something for each call of it. */
const REPLAYS: Readonly<Record<string, (reply: JsonObject) => JsonObject>> = {
  'openai-chat'(reply) {
    const message = object(objects(reply.choices)[0]?.message)
    const results = objects(message.tool_calls).map(({ id }) => ({ role: 'tool', tool_call_id: id, content: DONE }))
    return { messages: [{ role: 'user', content: ASKED }, message, ...results] } as JsonObject
  },
  'anthropic-messages'({ content }) {
    const calls = objects(content).filter(block => block.type === 'tool_use')
    const results = calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: DONE }))
    return {
      max_tokens: 9_000,
      messages: [
        { role: 'user', content: ASKED },
        { role: 'assistant', content },
        ...(results.length > 0 ? [{ role: 'user', content: results }] : [])
      ]
    } as JsonObject
  },
  'openai-responses'({ output }) {
    const items = objects(output)
    const results = items
      .filter(({ call_id }) => call_id !== undefined)
      .map(({ type, call_id }) => ({ type: `${type}_output`, call_id, output: DONE }))
    return { input: [{ role: 'user', content: ASKED }, ...items, ...results] } as JsonObject
  },
  gemini(reply) {
    const content = object(objects(reply.candidates)[0]?.content)
    const calls = objects(content.parts).flatMap(part => (part.functionCall ? [object(part.functionCall)] : []))
    const parts = calls.map(({ id, name }) => ({ functionResponse: { id, name, response: { output: DONE } } }))
    return {
      contents: [
        { role: 'user', parts: [{ text: ASKED }] },
        content,
        ...(parts.length > 0 ? [{ role: 'user', parts }] : [])
      ]
    } as JsonObject
  }
}
