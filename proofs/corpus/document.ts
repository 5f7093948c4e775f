import { Failure } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'
import { differences, encodeSse, without } from '../../test/support/dialects.ts'
import { bodyOf, codecOf, decode, fold, replyOf, saidIn, wholeReply } from './reading.ts'
import type { Rule } from './rule.ts'

/**
 * Read and written again by its own dialect: an equal document, or a list of losses that names each difference. What a
 * codec may add is no difference: a member that says nothing, where there was none.
 */

export const requestDocument: Rule = {
  name: 'request-document',
  check(interaction) {
    const body = bodyOf(interaction)
    if (!body || interaction.operation === 'error') return undefined
    const losses: string[] = []
    const codec = codecOf(interaction)
    const before = structuredClone(body)
    const request = codec.decodeRequest(body, interaction.address)
    const again = codec.encodeRequest(request, losses)
    const changed = differences(before, body).map(path => `reading changed the body it read at ${path}`)
    return [...changed, ...unnamed(before, again, losses)]
  }
}

/** How a reply was written may differ between a stream and what we write of it; what it says must not. */
const MANNER = ['spelling', 'rest']

export const replyDocument: Rule = {
  name: 'reply-document',
  check(interaction, { readStream }) {
    const { dialect } = interaction
    const losses: string[] = []
    const said = saidIn(interaction, readStream)
    if (said) {
      const events = decode(dialect, said)
      const before = fold(events)
      if (before instanceof Failure) return undefined
      const again = fold(decode(dialect, readStream('sse', [Buffer.from(encodeSse(dialect, events, losses))])))
      if (again instanceof Failure) return [`written again it cannot be read: ${again.message}`]
      const [left, right] = [before, again].map(reply => without(reply as unknown as Json, MANNER))
      return unnamed(left, right, losses)
    }
    const body = wholeReply(interaction)
    if (!body) return undefined
    const reply = replyOf(interaction, readStream)
    // An error that came with status 200 is no reply.
    if (!reply || reply instanceof Failure) return undefined
    return unnamed(body, dialect.encodeResponse(reply, losses), losses)
  }
}

function unnamed(before: Json | undefined, after: Json | undefined, losses: readonly string[]): string[] {
  return differences(before, after, { lenient: true })
    .filter(path => !losses.some(loss => path.startsWith(loss)))
    .map(path => `${path} ${valueAt(before, path) === undefined ? 'is added' : 'differs'}`)
}

function valueAt(value: Json | undefined, path: string): unknown {
  const names = path.match(/[^.[\]]+/g) ?? []
  return names.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], value)
}
