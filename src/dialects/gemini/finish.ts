import type { Json, JsonObject } from '../../json.ts'
import type { Finish } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { lose, type Members, NAME } from './members.ts'

type Unified = Finish['unified']

/** `finishReason` (ai.google.dev/api/generate-content#FinishReason). What is not here is `other`, never `stop`. */
const UNIFIED: Readonly<Record<string, Unified>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  MODEL_ARMOR: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
  MALFORMED_FUNCTION_CALL: 'error',
  MALFORMED_RESPONSE: 'error',
  UNEXPECTED_TOOL_CALL: 'error',
  TOO_MANY_TOOL_CALLS: 'error',
  MISSING_THOUGHT_SIGNATURE: 'error',
  CONTINUATION: 'pause'
}

/** The first ones by number, for clients that ask for enums so; both services count alike up to here. */
const NUMBERS = ['FINISH_REASON_UNSPECIFIED', 'STOP', 'MAX_TOKENS', 'SAFETY', 'RECITATION', 'OTHER']

/** Takes `finishReason` and its message. A call of a function ends with `STOP` too; the parts say better what happened. */
export function decodeFinish(candidate: Members, hasCalls: boolean): Finish {
  const said = candidate.take('finishReason')
  const raw = wordOf(said)
  if (said === undefined) candidate.omit('finishReason')
  else candidate.spell('finishReason', said)
  const finish = finishOf(raw, hasCalls)
  // Of an answer that ended well it only says so in other words.
  const message = candidate.peek('finishMessage')
  const isWell = finish.unified === 'stop' || finish.unified === 'tool-calls'
  if (message !== undefined && isWell) candidate.spell('finishMessage', candidate.take('finishMessage')!)
  return finish
}

export function finishOf(raw: string, hasCalls: boolean): Finish {
  const unified = UNIFIED[raw] ?? 'other'
  return { unified: hasCalls && unified === 'stop' ? 'tool-calls' : unified, raw, maker: NAME }
}

export function wordOf(said: Json | undefined): string {
  if (typeof said === 'number') return NUMBERS[said] ?? String(said)
  return typeof said === 'string' ? said : ''
}

const NATIVE: Record<Unified, string> = {
  stop: 'STOP',
  'tool-calls': 'STOP',
  length: 'MAX_TOKENS',
  // No word says that the conversation grew too long; the answer is cut there.
  'too-long': 'MAX_TOKENS',
  'content-filter': 'SAFETY',
  refusal: 'SAFETY',
  pause: 'OTHER',
  error: 'OTHER',
  other: 'OTHER'
}

/** `finishReason`, with another maker's own word beside it where ours says less. */
export function encodeFinish(finish: Finish, path: string, losses: Losses): JsonObject {
  if (finish.maker === NAME) return finish.raw === '' ? {} : { finishReason: finish.raw }
  if (finish.stopSequence !== undefined) lose(losses, `${path}.stop_sequence`)
  const finishReason = NATIVE[finish.unified]
  if (finishReason !== 'OTHER') return { finishReason }
  lose(losses, `${path}.finish_reason`)
  return { finishReason, finishMessage: finish.raw || finish.unified }
}
