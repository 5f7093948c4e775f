import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatResponse, Part } from '../../../src/dialects/canonical.ts'
import { collect } from '../../../src/dialects/collect.ts'
import type { Address, Dialect } from '../../../src/dialects/dialect.ts'
import { dialect } from '../../../src/dialects/gemini/index.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { readRequest, streamTranslator, translateRequest, translateResponse } from '../../../src/dialects/translate.ts'
import { isObject, type Json, type JsonObject } from '../../../src/json.ts'
import { formatSse } from '../../../src/wire/sse.ts'
import { decodeSse, differences, encodeSse, type Recorded, readSse, recorded, without } from '../../support/dialects.ts'

const OPERATIONS = /^(generateContent|streamGenerateContent|countTokens|error)$/
const all = recorded(({ provider, operation }) => ['gemini', 'vertex'].includes(provider) && OPERATIONS.test(operation))
const traffic = all ?? []
const others: Dialect[] = [dialects['openai-chat'], dialects['anthropic-messages']]

interface Interaction extends Recorded {
  request: Recorded['request'] & { url: string }
}

function addressOf(entry: Recorded): Address {
  const { url } = (entry as Interaction).request
  return { model: /models\/([^:/]+):/.exec(url)?.[1] ?? '', stream: url.includes(':stream') }
}

/** Requests that hold a conversation, with what they ask for. */
const requests = traffic.flatMap(entry => {
  const { url, body } = (entry as Interaction).request
  if (!isObject(body) || !/:(stream)?generatecontent|:counttokens/i.test(url)) return []
  if (body.contents === undefined && body.generateContentRequest === undefined) return []
  return [{ entry, body, codec: url.includes(':countTokens') ? dialect.tokens! : dialect }]
})

const wholes = traffic.flatMap(entry => {
  const { body } = entry.response
  return entry.operation === 'generateContent' && isObject(body) ? [{ path: entry.path, body }] : []
})

/** The chunks of a stream: SSE, or the elements of one JSON array. */
const streams = traffic.flatMap(entry => {
  const { body, sse } = entry.response as { body?: Json; sse?: string }
  if (entry.operation !== 'streamGenerateContent') return []
  const chunks = sse === undefined ? (body as Json[]).map(each => JSON.stringify(each)) : dataOf(sse)
  return [{ path: entry.path, chunks }]
})

function dataOf(sse: string): string[] {
  return readSse([Buffer.from(sse)]).map(({ data }) => data)
}

function fold(chunks: readonly string[]): ChatResponse {
  return collect(
    decodeSse(
      dialect,
      chunks.map(data => ({ event: '', data }))
    )
  )
}

/** What the answer says, read the plainest way: a second opinion that shares no code with the codec. */
function hear(replies: readonly JsonObject[]): { text: string; thinking: string; calls: string[]; finish: unknown } {
  const heard = { text: '', thinking: '', calls: [] as string[], finish: undefined as unknown }
  for (const reply of replies) {
    const [candidate] = (reply.candidates ?? []) as JsonObject[]
    const content = candidate?.content as JsonObject | undefined
    for (const part of (content?.parts ?? []) as JsonObject[]) {
      if (typeof part.text === 'string') heard[part.thought ? 'thinking' : 'text'] += part.text
      const call = part.functionCall as JsonObject | undefined
      if (call?.name) heard.calls.push(`${call.name}`)
    }
    heard.finish = candidate?.finishReason ?? heard.finish
  }
  return heard
}

function words(parts: readonly Part[], type: 'text' | 'thinking'): string {
  return parts.flatMap(part => (part.type === type ? [(part as { text: string }).text] : [])).join('')
}

/** Texts, calls with their arguments, pictures, the finish and what was used: what must come through any crossing. */
function essence({ choices, usage }: ChatResponse): Json {
  const [choice] = choices
  const parts = choice!.parts
  return {
    text: words(parts, 'text'),
    calls: parts.flatMap(part => (part.type === 'tool-call' ? [[part.name, part.id, JSON.parse(part.input)]] : [])),
    finish: choice!.finish.unified,
    input: usage?.inputTokens ?? 0,
    output: usage?.outputTokens ?? 0,
    cached: usage?.cacheReadTokens ?? 0,
    reasoning: usage?.reasoningTokens ?? 0
  }
}

describe('recorded traffic of Gemini and Vertex AI', { skip: !all && 'no recorded traffic on this machine' }, () => {
  it('requests come back as they went in', () => {
    for (const { entry, body, codec } of requests) {
      const losses: string[] = []
      assert.deepEqual(codec.encodeRequest(codec.decodeRequest(body, addressOf(entry)), losses), body, entry.path)
      assert.deepEqual(losses, [], entry.path)
    }
    assert.ok(requests.length > 60)
  })

  it('whole replies come back as they came', () => {
    for (const { path, body } of wholes) {
      const losses: string[] = []
      assert.deepEqual(dialect.encodeResponse(dialect.decodeResponse(body), losses), body, path)
      assert.deepEqual(losses, [], path)
    }
    assert.ok(wholes.length > 30)
  })

  it('streams say what a naive reader hears, and fold the same when written again', () => {
    for (const { path, chunks } of streams) {
      const folded = fold(chunks)
      const heard = hear(chunks.map(data => JSON.parse(data)))
      const { parts, finish } = folded.choices[0]!
      assert.equal(words(parts, 'text'), heard.text, path)
      assert.equal(words(parts, 'thinking'), heard.thinking, path)
      assert.deepEqual(
        parts.flatMap(part => (part.type === 'tool-call' ? [part.name] : [])),
        heard.calls,
        path
      )
      assert.equal(finish.raw, typeof heard.finish === 'number' ? 'STOP' : heard.finish, path)
      const losses: string[] = []
      const events = decodeSse(
        dialect,
        chunks.map(data => ({ event: '', data }))
      )
      const again = encodeSse(dialect, events, losses)
      const bare = (reply: ChatResponse) => without(reply as unknown as Json, ['rest', 'spelling'])
      assert.deepEqual(differences(bare(folded), bare(fold(dataOf(again)))), [], path)
      assert.deepEqual(losses, [], path)
    }
    assert.ok(streams.length > 20)
  })

  it("usage is the provider's own: the parts make the total", () => {
    const replies = [
      ...wholes.map(({ path, body }) => ({ path, last: body, reply: dialect.decodeResponse(body) })),
      ...streams.map(({ path, chunks }) => ({ path, last: JSON.parse(chunks.at(-1)!), reply: fold(chunks) }))
    ]
    for (const { path, last, reply } of replies) {
      const said = (last as JsonObject).usageMetadata as Record<string, number>
      const { usage } = reply
      if (said.totalTokenCount === undefined) assert.equal(usage, undefined, path)
      else assert.equal(usage!.inputTokens + usage!.outputTokens, said.totalTokenCount, path)
      assert.equal(usage?.cacheReadTokens, said.cachedContentTokenCount, path)
      assert.equal(usage?.reasoningTokens, said.thoughtsTokenCount, path)
    }
  })

  it('what was blocked, malformed or empty is never a natural end', () => {
    for (const { path, body } of wholes) {
      const raw = hear([body]).finish
      const { finish, parts } = dialect.decodeResponse(body).choices[0]!
      assert.equal(dialect.readOutcome(body).finish, finish.unified, path)
      if (finish.unified === 'stop') assert.ok(raw === 'STOP' || raw === 1, path)
      if (parts.some(part => part.type === 'tool-call')) assert.equal(finish.unified, 'tool-calls', path)
    }
  })

  it('counts of tokens are read', () => {
    const counts = traffic.filter(({ operation }) => operation === 'countTokens')
    for (const { response } of counts) {
      assert.equal(
        dialect.tokens!.decodeResponse(response.body as JsonObject),
        (response.body as JsonObject).totalTokens
      )
    }
    assert.ok(counts.length > 0)
  })

  const kinds: Record<number, readonly string[]> = {
    400: ['bad_request', 'too_long', 'our_credential'],
    401: ['our_credential'],
    403: ['our_credential', 'bad_request'],
    404: ['no_such_model', 'bad_request'],
    429: ['rate_limited', 'spend_limit'],
    500: ['server_error'],
    503: ['overloaded', 'server_error']
  }
  it('each error is a kind that goes with its status, and keeps its message', () => {
    const errors = traffic.filter(({ operation }) => operation === 'error')
    for (const { path, response } of errors) {
      const failure = dialect.readFailure(response.status, response.body!, response.headers)
      assert.ok(kinds[response.status]?.includes(failure.kind), `${path}: ${response.status} as ${failure.kind}`)
      const { error } = response.body as { error: JsonObject }
      assert.equal(failure.message, error.message, path)
      const delay = /retry in ([\d.]+)s/.exec(failure.message)?.[1]
      if (delay !== undefined) assert.ok(Math.abs(failure.retryAfterMs! - Number(delay) * 1000) < 1000, path)
    }
    assert.ok(errors.length > 10)
  })
})

for (const other of others) {
  describe(`recorded traffic of Gemini, crossed into ${other.name}`, { skip: !all && 'no recorded traffic' }, () => {
    it('requests and back: texts, calls, results, functions and pictures survive', () => {
      for (const { entry, body, codec } of requests) {
        if (codec !== dialect || body.cachedContent !== undefined) continue
        const address = addressOf(entry)
        const { body: said, request, losses } = translateRequest(dialect, other, body, { address })
        const again = readRequest(other, dialect, said)
        const back = dialect.decodeRequest(dialect.encodeRequest(again, []), address)
        assert.deepEqual(kept(back.messages), kept(request.messages), entry.path)
        const functions = (tools = request.tools) =>
          tools?.filter(tool => !tool.native).map(each => [each.name, each.description]) ?? []
        assert.deepEqual(functions(back.tools ?? []), functions(), entry.path)
        // Anthropic wants the cap above the budget of thinking, and says so.
        if (request.outputTokensMax !== undefined && !losses.includes('max_tokens'))
          assert.equal(back.outputTokensMax, request.outputTokensMax, entry.path)
      }
    })

    it('replies and back: text, calls, finish and usage survive', () => {
      for (const { path, body } of wholes) {
        const { body: said, response, losses } = translateResponse(dialect, other, body)
        assert.equal(new Set(losses).size, losses.length, path)
        const there = other.decodeResponse(said)
        const back = dialect.decodeResponse(dialect.encodeResponse(there, []))
        assert.deepEqual(withoutFinish(essence(there)), withoutFinish(essence(response)), path)
        assert.deepEqual(withoutFinish(essence(back)), withoutFinish(essence(response)), path)
        const survives = ['stop', 'tool-calls', 'length', 'content-filter']
        const { unified } = response.choices[0]!.finish
        if (survives.includes(unified)) assert.equal(back.choices[0]!.finish.unified, unified, path)
        else assert.ok(!['stop', 'tool-calls'].includes(there.choices[0]!.finish.unified), path)
      }
    })

    it('streams: what the client hears is what was said', () => {
      for (const { path, chunks } of streams) {
        const losses: string[] = []
        const translator = streamTranslator(dialect, other, {
          losses,
          request: { streamUsage: true },
          write: formatSse
        })
        const sent = [...chunks.map(data => translator.push('', data).text), translator.end().text].join('')
        const heard = collect(decodeSse(other, readSse([Buffer.from(sent)])))
        assert.deepEqual(withoutFinish(essence(heard)), withoutFinish(essence(fold(chunks))), path)
        assert.equal(new Set(losses).size, losses.length, path)
      }
    })

    it('signatures of calls come back to Gemini to the bit, from a whole reply and from a stream', () => {
      let signed = 0
      for (const { body } of wholes) {
        const { body: said, response } = translateResponse(dialect, other, body)
        const seals = callSeals(response.choices[0]!.parts)
        assert.deepEqual(callSeals(replayed(other, said)), seals)
        signed += seals.filter(([, seal]) => seal !== undefined).length
      }
      assert.ok(signed > 5)
    })
  })
}

function withoutFinish(essence: Json): Json {
  return without(essence, ['finish'])
}

function callSeals(parts: readonly Part[]): [string, Json | undefined][] {
  return parts.flatMap(part =>
    part.type === 'tool-call' ? [[part.name, part.seal?.value] as [string, Json | undefined]] : []
  )
}

/** The turn that a client of the dialect sends back, as its decoder reads it. */
function replayed(other: Dialect, reply: JsonObject): Part[] {
  const [choice] = (reply.choices ?? []) as JsonObject[]
  const turn = choice ? choice.message! : { role: 'assistant', content: reply.content! }
  const question = { role: 'user', content: 'x' }
  const { messages } = other.decodeRequest({ model: 'm', max_tokens: 1, messages: [question, turn, question] })
  return messages[1]!.parts
}

/** What of a conversation must survive: results come one by one from some, so turns are not compared. */
function kept(messages: readonly { role: string; parts: Part[] }[]): Json {
  const parts = messages.flatMap(message => message.parts)
  const textOf = (role: string) =>
    messages
      .flatMap(each => (each.role === role ? each.parts : []))
      .flatMap(part => (part.type === 'text' ? [part.text] : []))
      .join('')
  return {
    system: textOf('system'),
    user: textOf('user'),
    assistant: textOf('assistant'),
    calls: parts.flatMap(part => (part.type === 'tool-call' ? [[part.name, JSON.parse(part.input)]] : [])),
    results: parts.flatMap(part => (part.type === 'tool-result' ? [words(part.content, 'text')] : [])),
    // One by its address is fetched by another room before it comes to Gemini; Anthropic's assistant shows none.
    pictures: messages.flatMap(({ role, parts }) => (role === 'user' ? parts.flatMap(pictureOf) : []))
  } as Json
}

function pictureOf(part: Part): string[] {
  return part.type === 'media' && part.data && part.mediaType.startsWith('image/') ? [part.data] : []
}
