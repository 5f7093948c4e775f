import type { JsonObject } from '../json.ts'
import type { ChatRequest, ChatResponse, Event } from './canonical.ts'
import type { Dialect, EncoderOptions, Losses } from './dialect.ts'

/** The only file that holds two dialects. Everything else speaks one, or none. */

export interface TranslateOptions {
  /** Through the canonical form also where both sides speak the same dialect (law e). */
  force?: boolean
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
    const read = once(() => from.decodeRequest(body))
    return {
      body,
      losses: [],
      get request() {
        return read()
      }
    }
  }
  const losses: Losses = []
  const request = from.decodeRequest(body)
  return { body: to.encodeRequest(request, losses), losses, request }
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
  options: TranslateOptions = {}
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
  const response = from.decodeResponse(body)
  return { body: to.encodeResponse(response, losses), losses, response }
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
  options: EncoderOptions & TranslateOptions
): StreamTranslator {
  const decode = from.decoder()
  const encoder = to.encoder(options)
  let isOver = false
  const write = (events: readonly Event[]) => ({ text: events.map(event => encoder.push(event)).join(''), events })
  return {
    push(event, data) {
      const events = decode(event, data)
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

function isSame(from: Dialect, to: Dialect, options: TranslateOptions): boolean {
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
