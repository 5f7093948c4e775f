import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Event, Part, Seal } from '../canonical.ts'
import type { StreamDecoder } from '../dialect.ts'
import { decodeCitation } from './citations.ts'
import { decodeBlock } from './decode-part.ts'
import { failureOf } from './failure.ts'
import { given, members, sealed } from './members.ts'
import { decodeFinish } from './response.ts'
import { decodeSignature } from './signature.ts'
import { decodeUsage, withMetrics } from './usage.ts'

/** A content block that has begun and not yet stopped. */
interface Open {
  /** Our number of it: blocks come one after the other, so this is the order of opening. */
  index: number
  part: Part
  /** The argument text of a tool call so far. */
  input: string
  signature: string
  /** What its maker keeps from us, as bytes. */
  redacted: Buffer[]
  /** A block that has no counterpart elsewhere, or is whole only at its end, as it grows. */
  block: JsonObject
}

/**
 * Reads a stream: `messageStart`, blocks, `messageStop`, and `metadata` with the usage after it; an exception instead of
 * an end. Blocks of text and of reasoning begin with their first delta. The padding `p` means nothing. Events and deltas
 * that are new pass as `native`.
 * Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
 */
export function decoder(): StreamDecoder {
  const stream = new Stream()
  return (event, data) => stream.read(event, parse(data))
}

class Stream {
  readonly #open = new Map<Json | undefined, Open>()
  #opened = 0

  read(event: string, { p: _padding, ...data }: JsonObject): Event[] {
    switch (event) {
      case 'messageStart':
        return [{ type: 'start', id: '', model: '' }]
      case 'contentBlockStart':
        return this.#start(data)
      case 'contentBlockDelta':
        return this.#delta(data)
      case 'contentBlockStop':
        return this.#stop(data)
      case 'messageStop': {
        const stop = members(data, event, 'reply')
        return [{ type: 'finish', choice: 0, finish: decodeFinish(stop), ...stop.kept() }]
      }
      case 'metadata':
        return readMetadata(data)
      default:
        if (/exception$/i.test(event)) return [{ type: 'failed', failure: failureOf(event, data) }]
        return [{ type: 'native', seal: sealed({ event, data }) }]
    }
  }

  #start(data: JsonObject): Event[] {
    const start = isObject(data.start) ? data.start : {}
    // A picture is whole at its end only; it is told then.
    if (isObject(start.image)) return this.#begin(data, NOTHING, start)
    const call = isObject(start.toolUse) ? decodeBlock({ toolUse: { ...start.toolUse } }, 'start', 'reply') : undefined
    const part: Part = call?.type === 'tool-call' ? call : { type: 'native', seal: sealed(start) }
    return this.#begin(data, part, start)
  }

  #begin({ contentBlockIndex }: JsonObject, part: Part, block: JsonObject): Event[] {
    const index = this.#opened++
    this.#open.set(contentBlockIndex, { index, part, input: '', signature: '', redacted: [], block })
    return part === NOTHING ? [] : [{ type: 'open', choice: 0, index, part }]
  }

  #delta(data: JsonObject): Event[] {
    const change = data.delta
    if (!isObject(change)) throw malformed('A delta has nothing in it')
    const known = this.#open.get(data.contentBlockIndex)
    const begun = known ? [] : this.#begin(data, beginning(change), {})
    const block = known ?? this.#open.get(data.contentBlockIndex)!
    return [...begun, ...grow(block, change)]
  }

  #stop({ contentBlockIndex }: JsonObject): Event[] {
    const block = this.#open.get(contentBlockIndex)
    // A block in which nothing came did not begin either.
    if (block === undefined) return []
    this.#open.delete(contentBlockIndex)
    const { index, part } = block
    const end: Event = { type: 'close', choice: 0, index }
    if (part === NOTHING)
      return [{ type: 'open', choice: 0, index, part: decodeBlock(block.block, 'start', 'reply') }, end]
    if (part.type === 'native') return [{ ...end, seal: sealed(finished(block)) }]
    if (part.type === 'thinking') return [{ ...end, ...given({ seal: sealOf(block) }) }]
    // A call without arguments streams none; its input is an empty object all the same.
    const silent = part.type === 'tool-call' && block.input === ''
    return silent ? [{ type: 'delta', choice: 0, index, text: '{}' }, end] : [end]
  }
}

/** Stands for a part that cannot be told yet. */
const NOTHING: Part = { type: 'text', text: '' }

/** What begins with this delta, since most blocks have no start of their own. */
function beginning(change: JsonObject): Part {
  if (change.reasoningContent !== undefined) return { type: 'thinking', text: '', spelling: sealed({}) }
  const isText = typeof change.text === 'string' || change.citation !== undefined
  return isText ? { type: 'text', text: '' } : { type: 'native', seal: sealed({}) }
}

function grow(block: Open, change: JsonObject): Event[] {
  const at = { type: 'delta', choice: 0, index: block.index } as const
  const { part } = block
  const reasoning = isObject(change.reasoningContent) ? change.reasoningContent : {}
  if (part === NOTHING || part.type === 'native') {
    block.input += inputOf(change) ?? ''
    block.block = grown(block.block, change)
    return part === NOTHING ? [] : [{ ...at, seal: sealed(change) }]
  }
  if (part.type === 'thinking') {
    if (typeof reasoning.signature === 'string') block.signature += reasoning.signature
    if (typeof reasoning.redactedContent === 'string')
      block.redacted.push(Buffer.from(reasoning.redactedContent, 'base64'))
    return typeof reasoning.text === 'string' ? [{ ...at, text: reasoning.text }] : []
  }
  if (part.type === 'tool-call') {
    const text = inputOf(change) ?? ''
    block.input += text
    return [{ ...at, text }]
  }
  if (typeof change.text === 'string') return [{ ...at, text: change.text }]
  return [
    change.citation === undefined
      ? { ...at, seal: sealed(change) }
      : { ...at, citation: decodeCitation(change.citation) }
  ]
}

function inputOf(change: JsonObject): string | undefined {
  const call = change.toolUse
  return isObject(call) && typeof call.input === 'string' ? call.input : undefined
}

/** A block with one more delta: lists are added to, objects are laid one upon the other. */
function grown(block: JsonObject, { toolUse: _input, ...change }: JsonObject): JsonObject {
  const all = { ...block }
  for (const [name, value] of Object.entries(change)) {
    const before = all[name]
    if (Array.isArray(value) && isObject(before))
      all[name] = { ...before, content: [...listOf(before.content), ...value] }
    else all[name] = isObject(before) && isObject(value) ? { ...before, ...value } : value
  }
  return all
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : []
}

function finished({ block, input }: Open): JsonObject {
  const call = block.toolUse
  if (!isObject(call)) return block
  try {
    return { ...block, toolUse: { ...call, input: JSON.parse(input || '{}') as Json } }
  } catch {
    return { ...block, toolUse: { ...call, input: { _raw: input } } }
  }
}

function sealOf({ signature, redacted }: Open): Seal | undefined {
  if (redacted.length > 0) return sealed({ redactedContent: Buffer.concat(redacted).toString('base64') })
  return signature === '' ? undefined : decodeSignature(signature).seal
}

/** Usage, and after it the end. What else the last event tells is for this dialect's own clients. */
function readMetadata({ usage, metrics, serviceTier, ...more }: JsonObject): Event[] {
  const tier = isObject(serviceTier) && typeof serviceTier.type === 'string' ? serviceTier.type : undefined
  const others: Event[] =
    Object.keys(more).length > 0 ? [{ type: 'native', seal: sealed({ event: 'metadata', data: more }) }] : []
  const counted = isObject(usage) ? decodeUsage(usage, 'usage') : {}
  return [...others, { type: 'usage', usage: given({ ...withMetrics(counted, metrics), tier }) }, { type: 'end' }]
}

function parse(data: string): JsonObject {
  try {
    const json: unknown = JSON.parse(data)
    if (isObject(json)) return json
  } catch {}
  throw malformed('A stream event is no JSON object')
}

function malformed(problem: string): Failure {
  return new Failure('provider_malformed', `${problem} in the provider's stream.`)
}
