import { crc32 } from 'node:zlib'

/** Bedrock's rule for the names and ids of tools. */
const FITTING = /^[a-zA-Z0-9_-]{1,64}$/

const KEPT_CHARS = 55

/**
 * A name or id that Bedrock takes. One that fits stays; any other keeps what it can and is told apart by a checksum of
 * the whole, so that it is the same everywhere, and two that differ stay two.
 */
export function fitName(name: string): string {
  if (FITTING.test(name)) return name
  const checksum = crc32(name).toString(16).padStart(8, '0')
  return `${name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, KEPT_CHARS)}_${checksum}`
}

const NAME_MAX = 200

/**
 * The names of the documents of one request: Bedrock wants one for each, of letters, digits, single spaces, hyphens,
 * brackets and (as recorded, not as documented) underscores, and no two alike.
 */
export class DocumentNames {
  readonly #taken = new Set<string>()

  /** A name for the next document, as near as can be to how it is called, and whether something of that was lost. */
  next(called: string | undefined, extension: string): { name: string; changed: boolean } {
    // What a file's name ends with is said by the format.
    const bare = called?.replace(new RegExp(`\\.${extension}$`, 'i'), '')
    const fitted = bare
      ?.replace(/[^\p{L}\p{N}\s()[\]_-]+/gu, ' ')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, NAME_MAX - 5)
    const name = this.#free(fitted || 'Document')
    return { name, changed: called !== undefined && name !== bare }
  }

  #free(wanted: string): string {
    let name = wanted
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted} ${count}`
    this.#taken.add(name)
    return name
  }
}
