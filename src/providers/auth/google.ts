import { readFile } from 'node:fs/promises'
import type { Clock } from '../../clock.ts'
import { isObject, type JsonObject } from '../../json.ts'
import type { Ask } from './ask.ts'
import type { GoogleIdentity } from './identity.ts'
import { member, NoToken, optional, refusedBy } from './no-token.ts'
import type { Token } from './tokens.ts'

/** Where the library sends every assertion and refresh token, whatever the credentials say. */
const TOKEN_URL = 'https://oauth2.googleapis.com/token'
/** Of Google's tokens, where neither an answer nor the library says. */
const LIFETIME_MS = 3_600_000
const LIFETIME_MIN_MS = 60_000

/**
 * Headers, as [name, value, …], that carry an access token of Google for `scope`. Rejects with NoToken, the Failure of the
 * upstream, or what the library fails of by itself.
 */
export async function googleHeaders(
  identity: GoogleIdentity,
  scope: string,
  { ask, clock }: { ask: Ask; clock: Clock }
): Promise<Token<string[]>> {
  const { GoogleAuth } = await optional('google-auth-library', () => import('google-auth-library'))
  const credentials = await credentialsOf(identity)
  const tokenUrl = typeof credentials?.token_uri === 'string' ? credentials.token_uri : TOKEN_URL
  let seconds: number | undefined
  /** Why the last request gave no token: the library hands refusals and failures on in words that differ by the way. */
  let refusal: unknown
  const observed: Ask = async question => {
    refusal = undefined
    try {
      const answer = await ask(question)
      if (answer.status >= 400) refusal = refusedBy('Google', answer)
      seconds = member(answer.body, 'expires_in', 'number') ?? seconds
      return answer
    } catch (thrown) {
      refusal = thrown
      throw thrown
    }
  }
  const auth = new GoogleAuth({
    scopes: [scope],
    ...(credentials && { credentials: credentials as object }),
    clientOptions: {
      transporterOptions: { fetchImplementation: fetchBy(observed, tokenUrl), retry: false },
      // The library signs for Google's own address alone.
      ...(tokenUrl !== TOKEN_URL && { additionalClaims: { aud: tokenUrl } })
    }
  })
  const client = await auth.getClient()
  const headers = await client.getRequestHeaders().catch((thrown: unknown) => {
    throw refusal ?? thrown
  })
  if (!headers.get('authorization')) throw new NoToken('Google answered without a token')
  return { value: [...headers].flat(), lifetimeMs: lifetimeMs(seconds, client.credentials.expiry_date, clock) }
}

/** As the answer said it; where the library asked somebody by itself (the metadata service), as it keeps it. */
function lifetimeMs(seconds: number | undefined, expiryDateMs: number | null | undefined, clock: Clock): number {
  if (seconds !== undefined) return seconds * 1_000
  return expiryDateMs ? Math.max(LIFETIME_MIN_MS, expiryDateMs - clock.wallMs()) : LIFETIME_MS
}

async function credentialsOf({ credentials, file }: GoogleIdentity): Promise<JsonObject | undefined> {
  if (credentials) return parse(credentials.reveal(), 'the credentials are')
  if (file === undefined) return undefined
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    throw new NoToken(`the credentials file ${file} cannot be read`)
  }
  return parse(text, `the file ${file} is`)
}

function parse(text: string, what: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {}
  throw new NoToken(`${what} no JSON of Google's`)
}

/** The library's requests, sent by us: with our deadlines, and to where the credentials say that tokens are given out. */
function fetchBy(ask: Ask, tokenUrl: string): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const body = Buffer.from(await request.arrayBuffer())
    const answer = await ask({
      method: request.method === 'GET' ? 'GET' : 'POST',
      url: request.url === TOKEN_URL ? tokenUrl : request.url,
      headers: Object.fromEntries(request.headers),
      ...(body.length > 0 && { body })
    })
    return new Response(new Uint8Array(answer.body), {
      status: answer.status,
      headers: Object.entries(answer.headers).map(([name, value]): [string, string] => [name, value])
    })
  }
}
