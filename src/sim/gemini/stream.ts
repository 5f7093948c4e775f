import type { Ask } from '../ask.ts'
import type { JsonObject } from '../json.ts'
import { countTokens, portionsOf } from '../tokens.ts'
import type { Frame } from '../voice.ts'
import type { Candidate } from './reply.ts'

interface Scene {
  ask: Ask
  candidates: Candidate[]
  usage: JsonObject
  /** Members at the end of every chunk. */
  tail: JsonObject
}

/** The chunks of a stream: candidates take turns, each ends with a chunk of its finish; the last tells all counts. */
export function framesOf({ ask, candidates, usage, tail }: Scene): Frame[] {
  const rows = candidates.map(candidate => chunksOf(ask, candidate))
  const frames: Frame[] = []
  const { candidatesTokenCount: _, thoughtsTokenCount, ...prompt } = usage
  let spoken = 0
  const longest = Math.max(...rows.map(row => row.length))
  for (let at = 0; at < longest; at++) {
    for (const [index, row] of rows.entries()) {
      const chunk = row[at]
      if (!chunk) continue
      spoken += chunk.tokens
      const isLast = at === row.length - 1 && index === rows.findLastIndex(one => one.length === longest)
      const counts = {
        ...prompt,
        ...(spoken > 0 ? { candidatesTokenCount: spoken } : {}),
        totalTokenCount: Number(prompt.promptTokenCount) + spoken + Number(thoughtsTokenCount ?? 0),
        ...(thoughtsTokenCount === undefined ? {} : { thoughtsTokenCount })
      }
      const data = { candidates: [chunk.candidate], usageMetadata: isLast ? usage : counts, ...tail }
      frames.push({ kind: chunk.kind, event: '', data: JSON.stringify(data), ...(isLast ? { tellsUsage: true } : {}) })
    }
  }
  return frames
}

interface Chunk {
  kind: Frame['kind']
  candidate: JsonObject
  tokens: number
}

function chunksOf(ask: Ask, { index, parts, ending }: Candidate): Chunk[] {
  const say = (part: JsonObject): Chunk => ({
    kind: 'content',
    candidate: { content: { parts: [part], role: 'model' }, index },
    tokens: spokenTokens(part)
  })
  const chunks: Chunk[] = []
  let lateSignature: JsonObject = {}
  for (const part of parts) {
    if (typeof part.text !== 'string') {
      chunks.push(say(part))
      continue
    }
    const { text, thoughtSignature, ...marks } = part
    const chunkChars = ask.behaviour.id === 'huge-event' ? String(text).length : ask.directives.chunkChars
    for (const portion of portionsOf(String(text), chunkChars)) chunks.push(say({ text: portion, ...marks }))
    // the signature of a text comes when it is over, in a part without any
    if (thoughtSignature !== undefined) lateSignature = { thoughtSignature }
  }
  chunks.push({
    kind: 'finish',
    candidate: { content: { parts: [{ text: '', ...lateSignature }], role: 'model' }, ...ending, index },
    tokens: 0
  })
  return chunks
}

/** Tokens of what a part says, for the running count of a stream. */
function spokenTokens(part: JsonObject): number {
  if (part.thought === true) return 0
  return countTokens(typeof part.text === 'string' ? part.text : JSON.stringify(part.functionCall ?? ''))
}
