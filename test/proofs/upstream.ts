import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { formatEventStream } from '../../src/wire/eventstream.ts'

/**
 * What an upstream of some dialect says, in pieces that a play may send, bend or leave out. Text that is all bytes: in
 * latin1, as it is sent.
 */
export interface Lines {
  stream: boolean
  /** Content type of a stream. */
  streamType: string
  /** A stream before its content. */
  opening: string
  /** Two events of content. */
  content: [string, string]
  finish: string
  end: string
  /** An error as an event of a stream. */
  errorEvent: string
  /** A stream event that is no JSON. */
  torn: string
  /** The whole answer. */
  whole: string
  /** The body of an error answer. */
  error: string
}

export const SAID = 'one two'

const [first, second] = ['one', ' two']

const event = (data: object, name?: string) => `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(data)}\n\n`

const SSE = { streamType: 'text/event-stream', torn: 'data: {"torn\n\n' }

function openaiLines(stream: boolean): Lines {
  const base = { id: 'chatcmpl-1', created: 1, model: 'any' }
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
  const chunk = (delta: object, finish: string | null = null) =>
    event({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })
  const message = { role: 'assistant', content: SAID, refusal: null }
  const error = { error: { message: 'a fault of the script', type: 'server_error', param: null, code: null } }
  return {
    stream,
    ...SSE,
    opening: chunk({ role: 'assistant', content: '' }),
    content: [chunk({ content: first }), chunk({ content: second })],
    finish: chunk({}, 'stop') + event({ ...base, object: 'chat.completion.chunk', choices: [], usage }),
    end: 'data: [DONE]\n\n',
    errorEvent: event(error),
    whole: JSON.stringify({
      ...base,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: 'stop', logprobs: null }],
      usage
    }),
    error: JSON.stringify(error)
  }
}

function anthropicLines(stream: boolean): Lines {
  const base = { id: 'msg_1', type: 'message', role: 'assistant', model: 'any', stop_sequence: null }
  const usage = { input_tokens: 3, output_tokens: 2 }
  const of = (type: string, more: object = {}) => event({ type, ...more }, type)
  const delta = (text: string) => of('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })
  const error = { type: 'error', error: { type: 'api_error', message: 'a fault of the script' } }
  return {
    stream,
    ...SSE,
    opening:
      of('message_start', { message: { ...base, content: [], stop_reason: null, usage } }) +
      of('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    content: [delta(first), delta(second)],
    finish:
      of('content_block_stop', { index: 0 }) +
      of('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage }),
    end: of('message_stop'),
    errorEvent: event(error, 'error'),
    whole: JSON.stringify({ ...base, content: [{ type: 'text', text: SAID }], stop_reason: 'end_turn', usage }),
    error: JSON.stringify(error)
  }
}

function responsesLines(stream: boolean): Lines {
  const usage = {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 5
  }
  const base = { id: 'resp_1', object: 'response', created_at: 1, model: 'any', error: null, incomplete_details: null }
  const begun = { ...base, status: 'in_progress', output: [], usage: null }
  const part = { type: 'output_text', text: SAID, annotations: [], logprobs: [] }
  const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [part] }
  const done = { ...base, status: 'completed', output: [item], usage }
  const of = (type: string, more: object) => event({ type, sequence_number: 0, ...more }, type)
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }
  const delta = (text: string) => of('response.output_text.delta', { ...place, delta: text, logprobs: [] })
  const error = { type: 'server_error', code: 'server_error', message: 'a fault of the script', param: null }
  return {
    stream,
    ...SSE,
    opening:
      of('response.created', { response: begun }) +
      of('response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress', content: [] } }) +
      of('response.content_part.added', { ...place, part: { ...part, text: '' } }),
    content: [delta(first), delta(second)],
    finish:
      of('response.output_text.done', { ...place, text: SAID, logprobs: [] }) +
      of('response.content_part.done', { ...place, part }) +
      of('response.output_item.done', { output_index: 0, item }) +
      of('response.completed', { response: done }),
    end: '',
    errorEvent: of('error', { error }),
    whole: JSON.stringify(done),
    error: JSON.stringify({ error })
  }
}

function geminiLines(stream: boolean): Lines {
  const base = { modelVersion: 'any', responseId: 'one' }
  const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 }
  const reply = (text: string, more: object = {}) => ({
    candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...more }],
    usageMetadata,
    ...base
  })
  const error = { error: { code: 500, message: 'a fault of the script', status: 'INTERNAL' } }
  return {
    stream,
    ...SSE,
    opening: '',
    content: [event(reply(first)), event(reply(second))],
    finish: event(reply('', { finishReason: 'STOP' })),
    end: '',
    errorEvent: event(error),
    whole: JSON.stringify(reply(SAID, { finishReason: 'STOP' })),
    error: JSON.stringify(error)
  }
}

function bedrockLines(stream: boolean): Lines {
  const of = (name: string, data: object) => formatEventStream(name, JSON.stringify(data)).toString('latin1')
  const usage = { inputTokens: 3, outputTokens: 2, totalTokens: 5 }
  const delta = (text: string) => of('contentBlockDelta', { contentBlockIndex: 0, delta: { text } })
  const error = { message: 'a fault of the script' }
  return {
    stream,
    streamType: 'application/vnd.amazon.eventstream',
    torn: formatEventStream('contentBlockDelta', '{"torn').toString('latin1'),
    opening: of('messageStart', { role: 'assistant' }),
    content: [delta(first), delta(second)],
    finish: of('contentBlockStop', { contentBlockIndex: 0 }) + of('messageStop', { stopReason: 'end_turn' }),
    end: of('metadata', { usage, metrics: { latencyMs: 1 } }),
    errorEvent: of('internalServerException', error),
    whole: JSON.stringify({
      output: { message: { role: 'assistant', content: [{ text: SAID }] } },
      stopReason: 'end_turn',
      usage,
      metrics: { latencyMs: 1 }
    }),
    error: JSON.stringify(error)
  }
}

/** By the path at which each is asked. */
const LINES: readonly [path: RegExp, lines: (stream: boolean) => Lines][] = [
  [/\/messages$/, anthropicLines],
  [/\/responses$/, responsesLines],
  [/:(?:streamG|g)enerateContent(?:\?|$)/, geminiLines],
  [/\/converse(?:-stream)?$/, bedrockLines],
  [/\/chat\/completions$/, openaiLines]
]

/** What is said to a request; a dialect says in the body or in the path that it wants a stream. */
function linesFor(request: string): Lines {
  const path = /^POST (\S+)/.exec(request)?.[1] ?? ''
  const isStream = /"stream":\s*true/.test(request) || /:stream|-stream$/.test(path)
  const [, lines] = LINES.find(([pattern]) => pattern.test(path)) ?? []
  if (!lines) throw new Error(`nobody answers at ${path}`)
  return lines(isStream)
}

/** What an upstream does with a connection, at the step where it goes wrong. */
export interface Play {
  /** As soon as there is one. */
  connected?(socket: Socket): void
  /** When the first bytes of a request have come. */
  begun?(socket: Socket): void
  /** When a request has come. */
  asked?(socket: Socket, lines: Lines): void
}

export interface ScriptedUpstream {
  port: number
  close(): Promise<void>
}

/** An upstream that plays the same on every connection, byte by byte as it is told. */
export async function startUpstream(play: Play): Promise<ScriptedUpstream> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.setDefaultEncoding('latin1')
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    play.connected?.(socket)
    let received = ''
    socket.on('data', chunk => {
      if (received === '') play.begun?.(socket)
      received += chunk.toString('latin1')
      const request = takeRequest(received)
      if (request === undefined) return
      received = ''
      play.asked?.(socket, linesFor(request))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}

/** A whole request, or undefined while there is more to come. */
function takeRequest(received: string): string | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(received.slice(0, end + 2))?.[1] ?? 0)
  return received.length >= end + 4 + length ? received : undefined
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const upstream = await startUpstream({})
  await upstream.close()
  return upstream.port
}
