import { Failure } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import type { ChatRequest, ChatResponse, Event } from './canonical.ts'
import { Crossing, joinThoughts, type Known } from './crossing.ts'
import type { Address, Dialect, EncoderOptions, Losses, Operation, StreamDecoder, TokenCounter } from './dialect.ts'

/** The only file that holds two dialects. Everything else speaks one, or none. */

export interface TranslateOptions {
  /** Through the canonical form also where both sides speak the same dialect (law e). */
  force?: boolean
  /** What the client's dialect says in the address of the call. */
  address?: Address
}

/**
 * What a request says, in no dialect, for a target that speaks another one (or, law e, the same). Throws a Failure
 * `wrong_type` or `missing_field` about the client's body, and `cannot_cross` where it refers to something that only
 * its own dialect's provider has.
 */
export function readRequest(
  from: Dialect,
  to: Dialect,
  body: JsonObject,
  address?: Address,
  operation: Operation = 'chat'
): ChatRequest {
  const request = codecOf(from, operation).decodeRequest(body, address)
  if (from === to) return request
  const { bound = [] } = request
  if (bound.length > 0) {
    const what = `${bound.join(', ')} of ${from.name} cannot be said to a provider that speaks ${to.name}.`
    throw new Failure('cannot_cross', what, { param: bound[0]! })
  }
  return joinThoughts(request)
}

/** The same request in a dialect. */
export function sayRequest(
  to: Dialect,
  request: ChatRequest,
  operation: Operation = 'chat'
): { body: JsonObject; losses: Losses } {
  const losses: Losses = []
  return { body: codecOf(to, operation).encodeRequest(request, losses), losses }
}

function codecOf(dialect: Dialect, operation: Operation): Pick<TokenCounter, 'decodeRequest' | 'encodeRequest'> {
  return operation === 'count-tokens' && dialect.tokens ? dialect.tokens : dialect
}

export interface TranslatedRequest {
  body: JsonObject
  losses: Losses
  /** What the request says, in no dialect. Read on first use where the body stayed as it was. */
  readonly request: ChatRequest
}

/**
 * A request of one dialect in another. In the same dialect the body is the very same object: nothing is read, nothing
 * is rebuilt. Throws a Failure `wrong_type` or `missing_field` about the client's body.
 */
export function translateRequest(
  from: Dialect,
  to: Dialect,
  body: JsonObject,
  options: TranslateOptions = {}
): TranslatedRequest {
  if (isSame(from, to, options)) {
    const read = once(() => from.decodeRequest(body, options.address))
    return {
      body,
      losses: [],
      get request() {
        return read()
      }
    }
  }
  const request = readRequest(from, to, body, options.address)
  return { ...sayRequest(to, request), request }
}

export interface TranslatedResponse {
  body: JsonObject
  losses: Losses
  /** What the reply says, in no dialect. Read on first use where the body stayed as it was. */
  readonly response: ChatResponse
}

/** A whole reply, from the provider's dialect to the client's. Throws a Failure `provider_malformed`. */
export function translateResponse(
  from: Dialect,
  to: Dialect,
  body: JsonObject,
  options: { force?: boolean; request?: Partial<ChatRequest> | undefined; known?: Known | undefined } = {}
): TranslatedResponse {
  if (isSame(from, to, options)) {
    const read = once(() => from.decodeResponse(body))
    return {
      body,
      losses: [],
      get response() {
        return read()
      }
    }
  }
  const losses: Losses = []
  const decoded = from.decodeResponse(body)
  const response = from === to ? decoded : new Crossing(from, options).response(decoded)
  return { body: to.encodeResponse(response, losses, options.request), losses, response }
}

/** Reads a stream of the provider's: what its events mean to a client of the other dialect. */
export function streamReader(
  from: Dialect,
  to: Dialect,
  options: { request?: Partial<ChatRequest> | undefined; known?: Known | undefined }
): StreamDecoder {
  const decode = from.decoder()
  if (from === to) return decode
  const crossing = new Crossing(from, options)
  return (event, data) => decode(event, data).map(each => crossing.event(each))
}

export interface StreamTranslator {
  /** One event of the provider: what the client gets for it (perhaps nothing), and what it means. */
  push(event: string, data: string): { text: string; events: readonly Event[] }
  /** The provider's stream is over; ends the client's where the provider left that out. */
  end(): { text: string; events: readonly Event[] }
}

/** A stream, from the provider's dialect to the client's; losses are added to the given list as they are met. */
export function streamTranslator(
  from: Dialect,
  to: Dialect,
  options: EncoderOptions & TranslateOptions & { known?: Known }
): StreamTranslator {
  const read = streamReader(from, to, options)
  const encoder = to.encoder(options)
  let isOver = false
  const write = (events: readonly Event[]) => ({ text: events.map(event => encoder.push(event)).join(''), events })
  return {
    push(event, data) {
      const events = read(event, data)
      isOver ||= events.some(each => each.type === 'end' || each.type === 'failed')
      return write(events)
    },
    end() {
      const events: Event[] = isOver ? [] : [{ type: 'end' }]
      isOver = true
      return write(events)
    }
  }
}

function isSame(from: Dialect, to: Dialect, options: { force?: boolean }): boolean {
  return from.name === to.name && !options.force
}

/** A value that is worked out when it is first asked for. */
function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
