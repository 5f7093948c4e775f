import { hash } from 'node:crypto'
import { JsonScanner } from '../../json-scan.ts'

/** SHA-256, its first 16 bytes, one character a byte. */
export type Digest = string

/** Content of a day, by digest. */
export interface Content {
  nodes: Map<Digest, Node>
  pieces: Map<Digest, Buffer>
}

/**
 * One link of a chain: what stands before, then its own `glue`, then what it points to. Its digest is of all that, so
 * whoever has the last link of a chain has all of it, and two chains that begin alike share their beginning.
 */
export interface Node {
  parent: Digest | undefined
  /** Bytes as they stand between what is cut out. */
  glue: Buffer
  /** A piece, or the last link of another chain. */
  child: Digest | undefined
  isList: boolean
}

/** A body: the chain that ends at `root`, and then `ending`. */
export interface Cut {
  root: Digest | undefined
  ending: Buffer
  /** Its links, inner chains included. */
  links: Digest[]
}

/** A member of the body from this size on is cut out, and so is what grows by as much. */
const PART_MIN = 128
/** A string from this size on is a piece: to share, and to compress. */
const STRING_MIN = 256
/** What stands between strings and is as large is a piece too. */
const GAP_MIN = 512
const DEPTH_MAX = 1_000
const QUOTE = 0x22
const ARRAY_OPEN = 0x5b
const ARRAY_CLOSE = 0x5d
const OBJECT_OPEN = 0x7b
const OBJECT_CLOSE = 0x7d
const NOTHING = Buffer.alloc(0)
const NO_DIGEST = '\0'.repeat(16)

/**
 * Cuts a body where conversations grow; by its structure, whatever the dialect. Every large member of the top level
 * (messages, input, contents, system, tools, choices …) is a chain of its own, cut at its long strings and where its
 * elements end: a list that is appended to repeats its chain and goes on, though what is around it changes. The body is
 * the chain of those chains. What is no JSON object is one piece. All is cut at the positions of the bytes, so that put
 * together it is the same bytes again.
 */
export function cut(bytes: Buffer, content: Content): Cut {
  const cutter = new Cutter(bytes, content)
  const scanner = new JsonScanner(bytes, { depthMax: DEPTH_MAX, once: new Set() })
  if (!isSound(scanner)) return cutter.whole()
  for (const { valueStart, end } of scanner.membersAt(scanner.spaceEnd(0))) {
    if (end - valueStart >= PART_MIN) cutter.part(scanner, valueStart, end)
  }
  return cutter.done()
}

function isSound(scanner: JsonScanner): boolean {
  try {
    scanner.body()
    return true
  } catch {
    return false
  }
}

class Cutter {
  readonly #bytes: Buffer
  readonly #content: Content
  readonly #links: Digest[] = []
  #root: Digest | undefined
  /** Up to here it is cut. */
  #at = 0

  constructor(bytes: Buffer, content: Content) {
    this.#bytes = bytes
    this.#content = content
  }

  whole(): Cut {
    if (this.#bytes.length >= PART_MIN) {
      this.#root = this.#link({ child: this.#piece(0, this.#bytes.length) })
      this.#at = this.#bytes.length
    }
    return this.done()
  }

  part(scanner: JsonScanner, start: number, end: number): void {
    const glue = this.#bytes.subarray(this.#at, start)
    const chain = this.#chain(scanner, start, end)
    const child = chain ? chain.last : this.#piece(start, end)
    this.#root = this.#link({ parent: this.#root, glue, child, isList: chain !== undefined })
    this.#at = chain ? chain.end : end
  }

  done(): Cut {
    return { root: this.#root, ending: this.#bytes.subarray(this.#at), links: this.#links }
  }

  /**
   * The chain of a value, up to its last cut; undefined: there is nothing to cut it at. Every cut depends on what is
   * before it alone, so values that begin alike are cut alike.
   */
  #chain(scanner: JsonScanner, start: number, end: number): { last: Digest; end: number } | undefined {
    const bytes = this.#bytes
    if (bytes[start] === QUOTE) return undefined
    let last: Digest | undefined
    let from = start
    let depth = 0
    for (let at = start; at < end; ) {
      const byte = bytes[at]
      if (byte === QUOTE) {
        const stringEnd = scanner.stringEnd(at)
        if (stringEnd - at >= STRING_MIN) {
          last = this.#gap(last, from, at, this.#piece(at, stringEnd))
          from = stringEnd
        }
        at = stringEnd
        continue
      }
      at++
      if (byte === OBJECT_OPEN || byte === ARRAY_OPEN) depth++
      else if (byte === OBJECT_CLOSE || byte === ARRAY_CLOSE) {
        depth--
        if (depth === 1 && at - from >= PART_MIN) {
          last = this.#gap(last, from, at)
          from = at
        }
      }
    }
    if (last !== undefined && end - from >= GAP_MIN) {
      last = this.#gap(last, from, end)
      from = end
    }
    return last === undefined ? undefined : { last, end: from }
  }

  /** What stands before a piece, or before nothing: in the link itself while it is small. */
  #gap(parent: Digest | undefined, start: number, end: number, child?: Digest): Digest {
    if (end - start < GAP_MIN) return this.#link({ parent, glue: this.#bytes.subarray(start, end), child })
    const last = this.#link({ parent, child: this.#piece(start, end) })
    return child === undefined ? last : this.#link({ parent: last, child })
  }

  #piece(start: number, end: number): Digest {
    const piece = this.#bytes.subarray(start, end)
    const digest = digestOf(piece)
    if (!this.#content.pieces.has(digest)) this.#content.pieces.set(digest, piece)
    return digest
  }

  #link({ parent, glue = NOTHING, child, isList = false }: { [Part in keyof Node]?: Node[Part] | undefined }): Digest {
    const kind = child === undefined ? 'glue' : isList ? 'list' : 'piece'
    const addresses = Buffer.from(`${parent ?? NO_DIGEST}${child ?? NO_DIGEST}${kind}:`, 'latin1')
    const digest = digestOf(Buffer.concat([addresses, glue]))
    if (!this.#content.nodes.has(digest)) this.#content.nodes.set(digest, { parent, glue, child, isList })
    this.#links.push(digest)
    return digest
  }
}

function digestOf(bytes: Buffer): Digest {
  return hash('sha256', bytes, 'buffer').toString('latin1', 0, 16)
}
