import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatRequest, ChatResponse, Event, Part } from '../../../src/dialects/canonical.ts'
import { collect } from '../../../src/dialects/collect.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { dialect } from '../../../src/dialects/openai-responses/index.ts'
import { translateRequest } from '../../../src/dialects/translate.ts'
import { Failure } from '../../../src/errors.ts'
import { isObject, type Json, type JsonObject } from '../../../src/json.ts'
import { decodeSse, differences, encodeSse, readSse, recorded, without } from '../../support/dialects.ts'

const OPERATIONS = new Set(['responses', 'responses_stream', 'responses_retrieve', 'responses_retrieve_stream'])
const calls = recorded(entry => OPERATIONS.has(entry.operation))
const counts = recorded(entry => entry.operation === 'responses_input_tokens')
const errors = recorded(
  entry => entry.operation === 'error' && ['openai', 'xai', 'chatgpt_codex', 'azure'].includes(entry.provider)
)
const SSE = new Set(['sse'])
const SKIP = { skip: !calls && 'no recorded traffic on this machine' }

/** What ours says also where a provider leaves it out: what a response repeats, and details of usage. */
const ADDED =
  /^(?:background|metadata|parallel_tool_calls|store|text|tool_choice|top_logprobs|truncation|usage\.\w+_tokens_details)$/

function bodies(): { path: string; body: JsonObject }[] {
  return (calls ?? []).flatMap(({ path, request }) => (isObject(request.body) ? [{ path, body: request.body }] : []))
}

function replies(): { path: string; body: JsonObject }[] {
  return (calls ?? []).flatMap(({ path, response }) => (isObject(response.body) ? [{ path, body: response.body }] : []))
}

interface Streamed {
  path: string
  sse: string
  events: Event[]
}

function streams(): Streamed[] {
  return (calls ?? []).flatMap(({ path, response: { sse } }) =>
    sse === undefined ? [] : [{ path, sse, events: decodeSse(dialect, readSse([Buffer.from(sse)])) }]
  )
}

/** The response object that ends a stream, read the plainest way. */
function lastResponse(sse: string): JsonObject | undefined {
  const lines = sse.split(/\r?\n/).filter(line => line.startsWith('data:') && !line.includes('[DONE]'))
  const ends = lines.map(line => JSON.parse(line.slice(5)) as JsonObject)
  return ends.findLast(data => /^response\.(?:completed|incomplete)$/.test(String(data.type)))?.response as JsonObject
}

describe('recorded traffic of Responses', SKIP, () => {
  it('requests come back as they went in', () => {
    for (const { path, body } of bodies()) {
      const losses: string[] = []
      assert.deepEqual(dialect.encodeRequest(dialect.decodeRequest(body), losses), body, path)
      assert.deepEqual(losses, [], path)
    }
    assert.ok(bodies().length > 80)
  })

  it('whole replies come back; only what says nothing is added', () => {
    for (const { path, body } of replies()) {
      const losses: string[] = []
      const again = dialect.encodeResponse(dialect.decodeResponse(body), losses)
      assert.deepEqual(losses, [], path)
      const wrong = differences(body, again, { lenient: true }).filter(name => !ADDED.test(name))
      assert.deepEqual(wrong, [], path)
    }
    assert.ok(replies().length > 45)
  })

  it('streams fold to the response that ends them, and say the same when written again', () => {
    let count = 0
    for (const { path, sse, events } of streams()) {
      const last = lastResponse(sse)
      if (!last) {
        assert.ok(
          events.some(event => event.type === 'failed'),
          path
        )
        continue
      }
      const folded = collect(events)
      // One backend ends with a response that has no output.
      if ((last.output as Json[]).length > 0) {
        assert.deepEqual(said(folded), said(dialect.decodeResponse(last)), path)
      }
      const losses: string[] = []
      const again = decodeSse(dialect, readSse([Buffer.from(encodeSse(dialect, events, losses))]))
      assert.deepEqual(losses, [], path)
      assert.deepEqual(said(collect(again)), said(folded), path)
      count += 1
    }
    assert.ok(count > 35)
  })

  it('usage is what the provider says', () => {
    const said = [
      ...replies().map(({ path, body }) => ({ path, native: body.usage, reply: dialect.decodeResponse(body) })),
      ...streams().flatMap(({ path, sse, events }) => {
        const last = lastResponse(sse)
        return last ? [{ path, native: last.usage, reply: collect(events) }] : []
      })
    ]
    for (const { path, native, reply } of said) {
      if (!isObject(native)) {
        assert.equal(reply.usage, undefined, path)
        continue
      }
      const { usage } = reply
      const details = native.input_tokens_details as JsonObject | undefined
      const output = native.output_tokens_details as JsonObject | undefined
      assert.equal(usage!.inputTokens, native.input_tokens, path)
      assert.equal(usage!.inputTokens + usage!.outputTokens, native.total_tokens, path)
      assert.equal(usage!.cacheReadTokens, details?.cached_tokens, path)
      assert.equal(usage!.reasoningTokens, output?.reasoning_tokens, path)
    }
    assert.ok(said.length > 85)
  })

  it('counts of tokens are read and asked for', () => {
    for (const { path, request, response } of counts ?? []) {
      const asked = request.body!
      assert.deepEqual(dialect.tokens!.encodeRequest(dialect.tokens!.decodeRequest(asked), []), asked, path)
      const tokens = dialect.tokens!.decodeResponse(response.body as JsonObject)!
      assert.deepEqual(dialect.tokens!.encodeResponse(tokens), response.body, path)
    }
  })

  it('errors keep their message and are classified', () => {
    for (const { path, response } of errors ?? []) {
      const failure = dialect.readFailure(response.status, response.body ?? '', response.headers)
      const error = isObject(response.body) && isObject(response.body.error) ? response.body.error.message : undefined
      if (typeof error === 'string') assert.ok(failure.message.startsWith(error), path)
      assert.notEqual(failure.kind, 'internal', path)
    }
  })
})

/** What a reply says, however it was written. */
function said(reply: ChatResponse): Json {
  const { choices, usage } = reply
  // A stream and the whole may encrypt the same reasoning differently.
  return without({ choices, usage: usage ?? null } as unknown as Json, ['spelling', 'rest', 'seal', 'logprobs'])
}

/** What must survive any crossing. */
function kept(reply: ChatResponse): Json {
  const [choice] = reply.choices
  const parts = choice?.parts ?? []
  const words = (type: 'text' | 'refusal') => parts.flatMap(part => (part.type === type ? [(part as Words).text] : []))
  const { inputTokens = 0, outputTokens = 0, cacheReadTokens = 0, reasoningTokens = 0 } = reply.usage ?? {}
  return {
    // The Messages dialect has no refusals: their words stay.
    words: [...words('text'), ...words('refusal')].join(''),
    calls: parts.flatMap(part => (part.type === 'tool-call' ? [[part.id, part.name, meaning(part)]] : [])),
    finish: choice?.finish.unified ?? null,
    usage: [inputTokens, outputTokens, cacheReadTokens, reasoningTokens]
  }
}

type Words = Extract<Part, { type: 'text' }>

/** The input of a call; text that is no JSON stands in an object where a dialect takes nothing else. */
function meaning({ input }: Extract<Part, { type: 'tool-call' }>): Json {
  try {
    const value = JSON.parse(input || '{}') as Json
    return isObject(value) && typeof value._raw === 'string' ? value._raw : value
  } catch {
    return input
  }
}

for (const other of Object.values<Dialect>(dialects).filter(each => each !== dialect && SSE.has(each.framing))) {
  describe(`crossed into ${other.name} and back`, SKIP, () => {
    it('whole replies keep words, calls, finish and usage', () => {
      for (const { path, body } of replies()) {
        const reply = dialect.decodeResponse(body)
        // An answer that is not there, or was broken off, is no answer elsewhere.
        if (['other', 'error'].includes(reply.choices[0]!.finish.unified)) continue
        const crossed = other.decodeResponse(other.encodeResponse(reply, []))
        const back = dialect.decodeResponse(dialect.encodeResponse(crossed, []))
        assert.deepEqual(fit(kept(crossed)), fit(kept(reply)), path)
        assert.deepEqual(fit(kept(back)), fit(kept(reply)), path)
      }
    })

    it('streams do too', () => {
      for (const { path, events } of streams()) {
        if (events.at(-1)?.type === 'failed') continue
        const reply = collect(events)
        const crossed = decodeSse(other, readSse([Buffer.from(encodeSse(other, events))]))
        const back = decodeSse(dialect, readSse([Buffer.from(encodeSse(dialect, crossed))]))
        assert.deepEqual(fit(kept(collect(crossed))), fit(kept(reply)), path)
        assert.deepEqual(fit(kept(collect(back))), fit(kept(reply)), path)
      }
    })

    it('requests are said, or refused by name', () => {
      let crossings = 0
      for (const { path, body } of bodies()) {
        const request = dialect.decodeRequest(body)
        if (request.bound) {
          assert.throws(
            () => translateRequest(dialect, other, body),
            (thrown: unknown) => thrown instanceof Failure && thrown.code === 'cannot_cross',
            path
          )
          continue
        }
        const address = { model: request.model, stream: request.stream }
        const { body: native } = translateRequest(dialect, other, body, { address })
        assert.deepEqual(asked(other.decodeRequest(native, address)), asked(request), path)
        crossings += 1
      }
      assert.ok(crossings > 50)
    })
  })
}

/** Ends that some dialects say with one word. */
const ALIKE: Record<string, string> = { 'content-filter': 'refusal' }

function fit(what: Json): Json {
  const { finish, ...rest } = what as JsonObject
  return { ...rest, finish: ALIKE[String(finish)] ?? finish! }
}

/** Said for a user who says nothing, where a dialect wants something said. */
const FILLER = 'Continue.'

/** Words, calls, results and tools of a conversation, wherever they stand. */
function asked(request: ChatRequest): Json {
  const parts = request.messages.flatMap(({ role, parts }) => parts.map(part => ({ role, part })))
  const results = parts.flatMap(({ part }) => (part.type === 'tool-result' ? [part] : []))
  return {
    words: (['user', 'assistant'] as const).map(who =>
      parts
        .flatMap(({ role, part }) => (role === who && part.type === 'text' && part.text !== FILLER ? [part.text] : []))
        .join('')
    ),
    calls: parts.flatMap(({ part }) => (part.type === 'tool-call' ? [[part.name, meaning(part)]] : [])),
    results: results.map(({ content }) => content.flatMap(part => (part.type === 'text' ? [part.text] : [])).join('')),
    tools: request.tools?.map(tool => tool.name) ?? []
  }
}
