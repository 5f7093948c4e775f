import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { JsonObject } from '../../src/json.ts'
import type { Door } from './client.ts'

/** One connection that a scripted provider was given. */
export interface Heard {
  socket: Socket
  /** Whole requests that have come on it. */
  requests: number
  /** When its other side closed it, on the clock of `performance.now`; undefined while it has not. */
  closedMs: number | undefined
}

export interface Scripted {
  port: number
  heard: Heard[]
  /** Connections that are open now. */
  open(): number
  close(): Promise<void>
}

/** A provider at the level of its sockets: does what it is told once a whole request has come. */
export async function startScripted(answer: (socket: Socket, heard: Heard) => void): Promise<Scripted> {
  const heard: Heard[] = []
  const server = createServer(socket => {
    const one: Heard = { socket, requests: 0, closedMs: undefined }
    heard.push(one)
    const note = () => {
      one.closedMs ??= performance.now()
    }
    socket.on('error', note).on('end', note).on('close', note)
    let pending = Buffer.alloc(0)
    socket.on('data', chunk => {
      pending = Buffer.concat([pending, chunk])
      const end = pending.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(pending.toString('latin1', 0, Math.max(end, 0)))?.[1] ?? 0)
      if (end < 0 || pending.length < end + 4 + length) return
      pending = pending.subarray(end + 4 + length)
      one.requests++
      answer(socket, one)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    open: () => heard.filter(one => one.closedMs === undefined).length,
    close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const { socket } of heard) socket.destroy()
      return closed
    }
  }
}

/** The scripted provider under a name of a gateway's configuration, as a line under `providers:`. */
export function scriptedAs(name: string, like: string, port: number, scheme = 'http'): string {
  return `  ${name}: { like: ${like}, base_url: "${scheme}://127.0.0.1:${port}/v1", keys: [k], allow_private: ["127.0.0.0/8"] }`
}

/** A head and what follows it, as one chunk of a chunked answer after the other. */
export const HEAD = (type: string) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`
export const piece = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

const sse = (value: JsonObject, named: boolean) =>
  `${named ? `event: ${value.type}\n` : ''}data: ${JSON.stringify(value)}\n\n`

/** What each dialect sends before any content, for a word of it, and to end well. */
export function streamOf(door: Door): { begin: string; word(text: string): string; end: string } {
  if (door.name === 'openai-chat') {
    const chunk = (delta: JsonObject, finish: string | null) =>
      sse(
        {
          id: 'c',
          object: 'chat.completion.chunk',
          created: 1,
          model: 'm',
          choices: [{ index: 0, delta, finish_reason: finish }]
        },
        false
      )
    return {
      begin: chunk({ role: 'assistant', content: '' }, null),
      word: text => chunk({ content: text }, null),
      end: `${chunk({}, 'stop')}data: [DONE]\n\n`
    }
  }
  const usage = { input_tokens: 1, output_tokens: 1 }
  const message = { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], usage }
  return {
    begin:
      sse({ type: 'message_start', message }, true) +
      sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }, true),
    word: text => sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }, true),
    end:
      sse({ type: 'content_block_stop', index: 0 }, true) +
      sse({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } }, true) +
      sse({ type: 'message_stop' }, true)
  }
}
