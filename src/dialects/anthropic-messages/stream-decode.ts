import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Event, Part } from '../canonical.ts'
import type { StreamDecoder } from '../dialect.ts'
import { decodePart } from './decode-part.ts'
import { exceptionOf, failureOf, isException } from './failure.ts'
import { given, Members, sealed } from './members.ts'
import { decodeFinish, WITH_FINISH } from './response.ts'
import { decodeSignature } from './signature.ts'
import { decodeUsage } from './usage.ts'

/** Members of a `message_start` that say nothing yet. */
const CONSTANT = ['type', 'role', 'content', 'stop_reason', 'stop_sequence']

/** A content block that has been opened and not yet closed. */
interface Open {
  /** Our number of it: blocks come one after the other, so this is the order of opening. */
  index: number
  part: Part
  /** The argument text of a tool call so far. */
  input: string
  signature?: string
  /** A native block as it grows. */
  block: JsonObject
}

/**
 * Reads a stream: `message_start`, blocks, `message_delta`, `message_stop`, with `ping` anywhere and `error` instead
 * of an end, or an exception of Amazon Bedrock's. Source: the provider's page on streaming messages. Events and deltas
 * that are new pass as `native`.
 */
export function decoder(): StreamDecoder {
  const stream = new Stream()
  return (event, data) => stream.read(event, parse(data))
}

class Stream {
  readonly #open = new Map<Json | undefined, Open>()
  #opened = 0
  #usage: JsonObject = {}

  read(event: string, data: JsonObject): Event[] {
    switch (data.type ?? event) {
      case 'message_start':
        return this.#start(data)
      case 'content_block_start':
        return this.#openBlock(data)
      case 'content_block_delta':
        return this.#delta(data)
      case 'content_block_stop':
        return this.#close(data)
      case 'message_delta':
        return this.#finish(data)
      case 'message_stop':
        return [{ type: 'end' }]
      case 'ping':
        return [{ type: 'ping' }]
      case 'error':
        return [{ type: 'failed', failure: failureOf(data) }]
      default:
        // A cloud that the stream came through broke it off: its exceptions have a name and no type.
        if (isException(event)) return [{ type: 'failed', failure: exceptionOf(event, data) }]
        return [{ type: 'native', seal: sealed(data) }]
    }
  }

  #start(data: JsonObject): Event[] {
    const members = new Members(data.message, 'message', 'reply')
    for (const name of [...CONSTANT, ...WITH_FINISH]) members.take(name)
    const report = members.maybeObject('usage')
    const head = { id: members.string('id'), model: members.string('model') }
    if (report) this.#usage = report
    return [
      { type: 'start', ...head, ...(report ? { usage: decodeUsage(this.#usage, 'usage') } : {}), ...members.kept() }
    ]
  }

  #openBlock(data: JsonObject): Event[] {
    const native = data.content_block
    const part = decodePart(native, 'content_block', 'reply')
    const index = this.#opened++
    const { bare, initial } = emptied(part)
    const block: Open = { index, part: bare, input: '', block: isObject(native) ? native : {} }
    this.#open.set(data.index, block)
    const events: Event[] = [{ type: 'open', choice: 0, index, part: bare }]
    if (initial === '') return events
    block.input = initial
    return [...events, { type: 'delta', choice: 0, index, text: initial }]
  }

  #delta(data: JsonObject): Event[] {
    const block = this.#open.get(data.index)
    const change = data.delta
    if (block === undefined || !isObject(change)) throw malformed('A delta has no open content block')
    const at = { type: 'delta', choice: 0, index: block.index } as const
    const text = textOf(change)
    if (block.part.type !== 'native' && text !== undefined) {
      block.input += text
      return [{ ...at, text }]
    }
    if (change.type === 'signature_delta' && typeof change.signature === 'string') {
      block.signature = change.signature
      return []
    }
    if (change.type === 'citations_delta' && change.citation !== undefined)
      return [{ ...at, citation: change.citation }]
    grow(block, change)
    return [{ ...at, seal: sealed(change) }]
  }

  #close(data: JsonObject): Event[] {
    const block = this.#open.get(data.index)
    if (block === undefined) throw malformed('A content block ends that was not open')
    this.#open.delete(data.index)
    const { index, part } = block
    const end: Event = { type: 'close', choice: 0, index }
    if (part.type === 'native') return [{ ...end, seal: sealed(finished(block)) }]
    if (part.type === 'thinking' && block.signature !== undefined) {
      return [{ ...end, ...given({ seal: decodeSignature(block.signature).seal }) }]
    }
    // A call without arguments streams none; its input is an empty object all the same.
    const silent = part.type === 'tool-call' && block.input === ''
    return silent ? [{ type: 'delta', choice: 0, index, text: '{}' }, end] : [end]
  }

  #finish(data: JsonObject): Event[] {
    const report = isObject(data.usage) ? data.usage : {}
    // Counts are cumulative; what a report leaves out or says as null stays as it was.
    this.#usage = {
      ...this.#usage,
      ...Object.fromEntries(Object.entries(report).filter(([, value]) => value !== null))
    }
    const { type: _type, usage: _usage, delta: change, ...beside } = data
    const members = new Members({ ...(isObject(change) ? change : {}), ...beside }, 'delta', 'reply')
    const said = members.peek('stop_reason') !== undefined && members.peek('stop_reason') !== null
    const ends: Event[] = said
      ? [{ type: 'finish', choice: 0, finish: decodeFinish(members), ...members.kept(WITH_FINISH) }]
      : []
    return [...ends, { type: 'usage', usage: decodeUsage(this.#usage, 'usage') }]
  }
}

/** The part as it opens, without text, and the text it was opened with (seen from makers who took over the dialect). */
function emptied(part: Part): { bare: Part; initial: string } {
  if (part.type === 'tool-call') return { bare: { ...part, input: '' }, initial: part.input === '{}' ? '' : part.input }
  if (part.type === 'text') {
    // `citations: []` or null at the start only says that some may follow.
    const { citations = [], spelling: _spelling, ...bare } = part
    return { bare: { ...bare, text: '', ...(citations.length > 0 ? { citations } : {}) }, initial: part.text }
  }
  if (part.type === 'thinking') {
    const { seal, ...bare } = part
    // The signature comes later; an empty one at the start is none.
    return { bare: { ...bare, text: '', ...(seal && seal.value !== '' ? { seal } : {}) }, initial: part.text }
  }
  return { bare: part, initial: '' }
}

const DELTA_TEXT = new Map<Json | undefined, string>([
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
  ['input_json_delta', 'partial_json']
])

function textOf(change: JsonObject): string | undefined {
  const name = DELTA_TEXT.get(change.type)
  const text = name === undefined ? undefined : change[name]
  return typeof text === 'string' ? text : undefined
}

/** Adds a delta to a native block: argument text is gathered, other members grow if they are text, else are replaced. */
function grow(block: Open, change: JsonObject): void {
  if (block.part.type !== 'native') return
  if (change.type === 'input_json_delta') {
    block.input += String(change.partial_json ?? '')
    return
  }
  const grown = { ...block.block }
  for (const [name, value] of Object.entries(change)) {
    const before = grown[name]
    if (name !== 'type') grown[name] = typeof before === 'string' && typeof value === 'string' ? before + value : value
  }
  block.block = grown
}

function finished(block: Open): JsonObject {
  if (block.input === '') return block.block
  try {
    return { ...block.block, input: JSON.parse(block.input) as Json }
  } catch {
    return { ...block.block, input: { _raw: block.input } }
  }
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
