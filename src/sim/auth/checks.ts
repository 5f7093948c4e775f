import type { Request } from '../door.ts'
import { Refusal } from '../refusal.ts'

/** What a cloud knows of the credentials that it gave out. A simulator that is given none takes any. */
export interface Checks {
  /** The scopes of an access token that Google gave out and that still holds. */
  google(token: string): string | undefined
  /** Whether Entra gave out this access token for one of these resources, and it still holds. */
  entra(token: string, resources: readonly string[]): boolean
  /** Throws AWS's refusal of a request that is not signed by known keys for this service. */
  aws(request: Request, service: string): void
}

export function bearerOf({ headers }: Request): string | undefined {
  return /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1]
}

/** Refusals of AWS that come before the service is asked. */
export function coral(status: number, name: string, message: string): Refusal {
  const type = `${name}:http://internal.amazon.com/coral/com.amazon.coral.service/`
  return new Refusal(status, name, message, { headers: { 'x-amzn-errortype': type } })
}
