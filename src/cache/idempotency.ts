import { createHash } from 'node:crypto'
import { CODES, type Code, Failure, type Kind } from '../errors.ts'
import type { JsonObject } from '../json.ts'

/** https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/; in lower case, as headers are here. */
const HEADER = 'idempotency-key'
const VALUE = /^[\x21-\x7e]{1,255}$/

/** What is larger is not kept: its key is spent (`idempotency_spent`). */
export const OUTCOME_BYTES_MAX = 1_048_576

type Headers = Readonly<Record<string, string>>

export function hasKey(headers: Headers): boolean {
  return headers[HEADER] !== undefined
}

/** The key of a call; undefined: it has none. Failure `invalid_header`. */
export function keyIn(headers: Headers): string | undefined {
  const key = headers[HEADER]
  if (key === undefined || VALUE.test(key)) return key
  throw new Failure(
    'invalid_header',
    'The header "Idempotency-Key" is one value of 1 to 255 visible ASCII characters.',
    {
      param: HEADER
    }
  )
}

/** Whose key it is, and for what: the same text of another caller, or at another door, is another key. */
interface KeyPlace {
  key: string
  /** Id of the caller's key; undefined in open mode. */
  caller: string | undefined
  door: string | undefined
  operation: string
}

/** What a key is kept under, in base64url: the key itself is nowhere. */
export function idOf({ key, caller, door, operation }: KeyPlace): string {
  return digest(JSON.stringify([caller ?? null, door ?? null, operation, key]))
}

/**
 * Digest of a request, in base64url: its bytes as they came, what its address says, and those of its headers that
 * providers are told of. White space counts: who tries again sends what it has sent.
 */
export function fingerprintOf(asked: {
  model: string
  headers: Headers
  forwarded: readonly string[]
  body: Buffer
}): string {
  const { model, headers, forwarded, body } = asked
  const said = forwarded.toSorted().map(name => [name, headers[name] ?? null])
  return digest(JSON.stringify([model, said]), body)
}

function digest(head: string, body?: Buffer): string {
  const hash = createHash('sha256').update(head)
  return (body ? hash.update('\n').update(body) : hash).digest('base64url')
}

/**
 * A whole reply in the client's dialect, as it was before the guards of the reply saw it (D1). Without headers of its
 * provider: what they say of that moment's limits and times is none of another moment's.
 */
export interface KeptReply {
  how: 'reply'
  status: number
  provider: string
  model: string
  losses: readonly string[]
  touches: readonly string[]
  simulated: boolean
  holder: { provider: string; credential: string } | null
  finish: string | null
  body: Buffer
}

export type Kept =
  | KeptReply
  /** What the provider said against the request. */
  | { how: 'failure'; failure: Failure }
  /** The call was carried out, and what it was answered cannot be given again. */
  | { how: 'spent' }

const END_OF_HEAD = 0x0a

/** A line of JSON, and the body as it came. */
export function encodeKept(kept: Kept): Buffer {
  const [head, body] = partsOf(kept)
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body])
  return bytes.length <= OUTCOME_BYTES_MAX ? bytes : Buffer.from('{"how":"spent"}\n')
}

function partsOf(kept: Kept): [head: object, body: Buffer] {
  if (kept.how === 'reply') {
    const { body, ...head } = kept
    return [head, body]
  }
  if (kept.how === 'spent') return [kept, NOTHING]
  const { code, message, kind, status, param, details, provider, model, native } = kept.failure
  const { body = NOTHING, ...answered } = native ?? {}
  const head: FailureHead = {
    ...{ how: 'failure', code, message, kind, status, details: details as JsonObject },
    ...(param !== undefined && { param }),
    ...(provider !== undefined && { provider }),
    ...(model !== undefined && { model }),
    ...(native && { native: answered as FailureHead['native'] & object })
  }
  return [head, body]
}

const NOTHING = Buffer.alloc(0)

interface FailureHead {
  how: 'failure'
  code: Code
  message: string
  kind: Kind
  status: number
  details: JsonObject
  param?: string
  provider?: string
  model?: string
  native?: { dialect: string; status: number; headers: Record<string, string> }
}

/** What `encodeKept` made; of a version that knows other failures, it is spent. */
export function decodeKept(bytes: Buffer): Kept {
  const end = bytes.indexOf(END_OF_HEAD)
  const head = JSON.parse(bytes.toString('utf8', 0, end)) as Omit<KeptReply, 'body'> | FailureHead | { how: 'spent' }
  const body = bytes.subarray(end + 1)
  if (head.how === 'reply') return { ...head, body }
  if (head.how === 'spent' || !Object.hasOwn(CODES, head.code)) return { how: 'spent' }
  const { code, message, native, how: _, provider, model, ...facts } = head
  const failure = new Failure(code, message, {
    ...{ ...facts, ...(provider !== undefined && { provider }), ...(model !== undefined && { model }) },
    ...(native && { native: { ...native, body } })
  })
  return { how: 'failure', failure }
}
