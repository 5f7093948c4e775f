import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError
} from 'yaml'
import type { Path, Place } from './problems.ts'

const CHARS_MAX = 4_000_000
const NODES_MAX = 100_000
const DEPTH_MAX = 64

export interface DocumentFault {
  place: Place | undefined
  path: Path
  message: string
}

/** A configuration text as plain values, with the place of each. JSON is YAML, so both are read the same way. */
export interface ReadDocument {
  value: unknown
  /** The text is not YAML at all: there is no value to look at further. */
  broken: boolean
  faults: DocumentFault[]
  /** Where the value at a path begins; of an absent one, where its nearest present parent does. */
  placeOf(path: Path): Place | undefined
  /** Where the name of the member at a path stands; of an unnamed one, the value. */
  keyPlaceOf(path: Path): Place | undefined
}

/** Replaces `${…}` in one text that the file holds as a value; names are never replaced. */
export type Substitute = (text: string, path: Path, place: Place) => string

export function readDocument(text: string, substitute: Substitute): ReadDocument {
  const reader = new Reader(text, substitute)
  return {
    value: reader.value,
    broken: reader.broken,
    faults: reader.faults,
    placeOf: path => reader.find(path, reader.values),
    keyPlaceOf: path => reader.names.get(JSON.stringify(path)) ?? reader.find(path, reader.values)
  }
}

class Reader {
  readonly faults: DocumentFault[] = []
  readonly values = new Map<string, Place>()
  readonly names = new Map<string, Place>()
  readonly value: unknown
  readonly broken: boolean
  readonly #lines = new LineCounter()
  readonly #substitute: Substitute
  #document: Document | undefined
  #nodes = 0

  constructor(text: string, substitute: Substitute) {
    this.#substitute = substitute
    this.#document = this.#parse(text)
    this.broken = this.faults.length > 0
    if (!this.broken && this.#document?.contents) this.value = this.#read(this.#document.contents, [], 0)
  }

  #parse(text: string): Document | undefined {
    const fault = (message: string, place?: Place) => void this.faults.push({ place, path: [], message })
    if (text.length > CHARS_MAX) return fault(`larger than ${CHARS_MAX} characters`) as undefined
    try {
      // Names that are there twice are found below, where their path is known.
      const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: false })
      // One slip makes the parser stumble over all that follows: the first error is the one to mend.
      const [error] = [...document.errors, ...document.warnings]
      if (error) fault(sayError(error, text), this.#place(error.pos[0]))
      return document
    } catch (thrown) {
      // The parser goes down a level of the text with a level of its own stack.
      if (!(thrown instanceof RangeError)) throw thrown
      return fault(`nests deeper than ${DEPTH_MAX}`) as undefined
    }
  }

  find(path: Path, places: ReadonlyMap<string, Place>): Place | undefined {
    for (let length = path.length; length >= 0; length--) {
      const place = places.get(JSON.stringify(path.slice(0, length)))
      if (place) return place
    }
    return undefined
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  #fault(node: Node, path: Path, message: string): undefined {
    this.faults.push({ place: this.#place(node.range?.[0] ?? 0), path, message })
    return undefined
  }

  #read(node: Node, path: Path, depth: number): unknown {
    // Aliases may unfold a short text into a vast value, or into itself: both end at these limits.
    if (++this.#nodes > NODES_MAX)
      return this.#nodes === NODES_MAX + 1 ? this.#fault(node, path, 'has too many values') : undefined
    if (depth > DEPTH_MAX) return this.#fault(node, path, `nests deeper than ${DEPTH_MAX}`)
    const place = this.#place(node.range?.[0] ?? 0)
    this.values.set(JSON.stringify(path), place)
    if (isAlias(node)) {
      const aimed = node.resolve(this.#document!)
      if (!aimed) return this.#fault(node, path, 'refers to an anchor (&…) that is not there')
      return this.#read(aimed, path, depth + 1)
    }
    if (isMap(node)) return this.#readMap(node.items as { key: unknown; value: unknown }[], path, depth)
    if (isSeq(node)) return node.items.map((item, index) => this.#read(item as Node, [...path, index], depth + 1))
    if (!isScalar(node)) return this.#fault(node, path, 'cannot be read')
    return typeof node.value === 'string' ? this.#substitute(node.value, path, place) : node.value
  }

  #readMap(items: { key: unknown; value: unknown }[], path: Path, depth: number): Record<string, unknown> {
    const entries: Record<string, unknown> = {}
    for (const { key, value } of items) {
      if (!isScalar(key) || key.value === null || key.value === '__proto__') {
        this.#fault(key as Node, path, 'a name that cannot be used')
        continue
      }
      const name = String(key.value)
      const below = [...path, name]
      const place = this.#place(key.range?.[0] ?? 0)
      this.names.set(JSON.stringify(below), place)
      if (Object.hasOwn(entries, name)) this.#fault(key, below, 'is there twice')
      // A name without a value (`routes:` and nothing below) has no place of its own.
      if (value === null) this.values.set(JSON.stringify(below), place)
      entries[name] = value === null ? null : this.#read(value as Node, below, depth + 1)
    }
    return entries
  }
}

/** The parser's sentence without the pieces of text that some of them quote: the text may be a secret. */
function sayError(error: YAMLError, text: string): string {
  if (error.code === 'MULTIPLE_DOCS') return 'one file holds one document: take the line --- out'
  if (error.code === 'TAG_RESOLVE_FAILED') return 'tags (!…) are not used here'
  if (error.code === 'BAD_DIRECTIVE') return 'directives (%…) are not used here'
  const sentence = error.code === 'UNEXPECTED_TOKEN' ? 'unexpected text' : error.message.replace(/: .*$/s, '')
  const line = text.slice(text.lastIndexOf('\n', error.pos[0] - 1) + 1, error.pos[0] + 1)
  const hint = line.includes('${') ? '; inside [ ] and { } a ${…} is put in quotes' : ''
  return `not well-formed: ${sentence}${hint}`
}
