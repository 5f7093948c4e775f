import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonObject } from '../../src/json.ts'

export interface Mirror {
  url: string
  /** Every body it was sent, as text. */
  asked: string[]
  close(): Promise<void>
}

/**
 * A provider in OpenAI's dialect that says its client's last words back: as its text, and within the arguments of a tool
 * where it was given one. Streams come in pieces of random lengths, so that anything may be cut anywhere.
 */
export async function startMirror(random: () => number): Promise<Mirror> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      asked.push(text)
      answer(JSON.parse(text) as JsonObject, response, random)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

function answer(body: JsonObject, response: ServerResponse, random: () => number): void {
  const messages = body.messages as { content: string | { text: string }[] }[]
  const { content } = messages.at(-1)!
  const said = typeof content === 'string' ? content : content.map(({ text }) => text).join('')
  const input = body.tools ? JSON.stringify({ said, deep: [{ again: `"${said}\\` }], n: 1 }) : undefined
  const base = { id: 'c1', object: 'chat.completion', created: 1, model: String(body.model) }
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
  const finish = input === undefined ? 'stop' : 'tool_calls'
  const call = { id: 'call_1', type: 'function' }
  if (body.stream !== true) {
    const calls = input !== undefined && {
      tool_calls: [{ ...call, function: { name: 'send_mail', arguments: input } }]
    }
    const message = { role: 'assistant', content: said, ...calls }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ ...base, choices: [{ index: 0, message, finish_reason: finish }], usage }))
    return
  }
  response.setHeader('content-type', 'text/event-stream')
  const chunk = (delta: JsonObject, reason: string | null = null) =>
    `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`
  let sent = chunk({ role: 'assistant', content: '' })
  for (const piece of pieces(said, random)) sent += chunk({ content: piece })
  if (input !== undefined) {
    sent += chunk({ tool_calls: [{ index: 0, ...call, function: { name: 'send_mail', arguments: '' } }] })
    for (const piece of pieces(input, random)) {
      sent += chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })
    }
  }
  sent += chunk({}, finish)
  sent += `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [], usage })}\n\ndata: [DONE]\n\n`
  response.end(sent)
}

/** Between characters, so that each piece is a text of its own. */
function* pieces(text: string, random: () => number): Generator<string> {
  const all = [...text]
  const longest = [1, 3, 12, 60][Math.floor(random() * 4)]!
  for (let at = 0; at < all.length; ) {
    const length = 1 + Math.floor(random() * longest)
    yield all.slice(at, at + length).join('')
    at += length
  }
}
