import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Address, Dialect, FramingName } from '../../src/dialects/dialect.ts'
import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import { READERS } from '../../src/wire/framing.ts'

/** One recorded call, as a file of the corpus has it. */
export interface Recording {
  id: string
  provider: string
  operation: string
  /** Of an error: what was being called. */
  target_operation?: string | null
  model: string | null
  /** How far the record is from the bytes on the wire. */
  notes: string[]
  request: { body: Json }
  response: {
    status: number
    headers: Record<string, string>
    body?: Json
    sse?: string
    ndjson?: string
    /** Frames of `application/vnd.amazon.eventstream`. */
    base64?: string
    /** In how many bytes each piece of the stream came. */
    chunk_lengths?: number[]
  }
}

/** A call in a dialect of ours, ready to be played. */
export interface Interaction {
  id: string
  provider: string
  operation: string
  notes: readonly string[]
  dialect: Dialect
  asks: 'chat' | 'count-tokens'
  /** What the address says, whether or not the body says it too. */
  address: Address
  /** Undefined where only the reply was recorded. */
  request: JsonObject | undefined
  status: number
  headers: Record<string, string>
  /** A whole reply; undefined where it streams. */
  reply: Json | undefined
  stream: RecordedStream | undefined
}

export interface RecordedStream {
  framing: FramingName
  bytes: Buffer
  /** As it came from the network, where that is known. */
  pieces: readonly Buffer[] | undefined
}

/** Which dialect an operation is spoken in. Those that are not here are no chat: embeddings, images, lists, … */
const SPOKEN: Readonly<Record<string, string>> = {
  chat: 'openai-chat',
  messages: 'anthropic-messages',
  count_tokens: 'anthropic-messages',
  responses: 'openai-responses',
  generateContent: 'gemini',
  streamGenerateContent: 'gemini',
  countTokens: 'gemini',
  converse: 'bedrock-converse',
  invoke: 'anthropic-messages'
}

/** Where a provider means something else by an operation. */
const SPOKEN_BY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bedrock: { count_tokens: 'bedrock-converse' }
}

/** Why a recorded call that is chat cannot be played in any dialect, by what it is; undefined where it can. */
export function strangeness({ operation, target_operation, provider, request }: Recording): string | undefined {
  const asked = (operation === 'error' && target_operation) || operation
  if (provider === 'cohere' && asked.startsWith('chat')) return "Cohere's own chat format, which is no dialect here"
  const isForeign = isObject(request.body) && request.body.anthropic_version === undefined
  if (asked.startsWith('invoke') && isForeign) return "another maker's own format behind Bedrock's invoke"
  return undefined
}

const ROOT = process.env.WIRE_CORPUS ?? resolve(import.meta.dirname, '../../../shared/wire')

/** Every recorded call; undefined where there is no corpus on this machine. */
export function recordings(root = ROOT): Recording[] | undefined {
  const index = join(root, 'INDEX.jsonl')
  if (!existsSync(index)) return undefined
  const lines = readFileSync(index, 'utf8').trim().split('\n')
  return lines.map(line => {
    const { path } = JSON.parse(line) as { path: string }
    return JSON.parse(readFileSync(join(root, path), 'utf8')) as Recording
  })
}

/** The name of the dialect that the call was made in; undefined where it is no chat. */
export function spokenIn({ provider, operation, target_operation }: Recording): string | undefined {
  const asked = ((operation === 'error' && target_operation) || operation).replace(/_stream$/, '')
  return SPOKEN_BY[provider]?.[asked] ?? SPOKEN[asked]
}

/** The call in its dialect, out of those given; undefined where it is in none of them. */
export function interactionOf(recording: Recording, dialects: readonly Dialect[]): Interaction | undefined {
  const name = spokenIn(recording)
  const dialect = dialects.find(each => each.name === name)
  if (!dialect) return undefined
  const { id, provider, operation, target_operation, model, notes, request, response } = recording
  const asked = (operation === 'error' && target_operation) || operation
  const stream = streamOf(recording)
  return {
    id,
    provider,
    operation,
    notes,
    dialect,
    asks: /^count/.test(asked) ? 'count-tokens' : 'chat',
    address: { model: model ?? 'unnamed', stream: /stream/i.test(asked) },
    request: isObject(request.body) ? request.body : undefined,
    status: response.status,
    headers: response.headers,
    reply: stream ? undefined : (response.body ?? response.sse ?? null),
    stream
  }
}

function streamOf({ operation, response }: Recording): RecordedStream | undefined {
  const { sse, base64, body, chunk_lengths: lengths } = response
  if (operation === 'error' || !/stream/i.test(operation)) return undefined
  if (sse !== undefined) {
    const bytes = Buffer.from(sse)
    return { framing: 'sse', bytes, pieces: cutAt(bytes, lengths) }
  }
  if (base64 !== undefined) {
    const bytes = Buffer.from(base64, 'base64')
    return { framing: 'eventstream', bytes, pieces: cutAt(bytes, lengths) }
  }
  // Google writes an element a chunk, with commas on lines of their own.
  if (Array.isArray(body)) {
    const text = `[${body.map(element => JSON.stringify(element, null, 2)).join('\n,\r\n')}\n]`
    return { framing: 'json-array', bytes: Buffer.from(text), pieces: undefined }
  }
  return undefined
}

function cutAt(bytes: Buffer, lengths: readonly number[] | undefined): Buffer[] | undefined {
  if (!lengths) return undefined
  let at = 0
  const pieces = lengths.map(length => {
    at += length
    return bytes.subarray(at - length, at)
  })
  return at === bytes.length ? pieces : undefined
}

/** What was said in a stream that comes in these pieces, event by event. */
export interface Said {
  event: string
  data: string
}

const LIMITS = { eventBytesMax: 64 * 1024 * 1024 }

export type ReadStream = (framing: FramingName, pieces: Iterable<Buffer>) => Said[]

export const readStream: ReadStream = (framing, pieces) => {
  const said: Said[] = []
  const reader = READERS[framing].reader(({ comment, event, data }) => {
    if (!comment) said.push({ event, data })
  }, LIMITS)
  for (const piece of pieces) reader.push(piece)
  reader.end()
  return said
}
