import { isDeepStrictEqual } from 'node:util'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import { given } from './members.ts'

/** A place in a source: Bedrock's name of it and of its members, and Claude's own for the same. */
interface Place {
  location: string
  type: string
  members: readonly (readonly [bedrock: string, claude: string])[]
}

const PLACES: readonly Place[] = [
  {
    location: 'documentChar',
    type: 'char_location',
    members: [
      ['documentIndex', 'document_index'],
      ['start', 'start_char_index'],
      ['end', 'end_char_index']
    ]
  },
  {
    location: 'documentPage',
    type: 'page_location',
    members: [
      ['documentIndex', 'document_index'],
      ['start', 'start_page_number'],
      ['end', 'end_page_number']
    ]
  },
  {
    location: 'documentChunk',
    type: 'content_block_location',
    members: [
      ['documentIndex', 'document_index'],
      ['start', 'start_block_index'],
      ['end', 'end_block_index']
    ]
  }
]

/**
 * A citation as others can read it. One into a document is Claude's own in other words, and is told in Claude's where
 * these say all of it; one that names a web page has its address at the top, where it is looked for.
 */
export function decodeCitation(native: Json): Json {
  const claude = asClaudes(native)
  if (claude && isDeepStrictEqual(fromClaudes(claude), native)) return claude
  const web = isObject(native) && isObject(native.location) ? native.location.web : undefined
  return isObject(web) && typeof web.url === 'string' ? { ...(native as JsonObject), url: web.url } : native
}

function asClaudes(native: Json): JsonObject | undefined {
  const { title, location, sourceContent } = isObject(native) ? native : {}
  const place = PLACES.find(each => isObject(location) && isObject(location[each.location]))
  if (place === undefined || !Array.isArray(sourceContent)) return undefined
  const inner = (location as JsonObject)[place.location] as JsonObject
  const [piece] = sourceContent
  return {
    type: place.type,
    cited_text: isObject(piece) && typeof piece.text === 'string' ? piece.text : '',
    document_title: title ?? null,
    ...Object.fromEntries(place.members.map(([bedrock, claude]) => [claude, inner[bedrock]]))
  }
}

function fromClaudes(citation: JsonObject): JsonObject | undefined {
  const place = PLACES.find(({ type }) => type === citation.type)
  if (place === undefined) return undefined
  const inner = Object.fromEntries(place.members.map(([bedrock, claude]) => [bedrock, citation[claude]]))
  return {
    ...given({ title: citation.document_title ?? undefined }),
    ...(typeof citation.cited_text === 'string' ? { sourceContent: [{ text: citation.cited_text }] } : {}),
    location: { [place.location]: inner }
  } as JsonObject
}

/** A citation of this dialect as it was; of another's, one into a document or to a web page. */
export function encodeCitation(citation: Json): JsonObject | undefined {
  if (!isObject(citation)) return undefined
  const { url, ...native } = citation
  if (isObject(native.location) || native.sourceContent !== undefined) return native
  const inner = isObject(citation.url_citation) ? citation.url_citation : citation
  if (typeof inner.url !== 'string') return fromClaudes(citation)
  return { ...(typeof inner.title === 'string' ? { title: inner.title } : {}), location: { web: { url: inner.url } } }
}
