/**
 * The simulator's token counts. On purpose another measure than any estimator of the gateway: white space joins the
 * piece after it, ASCII words are cut into pieces of at most five characters, every other character is a piece.
 */
const PIECE_LETTERS = 5

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 0xa0
}

function isWord(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
}

/** Calls `visit` with the end of every piece, in order: one pass and no list, because prompts may be 40 MB. */
function eachPiece(text: string, visit: (start: number, end: number) => void): void {
  const length = text.length
  let start = 0
  let at = 0
  while (at < length) {
    while (at < length && isSpace(text.charCodeAt(at))) at++
    const code = text.charCodeAt(at)
    if (at === length) {
      // white space at the end is a piece of its own
    } else if (isWord(code)) {
      const limit = Math.min(length, at + PIECE_LETTERS)
      while (at < limit && isWord(text.charCodeAt(at))) at++
    } else {
      const isPair = code >= 0xd800 && code < 0xdc00 && at + 1 < length
      at += isPair ? 2 : 1
    }
    visit(start, at)
    start = at
  }
}

export function countTokens(text: string): number {
  let count = 0
  eachPiece(text, () => {
    count++
  })
  return count
}

/** The pieces themselves; joined they are the text again. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = []
  eachPiece(text, (start, end) => {
    pieces.push(text.slice(start, end))
  })
  return pieces
}

/** The text in stream portions: words with the white space before them, or portions of `chunkChars` characters. */
export function portionsOf(text: string, chunkChars?: number): string[] {
  if (chunkChars === undefined) return text.match(/\s*\S+(?:\s+$)?|\s+/g) ?? []
  const portions: string[] = []
  const characters = Array.from(text)
  for (let at = 0; at < characters.length; at += chunkChars) {
    portions.push(characters.slice(at, at + chunkChars).join(''))
  }
  return portions
}
