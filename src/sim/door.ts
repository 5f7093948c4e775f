import type { IncomingHttpHeaders } from 'node:http'
import type { Checks } from './auth/checks.ts'
import type { IdSource } from './ids.ts'
import type { Json, JsonObject } from './json.ts'
import type { Memory } from './memory.ts'
import type { Sealer } from './seal.ts'
import type { Frame, Voice } from './voice.ts'

export interface Request {
  method: string
  /** Path and query as they came: what signatures are made over. */
  target: string
  /** Path without its query. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
}

/** What all calls of one simulator share. */
export interface House {
  /** Accepted credentials; empty: any credential, or none. */
  keys: readonly string[]
  /** The cloud whose credentials are looked at; undefined: nobody's are. */
  checks: Checks | undefined
  ids: IdSource
  sealer: Sealer
  memory: Memory
  /** Milliseconds since 1970. */
  wallMs(): number
}

/** One request at its door. */
export interface Visit {
  house: House
  request: Request
  /** What the path said where its door's path has parameters; decoded. */
  params: Readonly<Record<string, string>>
  /** Whether the reply streams, where the door says so and not the body. */
  stream: boolean | undefined
  /** The body; throws the refusal of a body that is no JSON object. */
  json(): JsonObject
}

/** An answer that no model gives: `frames` go out as a stream in the framing of the door's voice. */
export type Answer = { body: Json } | { frames: Frame[] }

/** One method of one path. A voice lists its doors; `doors.ts` finds the one at which a request stands. */
export interface Door {
  method: string
  /** `/v1/responses/{id}`: `{name}` takes one segment or a part of it, `{name+}` any number of segments. */
  path: string
  voice: Voice
  /** `generate`: a model answers, well or with its fault. Otherwise the answer itself. */
  does: 'generate' | ((visit: Visit) => Answer | Promise<Answer>)
  /** Of several doors at one place: whether this one is meant. */
  when?(request: Request): boolean
  /** Where the address says whether the reply streams. */
  stream?: boolean
  /** The check of credentials and headers where it is not the voice's own: other hosts serve the same dialect. */
  admit?(visit: Visit): void | Promise<void>
  /** The body as the voice reads it, where the address or the host changes it (a model that only the path names). */
  prepare?(body: JsonObject, visit: Visit): JsonObject
}
