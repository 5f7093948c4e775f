import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { DialectName, Part, Seal } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { type Fault, given, isForeign, Members, NAME, objectOf, sealed } from './members.ts'

type Thinking = Extract<Part, { type: 'thinking' }>

/**
 * Reasoning items are a summary, perhaps the reasoning itself, and `encrypted_content` that only their provider reads.
 * A client that keeps no conversation there sends them back as they are, so the whole item is the seal of its part.
 *
 * That is also how a client carries what another dialect signed: in an item whose `encrypted_content` is
 * `gatehouse:unsigned`, or `gatehouse:<maker>:<base64url of JSON>` with what its maker sealed and how it spelt it. The
 * JSON has `part` where the seal belongs to something else: the tool call `id` or the text before it, or a part that
 * has no counterpart here at all. Coming back, the same parts are made of it again, to the bit; none of it reaches a
 * provider of this dialect, which refuses what it did not encrypt.
 */
export const MARK = 'gatehouse:'
const UNSIGNED = `${MARK}unsigned`

/** Between the parts of a summary, which are paragraphs. */
export const PARAGRAPH = '\n\n'

export function decodeReasoning(value: JsonObject, path: string, fault: Fault): Thinking {
  const members = new Members(value, path, fault)
  const summary = textsOf(members.maybeArray('summary'))
  const content = textsOf(members.maybeArray('content'))
  const text = content.length > 0 ? content.join('') : summary.join(PARAGRAPH)
  const shown = { id: value.id, ...(content.length > 0 && { content: true }) }
  return { type: 'thinking', text, seal: sealed(value), spelling: sealed(given(shown) as JsonObject) }
}

/** Whether an item has its reasoning with it, encrypted or open. */
export function holdsReasoning({ encrypted_content, content }: JsonObject): boolean {
  return typeof encrypted_content === 'string' || (Array.isArray(content) && content.length > 0)
}

/** The summary alone. */
export function summaryOf(item: JsonObject): string {
  return textsOf(Array.isArray(item.summary) ? item.summary : []).join(PARAGRAPH)
}

function textsOf(parts: Json[] | undefined): string[] {
  const texts = (parts ?? []).map(part => objectOf(part).text)
  return texts.filter(text => typeof text === 'string')
}

/** What we carried for another maker in a reasoning item; undefined where the item is the provider's own. */
export interface Carried {
  part?: Part
  /** A seal for what was said before: the call of that id, or the last text. */
  seals?: { id?: string; seal: Seal }
}

export function decodeCarried(item: JsonObject): Carried | undefined {
  const mark = item.encrypted_content
  if (!isMarked(mark)) return undefined
  const text = summaryOf(item)
  if (mark === UNSIGNED) return { part: { type: 'thinking', text } }
  const [name, value = ''] = mark.slice(MARK.length).split(':')
  const maker = name as DialectName
  const carried = parse(Buffer.from(value, 'base64url').toString())
  const seal = carried.seal === undefined ? undefined : { maker, value: carried.seal }
  if (carried.part !== undefined && !seal) return {}
  if (carried.part === 'native') return { part: { type: 'native', seal: seal! } }
  if (carried.part !== undefined) {
    return { seals: { seal: seal!, ...(typeof carried.id === 'string' && { id: carried.id }) } }
  }
  const spelling = carried.spelling === undefined ? undefined : { maker, value: carried.spelling }
  return { part: { type: 'thinking', text, ...given({ seal, spelling }) } }
}

function isMarked(mark: Json | undefined): mark is string {
  return typeof mark === 'string' && mark.startsWith(MARK)
}

function parse(text: string): JsonObject {
  try {
    const json: unknown = JSON.parse(text)
    return isObject(json) ? json : {}
  } catch {
    return {}
  }
}

function envelope(maker: DialectName, carried: JsonObject): string {
  return `${MARK}${maker}:${Buffer.from(JSON.stringify(carried)).toString('base64url')}`
}

function encodeMark({ seal, spelling }: Thinking): string {
  const maker = seal?.maker ?? spelling?.maker
  if (maker === undefined || maker === NAME) return UNSIGNED
  const own = spelling?.maker === maker ? spelling.value : undefined
  return envelope(maker, given({ seal: seal?.value, spelling: own }) as JsonObject)
}

/** A reasoning item for a client: the provider's own as it was, any other's as a summary that carries its seal. */
export function reasoningItem(part: Thinking, id: string): JsonObject {
  if (part.seal?.maker === NAME && isObject(part.seal.value))
    return { ...part.seal.value, id: part.seal.value.id ?? id }
  const summary = part.text === '' ? [] : [{ type: 'summary_text', text: part.text }]
  return { id, type: 'reasoning', summary, encrypted_content: encodeMark(part) }
}

/** Whether a part has a seal of another maker for which its own item has no place. */
export function carries(part: Part): part is Extract<Part, { seal?: Seal }> & { seal: Seal } {
  return part.type !== 'thinking' && 'seal' in part && isForeign(part.seal)
}

/** What a part needs carried beside it for its maker: the seal of a call or a text, or the whole part. */
export function carrierFor(part: Part, id: string): JsonObject | undefined {
  if (!carries(part)) return undefined
  const { maker, value } = part.seal
  const carried =
    part.type === 'tool-call' ? { part: part.type, id: part.id, seal: value } : { part: part.type, seal: value }
  return { id, type: 'reasoning', summary: [], encrypted_content: envelope(maker, carried) }
}

/** See `Dialect.dropForeign`. */
export function dropForeign(body: JsonObject): Losses {
  if (!Array.isArray(body.input)) return []
  const losses: Losses = []
  body.input = body.input.filter((item, index) => {
    const isOurs = isObject(item) && item.type === 'reasoning' && isMarked(item.encrypted_content)
    if (isOurs) losses.push(`input[${index}].reasoning`)
    return !isOurs
  })
  return losses
}
