import { RE2JS } from 're2js'

export interface Pattern {
  /** Whether the pattern is somewhere in the text. A text longer than `TEXT_MAX` never matches. */
  test(text: string): boolean
}

/** Longest text that is looked at and longest pattern that is taken, in UTF-16 units: their product bounds the work. */
export const TEXT_MAX = 1_024
const PATTERN_MAX = 1_000

/**
 * A regular expression of a user, whose matching takes time linear in the text, whatever the pattern: users write them,
 * clients supply the text, and the language's own would stop the process for `(a+)+$`. RE2's syntax, so without
 * back-references and lookaround: https://github.com/google/re2/wiki/Syntax. Throws a `SyntaxError` with the reason.
 */
export function compilePattern(source: string): Pattern {
  if (source.length > PATTERN_MAX) throw new SyntaxError(`longer than ${PATTERN_MAX} characters`)
  const pattern = compile(source)
  return { test: text => text.length <= TEXT_MAX && pattern.test(text) }
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source)
  } catch (thrown) {
    throw new SyntaxError((thrown as Error).message.replace(/^error parsing regexp: /, ''))
  }
}
