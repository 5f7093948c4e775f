import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dialect } from '../../../src/dialects/anthropic-messages/index.ts'
import type { ChatRequest, Event, Message } from '../../../src/dialects/canonical.ts'
import type { Losses } from '../../../src/dialects/dialect.ts'
import { isObject, type Json, type JsonObject } from '../../../src/json.ts'
import { formatSse, SseReader } from '../../../src/wire/sse.ts'

const CORPUS = process.env.WIRE_CORPUS ?? join(import.meta.dirname, '../../../../shared/wire')

const HI: Message = { role: 'user', parts: [{ type: 'text', text: 'hi' }] }

/** A request as another dialect decodes it, encoded into ours. */
export function fit(request: Partial<ChatRequest>): { body: JsonObject; losses: string[] } {
  const losses: string[] = []
  const asked = { model: 'claude-sonnet-4-5', stream: false, messages: [HI], ...request }
  return { body: dialect.encodeRequest(asked, losses), losses }
}

export interface Recorded {
  file: string
  request: { url: string; body: JsonObject | null }
  response: { status: number; headers: Record<string, string>; body?: JsonObject | string; sse?: string }
}

/** Recorded traffic of these folders (`provider/operation`); empty where there is no corpus. */
export function recorded(...folders: string[]): Recorded[] {
  return folders.flatMap(folder => {
    const path = join(CORPUS, folder)
    if (!existsSync(path)) return []
    return readdirSync(path).map(name => ({
      file: `${folder}/${name}`,
      ...JSON.parse(readFileSync(join(path, name), 'utf8'))
    }))
  })
}

export function sseEvents(chunks: Iterable<Buffer>): { event: string; data: string }[] {
  const events: { event: string; data: string }[] = []
  const reader = new SseReader(event => {
    if (!event.comment) events.push({ event: event.event, data: event.data })
  })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return events
}

export function decodeStream(chunks: Iterable<Buffer>): Event[] {
  const decode = dialect.decoder()
  return sseEvents(chunks).flatMap(({ event, data }) => decode(event, data))
}

export function encodeStream(events: Iterable<Event>, losses: Losses = []): string {
  const encoder = dialect.encoder({ losses, request: {} as ChatRequest, write: formatSse })
  return [...events].map(event => encoder.push(event)).join('')
}

/**
 * The message a client of this dialect puts together from a stream, as the provider's page describes it: blocks by
 * index, deltas appended, usage overwritten. Written without our codecs, as a second opinion.
 */
export function accumulate(sse: string): JsonObject {
  let message: JsonObject = {}
  const blocks: JsonObject[] = []
  const inputs: string[] = []
  for (const { data } of sseEvents([Buffer.from(sse)])) {
    const event = JSON.parse(data) as JsonObject
    const index = Number(event.index)
    const delta = (event.delta ?? {}) as JsonObject
    const block = blocks[index]
    if (event.type === 'message_start') message = { ...(event.message as JsonObject) }
    if (event.type === 'content_block_start') blocks[index] = { ...(event.content_block as JsonObject) }
    if (event.type === 'content_block_stop' && inputs[index]) block!.input = parsed(inputs[index])
    if (event.type === 'message_delta') {
      const { type: _type, delta: _delta, usage, ...beside } = event
      const said = Object.entries((usage ?? {}) as JsonObject).filter(([, value]) => value !== null)
      message = {
        ...message,
        ...beside,
        ...delta,
        usage: { ...(message.usage as JsonObject), ...Object.fromEntries(said) }
      }
    }
    if (delta.type === 'text_delta') block!.text = `${block!.text}${delta.text}`
    if (delta.type === 'thinking_delta') block!.thinking = `${block!.thinking}${delta.thinking}`
    if (delta.type === 'signature_delta') block!.signature = delta.signature
    if (delta.type === 'citations_delta') block!.citations = [...((block!.citations ?? []) as Json[]), delta.citation!]
    if (delta.type === 'input_json_delta') inputs[index] = `${inputs[index] ?? ''}${delta.partial_json}`
    if (delta.type === 'compaction_delta') block!.content = `${block!.content ?? ''}${delta.content}`
  }
  return { ...message, content: blocks }
}

/** Arguments that were cut off by the cap on output are no JSON; clients keep what came. */
function parsed(input: string): Json {
  try {
    return JSON.parse(input) as Json
  } catch {
    return input
  }
}

/** Without members that are null or empty lists, which say nothing. */
export function terse(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map(item => terse(item)!)
  if (!isObject(value)) return value
  const kept = Object.entries(value)
    .map(([name, inside]) => [name, terse(inside)] as const)
    .filter(([, inside]) => inside !== null && !(Array.isArray(inside) && inside.length === 0))
  return Object.fromEntries(kept)
}

/** Asserts the order of events that the provider keeps. */
export function onlyOneOpen(sse: string): void {
  let current: number | undefined
  let next = 0
  for (const { event, data } of sseEvents([Buffer.from(sse)])) {
    const { index } = JSON.parse(data) as { index?: number }
    if (event === 'content_block_start') {
      assert.equal(current, undefined)
      assert.equal(index, next)
      current = next
      next += 1
    } else if (event === 'content_block_delta') assert.equal(index, current)
    else if (event === 'content_block_stop') {
      assert.equal(index, current)
      current = undefined
    } else if (event === 'message_delta') assert.equal(current, undefined)
  }
}
