import { randomBytes } from 'node:crypto'

/** Something that a cloud gave out. */
export interface Issued {
  by: 'aws' | 'google' | 'entra'
  /** The access token; of AWS's temporary keys, the session token. */
  token: string
  /** Who it was given to: a service account, an application, a role. */
  subject: string
  /** The scopes or the resource that it is good for. */
  scope: string
  /** Milliseconds since 1970. */
  expiresMs: number
  isRevoked: boolean
}

/** Gives out tokens and remembers them. */
export class Mint {
  readonly issued: Issued[] = []
  /** Of what is given out from now on. */
  lifetimeS = 3600
  readonly #wallMs: () => number

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs
  }

  issue(by: Issued['by'], subject: string, scope: string, token = randomText(PREFIXES[by])): Issued {
    const expiresMs = this.#wallMs() + this.lifetimeS * 1000
    const issued = { by, token, subject, scope, expiresMs, isRevoked: false }
    this.issued.push(issued)
    return issued
  }

  /** What was given out under this token and still holds. */
  live(by: Issued['by'], token: string): Issued | undefined {
    return this.issued.find(
      each => each.by === by && each.token === token && !each.isRevoked && each.expiresMs > this.#wallMs()
    )
  }

  find(token: string): Issued | undefined {
    return this.issued.find(each => each.token === token)
  }
}

const PREFIXES = { aws: 'IQoJb3JpZ2luX2Vj', google: 'ya29.', entra: 'eyJ0eXAiOiJKV1Qi.' } as const

export function randomText(prefix = '', bytes = 24): string {
  return prefix + randomBytes(bytes).toString('base64url')
}
