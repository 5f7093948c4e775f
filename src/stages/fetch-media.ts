import type { ChatRequest, Media, Part } from '../dialects/canonical.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { Failure } from '../errors.ts'
import type { Headers } from '../wire/exchange.ts'
import type { Upstream, UpstreamHandler } from '../wire/upstream.ts'
import type { Call } from './call.ts'

const ADDRESSES_MAX = 20
const TIMEOUT_MS = 20_000
const REDIRECTS_MAX = 3
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export interface FetchRooms {
  upstream: Upstream
  userAgent: string
  settings: {
    /** Otherwise nothing is fetched, and what a dialect cannot say is a loss. */
    fetch: boolean
    /** The most for one call. */
    bytesMax: number
    /** Private address ranges (CIDR) that clients may have pictures fetched from. */
    allowPrivate: readonly string[]
  }
}

/**
 * Some providers take pictures and documents as bytes alone, where clients send addresses. Those are fetched here:
 * through the guard against private addresses, redirects included, with a cap on size, number and time, and without
 * any credential. In the request the bytes take the place of the address. Undefined where there is nothing to fetch.
 * Rejects with Failure `media_unreachable`, with the path of the part.
 */
export function fetchMedia(
  request: ChatRequest,
  call: Call,
  dialect: Dialect,
  rooms: FetchRooms
): Promise<void> | undefined {
  const { settings } = rooms
  if (!settings.fetch) return undefined
  const wanted = [...mediaOf(request)].filter(({ media }) => isFetched(media, dialect))
  if (wanted.length === 0) return undefined
  if (wanted.length > ADDRESSES_MAX)
    throw unreachable(wanted[ADDRESSES_MAX]!.path, `more than ${ADDRESSES_MAX} addresses in one call`)
  const budget = { bytes: settings.bytesMax }
  const fetched = new Map<string, Promise<Fetched>>()
  const all = wanted.map(async ({ media, path }) => {
    const address = media.url!
    const known = fetched.get(address) ?? new Fetching({ address, path, budget, call, rooms }).run()
    fetched.set(address, known)
    const { body, mediaType } = await known
    media.data = body.toString('base64')
    delete media.url
    if (mediaType && !isExact(media.mediaType)) media.mediaType = mediaType
  })
  return Promise.all(all).then(() => {})
}

function isFetched(media: Media, dialect: Dialect): boolean {
  return media.url !== undefined && /^https?:/i.test(media.url) && !dialect.takesAddress(media)
}

/** `image/*` and `application/octet-stream` say nothing that the answer's own type would not say better. */
function isExact(mediaType: string): boolean {
  return !mediaType.endsWith('/*') && mediaType !== 'application/octet-stream'
}

function* mediaOf({ messages }: ChatRequest): Generator<{ media: Media; path: string }> {
  for (const [index, { parts }] of messages.entries()) yield* mediaIn(parts, `messages[${index}]`)
}

function* mediaIn(parts: readonly Part[], at: string): Generator<{ media: Media; path: string }> {
  for (const [index, part] of parts.entries()) {
    const path = `${at}.content[${index}]`
    if (part.type === 'media') yield { media: part, path }
    else if (part.type === 'tool-result') yield* mediaIn(part.content, path)
  }
}

interface Fetched {
  body: Buffer
  mediaType: string
}

interface FetchOptions {
  address: string
  path: string
  /** Shared by all that one call fetches. */
  budget: { bytes: number }
  call: Call
  rooms: FetchRooms
}

/** One address, followed to where its bytes are. */
class Fetching {
  readonly #options: FetchOptions

  constructor(options: FetchOptions) {
    this.#options = options
  }

  async run(): Promise<Fetched> {
    const { address, path } = this.#options
    let at = URL.parse(address)
    for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
      if (!at || !/^https?:$/.test(at.protocol)) throw unreachable(path, 'not an address of the web')
      const answer = await this.#get(at)
      if (!REDIRECTS.has(answer.status)) return this.#take(answer)
      at = URL.parse(answer.headers.location ?? '', at)
    }
    throw unreachable(path, 'too many redirects')
  }

  #take({ status, headers, body }: Answer): Fetched {
    if (status !== 200) throw unreachable(this.#options.path, `its server answered with status ${status}`)
    const mediaType = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
    return { body, mediaType }
  }

  #get(at: URL): Promise<Answer> {
    const { call, path, budget, rooms } = this.#options
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let status = 0
      let headers: Headers = {}
      const over = () => {
        clearTimeout(timer)
        call.signal.removeEventListener('abort', stop)
      }
      const refuse = (failure: Failure) => {
        over()
        reject(failure)
        stop()
      }
      const handler: UpstreamHandler = {
        head: (code, said) => {
          status = code
          headers = said
        },
        data: chunk => {
          budget.bytes -= chunk.length
          if (budget.bytes < 0) refuse(unreachable(path, `more than ${rooms.settings.bytesMax} bytes in one call`))
          else chunks.push(chunk)
          return true
        },
        end: () => {
          over()
          resolve({ status, headers, body: Buffer.concat(chunks) })
        },
        error: failure => {
          over()
          reject(failure.kind === 'aborted' ? failure : unreachable(path, 'its server cannot be reached', failure))
        }
      }
      const request = {
        origin: at.origin,
        path: at.pathname + at.search,
        method: 'GET' as const,
        headers: ['user-agent', rooms.userAgent, 'accept', '*/*'],
        body: undefined,
        timeouts: { connectMs: 5_000, headMs: 10_000, idleMs: 10_000 },
        allowPrivate: rooms.settings.allowPrivate
      }
      const sent = rooms.upstream.send(request, handler)
      const stop = () => sent.abort()
      const timer = setTimeout(() => refuse(unreachable(path, 'it took too long')), TIMEOUT_MS)
      call.signal.addEventListener('abort', stop, { once: true })
      if (call.signal.aborted) stop()
    })
  }
}

interface Answer {
  status: number
  headers: Headers
  body: Buffer
}

/** Says nothing of the address itself: it may hold a signature, and what was found behind it is not the client's. */
function unreachable(path: string, why: string, cause?: Failure): Failure {
  return new Failure('media_unreachable', `${path}: what its address names could not be fetched: ${why}.`, {
    param: path,
    ...(cause && { cause })
  })
}
