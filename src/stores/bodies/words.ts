/** Words as both engines index and ask for them. Ours, not theirs: so that they find the same. */

/** A longer one is no word: a key, a digest, a picture. */
const WORD_CHARS_MAX = 64
/** What is indexed of one request: a book is found by its first chapters. */
const TEXT_CHARS_MAX = 256 * 1024
const WORDS_MAX = 20_000
/** Of all of them together: PostgreSQL takes a megabyte, and a character is four bytes at most. */
const WORDS_CHARS_MAX = 192 * 1024
const SNIPPET_BEFORE = 60
const SNIPPET_CHARS = 160

/** Names of members whose values say what a part is, and nothing to people. */
const TECHNICAL = new Set([
  ...['type', 'role', 'object', 'id', 'model', 'status', 'signature', 'encrypted_content', 'thoughtSignature'],
  ...['finish_reason', 'stop_reason', 'finishReason', 'stopReason', 'system_fingerprint', 'service_tier']
])

const WORD = /[\p{L}\p{N}\p{M}]+/gu
const FOLDED_WORD = /[\p{L}\p{N}]+/gu
/** Scripts that put no spaces between words: every two neighbours count as a word, and each alone. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]+/gu
/** How a part of a JSON value begins. */
const FRAGMENT = /^\s*[{}[\],:"]/
/** What no people wrote: base64 and the like. */
const DATA = /^(?:data:[^,]{0,100},)?[A-Za-z0-9+/=_\r\n-]{256}/

/** The words of a text, folded: without case and accents. */
function wordsOf(text: string, isAsked: boolean): string[] {
  const folded = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
  const words: string[] = []
  for (const [run] of folded.matchAll(FOLDED_WORD)) {
    for (const [unspaced] of run.matchAll(UNSPACED)) {
      for (const word of neighbours([...unspaced], isAsked)) words.push(word)
    }
    for (const word of run.split(UNSPACED)) if (word !== '' && word.length <= WORD_CHARS_MAX) words.push(word)
  }
  return words
}

function neighbours(characters: string[], isAsked: boolean): string[] {
  const pairs = characters.slice(1).map((character, at) => `${characters[at]}${character}`)
  if (isAsked) return pairs.length > 0 ? pairs : characters
  return [...characters, ...pairs]
}

/** What is looked for. None: nothing can be found. */
export function askedWords(text: string): string[] {
  return [...new Set(wordsOf(text.slice(0, 1_000), true))].slice(0, 32)
}

/** The words of many texts, each once. */
export function indexedWords(texts: Iterable<string>): string[] {
  const words = new Set<string>()
  let textRoom = TEXT_CHARS_MAX
  let wordRoom = WORDS_CHARS_MAX
  for (const text of texts) {
    for (const word of wordsOf(text.slice(0, textRoom), false)) {
      if (words.has(word)) continue
      wordRoom -= word.length
      if (wordRoom < 0 || words.size === WORDS_MAX) return [...words]
      words.add(word)
    }
    textRoom -= text.length
    if (textRoom <= 0) break
  }
  return [...words]
}

/** The texts for people in a JSON value or a part of one, or all of what is neither. */
export function* textsIn(bytes: Buffer): Generator<string> {
  const text = bytes.toString('utf8')
  const value = parsed(text)
  if (value !== undefined) yield* strings(value)
  else if (FRAGMENT.test(text)) yield* stringsIn(text)
  else yield text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The same for a part that begins and ends anywhere between strings. Never more than one look at each character. */
function* stringsIn(fragment: string): Generator<string> {
  let name: string | undefined
  for (let at = fragment.indexOf('"'); at >= 0; at = fragment.indexOf('"', at)) {
    const start = at++
    while (at < fragment.length && fragment[at] !== '"') at += fragment[at] === '\\' ? 2 : 1
    const text = parsed(fragment.slice(start, ++at))
    const isName = /^\s{0,20}:/.test(fragment.slice(at, at + 21))
    if (typeof text !== 'string') continue
    if (isName) name = text
    else if (name === undefined || !TECHNICAL.has(name)) yield* strings(text)
  }
}

/** Without recursion: how deep a value is, is not ours to say. */
function* strings(whole: unknown): Generator<string> {
  const left = [whole]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value === 'string') {
      if (!DATA.test(value)) yield value
    } else if (Array.isArray(value)) {
      for (let at = value.length - 1; at >= 0; at--) left.push(value[at])
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value).reverse()) if (!TECHNICAL.has(name)) left.push(member)
    }
  }
}

/** The surroundings of the first such word, in the text that has the most of them. Empty: none has any. */
export function snippetOf(texts: Iterable<string>, words: readonly string[]): string {
  const wanted = new Set(words)
  let best = { found: 0, snippet: '' }
  for (const text of texts) {
    const found = new Set<string>()
    let first: number | undefined
    for (const match of text.slice(0, TEXT_CHARS_MAX).matchAll(WORD)) {
      const hits = wordsOf(match[0], false).filter(word => wanted.has(word))
      if (hits.length > 0) first ??= match.index
      for (const word of hits) found.add(word)
      if (found.size === wanted.size) break
    }
    if (first === undefined || found.size <= best.found) continue
    best = { found: found.size, snippet: around(text, first) }
    if (found.size === wanted.size) break
  }
  return best.snippet
}

function around(text: string, at: number): string {
  const start = Math.max(0, at - SNIPPET_BEFORE)
  const end = Math.min(text.length, start + SNIPPET_CHARS)
  const line = text.slice(start, end).toWellFormed().replace(/\s+/g, ' ').trim()
  return `${start > 0 ? '…' : ''}${line}${end < text.length ? '…' : ''}`
}
