import { Failure } from '../../errors.ts'
import type { Headers } from '../../wire/exchange.ts'
import type { Upstream } from '../../wire/upstream.ts'
import { PRIVATE_RANGES } from '../address.ts'

const TIMEOUT_MS = 10_000
const BODY_BYTES_MAX = 256 * 1024

/** Who gives tokens out may be on this machine, in this network or in the cloud's metadata service. */
const RANGES: readonly string[] = [...PRIVATE_RANGES, '169.254.0.0/16']

export interface Question {
  method: 'GET' | 'POST'
  url: string
  headers: Readonly<Record<string, string>>
  body?: Buffer | string
}

export interface Answer {
  status: number
  headers: Headers
  body: Buffer
}

export type Ask = (question: Question) => Promise<Answer>

/**
 * One request to somebody who gives out tokens, within ten seconds. Rejects with the Failure of the upstream, or
 * `provider_malformed` at an answer over 256 KiB. What broke on a connection that had been idle, before anything came, is
 * asked again: the other side closed it, and a token more does no harm (RFC 9110, 9.2.2).
 */
export function asking(upstream: Upstream): Ask {
  const ask = askingOnce(upstream)
  return question =>
    ask(question).catch((thrown: unknown) => {
      if (thrown instanceof Failure && thrown.details.reusedSocket && thrown.details.beforeFirstByte) {
        return ask(question)
      }
      throw thrown
    })
}

function askingOnce(upstream: Upstream): Ask {
  return ({ method, url, headers, body }) =>
    new Promise((resolve, reject) => {
      const { origin, pathname, search } = new URL(url)
      const chunks: Buffer[] = []
      let bytes = 0
      let head: Pick<Answer, 'status' | 'headers'> | undefined
      const give = (failure: Failure) => {
        clearTimeout(deadline)
        reject(failure)
      }
      const call = upstream.send(
        {
          origin,
          path: pathname + search,
          method,
          headers: Object.entries({ accept: 'application/json', ...headers }).flat(),
          body: body === undefined ? undefined : Buffer.from(body),
          timeouts: { connectMs: TIMEOUT_MS, headMs: TIMEOUT_MS, idleMs: TIMEOUT_MS },
          allowPrivate: RANGES
        },
        {
          head: (status, answered) => {
            head = { status, headers: answered }
          },
          data: chunk => {
            bytes += chunk.length
            chunks.push(chunk)
            if (bytes > BODY_BYTES_MAX) {
              give(new Failure('provider_malformed', `The answer of ${origin} is larger than ${BODY_BYTES_MAX} bytes.`))
              call.abort()
            }
            return true
          },
          end: () => {
            clearTimeout(deadline)
            resolve({ ...head!, body: Buffer.concat(chunks) })
          },
          error: give
        }
      )
      const deadline = setTimeout(() => {
        give(new Failure('provider_timeout', `${origin} did not answer within ${TIMEOUT_MS / 1_000} s.`))
        call.abort()
      }, TIMEOUT_MS)
    })
}
