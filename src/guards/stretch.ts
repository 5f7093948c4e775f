/**
 * How far apart things stand for a check that reads past what has no width: counts of characters as a reader sees them.
 * A value may be stuffed with as many invisible or combining characters as somebody likes; a check still finds it, so a
 * stream has to hold it back all the same.
 */

/** So many units of stuffing may stand within a distance; a stream that has more is no text that anybody reads. */
export const STUFFING_MAX = 32_768

/** Joiners, marks, accents, tags, controls: at most these are what checks leave out of a text before they look. */
const SILENT = /^[\p{M}\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}]$/u
const SPACE = /^[\t-\r\p{Z}]$/u

const COUNTS = 1
const IS_SILENT = 2
const IS_SPACE = 3
type Nature = typeof COUNTS | typeof IS_SILENT | typeof IS_SPACE

/** Of the units that are characters by themselves; 0: not looked up yet. */
const natures = new Uint8Array(0x10000)

function natureOf(codePoint: number): Nature {
  const known = codePoint < natures.length ? (natures[codePoint] as Nature | 0) : 0
  if (known !== 0) return known
  const char = String.fromCodePoint(codePoint)
  const nature = SPACE.test(char) ? IS_SPACE : SILENT.test(char) ? IS_SILENT : COUNTS
  if (codePoint < natures.length) natures[codePoint] = nature
  return nature
}

/**
 * The place from which `distance` characters that count lead to `from`, in UTF-16 units; never after `from - distance`.
 * A run of spaces counts as one, and what has no width not at all. 0 where the text has fewer; no further back than the
 * distance and STUFFING_MAX.
 */
export function backBy(text: string, from: number, distance: number): number {
  const least = Math.max(0, from - distance - STUFFING_MAX)
  let counted = 0
  let isAfterSpace = false
  let at = from
  while (at > least && counted < distance) {
    let code = text.charCodeAt(--at)
    const isPair = (code & 0xfc00) === 0xdc00 && at > 0 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800
    if (isPair) code = text.codePointAt(--at)!
    const nature = natureOf(code)
    if (nature === COUNTS || (nature === IS_SPACE && !isAfterSpace)) counted++
    if (nature !== IS_SILENT) isAfterSpace = nature === IS_SPACE
  }
  return at
}
