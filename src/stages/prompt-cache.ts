import type { Stretch } from '../dialects/cache-marks.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { type Edit, isObject, type Json, type JsonBody } from '../json.ts'
import type { PromptCache } from '../routing/route.ts'

/** Bytes of text a token stands for, on the average of English prose and code; an estimate, never a bound. */
const BYTES_PER_TOKEN = 4
/** What a picture or document counts as at most: its bytes are not read as text. */
const MEDIA_BYTES = 6_000
/** Members of either dialect that hold media. */
const MEDIA: ReadonlySet<string> = new Set(['data', 'bytes'])

/**
 * Marks for the provider's own cache, as splices of a request in its dialect: where the route asks for them, the model
 * takes them, the prefix is long enough to be kept, and the client placed none itself.
 */
export function cacheMarks(
  body: JsonBody,
  { dialect, model, policy }: { dialect: Dialect; model: string; policy: PromptCache }
): Edit[] {
  const marks = dialect.cacheMarks
  const tokensMin = marks?.tokensMin(model)
  if (!marks || tokensMin === undefined || body.bytes.includes(marks.own)) return []
  const bytesMin = Math.max(tokensMin, policy.minTokens) * BYTES_PER_TOKEN
  // What is shorter as a whole needs no reading.
  if (body.bytes.length < bytesMin) return []
  const edits: Edit[] = []
  let bytes = 0
  for (const { of, holds, mark } of marks.stretches(body, model, policy.ttl)) {
    bytes += bytesOf(holds)
    if (mark && wants(policy, of) && bytes >= bytesMin) edits.push(mark)
  }
  return edits
}

function wants(policy: PromptCache, of: Stretch['of']): boolean {
  return policy[of]
}

/** What the model reads of it, about. */
function bytesOf(value: Json | undefined): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + bytesOf(each), 0)
  if (!isObject(value)) return value === undefined ? 0 : BYTES_PER_TOKEN
  let bytes = 0
  for (const [name, member] of Object.entries(value)) {
    const held = bytesOf(member)
    bytes += name.length + (MEDIA.has(name) ? Math.min(held, MEDIA_BYTES) : held)
  }
  return bytes
}
