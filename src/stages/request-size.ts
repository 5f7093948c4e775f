import type { Part } from '../dialects/canonical.ts'
import type { RequestSize } from '../money/reckoning.ts'
import type { Call } from './call.ts'
import { requestIn } from './prepare.ts'

/** A body so small that reading it for media would cost more than it tells: its bytes are the bound. */
const SMALL_BYTES = 16 * 1024
/** What the declaration of media or of a hosted tool has in it, in any dialect. */
const MARKS = ['image', 'file', 'audio', 'video', 'document', 'Data"', '_preview', '_20', 'search', 'container', 'mcp']

/** Members that name what the provider keeps, and reads before the body. */
const KEPT = ['previous_response_id', 'conversation', 'prompt', 'cachedContent', 'cached_content']

/**
 * Sizes of a call. The body is read only where it is large, or may hold more than text, and something is limited by it
 * (`exactly`): else its bytes are bound enough.
 */
export function sizeOf(call: Call, exactly: boolean): RequestSize {
  const { body } = call
  const { bytes } = body
  const isPlain = !exactly || (bytes.length <= SMALL_BYTES && !MARKS.some(mark => bytes.includes(mark)))
  const addresses = KEPT.filter(name => (body.get(name) ?? null) !== null).length
  const size = { ...NOTHING, ...caps(call), textBytes: bytes.length, addresses, isExact: exactly }
  if (isPlain || call.operation !== 'chat') return size
  try {
    const { messages = [], tools = [] } = requestIn(call)
    for (const { parts } of messages) for (const part of parts) count(part, size)
    size.hostedTools = tools.filter(tool => tool.native).length
  } catch {
    // Not for us to read: what the provider then makes of it is bounded by its bytes alone.
  }
  return size
}

const NOTHING: RequestSize = {
  textBytes: 0,
  images: 0,
  audioBytes: 0,
  documentBytes: 0,
  addresses: 0,
  hostedTools: 0,
  outputTokensMax: undefined,
  choices: 1,
  isExact: false
}

/** Media is counted as what it is, not as the text that carries it. */
function count(part: Part, size: RequestSize): void {
  if (part.type === 'tool-result') {
    for (const inner of part.content) count(inner, size)
    return
  }
  if (part.type !== 'media') return
  const carried = part.data?.length ?? 0
  size.textBytes = Math.max(0, size.textBytes - carried)
  if (part.url !== undefined && part.data === undefined) size.addresses++
  if (part.mediaType.startsWith('image/')) size.images++
  else if (part.mediaType.startsWith('audio/')) size.audioBytes += Math.ceil(carried * 0.75)
  else size.documentBytes += Math.ceil(carried * 0.75)
}

/** Of several caps the largest: nobody knows which one the provider goes by. */
function caps({ dialect, body }: Call): Pick<RequestSize, 'outputTokensMax' | 'choices'> {
  const most = (paths: readonly (readonly string[])[]) =>
    Math.max(0, ...paths.map(path => body.at(path)).filter(value => typeof value === 'number'))
  return {
    outputTokensMax: Math.ceil(most(dialect.members.outputTokensMax)) || undefined,
    choices: Math.max(1, Math.ceil(most(CHOICES)))
  }
}

const CHOICES = [
  ['n'],
  ['generationConfig', 'candidateCount'],
  ['generationConfig', 'candidate_count'],
  ['generation_config', 'candidate_count'],
  ['generation_config', 'candidateCount']
]
