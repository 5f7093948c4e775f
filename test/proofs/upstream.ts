import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What an upstream of either dialect says, in pieces that a play may send, bend or leave out. */
export interface Lines {
  stream: boolean
  /** A stream before its content. */
  opening: string
  /** Two events of content. */
  content: [string, string]
  finish: string
  end: string
  /** An error as an event of a stream. */
  errorEvent: string
  /** The whole answer. */
  whole: string
  /** The body of an error answer. */
  error: string
}

export const SAID = 'one two'

const [first, second] = ['one', ' two']

const event = (data: object, name?: string) => `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(data)}\n\n`

function openaiLines(stream: boolean): Lines {
  const base = { id: 'chatcmpl-1', created: 1, model: 'any' }
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
  const chunk = (delta: object, finish: string | null = null) =>
    event({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] })
  const message = { role: 'assistant', content: SAID, refusal: null }
  const error = { error: { message: 'a fault of the script', type: 'server_error', param: null, code: null } }
  return {
    stream,
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
      const isStream = /"stream":\s*true/.test(request)
      play.asked?.(socket, /^POST \S*\/messages/.test(request) ? anthropicLines(isStream) : openaiLines(isStream))
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
