import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Event } from '../../src/dialects/canonical.ts'
import type { Dialect, Losses } from '../../src/dialects/dialect.ts'
import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import { formatSse, SseReader } from '../../src/wire/sse.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures')
const CORPUS = process.env.WIRE_CORPUS ?? join(import.meta.dirname, '../../../shared/wire')

export interface Fixture {
  name: string
  text: Buffer
  /** The file as JSON; only for requests and responses. */
  body: () => JsonObject
}

/** Our own examples of a dialect, by name. */
export function fixtures(dialect: string, kind: 'requests' | 'responses' | 'streams'): Fixture[] {
  const folder = join(FIXTURES, dialect, kind)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map(file => {
      const text = readFileSync(join(folder, file))
      return { name: file.replace(/\.\w+$/, ''), text, body: () => JSON.parse(text.toString()) as JsonObject }
    })
}

export interface Said {
  event: string
  data: string
}

/** What a client takes that has no limit of its own. */
const EVENT_LIMIT = { eventBytesMax: 64 * 1024 * 1024 }

/** The events of a stream that arrives in these pieces. */
export function readSse(chunks: Iterable<Buffer>): Said[] {
  const said: Said[] = []
  const reader = new SseReader(({ comment, event, data }) => {
    if (!comment) said.push({ event, data })
  }, EVENT_LIMIT)
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return said
}

export function decodeSse(dialect: Dialect, said: readonly Said[]): Event[] {
  const decode = dialect.decoder()
  return said.flatMap(({ event, data }) => decode(event, data))
}

/** A stream that does not say its end (Gemini's) ends with its connection. */
export function encodeSse(dialect: Dialect, events: Iterable<Event>, losses: Losses = []): string {
  const encoder = dialect.encoder({ losses, request: { streamUsage: true }, write: formatSse })
  const all = [...events]
  const isOver = all.some(event => event.type === 'end' || event.type === 'failed')
  return [...all, ...(isOver ? [] : [{ type: 'end' } as const])].map(event => encoder.push(event)).join('')
}

export interface Recorded {
  path: string
  provider: string
  operation: string
  request: { body: JsonObject | null }
  response: { status: number; headers: Record<string, string>; body?: JsonObject | string; sse?: string }
}

/** Recorded traffic whose provider and operation are wanted; undefined where there is no corpus on this machine. */
export function recorded(
  isWanted: (entry: { provider: string; operation: string }) => boolean
): Recorded[] | undefined {
  const index = join(CORPUS, 'INDEX.jsonl')
  if (!existsSync(index)) return undefined
  const entries = readFileSync(index, 'utf8').trim().split('\n')
  return entries
    .map(line => JSON.parse(line) as Recorded)
    .filter(isWanted)
    .map(({ path }) => ({ ...(JSON.parse(readFileSync(join(CORPUS, path), 'utf8')) as Recorded), path }))
}

/**
 * Paths at which two values differ. An absent member and one that says nothing (`null`, an empty list) are the same
 * where `lenient`: what a codec may add or leave out without changing what is said.
 */
export function differences(
  left: Json | undefined,
  right: Json | undefined,
  options: { lenient?: boolean } = {},
  path = ''
): string[] {
  if (left === right) return []
  if (options.lenient && saysNothing(left) && saysNothing(right)) return []
  const isList = Array.isArray(left) && Array.isArray(right)
  if (!isList && !(isObject(left) && isObject(right))) return [path]
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...names].flatMap(name => {
    const at = isList ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`
    return differences((left as JsonObject)[name], (right as JsonObject)[name], options, at)
  })
}

function saysNothing(value: Json | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}

/** A deep copy without the members of these names: what a comparison is not about. */
export function without(value: Json, names: readonly string[]): Json {
  if (Array.isArray(value)) return value.map(item => without(item, names))
  if (!isObject(value)) return value
  const kept = Object.entries(value).filter(([name]) => !names.includes(name))
  return Object.fromEntries(kept.map(([name, item]) => [name, without(item ?? null, names)]))
}

/** The same numbers every run. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
