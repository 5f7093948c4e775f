import type { Finish } from '../canonical.ts'
import { NAME } from './members.ts'

type Unified = Finish['unified']

/** Reasons of OpenAI and of its kin, in the canonical word. What is not here is `other`, never `stop`. */
const UNIFIED: Record<string, Unified> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  COMPLETE: 'stop',
  STOP: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  MAX_TOKENS: 'length',
  model_length: 'too-long',
  model_context_window_exceeded: 'too-long',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  tool_use: 'tool-calls',
  content_filter: 'content-filter',
  sensitive: 'content-filter',
  safety: 'content-filter',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  refusal: 'refusal',
  error: 'error',
  abort: 'error',
  network_error: 'error',
  insufficient_system_resource: 'error',
  tool_use_failed: 'error'
}

/** What else of the choice tells why it ended. */
interface Evidence {
  hasCalls: boolean
  hasRefusal: boolean
  stopSequence?: string
}

/**
 * The reason in both words. A forced function ends with `stop` although it calls a tool, and a refusal is an ordinary
 * `stop` too; the parts say better what happened.
 */
export function decodeFinish(raw: string | undefined, evidence: Evidence): Finish {
  const word = raw ?? ''
  let unified: Unified = UNIFIED[word] ?? 'other'
  if (evidence.hasCalls && (unified === 'stop' || word === '')) unified = 'tool-calls'
  else if (evidence.hasRefusal && unified === 'stop') unified = 'refusal'
  const { stopSequence } = evidence
  return { unified, raw: word, maker: NAME, ...(stopSequence !== undefined && { stopSequence }) }
}

const NATIVE: Record<Unified, string> = {
  stop: 'stop',
  length: 'length',
  'too-long': 'length',
  // A pause is an answer cut short that may be continued.
  pause: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  refusal: 'content_filter',
  error: 'error',
  other: 'other'
}

export function encodeFinish(finish: Finish): string {
  if (finish.maker === NAME) return finish.raw
  return finish.unified === 'other' ? finish.raw || 'other' : NATIVE[finish.unified]
}
