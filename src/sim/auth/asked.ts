import type { Request } from '../door.ts'
import type { Json } from '../json.ts'

/** One request to somebody who gives out credentials. */
export interface Asked {
  method: string
  path: string
  /** The body of a POST. */
  form: URLSearchParams
  request: Request
  /** Where it was sent: `http://127.0.0.1:port`. */
  url: string
}

/** What is said to it. */
export interface Told {
  status: number
  contentType: string
  text: string
  headers?: Record<string, string>
}

export function told(status: number, body: Json): Told {
  return { status, contentType: 'application/json; charset=utf-8', text: JSON.stringify(body) }
}
