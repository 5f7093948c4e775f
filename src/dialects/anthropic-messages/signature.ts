import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Seal } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { given, NAME, sealed } from './members.ts'

/**
 * Clients of this dialect keep every thinking block with its `signature` and send it back on the next turn. Reasoning
 * of another maker has no signature of Anthropic's, so it carries a mark of ours there: `gatehouse:unsigned`, or
 * `gatehouse:<maker>:<base64url of JSON>` with what its maker sealed and how it spelt it. Coming back, the mark turns
 * into these again; on the way to Anthropic such a block is left out, because Anthropic refuses thinking that it did
 * not sign.
 */
const MARK = 'gatehouse:'
const UNSIGNED = `${MARK}unsigned`

/**
 * What another maker sealed on a tool call (Gemini signs calls, and refuses them back without): a tool_use block has no
 * member for it that clients keep, so it stands before the call, as thinking without words.
 */
const CALL = `${MARK}call:`

interface Signed {
  seal?: Seal
  spelling?: Seal
}

export function encodeSignature({ seal, spelling }: Signed): string {
  if (seal?.maker === NAME) return String(seal.value)
  const maker = seal?.maker ?? spelling?.maker
  if (maker === undefined || maker === NAME) return UNSIGNED
  const carried = given({ seal: seal?.value, spelling: spelling?.maker === maker ? spelling.value : undefined })
  return `${MARK}${maker}:${Buffer.from(JSON.stringify(carried)).toString('base64url')}`
}

export function decodeSignature(signature: string | undefined): Signed {
  if (signature === undefined || signature === UNSIGNED) return {}
  if (!signature.startsWith(MARK)) return { seal: sealed(signature) }
  const [name, value = ''] = signature.slice(MARK.length).split(':')
  const maker = name as Seal['maker']
  const carried = parse(Buffer.from(value, 'base64url').toString())
  return given({
    seal: carried.seal === undefined ? undefined : { maker, value: carried.seal },
    spelling: carried.spelling === undefined ? undefined : { maker, value: carried.spelling }
  })
}

/** The signature of thinking that carries the seal of the call of this id. */
export function encodeCallSeal(id: string, { maker, value }: Seal): string {
  return CALL + Buffer.from(JSON.stringify({ id, maker, seal: value })).toString('base64url')
}

/** The seals that thinking among these blocks carries for calls, by their ids. */
export function decodeCallSeals(blocks: readonly Json[]): Map<string, Seal> {
  const carried = blocks.filter(carriesCallSeal).map(({ signature }) => {
    const { id, maker, seal } = parse(Buffer.from(String(signature).slice(CALL.length), 'base64url').toString())
    return [String(id), { maker, value: seal ?? null } as Seal] as const
  })
  return new Map(carried)
}

export function carriesCallSeal(block: Json): block is JsonObject {
  return isObject(block) && typeof block.signature === 'string' && block.signature.startsWith(CALL)
}

function parse(text: string): JsonObject {
  try {
    const json: unknown = JSON.parse(text)
    return isObject(json) ? json : {}
  } catch {
    return {}
  }
}

/**
 * Takes our marked thinking out of a native request that goes to Anthropic as it came (the turn before was answered by
 * another maker). Returns what was taken, as losses; edits `body` in place.
 */
export function dropMarkedThinking(body: JsonObject): Losses {
  const losses: Losses = []
  const messages = Array.isArray(body.messages) ? body.messages : []
  const kept = messages.filter((message, turn) => {
    if (!isObject(message) || !Array.isArray(message.content)) return true
    const before = message.content.length
    message.content = message.content.filter((block, place) => {
      const marked = isObject(block) && typeof block.signature === 'string' && block.signature.startsWith(MARK)
      if (marked) losses.push(`messages[${turn}].content[${place}].thinking`)
      return !marked
    })
    return message.content.length > 0 || before === 0
  })
  if (losses.length > 0) body.messages = kept
  return losses
}
