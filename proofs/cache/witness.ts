import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonObject } from '../../src/json.ts'

/** A provider that takes whatever it is sent, in every dialect, and answers with a digest of exactly that. */
export interface Witness {
  url: string
  /** How often it was asked. */
  asked(): number
  close(): Promise<void>
}

const ANSWERS: readonly (readonly [path: RegExp, answer: (text: string) => JsonObject])[] = [
  [
    /\/chat\/completions$/,
    text => ({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
    })
  ],
  [
    /\/responses$/,
    text => ({
      id: 'resp_1',
      object: 'response',
      created_at: 1,
      status: 'completed',
      model: 'm',
      output: [
        {
          type: 'message',
          id: 'msg_1',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text, annotations: [] }]
        }
      ],
      usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 }
    })
  ],
  [
    /\/messages$/,
    text => ({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 1, output_tokens: 1 }
    })
  ],
  [
    /:generateContent$/,
    text => ({
      candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 }
    })
  ],
  [
    /\/embeddings$/,
    text => ({
      object: 'list',
      model: 'm',
      data: [{ object: 'embedding', index: 0, embedding: [Number.parseInt(text.slice(0, 8), 16), 1] }],
      usage: { prompt_tokens: 1, total_tokens: 1 }
    })
  ]
]

export async function startWitness(): Promise<Witness> {
  let asked = 0
  const server = createServer((request, response) => {
    const hash = createHash('sha256')
    request.on('data', chunk => hash.update(chunk))
    request.on('end', () => {
      asked++
      const path = request.url!.split('?')[0]!
      const answer = ANSWERS.find(([pattern]) => pattern.test(path))![1]
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer(hash.digest('hex'))))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
