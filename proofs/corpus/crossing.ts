import type { ChatRequest, ChatResponse, Media, Part } from '../../src/dialects/canonical.ts'
import { collect } from '../../src/dialects/collect.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { readRequest, sayRequest, streamTranslator, translateResponse } from '../../src/dialects/translate.ts'
import { Failure } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json.ts'
import { formatSse } from '../../src/wire/sse.ts'
import { type Essence, essenceFindings, essenceOf } from './essence.ts'
import { factsOfReply, factsOfRequest } from './facts.ts'
import type { Interaction, ReadStream, Said } from './interactions.ts'
import { unnamedLosses } from './losses.ts'
import { bodyOf, codecOf, decode, replyOf, saidIn, wholeReply } from './reading.ts'
import type { Rule } from './rule.ts'

/**
 * Said in each other dialect and back: words, calls, results, pictures, the finish and what was used survive; of all
 * else, what is gone is named; nothing throws but a refusal that names what cannot cross.
 */
export const crossedRequest: Rule = {
  name: 'crossed-request',
  check(interaction, { dialects }) {
    if (!bodyOf(interaction) || interaction.operation === 'error') return undefined
    return dialects
      .filter(to => to.name !== interaction.dialect.name)
      .flatMap(to => requestFindings(interaction, to).map(finding => `${to.name}: ${finding}`))
  }
}

function requestFindings(interaction: Interaction, to: Dialect): string[] {
  const { dialect: from, asks, address } = interaction
  if (asks === 'count-tokens' && !to.tokens) return []
  try {
    const before = readRequest(from, to, bodyOf(interaction)!, address, asks)
    fetched(before, to)
    const there = sayRequest(to, structuredClone(before), asks)
    const between = codecOf({ dialect: to, asks }).decodeRequest(structuredClone(there.body), address)
    const back = sayRequest(from, structuredClone(between), asks)
    const after = codecOf(interaction).decodeRequest(structuredClone(back.body), address)
    const essence = essenceOf(before.messages)
    const facts = factsOfRequest(before)
    return [
      ...essenceFindings('there', essence, essenceOf(between.messages), there.losses),
      ...essenceFindings('and back', essence, essenceOf(after.messages), [...there.losses, ...back.losses]),
      ...unnamedLosses({
        before: facts,
        after: factsOfRequest(between),
        losses: there.losses,
        native: JSON.stringify(there.body)
      })
    ]
  } catch (thrown) {
    return [refusal(thrown)]
  }
}

function refusal(thrown: unknown): string {
  if (!(thrown instanceof Failure)) return `it throws: ${thrown instanceof Error ? thrown.stack : String(thrown)}`
  return `refused as ${thrown.kind}: ${thrown.message}`
}

/** The bytes that a stage fetches for a dialect whose providers take no addresses. */
const FETCHED = Buffer.from('what was behind the address').toString('base64')

function fetched({ messages }: ChatRequest, to: Dialect): void {
  const visit = (part: Part): void => {
    if (part.type === 'tool-result') part.content.forEach(visit)
    if (part.type === 'media' && isFetched(part, to)) {
      part.data = FETCHED
      delete part.url
      // The answer says of what type it is; here, the first of the family.
      if (!/^\w+\/[\w.+-]+$/.test(part.mediaType) || part.mediaType === 'application/octet-stream')
        part.mediaType = 'image/png'
    }
  }
  for (const { parts } of messages) parts.forEach(visit)
}

function isFetched(media: Media, to: Dialect): boolean {
  return media.url !== undefined && /^https?:/i.test(media.url) && !to.takesAddress(media)
}

export const crossedReply: Rule = {
  name: 'crossed-reply',
  check(interaction, { dialects, readStream }) {
    const before = replyOf(interaction, readStream)
    // What did not come whole is no reply; an error in it has a rule of its own.
    if (!before || before instanceof Failure) return undefined
    return dialects
      .filter(to => to.name !== interaction.dialect.name)
      .flatMap(to => replyFindings(interaction, before, to, readStream).map(finding => `${to.name}: ${finding}`))
  }
}

function replyFindings(interaction: Interaction, before: ChatResponse, to: Dialect, readStream: ReadStream): string[] {
  const { dialect: from, address } = interaction
  try {
    const body = bodyOf(interaction)
    const asked = body ? codecOf(interaction).decodeRequest(body, address) : {}
    const request = { ...asked, streamUsage: true }
    const said = saidIn(interaction, readStream)
    const cross = said ? crossedStream(said, readStream) : crossedWhole(wholeReply(interaction)!)
    const there = cross(from, to, request)
    const back = there.cross(to, from, request)
    return [
      ...outcomeFindings('there', before, there.response, there.losses),
      ...outcomeFindings('and back', before, back.response, [...there.losses, ...back.losses]),
      ...unnamedLosses({ before: factsOfReply(before), after: factsOfReply(there.response), ...there })
    ]
  } catch (thrown) {
    return [refusal(thrown)]
  }
}

/** A reply as the client of another dialect gets it, and how it goes on from there. */
interface Crossed {
  response: ChatResponse
  losses: readonly string[]
  /** As it was written. */
  native: string
  cross: Cross
}

type Cross = (from: Dialect, to: Dialect, request: Partial<ChatRequest>) => Crossed

function crossedWhole(native: JsonObject): Cross {
  return (from, to, request) => {
    const { body, losses } = translateResponse(from, to, structuredClone(native), { request })
    const response = to.decodeResponse(structuredClone(body))
    return { response, losses, native: JSON.stringify(body), cross: crossedWhole(body) }
  }
}

function crossedStream(native: readonly Said[], readStream: ReadStream): Cross {
  return (from, to, request) => {
    const losses: string[] = []
    const translator = streamTranslator(from, to, { losses, request, write: formatSse })
    const texts = native.map(({ event, data }) => translator.push(event, data).text)
    const text = texts.join('') + translator.end().text
    const said = readStream('sse', [Buffer.from(text)])
    return { response: collect(decode(to, said)), losses, native: text, cross: crossedStream(said, readStream) }
  }
}

function outcomeFindings(
  where: string,
  before: ChatResponse,
  after: ChatResponse,
  losses: readonly string[]
): string[] {
  return [
    ...essenceFindings(where, essenceOfReply(before), essenceOfReply(after), losses),
    ...TOKENS.flatMap(name => {
      const [left, right] = [before.usage?.[name] ?? 0, after.usage?.[name] ?? 0]
      return left === right ? [] : [`${where}: usage ${name}: ${left} became ${right}`]
    })
  ]
}

const TOKENS = ['inputTokens', 'outputTokens'] as const

/** Of the first choice: not every dialect has others. */
function essenceOfReply({ choices }: ChatResponse): Essence {
  const { parts, finish } = choices[0]!
  // A client that knows one word for both hears a refused answer as a filtered one.
  const unified = finish.unified === 'refusal' ? 'content-filter' : finish.unified
  return essenceOf([{ role: 'assistant', parts }], unified)
}
