import { isObject, type JsonObject } from '../../json.ts'
import type { Part } from '../canonical.ts'
import { encodeMedia } from './media.ts'
import { given, NAME, ours, restore } from './members.ts'
import { encodeSignature, UNSIGNED_CALL } from './signature.ts'
import { lost, type Spot } from './spot.ts'

type PartOf<T extends Part['type']> = Extract<Part, { type: T }>

/**
 * A part as native ones: none where it has nothing to say or cannot be said (then a loss names it), several where a
 * result brings media that the model takes only beside it.
 */
export function encodePart(part: Part, spot: Spot): JsonObject[] {
  const [first, ...beside] = encodeNative(part, spot)
  if (part.cache) lost(spot, 'cache_control')
  if (first === undefined) return []
  if (part.type === 'native') return [first]
  return [restore(first, part, spot.path, spot.losses), ...beside]
}

export function encodeParts(parts: readonly Part[], spot: Spot): JsonObject[] {
  return parts.flatMap((part, index) => encodePart(part, { ...spot, path: `${spot.path}.content[${index}]` }))
}

/** What a turn of each role can hold when it comes from another dialect. */
const FITTING: Record<Spot['role'], readonly Part['type'][]> = {
  system: ['text', 'native'],
  user: ['text', 'media', 'tool-result', 'native'],
  model: ['text', 'refusal', 'thinking', 'media', 'tool-call', 'native']
}

function encodeNative(part: Part, spot: Spot): JsonObject[] {
  if (!spot.own && !FITTING[spot.role].includes(part.type)) return lost(spot, part.type)
  switch (part.type) {
    case 'text':
      return encodeText(part, spot)
    case 'refusal':
      // There is no part for it: its words stay, and the reply's `finishReason` says that it is one.
      return part.text === '' ? [] : [{ text: part.text }]
    case 'thinking':
      return encodeThinking(part, spot)
    case 'media':
      return encodeMedia(part, spot)
    case 'tool-call':
      return [{ functionCall: encodeCall(part, spot), ...signed(part, spot) }]
    case 'tool-result':
      return encodeResult(part, spot)
    case 'native':
      return encodeForeign(part, spot)
  }
}

/** The signature: its maker's own, or (for a client to send back) what another maker sealed. */
function signed(part: PartOf<'text' | 'thinking' | 'tool-call'>, spot: Spot): JsonObject {
  if (part.seal && part.seal.maker !== NAME && spot.side === 'request') lost(spot, 'signature')
  const isSaid = spot.side === 'response' || part.seal?.maker === NAME
  return given({ thoughtSignature: isSaid ? encodeSignature(part) : undefined }) as JsonObject
}

function encodeText(part: PartOf<'text'>, spot: Spot): JsonObject[] {
  const signature = signed(part, spot)
  if (part.citations && !spot.own) lost(spot, 'citations')
  // Empty parts are refused, except where they bring a signature.
  if (!spot.own && part.text === '' && signature.thoughtSignature === undefined) return []
  return [{ text: part.text, ...signature }]
}

function encodeThinking(part: PartOf<'thinking'>, spot: Spot): JsonObject[] {
  // Google takes only what its own models thought.
  const isStranger = !spot.own && spot.side === 'request' && part.seal?.maker !== NAME
  if (isStranger) return part.text === '' && !part.seal ? [] : lost(spot, 'thinking')
  const signature = signed(part, spot)
  if (!spot.own && part.text === '' && signature.thoughtSignature === undefined) return []
  return [{ text: part.text, thought: true, ...signature }]
}

function encodeForeign(part: PartOf<'native'>, spot: Spot): JsonObject[] {
  const { seal } = part
  if (seal.maker === NAME) return isObject(seal.value) ? [seal.value] : []
  if (spot.side === 'response') return [{ text: '', thought: true, thoughtSignature: encodeSignature(part)! }]
  return lost(spot, isObject(seal.value) && typeof seal.value.type === 'string' ? seal.value.type : 'native')
}

function encodeCall(part: PartOf<'tool-call'>, spot: Spot): JsonObject {
  return { id: part.id, name: part.name, args: encodeArgs(part.input, spot) }
}

/** The arguments must be an object: no text is an empty one; text that is none goes as `{"_raw": text}`, named. */
function encodeArgs(text: string, spot: Spot): JsonObject {
  if (text.trim() === '') return {}
  try {
    const args: unknown = JSON.parse(text)
    if (isObject(args)) return args
  } catch {}
  lost(spot, 'input')
  return { _raw: text }
}

/** The first call of a turn is signed; one that no Gemini made says that it is none. */
export function signCalls(parts: readonly JsonObject[]): JsonObject[] {
  const first = parts.findIndex(part => part.functionCall !== undefined)
  return parts.map((part, index) => (index === first ? { thoughtSignature: UNSIGNED_CALL, ...part } : part))
}

/** A result in Google's words: `output`, or `error` where the function failed. Media stand in it or beside it. */
function encodeResult(part: PartOf<'tool-result'>, spot: Spot): JsonObject[] {
  const written = ours(part.spelling).functionResponse
  const spelt = isObject(written) ? written : {}
  const inside: Spot = { ...spot, role: 'user' }
  const said = part.content.map((each, index) => ({ each, at: { ...inside, path: `${spot.path}.content[${index}]` } }))
  const texts = said.flatMap(({ each }) => (each.type === 'text' ? [each.text] : []))
  const media = said.flatMap(({ each, at }) => (each.type === 'text' ? [] : encodePart(each, at)))
  for (const { each, at } of said) if (each.type === 'text' && !spot.own) textBesides(each, at)
  const name = spot.names.get(part.id)
  if (name === undefined && spelt.name === undefined) lost(spot, 'name')
  const staysInside = spot.own || (spot.model?.resultMedia ?? false)
  const response = { [part.failed ? 'error' : 'output']: texts.join('\n') }
  const functionResponse: JsonObject = {
    id: part.id,
    name: name ?? 'unknown',
    ...(spelt.response === undefined ? { response } : {}),
    ...(staysInside && media.length > 0 ? { parts: media } : {})
  }
  return [{ functionResponse }, ...(staysInside ? [] : media)]
}

/** What stands on a text within a result and is not its words. */
function textBesides(part: PartOf<'text'>, spot: Spot): void {
  if (part.cache) lost(spot, 'cache_control')
  restore({}, part, spot.path, spot.losses)
}
