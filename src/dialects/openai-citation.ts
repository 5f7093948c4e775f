import { isObject, type Json, type JsonObject } from '../json.ts'

/**
 * One citation as an annotation: OpenAI's own as it is; one that names a web page as `url_citation` over the text it
 * belongs to; none for any other.
 */
export function encodeCitation(citation: Json, start: number, end: number): JsonObject | undefined {
  if (!isObject(citation)) return undefined
  const { type, url, source, title } = citation
  if (type === 'url_citation' || type === 'file_citation' || isObject(citation[String(type)])) return citation
  const address = [url, source].find(each => typeof each === 'string' && /^https?:/.test(each))
  if (address === undefined) return undefined
  const cited = { url: address, title: typeof title === 'string' ? title : '', start_index: start, end_index: end }
  return { type: 'url_citation', url_citation: cited }
}
