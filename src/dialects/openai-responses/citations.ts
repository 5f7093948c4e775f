import { isObject, type Json, type JsonObject } from '../../json.ts'
import { encodeCitation as encodeChatCitation } from '../openai-citation.ts'

/**
 * An annotation of a text. A `url_citation` is told as chat completions have it, its facts in an object of that name,
 * so that both dialects of one maker understand each other's.
 */
export function decodeCitation(annotation: Json): Json {
  if (!isObject(annotation) || annotation.type !== 'url_citation' || isObject(annotation.url_citation))
    return annotation
  const { type, ...facts } = annotation
  return { type, url_citation: facts }
}

/** A citation of the text from `start` to `end`; undefined where it has no counterpart. */
export function encodeCitation(citation: Json, start: number, end: number): JsonObject | undefined {
  // What points into a file is this dialect's own, or nobody's.
  if (isObject(citation) && OWN.has(String(citation.type))) return citation
  const said = encodeChatCitation(citation, start, end)
  if (said === undefined || !isObject(said.url_citation)) return said
  return { type: 'url_citation', ...said.url_citation }
}

const OWN = new Set(['file_citation', 'container_file_citation', 'file_path'])

/** Whether a citation says itself which words it is for. */
export function isPlaced(citation: Json): boolean {
  if (!isObject(citation)) return false
  const facts = isObject(citation.url_citation) ? citation.url_citation : citation
  return OWN.has(String(citation.type)) || typeof facts.end_index === 'number'
}
