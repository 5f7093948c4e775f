import { RE2JS } from 're2js'

const PATTERN_MAX = 2_000
/** More are no help to anybody and would make a hostile text dear. */
const MATCHES_MAX = 10_000

/** A match in a text: UTF-16 offsets, end exclusive. */
export interface Match {
  start: number
  end: number
}

/** A user's pattern, whose matching takes time linear in the text whatever the pattern (D24). */
export interface LinearPattern {
  /** All matches from the left, none empty, none overlapping, at most 10,000. */
  all(text: string): Match[]
  test(text: string): boolean
  /** Whether it speaks of where the whole text begins or ends, and so can't be tried on a part of it. */
  anchored: boolean
}

/**
 * RE2's syntax, so without back-references and lookaround: https://github.com/google/re2/wiki/Syntax. Throws a
 * `SyntaxError` with the reason.
 */
export function linearPattern(source: string, options: { ignoreCase?: boolean } = {}): LinearPattern {
  if (source.length > PATTERN_MAX) throw new SyntaxError(`longer than ${PATTERN_MAX} characters`)
  const pattern = compile(source, options.ignoreCase === true)
  return { all: text => allMatches(pattern, text), test: text => pattern.test(text), anchored: isAnchored(source) }
}

function compile(source: string, ignoreCase: boolean): RE2JS {
  try {
    return RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
  } catch (thrown) {
    throw new SyntaxError((thrown as Error).message.replace(/^error parsing regexp: /, ''))
  }
}

function allMatches(pattern: RE2JS, text: string): Match[] {
  const matches: Match[] = []
  const matcher = pattern.matcher(text)
  while (matches.length < MATCHES_MAX && matcher.find()) {
    const start = matcher.start()
    const end = matcher.end()
    if (end > start) matches.push({ start, end })
  }
  return matches
}

/** `^`, `$`, `\A` or `\z` outside of a class and not escaped. One too many only holds a stream back for longer. */
function isAnchored(source: string): boolean {
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    const char = source[at]
    if (char === '\\') {
      at++
      if (!inClass && (source[at] === 'A' || source[at] === 'z')) return true
    } else if (char === '[') {
      // A `]` that comes first, or after a `^`, is one of the class.
      if (!inClass && source[at + 1] === '^') at++
      if (!inClass && source[at + 1] === ']') at++
      inClass = true
    } else if (char === ']') inClass = false
    else if (!inClass && (char === '^' || char === '$')) return true
  }
  return false
}
