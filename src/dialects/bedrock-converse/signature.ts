import { isObject, type JsonObject } from '../../json.ts'
import type { Seal } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { given, NAME, sealed } from './members.ts'

/**
 * Clients of this dialect keep every `reasoningText` with its `signature` and send it back on the next turn. Reasoning
 * of another maker carries a mark of ours there: `gatehouse:unsigned`, or `gatehouse:<maker>:<base64url of JSON>` with
 * what its maker sealed and how it spelt it. Coming back, the mark turns into these again; on the way to Bedrock such a
 * block is left out, because a model refuses thinking that it did not sign.
 */
const MARK = 'gatehouse:'
const UNSIGNED = `${MARK}unsigned`

interface Signed {
  seal?: Seal
  spelling?: Seal
}

/** Undefined for thinking of this dialect that came without one: not every model signs. */
export function encodeSignature({ seal, spelling }: Signed): string | undefined {
  if (seal?.maker === NAME) return typeof seal.value === 'string' ? seal.value : undefined
  const maker = seal?.maker ?? spelling?.maker
  if (maker === undefined) return UNSIGNED
  if (maker === NAME) return undefined
  const carried = given({ seal: seal?.value, spelling: spelling?.maker === maker ? spelling.value : undefined })
  return `${MARK}${maker}:${Buffer.from(JSON.stringify(carried)).toString('base64url')}`
}

/** Thinking without a signature is known as ours by a spelling that says nothing. */
export function decodeSignature(signature: string | undefined): Signed {
  if (signature === undefined) return { spelling: sealed({}) }
  if (signature === UNSIGNED) return {}
  if (!signature.startsWith(MARK)) return { seal: sealed(signature) }
  const [name, value = ''] = signature.slice(MARK.length).split(':')
  const maker = name as Seal['maker']
  const carried = parse(Buffer.from(value, 'base64url').toString())
  return given({
    seal: carried.seal === undefined ? undefined : { maker, value: carried.seal },
    spelling: carried.spelling === undefined ? undefined : { maker, value: carried.spelling }
  })
}

function parse(text: string): JsonObject {
  try {
    const json: unknown = JSON.parse(text)
    return isObject(json) ? json : {}
  } catch {
    return {}
  }
}

/** Takes our marked thinking out of a native request that goes to Bedrock as it came. See `Dialect.dropForeign`. */
export function dropMarkedThinking(body: JsonObject): Losses {
  const losses: Losses = []
  const messages = Array.isArray(body.messages) ? body.messages : []
  const kept = messages.filter((message, turn) => {
    if (!isObject(message) || !Array.isArray(message.content)) return true
    const before = message.content.length
    message.content = message.content.filter((block, place) => {
      const marked = isObject(block) && isMarked(block.reasoningContent)
      if (marked) losses.push(`messages[${turn}].content[${place}].thinking`)
      return !marked
    })
    return message.content.length > 0 || before === 0
  })
  if (losses.length > 0) body.messages = kept
  return losses
}

function isMarked(reasoning: unknown): boolean {
  const text = isObject(reasoning) ? reasoning.reasoningText : undefined
  return isObject(text) && typeof text.signature === 'string' && text.signature.startsWith(MARK)
}
