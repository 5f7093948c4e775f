import { isObject, type Json, type JsonObject } from '../../json.ts'

/**
 * Web pages that an answer rests on, from `groundingMetadata` (ai.google.dev/gemini-api/docs/google-search), as
 * citations of its text. What else the metadata says stays in the rest, and they are written back from there alone.
 */
export function groundingCitations(metadata: Json | undefined): JsonObject[] {
  if (!isObject(metadata)) return []
  const { groundingChunks: chunks, groundingSupports: supports } = metadata
  if (!Array.isArray(chunks)) return []
  const cited = (Array.isArray(supports) ? supports : []).filter(isObject).flatMap(support => {
    const { segment, groundingChunkIndices: indices } = support
    const text = isObject(segment) ? segment.text : undefined
    return (Array.isArray(indices) ? indices : []).flatMap(index => {
      const page = pageOf(chunks[Number(index)])
      return page ? [{ ...page, ...(typeof text === 'string' ? { cited_text: text } : {}) }] : []
    })
  })
  return cited.length > 0 ? cited : chunks.map(pageOf).filter(page => page !== undefined)
}

function pageOf(chunk: Json | undefined): JsonObject | undefined {
  const web = isObject(chunk) ? chunk.web : undefined
  if (!isObject(web) || typeof web.uri !== 'string') return undefined
  return { type: TYPE, url: web.uri, title: typeof web.title === 'string' ? web.title : '' }
}

const TYPE = 'grounding'
