import type { Exchange } from '../wire/exchange.ts'

/** Headers in which clients send a key as it is. */
const KEY_HEADERS = ['x-api-key', 'api-key', 'x-goog-api-key'] as const

/**
 * Every credential of the call, in whatever header clients send it, and as Google's `?key=`. The query of a request is
 * read here and where a door asks for a parameter by name: it goes into no log, no message and to no provider.
 */
export function credentialsOf({ headers, query }: Pick<Exchange, 'headers' | 'query'>): string[] {
  const { authorization } = headers
  const bearer =
    authorization === undefined ? undefined : (/^bearer\s+(.+)$/i.exec(authorization)?.[1]?.trim() ?? authorization)
  const inQuery = query.includes('key=') ? new URLSearchParams(query).getAll('key') : []
  return [bearer, ...KEY_HEADERS.map(name => headers[name]), ...inQuery].filter(
    (credential): credential is string => credential !== undefined && credential !== ''
  )
}
