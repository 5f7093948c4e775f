const NUL = '\0'
/** NUL or a lone surrogate, as JSON writes them (and, rarely, a text about them). */
export const NO_TEXT = /\\u(?:0000|d[89a-f])/
/** PostgreSQL keeps no more than 2,704 bytes of an index entry, and refuses the whole row. */
const INDEXED_CHARS_MAX = 512

/**
 * A parameter as every engine takes it: NUL and lone surrogates are no text to PostgreSQL, so they are U+FFFD in both.
 * Names come from outside; one that an engine refuses would be an error of ours.
 */
export function asText(parameter: unknown): unknown {
  if (typeof parameter !== 'string' || (parameter.isWellFormed() && !parameter.includes(NUL))) return parameter
  return parameter.toWellFormed().replaceAll(NUL, '\ufffd')
}

/** A name that an index takes, however long it is: where clients choose it and nobody else looks at its length. */
export function indexed(name: string): string {
  return name.length <= INDEXED_CHARS_MAX ? name : name.slice(0, INDEXED_CHARS_MAX).toWellFormed()
}
