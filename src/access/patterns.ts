/** Patterns have `*` as their only sign, for any text. */

type Matches = (text: string) => boolean

const compiled = new WeakMap<readonly string[], Matches>()

/** Whether one of the patterns matches. Lists are taken as they are at first sight: frozen or left alone. */
export function matchesAny(patterns: readonly string[], text: string): boolean {
  let matches = compiled.get(patterns)
  if (!matches) {
    const exact = new Set(patterns.filter(pattern => !pattern.includes('*')))
    const open = patterns.filter(pattern => pattern.includes('*')).map(matcher)
    matches = value => exact.has(value) || open.some(opens => opens(value))
    compiled.set(patterns, matches)
  }
  return matches(text)
}

/**
 * Whether every text that `inner` matches is matched by one of `outer`. A `*` in `inner` can only be taken in by a `*` of
 * the other, so the inner pattern is looked at as if it were a text. (What only several of `outer` cover together is
 * not found: the answer is then no, which refuses too much and never too little.)
 */
export function patternsCover(outer: readonly string[], inner: string): boolean {
  return outer.some(pattern => pattern === inner || (pattern.includes('*') && matcher(pattern)(inner)))
}

/** In time that is at most the product of both lengths, whatever the pattern. */
function matcher(pattern: string): Matches {
  const parts = pattern.split('*')
  const first = parts[0]!
  const last = parts.at(-1)!
  const middle = parts.slice(1, -1)
  return text => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    // The leftmost place of each part leaves the most for those after it.
    let at = first.length
    for (const part of middle) {
      const found = text.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    // The last part has its place at the end, behind all others.
    return at <= text.length - last.length
  }
}
