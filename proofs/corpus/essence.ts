import { isDeepStrictEqual } from 'node:util'
import type { Media, Part } from '../../src/dialects/canonical.ts'

/** What must come through any crossing, whatever becomes of the rest. */
export interface Essence {
  /** By who said it. */
  texts: Record<string, string[]>
  calls: { name: string; id: string; input: string }[]
  results: { id: string; text: string }[]
  /** Of plain text. Where a dialect has no such documents, they are words among the others. */
  documents: string[]
  media: string[]
  finish?: string
}

/** Whether two JSON texts say the same; texts that are no JSON are compared as they are. No arguments are `{}`. */
export function sameJson(left: string, right: string): boolean {
  return left === right || isDeepStrictEqual(jsonOf(left), jsonOf(right))
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.trim() === '' ? '{}' : text)
  } catch {
    return text
  }
}

export function essenceOf(messages: readonly { role: string; parts: readonly Part[] }[], finish?: string): Essence {
  const essence: Essence = {
    texts: {},
    calls: [],
    results: [],
    documents: [],
    media: [],
    ...(finish !== undefined && { finish })
  }
  for (const { role, parts } of messages) {
    // Each dialect has one place for what the system or the developer says.
    const who = role === 'developer' ? 'system' : role
    for (const part of parts) gather(essence, who, part)
  }
  return essence
}

function gather(essence: Essence, who: string, part: Part): void {
  if ((part.type === 'text' || part.type === 'refusal') && part.text.trim() !== '') {
    essence.texts[who] ??= []
    essence.texts[who].push(part.text)
  } else if (part.type === 'tool-call') essence.calls.push({ name: part.name, id: part.id, input: argumentsOf(part) })
  else if (part.type === 'media') gatherMedia(essence, part)
  else if (part.type === 'tool-result') {
    const texts = part.content.flatMap(each => (each.type === 'text' ? [each.text] : []))
    essence.results.push({ id: part.id, text: texts.join('') })
    for (const each of part.content) if (each.type === 'media') gatherMedia(essence, each)
  }
}

function gatherMedia(essence: Essence, media: Media): void {
  const text = plainText(media)
  if (text === undefined) essence.media.push(mediaOf(media))
  else essence.documents.push(text)
}

/** Free text is the one argument `input` where a dialect has no free text. */
function argumentsOf({ input, freeform }: Extract<Part, { type: 'tool-call' }>): string {
  return freeform ? JSON.stringify({ input }) : input
}

function plainText({ text, data, mediaType }: Media): string | undefined {
  return (
    text ?? (data !== undefined && mediaType.startsWith('text/') ? Buffer.from(data, 'base64').toString() : undefined)
  )
}

/** A picture or document by what it is made of. */
function mediaOf({ data, url, fileId }: Media): string {
  if (fileId) return `file ${JSON.stringify(fileId.value)}`
  return url ?? data ?? 'nothing'
}

/** What is not as it was before the crossing. */
export function essenceFindings(where: string, before: Essence, after: Essence, losses: readonly string[]): string[] {
  const findings: string[] = []
  const [left, right] = [wordsOf(before, after), wordsOf(after, before)]
  for (const who of new Set([...Object.keys(before.texts), ...Object.keys(after.texts)])) {
    const [one, other] = [left(before.texts[who]), right(after.texts[who])]
    if (one !== other) findings.push(`${where}: text of ${who}: ${quote(one)} became ${quote(other)}`)
  }
  if (!isSame(before.calls, after.calls, (one, other) => one.name === other.name && sameJson(one.input, other.input)))
    findings.push(`${where}: calls: ${quote(before.calls)} became ${quote(after.calls)}`)
  if (!isSame(before.results, after.results, (one, other) => sameJson(left([one.text]), right([other.text]))))
    findings.push(`${where}: results: ${quote(before.results)} became ${quote(after.results)}`)
  if (!sameIds(before, after))
    findings.push(
      `${where}: ids: ${quote([before.calls, before.results])} became ${quote([after.calls, after.results])}`
    )
  const all = bare(
    [...Object.values(after.texts).flat(), ...after.results.map(({ text }) => text), ...after.documents].join('')
  )
  const missing = before.documents.filter(text => !all.includes(bare(text)))
  if (missing.length > 0) findings.push(`${where}: documents are gone: ${quote(missing)}`)
  const gone = before.media.filter(each => !after.media.includes(each))
  if (gone.length > 0 && !losses.some(loss => MEDIA.test(loss)))
    findings.push(`${where}: media are gone: ${quote(gone)}`)
  if (before.finish !== after.finish) findings.push(`${where}: finish ${before.finish} became ${after.finish}`)
  return findings
}

/**
 * Texts as one, white space apart, and without the documents that the other side has as such: those are among the words
 * here, behind what is said of them as a rule.
 */
function wordsOf(own: Essence, other: Essence): (texts?: readonly string[]) => string {
  const beside = other.documents.filter(text => !own.documents.includes(text)).map(bare)
  return (texts = []) =>
    beside.reduce(
      (text, document) => {
        const at = text.lastIndexOf(document)
        return at < 0 ? text : text.slice(0, at) + text.slice(at + document.length)
      },
      bare(texts.join(''))
    )
}

/** A loss that names a picture or a document, or all of a part. */
const MEDIA = /media|url|\w\/\w|image|file|document|video|audio|content\[\d+\]$/

function isSame<Item>(
  before: readonly Item[],
  after: readonly Item[],
  equal: (one: Item, other: Item) => boolean
): boolean {
  return before.length === after.length && before.every((one, at) => equal(one, after[at]!))
}

/** An id with letters that not every dialect takes in one may get another, which then stands for it everywhere. */
const PORTABLE = /^[\w-]{1,64}$/

function sameIds(before: Essence, after: Essence): boolean {
  const ids = ({ calls, results }: Essence) => [...calls, ...results].map(({ id }) => id)
  const [left, right] = [ids(before), ids(after)]
  const renamed = new Map(left.map((id, at) => [id, right[at]]))
  return (
    left.length === right.length &&
    new Set(renamed.values()).size === renamed.size &&
    left.every((id, at) => renamed.get(id) === right[at] && (id === right[at] || !PORTABLE.test(id)))
  )
}

const bare = (text: string) => text.replace(/\s/g, '')
export const quote = (value: unknown) => JSON.stringify(value).slice(0, 300)
