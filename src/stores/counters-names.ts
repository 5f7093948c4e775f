const NUL = '\0'

/**
 * A request as JSON that both servers read. Names come from outside, and lone surrogates and NUL are no text to a server:
 * it would refuse the whole request, and count as one that is down. Such names become others, one for each.
 */
export function plainNames(request: object): string {
  const text = JSON.stringify(request)
  // Both are written so, and hardly anything else is.
  if (!text.includes('\\u')) return text
  return JSON.stringify(request, (_, value: unknown) => {
    if (typeof value !== 'string' || (value.isWellFormed() && !value.includes(NUL))) return value
    return `\u{fffd}${Buffer.from(value, 'utf16le').toString('hex')}`
  })
}
