import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Finish } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { lose, NAME, objectOf } from './members.ts'

type Unified = Finish['unified']

/** What is in the output tells why a reply that is complete ended. */
export interface Evidence {
  hasCalls: boolean
  hasRefusal: boolean
}

/** Calls that the client answers. */
const CALLS = new Set(['function_call', 'custom_tool_call', 'local_shell_call', 'computer_call', 'apply_patch_call'])

export function evidenceIn(output: readonly Json[]): Evidence {
  const items = output.filter(isObject)
  const refuses = (part: Json): boolean => isObject(part) && part.type === 'refusal'
  return {
    hasCalls: items.some(item => CALLS.has(String(item.type))),
    hasRefusal: items.some(item => Array.isArray(item.content) && item.content.some(refuses))
  }
}

const REASONS: Record<string, Unified> = {
  max_output_tokens: 'length',
  max_tokens: 'length',
  length: 'length',
  content_filter: 'content-filter'
}

/** `status`, and where it is `incomplete` the reason, which then is the provider's word. */
export function decodeFinish(response: JsonObject, evidence: Evidence): Finish {
  const status = typeof response.status === 'string' ? response.status : 'completed'
  const { reason } = objectOf(response.incomplete_details)
  const raw = status === 'incomplete' && typeof reason === 'string' ? reason : status
  return { unified: unify(status, raw, evidence), raw, maker: NAME }
}

function unify(status: string, raw: string, { hasCalls, hasRefusal }: Evidence): Unified {
  switch (status) {
    case 'completed':
      return hasCalls ? 'tool-calls' : hasRefusal ? 'refusal' : 'stop'
    case 'incomplete':
      return REASONS[raw] ?? 'other'
    case 'failed':
    case 'cancelled':
      return 'error'
    default:
      return 'other'
  }
}

const STATUSES = new Set(['completed', 'incomplete', 'failed', 'cancelled', 'queued', 'in_progress'])

const NATIVE: Record<Unified, string> = {
  stop: 'completed',
  'tool-calls': 'completed',
  length: 'max_output_tokens',
  'too-long': 'max_output_tokens',
  // A pause is an answer cut short that may be continued.
  pause: 'max_output_tokens',
  'content-filter': 'content_filter',
  refusal: 'content_filter',
  error: 'failed',
  other: 'other'
}

/** `status`, `incomplete_details` and `error`. A failure keeps its own word, so that it is never taken for an end. */
export function encodeFinish(finish: Finish | undefined, evidence: Evidence, losses: Losses): JsonObject {
  const word = wordOf(finish, evidence)
  if (finish && finish.maker !== NAME && finish.stopSequence !== undefined) lose(losses, 'choices[0].stop_sequence')
  const status = STATUSES.has(word) ? word : 'incomplete'
  const failed = status === 'failed' && {
    code: 'server_error',
    message: `The model stopped: ${finish?.raw || 'error'}.`
  }
  return {
    status,
    error: failed || null,
    incomplete_details: status === 'incomplete' && word !== 'incomplete' ? { reason: word } : null
  }
}

function wordOf(finish: Finish | undefined, { hasRefusal }: Evidence): string {
  if (finish === undefined) return 'incomplete'
  if (finish.maker === NAME) return finish.raw
  // The refusal itself is in the output.
  if (finish.unified === 'refusal' && hasRefusal) return 'completed'
  if (finish.unified === 'other') return finish.raw && !STATUSES.has(finish.raw) ? finish.raw : NATIVE.other
  return NATIVE[finish.unified]
}
