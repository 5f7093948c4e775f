import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ChatRequest, ChatResponse } from '../../src/dialects/canonical.ts'
import { collect } from '../../src/dialects/collect.ts'
import type { Dialect, Losses } from '../../src/dialects/dialect.ts'
import { dialects } from '../../src/dialects/index.ts'
import { streamTranslator, translateRequest, translateResponse } from '../../src/dialects/translate.ts'
import { Failure } from '../../src/errors.ts'
import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import { formatSse, SseReader } from '../../src/wire/sse.ts'

/**
 * What becomes of one feature when it crosses from one dialect to another, kept as a pair of files below
 * `test/goldens/<kind>/<from>/`: `<feature>.json` (or `.sse`) as it is said, and `<feature>.<to>.json` (or `.sse`) as
 * it arrives, with its losses. `UPDATE_GOLDENS=1` writes the second.
 */
const ROOT = path.resolve(import.meta.dirname, '../goldens')

export const KINDS = ['requests', 'responses', 'streams'] as const
export type Kind = (typeof KINDS)[number]

export interface Golden {
  kind: Kind
  feature: string
  from: Dialect
  to: Dialect
  /** What is said, as its file holds it. */
  input: string
  /** The file of what arrives. */
  file: string
}

export interface Arrival {
  /** The body, or the text of the stream. */
  said: JsonObject | string
  losses: Losses
}

/** Every crossing, by kind, dialects and feature. */
export function goldens(): Golden[] {
  const all: Dialect[] = Object.values(dialects)
  return KINDS.flatMap(kind =>
    all.flatMap(from => {
      const folder = path.join(ROOT, kind, from.name)
      const inputs = globSync('*', { cwd: folder }).filter(name => name.split('.').length === 2)
      return inputs.sort().flatMap(name => {
        const [feature, end] = name.split('.')
        const input = readFileSync(path.join(folder, name), 'utf8')
        const others = all.filter(to => to !== from)
        return others.map(to => ({
          kind,
          feature: feature!,
          from,
          to,
          input,
          file: path.join(folder, `${feature}.${to.name}.${end}`)
        }))
      })
    })
  )
}

/** Crosses, with the code as it is. */
export function cross({ kind, from, to, input }: Golden): Arrival {
  if (kind === 'requests') {
    try {
      const { body, losses } = translateRequest(from, to, JSON.parse(input), { address: ADDRESS })
      return { said: body, losses }
    } catch (thrown) {
      const { code, message } = Failure.from(thrown)
      return { said: { refused: code, message }, losses: [] }
    }
  }
  if (kind === 'responses') {
    const { body, losses } = translateResponse(from, to, JSON.parse(input))
    return { said: body, losses }
  }
  const losses: Losses = []
  const stream = streamTranslator(from, to, { losses, request: { streamUsage: true }, write: formatSse })
  const texts = sseEvents(input).map(({ event, data }) => stream.push(event, data).text)
  return { said: texts.join('') + stream.end().text, losses }
}

/** What some dialects say in the address of a call. */
const ADDRESS = { model: 'the-model', stream: false }

const LOSSES = ': losses '

/** A stream's losses stand before it, as a comment of its own format. */
export function written({ said, losses }: Arrival): string {
  if (typeof said === 'string') return `${LOSSES}${JSON.stringify(losses)}\n\n${said}`
  return `${JSON.stringify({ losses, body: said }, null, 2)}\n`
}

export function update(golden: Golden): void {
  writeFileSync(golden.file, written(cross(golden)))
}

export function expected(golden: Golden): Arrival {
  const text = readFileSync(golden.file, 'utf8')
  if (!text.startsWith(LOSSES)) {
    const { body, losses } = JSON.parse(text)
    return { said: body, losses }
  }
  const [head = '', ...events] = text.split('\n\n')
  return { said: events.join('\n\n'), losses: JSON.parse(head.slice(LOSSES.length)) }
}

/**
 * What became of the feature, by its golden: `kept` where the other side reads the same again, `mapped` where it reads
 * something else that nobody calls a loss, `lost` with the names, `refused` where the call would mean something else.
 */
export function verdict(golden: Golden): { word: 'kept' | 'mapped' | 'lost' | 'refused'; losses: Losses } {
  const { said, losses } = expected(golden)
  if (typeof said !== 'string' && 'refused' in said) return { word: 'refused', losses }
  if (losses.length > 0) return { word: 'lost', losses }
  const before = meaning(golden.kind, golden.from, golden.kind === 'streams' ? golden.input : JSON.parse(golden.input))
  const after = meaning(golden.kind, golden.to, said)
  return { word: JSON.stringify(before) === JSON.stringify(after) ? 'kept' : 'mapped', losses }
}

function meaning(kind: Kind, dialect: Dialect, said: JsonObject | string): Json {
  const decode = dialect.decoder()
  try {
    if (kind === 'requests') return bare(dialect.decodeRequest(said as JsonObject, ADDRESS))
    if (kind === 'responses') return bare(dialect.decodeResponse(said as JsonObject))
    return bare(collect(sseEvents(said as string).flatMap(({ event, data }) => decode(event, data))))
  } catch (thrown) {
    return { failure: Failure.from(thrown).kind }
  }
}

/** How it was spelt, who made it and when, and counts of nothing are no meaning. */
const SPELLING = new Set(['maker', 'rest', 'spelling', 'plain', 'plainSystem', 'raw', 'created', 'streamUsage'])

function bare(value: ChatRequest | ChatResponse): Json {
  const json = JSON.parse(JSON.stringify(value)) as Json
  return sorted(json)
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  const names = Object.keys(value).filter(name => !SPELLING.has(name) && value[name] !== 0)
  return Object.fromEntries(names.sort().map(name => [name, sorted(value[name]!)]))
}

function sseEvents(text: string): { event: string; data: string }[] {
  const events: { event: string; data: string }[] = []
  const reader = new SseReader(event => {
    if (!event.comment) events.push({ event: event.event, data: event.data })
  })
  reader.push(Buffer.from(text))
  reader.end()
  return events
}
