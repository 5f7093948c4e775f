import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import { readSse, type Said } from './dialects.ts'

/** Headers as a test gives them; `undefined` leaves a default out. */
export type Given = Record<string, string | string[] | undefined>

export interface Ask {
  method?: string
  headers?: Given
  /** An object goes as JSON. */
  body?: JsonObject | string | Buffer
  agent?: Agent
}

export interface Answer {
  status: number
  headers: Record<string, string>
  bytes: Buffer
  text: string
  json(): JsonObject
  events(): Said[]
}

/** One exchange on a connection of its own: nothing of an HTTP client that could hide what was on the wire. */
export async function send(url: string, ask: Ask = {}): Promise<Answer> {
  const stream = await open(url, ask)
  const bytes = await stream.rest()
  const text = bytes.toString()
  return {
    status: stream.status,
    headers: stream.headers,
    bytes,
    text,
    json: () => JSON.parse(text) as JsonObject,
    events: () => readSse([bytes])
  }
}

/** An answer whose head has come. Its body waits until it is read. */
export interface OpenAnswer {
  status: number
  headers: Record<string, string>
  response: IncomingMessage
  /** Everything to the end; rejects where it is broken off. */
  rest(): Promise<Buffer>
  /** Reads on until the text so far matches. */
  untilText(pattern: RegExp): Promise<string>
  /** Breaks the connection off, as a client does that leaves. */
  leave(): void
}

/** Sends a request without waiting for an answer. */
export function begin(url: string, { method, headers = {}, body, agent }: Ask = {}): ClientRequest {
  const plain = isObject(body) && !Buffer.isBuffer(body) ? JSON.stringify(body) : (body as string | Buffer | undefined)
  const told = plain !== undefined && {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(plain))
  }
  const given: Given = { ...told, ...headers }
  const sent = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const outgoing = request(url, {
    method: method ?? (plain === undefined ? 'GET' : 'POST'),
    headers: sent as OutgoingHttpHeaders,
    agent: agent ?? new Agent({ keepAlive: false })
  })
  outgoing.on('error', () => {})
  outgoing.end(plain)
  return outgoing
}

export async function open(url: string, ask: Ask = {}): Promise<OpenAnswer> {
  const outgoing = begin(url, ask)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  const iterator = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const next = async (): Promise<boolean> => {
    const { done, value } = await iterator.next()
    if (!done) chunks.push(value)
    return done !== true
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers as Record<string, string>,
    response,
    async rest() {
      while (await next());
      return Buffer.concat(chunks)
    },
    async untilText(pattern) {
      for (;;) {
        const text = Buffer.concat(chunks).toString()
        if (pattern.test(text)) return text
        if (!(await next())) throw new Error(`the answer ended without ${pattern}: ${text}`)
      }
    },
    leave: () => outgoing.destroy()
  }
}

/** One of the two doors, and how its dialect says what tests ask about. */
export interface Door {
  name: 'openai-chat' | 'anthropic-messages'
  /** The provider of the test gateway that speaks this dialect. */
  provider: 'openai' | 'anthropic'
  path: string
  /** The header in which this dialect's clients look for the id of a request. */
  idHeader: string
  body(model: string, text: string, more?: JsonObject): JsonObject
  /** The text of a whole answer. */
  said(answer: JsonObject): string
  /** The text of a streamed one. */
  streamed(events: readonly Said[]): string
  /** Whether the stream says that it ended well. */
  ended(events: readonly Said[]): boolean
  /** The error that a stream ends with, where it does. */
  broken(events: readonly Said[]): JsonObject | undefined
  /** What an error answer says, wherever this dialect keeps it. */
  error(body: JsonObject): { code: Json | undefined; message: string; param: Json | undefined; id: Json | undefined }
}

const member = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce((at, name) => (at as Record<string | number, unknown> | undefined)?.[name], value)

const data = (event: Said): JsonObject => (event.data === '[DONE]' ? {} : (JSON.parse(event.data) as JsonObject))

const errorOf = (body: JsonObject) => {
  const { code, message, param } = body.error as JsonObject
  return { code, message: String(message), param, id: body.request_id }
}

export const OPENAI: Door = {
  name: 'openai-chat',
  provider: 'openai',
  path: '/v1/chat/completions',
  idHeader: 'x-request-id',
  body: (model, text, more) => ({ model, messages: [{ role: 'user', content: text }], ...more }),
  said: answer => String(member(answer, 'choices', 0, 'message', 'content')),
  streamed: events => events.map(event => member(data(event), 'choices', 0, 'delta', 'content') ?? '').join(''),
  ended: events => events.at(-1)?.data === '[DONE]',
  broken: events => events.map(data).find(event => 'error' in event),
  error: errorOf
}

export const ANTHROPIC: Door = {
  name: 'anthropic-messages',
  provider: 'anthropic',
  path: '/v1/messages',
  idHeader: 'request-id',
  body: (model, text, more) => ({ model, max_tokens: 4000, messages: [{ role: 'user', content: text }], ...more }),
  said: answer => String(member(answer, 'content', 0, 'text')),
  streamed: events => events.map(event => member(data(event), 'delta', 'text') ?? '').join(''),
  ended: events => events.at(-1)?.event === 'message_stop',
  broken: events => events.map(data).find(event => event.type === 'error'),
  error: errorOf
}

export const DOORS: readonly Door[] = [OPENAI, ANTHROPIC]

/** Exactly these bytes on a connection of their own; what comes back, to the end of the first answer or of all. */
export async function sendBytes(port: number, bytes: string | Buffer): Promise<Answer> {
  const socket = connect({ port, host: '127.0.0.1' })
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    const { headers, bytes } = parseAnswer(Buffer.concat(chunks))
    if (bytes.length >= Number(headers['content-length'] ?? Number.POSITIVE_INFINITY)) socket.destroy()
  })
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return parseAnswer(Buffer.concat(chunks))
}

/** The first answer in what came over a connection; status 0 where nothing did. */
export function parseAnswer(all: Buffer): Answer {
  const end = all.indexOf('\r\n\r\n')
  const [first = '', ...lines] = all.toString('latin1', 0, Math.max(0, end)).split('\r\n')
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
  )
  const bytes = end < 0 ? Buffer.alloc(0) : all.subarray(end + 4)
  const text = bytes.toString()
  return {
    status: Number(first.split(' ')[1] ?? 0),
    headers,
    bytes,
    text,
    json: () => JSON.parse(text) as JsonObject,
    events: () => readSse([bytes])
  }
}
