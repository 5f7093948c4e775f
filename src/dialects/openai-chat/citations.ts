import type { Json } from '../../json.ts'
import type { Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { encodeCitation } from '../openai-citation.ts'
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
