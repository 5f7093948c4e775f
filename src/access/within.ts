import { Failure } from '../errors.ts'
import type { KeyRow, KeyScopes } from '../stores/rows.ts'
import { rangeCovers } from './addresses.ts'
import { patternsCover } from './patterns.ts'

/** Guards, demands and the like allow nothing: those of every key of the chain hold. */
type Allowing = Exclude<keyof KeyScopes, 'guards' | 'require' | 'bodies' | 'cache'>

const COVERS: Readonly<Record<Allowing, (outer: readonly string[], inner: string) => boolean>> = {
  models: patternsCover,
  providers: patternsCover,
  doors: (outer, inner) => outer.includes(inner),
  addresses: (outer, inner) => outer.some(range => rangeCovers(range, inner))
}

/**
 * Refuses a key that would be allowed what one above it is not. A list that is absent takes on the parent's, also when
 * that one changes: calls are held to every key of the chain in any case (`Caller.scopes`). Failure `not_allowed`.
 */
export function checkWithin(scopes: KeyScopes, expiresAtMs: number | null, ancestors: readonly KeyRow[]): void {
  for (const above of ancestors) {
    for (const name of Object.keys(COVERS) as Allowing[]) {
      const outer = above.scopes[name]
      const wide = outer && scopes[name]?.find(inner => !COVERS[name](outer, inner))
      if (wide !== undefined) {
        throw tooMuch(name, `${JSON.stringify(wide)} in ${name} is more than ${nameOf(above)} allows`)
      }
    }
    if (above.expiresAtMs !== null && expiresAtMs !== null && expiresAtMs > above.expiresAtMs) {
      throw tooMuch('expires', `it would expire later than ${nameOf(above)}`)
    }
  }
}

function tooMuch(param: string, what: string): Failure {
  return new Failure('not_allowed', `A key may never do more than the one it was made from: ${what}.`, { param })
}

function nameOf({ name }: KeyRow): string {
  return `the key ${JSON.stringify(name)}`
}
