import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Part, Seal } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { camelCase, given, type Members, NAME, sealed } from './members.ts'

/**
 * Gemini signs what it thought: any part may carry a `thoughtSignature` (bytes, in base64), which its clients send back
 * as it came; without the one of a function call Gemini 3 refuses the next turn
 * (ai.google.dev/gemini-api/docs/thought-signatures). What another maker sealed travels there too: the base64 of
 * `gatehouse:` and JSON with the maker, its seal and how it spelt the part. Nine letters are twelve of base64, so that
 * such a one is known by how it begins.
 */
export const MARK = 'Z2F0ZWhvdXNl'
const PREFIX = 'gatehouse:'

/** What Google documents for a call that no Gemini made. */
export const UNSIGNED_CALL = 'skip_thought_signature_validator'

interface Signed {
  seal?: Seal
  spelling?: Seal
  /** A part that has no counterpart here. */
  native?: true
}

/** Takes the signature of a part. */
export function decodeSignature(members: Members): Signed {
  const signature = members.maybeString('thoughtSignature')
  if (signature === undefined) return {}
  if (signature === UNSIGNED_CALL) {
    members.spell('thoughtSignature', signature)
    return {}
  }
  if (!signature.startsWith(MARK)) return { seal: sealed(signature) }
  const text = Buffer.from(signature, 'base64').toString()
  const { maker, seal, spelling, part } = parse(text.slice(PREFIX.length))
  const by = (value: Json | undefined) => (value === undefined ? undefined : ({ maker, value } as Seal))
  return given({ seal: by(seal), spelling: by(spelling), native: part === 'native' ? true : undefined }) as Signed
}

function parse(text: string): JsonObject {
  try {
    const json: unknown = JSON.parse(text)
    return isObject(json) ? json : {}
  } catch {
    return {}
  }
}

/** The `thoughtSignature` of a part for a client; undefined where nobody sealed it. */
export function encodeSignature(
  part: Pick<Part, 'spelling'> & { type: Part['type']; seal?: Seal }
): string | undefined {
  const { type, seal, spelling } = part
  if (seal?.maker === NAME) return typeof seal.value === 'string' ? seal.value : undefined
  // How thinking was written tells its maker under which member to put it back.
  const how = type === 'thinking' && spelling?.maker !== NAME ? spelling : undefined
  const maker = seal?.maker ?? how?.maker
  if (maker === undefined) return undefined
  const carried = given({
    maker,
    seal: seal?.value,
    spelling: how?.maker === maker ? how.value : undefined,
    part: type === 'native' ? 'native' : undefined
  })
  return Buffer.from(PREFIX + JSON.stringify(carried)).toString('base64')
}

/**
 * Takes what we carried for other makers out of a native request that goes to Google as it came. Thinking goes whole;
 * a call is said to be nobody's, since Gemini 3 refuses one without a signature. Returns what was taken, as losses;
 * edits `body.contents` in place.
 */
export function dropCarried(body: JsonObject): Losses {
  const losses: Losses = []
  const contents = Array.isArray(body.contents) ? body.contents : []
  const kept = contents.filter((content, turn) => {
    if (!isObject(content) || !Array.isArray(content.parts)) return true
    const before = content.parts.length
    content.parts = content.parts.filter(
      (part, place) => !isObject(part) || keeps(part, `contents[${turn}].parts[${place}]`, losses)
    )
    return content.parts.length > 0 || before === 0
  })
  if (losses.length > 0) body.contents = kept
  return losses
}

/** Whether the part stays, without what was carried. */
function keeps(part: JsonObject, path: string, losses: Losses): boolean {
  const name = Object.keys(part).find(each => camelCase(each) === 'thoughtSignature')
  const signature = name === undefined ? undefined : part[name]
  if (typeof signature !== 'string' || !signature.startsWith(MARK)) return true
  losses.push(`${path}.thoughtSignature`)
  if (part.thought === true) return false
  if (part.functionCall === undefined && part.function_call === undefined) delete part[name!]
  else part[name!] = UNSIGNED_CALL
  return true
}
