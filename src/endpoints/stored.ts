import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import { JsonBody } from '../json.ts'
import type { Call, KeptObject } from '../stages/call.ts'
import type { Exchange } from '../wire/exchange.ts'
import { refuse } from './answer.ts'
import { answerCall } from './chat.ts'
import { credentialsOf } from './credentials.ts'
import type { Endpoint } from './endpoint.ts'
import { doorPath } from './paths.ts'

export interface StoredDoor {
  method: KeptObject['method']
  /** Below the response, as `/cancel`; '' for the response itself. */
  tail: string
  /** Parameters of the query that go on to the provider; no other does. */
  query?: readonly string[]
}

const dialect = dialects['openai-responses']

/**
 * A door to an answer that its provider keeps: https://platform.openai.com/docs/api-reference/responses. It goes through
 * the pipeline like any other call, to whoever has the answer, for whoever it was given to (D6).
 */
export function storedDoor({ method, tail, query = [] }: StoredDoor): Endpoint {
  return {
    method,
    path: doorPath(`/responses/([^/]+)${tail}`),
    dialect: () => dialect,
    async serve(exchange, hall, parameters) {
      const id = hall.newId()
      try {
        const credentials = credentialsOf(exchange)
        await hall.authenticate({ credentials, address: exchange.remoteAddress, door: 'objects' })
        const search = allowed(new URLSearchParams(exchange.query), query)
        const object: KeptObject = {
          kind: 'response',
          id: decoded(parameters[1]!),
          method,
          path: native => `/responses/${encodeURIComponent(native)}${tail}${search}`
        }
        await answerCall(exchange, hall, callAbout(object, exchange, id, credentials))
      } catch (thrown) {
        refuse(exchange, hall, dialect, thrown, id)
      }
    }
  }
}

function callAbout(object: KeptObject, exchange: Exchange, id: string, credentials: string[]): Call {
  return {
    id,
    operation: 'object',
    dialect,
    doorProvider: dialect.maker,
    body: JsonBody.from({}),
    model: `${object.kind}s`,
    stream: /[?&]stream=true(?:&|$)/.test(object.path('')),
    framing: 'sse',
    headers: exchange.headers,
    object,
    credentials,
    signal: exchange.signal,
    address: exchange.remoteAddress,
    door: 'objects',
    startedMs: exchange.startedMs,
    waitedMs: 0
  }
}

function allowed(sent: URLSearchParams, names: readonly string[]): string {
  const kept = new URLSearchParams([...sent].filter(([name]) => names.includes(name.replace(/\[\d*\]$/, ''))))
  return kept.size === 0 ? '' : `?${kept}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Failure('unknown_object', 'There is no response of this id.')
  }
}
