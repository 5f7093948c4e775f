import type { BodyRow } from '../../../src/stores/bodies.ts'
import { bodiesOf } from './bodies.ts'

/** Talks of agents, as long as those that fill a store. */

export const TURNS = 50

/** Numbers that look like chance, the same every time. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Text of one language that is about as hard to compress as what people write: few words are used often, many seldom. */
function writer(next: (below: number) => number): (chars: number) => string {
  const word = chance(7)
  const letters = 'etaoinshrdlucmfwypvbgk'
  const words = Array.from({ length: 3_000 }, (_, rank) =>
    Array.from({ length: 2 + word(3) + Math.floor(rank / 600) }, () => letters[Math.min(word(22), word(22))]).join('')
  )
  return chars => {
    let text = ''
    while (text.length < chars) text += `${words[Math.floor(words.length ** (next(10_000) / 10_000)) - 1]} `
    return text.trimEnd()
  }
}

export interface Turn {
  received: string
  sent: string
  answered: string
}

/** An agent that reads files: each turn has all before it, its last call and what that found. Appended to, as SDKs do. */
export function* chatSession(seed: number): Generator<Turn> {
  const next = chance(seed)
  const write = writer(next)
  const tools = Array.from({ length: 12 }, (_, at) => ({
    type: 'function',
    function: { name: `tool_${at}`, description: write(500), parameters: { type: 'object', properties: { path: {} } } }
  }))
  const messages: object[] = [
    { role: 'system', content: write(6_000) },
    { role: 'user', content: write(600) }
  ]
  for (let turn = 0; turn < TURNS; turn++) {
    const body = (model: string) => JSON.stringify({ model, messages, tools, stream: true, temperature: 0.2 })
    const call = { id: `call_${next(1e9)}`, type: 'function' }
    const input = JSON.stringify({ path: write(30), text: write(100 + next(400)) })
    const message = {
      ...{ role: 'assistant', content: write(100 + next(500)) },
      tool_calls: [{ ...call, function: { name: `tool_${next(12)}`, arguments: input } }]
    }
    const answer = {
      ...{ id: `chatcmpl-${next(1e9)}`, object: 'chat.completion', created: 1_790_000_000 + turn, model: 'gpt-5-2026' },
      choices: [{ index: 0, message: { ...message, refusal: null }, finish_reason: 'tool_calls' }],
      usage: { prompt_tokens: 9_000 + turn * 700, completion_tokens: 200, total_tokens: 9_200 + turn * 700 }
    }
    yield { received: body('fast'), sent: body('gpt-5'), answered: JSON.stringify(answer) }
    messages.push(message, { role: 'tool', tool_call_id: call.id, content: write(300 + next(4_000)) })
  }
}

/** The same with blocks of content, and a mark to cache up to that wanders with the last message. */
export function* messagesSession(seed: number): Generator<Turn> {
  const next = chance(seed)
  const write = writer(next)
  const system = [{ type: 'text', text: write(8_000), cache_control: { type: 'ephemeral' } }]
  const tools = Array.from({ length: 15 }, (_, at) => ({
    ...{ name: `tool_${at}`, description: write(800), input_schema: { type: 'object', properties: { path: {} } } }
  }))
  const messages: { role: string; content: object[] }[] = [
    { role: 'user', content: [{ type: 'text', text: write(800) }] }
  ]
  for (let turn = 0; turn < TURNS; turn++) {
    const marked = messages.map((message, at) => {
      if (at < messages.length - 1) return message
      const content = message.content.map(block => ({ ...block, cache_control: { type: 'ephemeral' } }))
      return { ...message, content }
    })
    const metadata = { user_id: `session_${turn}` }
    const body = (model: string) =>
      JSON.stringify({ model, max_tokens: 8_000 + turn, metadata, messages: marked, system, tools, stream: true })
    const id = `toolu_${next(1e9)}`
    const content = [
      { type: 'text', text: write(50 + next(500)) },
      { type: 'tool_use', id, name: `tool_${next(15)}`, input: { path: write(30), text: write(100 + next(500)) } }
    ]
    const answer = { id: `msg_${next(1e9)}`, type: 'message', role: 'assistant', content, stop_reason: 'tool_use' }
    yield {
      received: body('fast'),
      sent: body('claude-5'),
      answered: JSON.stringify({ ...answer, usage: { a: turn } })
    }
    const result = { type: 'tool_result', tool_use_id: id, content: write(300 + next(4_000)) }
    messages.push({ role: 'assistant', content }, { role: 'user', content: [result] })
  }
}

/** The turns as they are kept: what came, what went upstream and what was answered, each. */
export function* rowsOf(session: Iterable<Turn>, atMs: number): Generator<BodyRow> {
  let at = 0
  for (const { received, sent, answered } of session) {
    const attemptId = `att_0123456789_${++at}`
    yield bodiesOf({ atMs: atMs + at * 1_700, session: 'ses_1', received, sent: [{ attemptId, body: sent }], answered })
  }
}
