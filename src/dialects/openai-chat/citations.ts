import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { lose, type Members } from './members.ts'

/**
 * OpenAI's `annotations` (`url_citation` with a place in the text) belong to the message; canonically they are the
 * citations of its first text. Without a text they stay in the rest.
 */
export function decodeCitations(members: Members, parts: readonly Part[]): Part[] {
  const at = parts.findIndex(part => part.type === 'text')
  const given = members.peek('annotations')
  if (!Array.isArray(given) || given.length === 0 || at < 0) return [...parts]
  const citations = members.array('annotations')!
  return parts.map((part, index) => (index === at ? ({ ...part, citations } as Part) : part))
}

/** Annotations for the citations of all texts. Those that point into a document have no counterpart and are named. */
export function encodeCitations(parts: readonly Part[], path: string, losses: Losses): Json[] {
  const annotations: Json[] = []
  let offset = 0
  parts.forEach((part, index) => {
    if (part.type !== 'text') return
    for (const citation of part.citations ?? []) {
      const annotation = encodeCitation(citation, offset, offset + part.text.length)
      if (annotation === undefined) lose(losses, `${path}.content[${index}].citations`)
      else annotations.push(annotation)
    }
    offset += part.text.length
  })
  return annotations
}

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
