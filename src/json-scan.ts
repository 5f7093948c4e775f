import { isUtf8 } from 'node:buffer'
import { Failure } from './errors.ts'
import { type StringFacts, StringsSeen } from './json-strings.ts'

export interface ScanLimits {
  /** Deepest nesting; the body itself is 1. At most 1,000. */
  depthMax: number
  /** Names that may be there only once at the top level, because a provider might take another one than we did. */
  once: ReadonlySet<string>
}

/** Where a member of an object (or an element of an array, whose name is its index) stands in the bytes. */
export interface Member {
  name: string | number
  valueStart: number
  /** One past the last byte of the value. */
  end: number
}

/** What a scan found out about the top level. */
export interface Layout {
  /** The members by name; of a repeated name, the last. */
  members: Map<string, Member>
  /** No name is there twice, so that the members are complete and in order. */
  distinct: boolean
  /** Of all strings, where all were looked at. */
  strings?: StringFacts
}

/** More members than any dialect knows: an index of millions is an attack, not a call. */
const TOP_LEVEL_MEMBERS_MAX = 10_000

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const ARRAY_OPEN = 0x5b
const BACKSLASH = 0x5c
const ARRAY_CLOSE = 0x5d
const OBJECT_OPEN = 0x7b
const OBJECT_CLOSE = 0x7d

/** Bytes at which the plain run of a string ends: the quote, the backslash, and what must not be there at all. */
const ENDS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 1 : 0
)
/** Letters that may follow a backslash. */
const ESCAPES = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"\\/bfnrtu'.includes(String.fromCharCode(byte)) ? 1 : 0
)

/** Finds its way through bytes that are known to be JSON. */
export class JsonReader {
  readonly bytes: Buffer
  /** The same memory four bytes at a time, from the first aligned byte. */
  readonly #words: Int32Array
  readonly #wordsAt: number

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.#wordsAt = Math.min((4 - (bytes.byteOffset & 3)) & 3, bytes.length)
    const count = (bytes.length - this.#wordsAt) >> 2
    // A body of a byte or two may end before the first place where a word can begin.
    this.#words = count > 0 ? new Int32Array(bytes.buffer, bytes.byteOffset + this.#wordsAt, count) : new Int32Array()
  }

  /** The first byte from `at` on that is no white space. */
  spaceEnd(at: number): number {
    const { bytes } = this
    while (at < bytes.length) {
      const byte = bytes[at] as number
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
      at++
    }
    return at
  }

  /**
   * The first quote, backslash or control character from `at` on, or the end. Strings are nearly all of a body
   * (a picture is 40 MB of one), so long ones are looked through a word at a time: (x - 0x01…) & ~x & 0x80… is not zero
   * exactly when a byte of x is zero.
   */
  plainEnd(at: number): number {
    const { bytes } = this
    const words = this.#words
    const wordsAt = this.#wordsAt
    const length = bytes.length
    const slowEnd = Math.min(length, Math.max(wordsAt, at + 12 + ((wordsAt - at) & 3)))
    for (; at < slowEnd; at++) if (ENDS_PLAIN[bytes[at] as number] !== 0) return at
    let index = (at - wordsAt) >> 2
    for (; index < words.length; index++) {
      const word = words[index] as number
      const quote = word ^ 0x22222222
      const backslash = word ^ 0x5c5c5c5c
      const control = (word - 0x20202020) & ~word
      if ((control | ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash)) & 0x80808080) break
    }
    if (at < length) at = Math.max(at, wordsAt + (index << 2))
    while (at < length && ENDS_PLAIN[bytes[at] as number] === 0) at++
    return at
  }

  /** One past the closing quote of the string that opens at `at`. */
  stringEnd(at: number): number {
    at = this.plainEnd(at + 1)
    while (this.bytes[at] === BACKSLASH) at = this.plainEnd(at + 2)
    return at + 1
  }

  /** One past the value that starts at `at`. */
  valueEnd(at: number): number {
    const { bytes } = this
    let depth = 0
    do {
      const byte = bytes[at] as number
      if (byte === QUOTE) at = this.stringEnd(at)
      else {
        if (byte === OBJECT_OPEN || byte === ARRAY_OPEN) depth++
        else if (byte === OBJECT_CLOSE || byte === ARRAY_CLOSE) depth--
        else if (depth === 0) return this.#scalarEnd(at)
        at++
      }
    } while (depth > 0)
    return at
  }

  /** The members of the object, or elements of the array, that opens at `at`. */
  *membersAt(open: number): Generator<Member> {
    const { bytes } = this
    const isArray = bytes[open] === ARRAY_OPEN
    let at = this.spaceEnd(open + 1)
    for (let index = 0; bytes[at] !== OBJECT_CLOSE && bytes[at] !== ARRAY_CLOSE; index++) {
      let name: string | number = index
      if (!isArray) {
        const nameEnd = this.stringEnd(at)
        name = this.nameAt(at, nameEnd)
        at = this.spaceEnd(this.spaceEnd(nameEnd) + 1)
      }
      const end = this.valueEnd(at)
      yield { name, valueStart: at, end }
      at = this.spaceEnd(end)
      if (bytes[at] === COMMA) at = this.spaceEnd(at + 1)
    }
  }

  /** The top level of a body. */
  layout(): Layout {
    const layout: Layout = { members: new Map(), distinct: true }
    for (const member of this.membersAt(this.spaceEnd(0))) {
      const name = String(member.name)
      if (layout.members.has(name)) layout.distinct = false
      layout.members.set(name, member)
    }
    return layout
  }

  /** The name between quotes, its escapes read: "mod\u0065l" is model. */
  nameAt(start: number, end: number): string {
    const quoted = this.bytes.toString('utf8', start, end)
    return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
  }

  #scalarEnd(at: number): number {
    const { bytes } = this
    while (at < bytes.length) {
      const byte = bytes[at] as number
      if (byte === COMMA || byte === OBJECT_CLOSE || byte === ARRAY_CLOSE || byte <= 0x20) break
      at++
    }
    return at
  }
}

/** Checks every byte of a body, and notes where its members stand. */
export class JsonScanner extends JsonReader {
  readonly #limits: ScanLimits
  #at = 0
  readonly #strings = new StringsSeen()

  constructor(bytes: Buffer, limits: ScanLimits) {
    super(bytes)
    this.#limits = limits
  }

  /** Failures: see `JsonBody.scan`. */
  body(): Layout {
    if (!isUtf8(this.bytes)) {
      this.#at = invalidUtf8At(this.bytes)
      throw this.#fail('valid UTF-8')
    }
    this.#space()
    if (this.bytes[this.#at] !== OBJECT_OPEN) throw this.#fail('a JSON object')
    const layout: Layout = { members: new Map(), distinct: true }
    this.#object(1, layout)
    this.#space()
    if (this.#at < this.bytes.length) throw this.#fail('nothing after the object')
    layout.strings = this.#strings
    return layout
  }

  #space(): void {
    this.#at = this.spaceEnd(this.#at)
  }

  #value(depth: number): void {
    const byte = this.bytes[this.#at]
    if (byte === QUOTE) this.#string()
    else if (byte === OBJECT_OPEN) this.#object(depth + 1)
    else if (byte === ARRAY_OPEN) this.#array(depth + 1)
    else if (byte === MINUS || isDigit(byte)) this.#number()
    else if (byte === 0x74) this.#literal('true')
    else if (byte === 0x66) this.#literal('false')
    else if (byte === 0x6e) this.#literal('null')
    else throw this.#fail('a value')
  }

  #object(depth: number, layout?: Layout): void {
    this.#enter(depth)
    if (this.bytes[this.#at] === OBJECT_CLOSE) {
      this.#at++
      return
    }
    while (true) {
      const nameStart = this.#at
      if (this.bytes[nameStart] !== QUOTE) throw this.#fail('a name in double quotes')
      this.#string()
      const nameEnd = this.#at
      this.#space()
      if (this.bytes[this.#at] !== COLON) throw this.#fail('":"')
      this.#at++
      this.#space()
      const valueStart = this.#at
      this.#value(depth)
      if (layout !== undefined) this.#note(layout, nameStart, nameEnd, valueStart)
      if (this.#closed(OBJECT_CLOSE, '"," or "}"')) return
    }
  }

  #array(depth: number): void {
    this.#enter(depth)
    if (this.bytes[this.#at] === ARRAY_CLOSE) {
      this.#at++
      return
    }
    do this.#value(depth)
    while (!this.#closed(ARRAY_CLOSE, '"," or "]"'))
  }

  #enter(depth: number): void {
    const { depthMax } = this.#limits
    if (depth > depthMax) {
      throw new Failure('json_too_deep', `The body nests deeper than ${depthMax} levels at ${this.#place(this.#at)}.`)
    }
    this.#at++
    this.#space()
  }

  /** After a value: steps over the comma, or out of the object or array. */
  #closed(close: number, expected: string): boolean {
    this.#space()
    const byte = this.bytes[this.#at]
    if (byte !== close && byte !== COMMA) throw this.#fail(expected)
    this.#at++
    if (byte === close) return true
    this.#space()
    return false
  }

  #note(layout: Layout, nameStart: number, nameEnd: number, valueStart: number): void {
    const { members } = layout
    const name = this.nameAt(nameStart, nameEnd)
    if (members.has(name)) {
      if (this.#limits.once.has(name)) {
        const message = `The body has "${name}" twice, again at ${this.#place(nameStart)}.`
        throw new Failure('duplicate_key', message, { param: name })
      }
      layout.distinct = false
    }
    if (members.size === TOP_LEVEL_MEMBERS_MAX) {
      throw new Failure('invalid_json', `The body has more than ${TOP_LEVEL_MEMBERS_MAX} members.`)
    }
    members.set(name, { name, valueStart, end: this.#at })
  }

  #string(): void {
    const { bytes } = this
    const start = this.#at + 1
    this.#at = this.plainEnd(start)
    while (bytes[this.#at] !== QUOTE) {
      if (this.#at >= bytes.length) throw this.#fail('the end of the string')
      if (bytes[this.#at] !== BACKSLASH) throw this.#fail('an escape instead of a control character')
      this.#escape()
      this.#at = this.plainEnd(this.#at)
    }
    this.#strings.saw(bytes[start]!, this.#at - start)
    this.#at++
  }

  #escape(): void {
    const letter = this.bytes[++this.#at]
    if (letter === undefined || ESCAPES[letter] === 0) {
      throw this.#fail('one of "\\/bfnrtu after the backslash')
    }
    this.#at++
    if (letter !== 0x75) return
    this.#strings.hasCodes = true
    for (let digits = 0; digits < 4; digits++, this.#at++) {
      if (!isHexDigit(this.bytes[this.#at])) throw this.#fail('four hexadecimal digits')
    }
  }

  #number(): void {
    const { bytes } = this
    if (bytes[this.#at] === MINUS) this.#at++
    if (bytes[this.#at] === ZERO) {
      this.#at++
      if (isDigit(bytes[this.#at])) throw this.#fail('no digit after a leading zero')
    } else this.#digits()
    if (bytes[this.#at] === POINT) {
      this.#at++
      this.#digits()
    }
    if (bytes[this.#at] === 0x65 || bytes[this.#at] === 0x45) {
      const sign = bytes[++this.#at]
      if (sign === 0x2b || sign === MINUS) this.#at++
      this.#digits()
    }
  }

  #digits(): void {
    if (!isDigit(this.bytes[this.#at])) throw this.#fail('a digit')
    while (isDigit(this.bytes[this.#at])) this.#at++
  }

  #literal(word: string): void {
    for (let index = 0; index < word.length; index++, this.#at++) {
      if (this.bytes[this.#at] !== word.charCodeAt(index)) throw this.#fail(word)
    }
  }

  #fail(expected: string): Failure {
    const found = this.#at >= this.bytes.length ? 'the end of the body' : this.#found()
    return new Failure(
      'invalid_json',
      `Invalid JSON at ${this.#place(this.#at)}: expected ${expected}, found ${found}.`
    )
  }

  #found(): string {
    const [character] = this.bytes.toString('utf8', this.#at, this.#at + 4)
    return character === '\ufffd' ? `byte 0x${this.bytes[this.#at]?.toString(16)}` : JSON.stringify(character)
  }

  /** Line and column, both from 1, the column in characters. */
  #place(at: number): string {
    let line = 1
    let lineStart = 0
    for (let found = this.bytes.indexOf(0x0a); found >= 0 && found < at; found = this.bytes.indexOf(0x0a, lineStart)) {
      line++
      lineStart = found + 1
    }
    let column = 1
    for (let index = lineStart; index < at; index++) if (((this.bytes[index] as number) & 0xc0) !== 0x80) column++
    return `line ${line}, column ${column}`
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const lower = byte | 0x20
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66)
}

/** Halves what is left until it is short, then goes by characters to the first wrong one. */
function invalidUtf8At(bytes: Buffer): number {
  const firstValid = (from: number, ends: number[]) => ends.find(end => isUtf8(bytes.subarray(from, end)))
  let valid = 0
  let invalid = bytes.length
  while (invalid - valid > 16) {
    const middle = (valid + invalid) >> 1
    // The cut may fall into a character, which has four bytes at most.
    const end = firstValid(valid, [middle, middle - 1, middle - 2, middle - 3])
    if (end === undefined) invalid = middle
    else valid = end
  }
  while (true) {
    const end = firstValid(valid, [valid + 1, valid + 2, valid + 3, valid + 4])
    if (end === undefined) return valid
    valid = end
  }
}
