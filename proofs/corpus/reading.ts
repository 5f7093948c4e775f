import type { ChatResponse, Event } from '../../src/dialects/canonical.ts'
import { collect } from '../../src/dialects/collect.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { Failure } from '../../src/errors.ts'
import { isObject, type JsonObject } from '../../src/json.ts'
import type { Interaction, ReadStream, Said } from './interactions.ts'

/** The body as a door of the dialect would have it: the model in it where the dialect wants it there. */
export function bodyOf({ dialect, request, address }: Interaction): JsonObject | undefined {
  if (!request) return undefined
  const copy = structuredClone(request)
  return dialect.members.model && copy.model === undefined ? { model: address.model, ...copy } : copy
}

/** The request codec of what was asked. */
export function codecOf({
  dialect,
  asks
}: Pick<Interaction, 'dialect' | 'asks'>): Pick<Dialect, 'decodeRequest' | 'encodeRequest'> {
  return asks === 'count-tokens' && dialect.tokens ? dialect.tokens : dialect
}

/** A whole answer that is one: no error, and nothing of a count. */
export function wholeReply({ operation, asks, reply }: Interaction): JsonObject | undefined {
  return operation !== 'error' && asks === 'chat' && isObject(reply) ? reply : undefined
}

export function saidIn({ stream }: Interaction, readStream: ReadStream): Said[] | undefined {
  return stream && readStream(stream.framing, [stream.bytes])
}

export function decode(dialect: Dialect, said: readonly Said[]): Event[] {
  const decoder = dialect.decoder()
  return said.flatMap(({ event, data }) => decoder(event, data))
}

/** The reply that these are the steps of, or the failure that they end with. */
export function fold(events: Iterable<Event>): ChatResponse | Failure {
  try {
    return collect(events)
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown
    throw thrown
  }
}

/** The reply of an interaction, whole or folded; undefined where there is none to speak of. */
export function replyOf(interaction: Interaction, readStream: ReadStream): ChatResponse | Failure | undefined {
  const said = saidIn(interaction, readStream)
  if (said) return fold(decode(interaction.dialect, said))
  const body = wholeReply(interaction)
  if (!body) return undefined
  try {
    return interaction.dialect.decodeResponse(body)
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown
    throw thrown
  }
}
