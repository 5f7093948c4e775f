import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect as anthropic } from '../../../src/dialects/anthropic-messages/index.ts'
import { dialect } from '../../../src/dialects/bedrock-converse/index.ts'
import type { ChatResponse } from '../../../src/dialects/canonical.ts'
import { collect, unroll } from '../../../src/dialects/collect.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { dialect as openai } from '../../../src/dialects/openai-chat/index.ts'
import { isObject, type JsonObject } from '../../../src/json.ts'
import { decodeSse, encodeSse, type Recorded, readSse, recorded, seeded } from '../../support/dialects.ts'
import { encoded, readFrames } from './support.ts'

type Framed = Recorded & { request: { url: string }; response: { base64?: string } }

const all = recorded(entry => entry.provider === 'bedrock') as Framed[] | undefined
const of = (...operations: string[]): Framed[] => (all ?? []).filter(each => operations.includes(each.operation))
const converse = of('converse', 'converse_stream')
const streamed = of('converse_stream')
const isClaude = ({ request, response }: Framed) =>
  request.body?.anthropic_version !== undefined && response.base64 !== undefined
const invoked = of('invoke_stream').filter(isClaude)

const bytesOf = ({ response }: Framed): Buffer => Buffer.from(response.base64!, 'base64')

/** Model and stream as they stand in the address. */
function addressOf({ request }: Framed): { model: string; stream: boolean } {
  const [, model = '', verb] = /\/model\/([^/]+)\/([a-z-]+)$/.exec(new URL(request.url).pathname) ?? []
  return { model: decodeURIComponent(model), stream: verb === 'converse-stream' }
}

describe('recorded traffic of Bedrock', { skip: !all && 'no recorded traffic on this machine' }, () => {
  it('the address is the one that was asked', () => {
    for (const each of of('converse', 'converse_stream', 'count_tokens')) {
      const { model, stream } = addressOf(each)
      const operation = each.operation === 'count_tokens' ? 'count-tokens' : 'chat'
      const path = dialect.path(operation, model, stream && 'eventstream')
      assert.equal(path.replaceAll('%3A', ':'), new URL(each.request.url).pathname.replaceAll('%3A', ':'), each.path)
    }
  })

  it('requests come back as they went in', () => {
    for (const each of converse) {
      const body = each.request.body as JsonObject
      const losses: string[] = []
      const request = dialect.decodeRequest(structuredClone(body), addressOf(each))
      assert.equal(request.model, addressOf(each).model)
      assert.deepEqual(dialect.encodeRequest(request, losses), body, each.path)
      assert.deepEqual(losses, [], each.path)
    }
    assert.ok(converse.length > 20)
  })

  it('counts come back, the question and the answer', () => {
    for (const each of of('count_tokens')) {
      const losses: string[] = []
      const { tokens } = dialect
      const request = tokens!.decodeRequest(each.request.body as JsonObject, addressOf(each))
      assert.deepEqual(tokens!.encodeRequest(request, losses), each.request.body, each.path)
      const answer = each.response.body as JsonObject
      assert.deepEqual(tokens!.encodeResponse(tokens!.decodeResponse(answer)!), answer, each.path)
      assert.deepEqual(losses, [])
    }
  })

  it('whole replies come back as they came', () => {
    for (const { path, response } of of('converse')) {
      const body = response.body as JsonObject
      const losses: string[] = []
      const reply = dialect.decodeResponse(body)
      assert.deepEqual(dialect.encodeResponse(reply, losses), body, path)
      assert.deepEqual(losses, [], path)
      assert.equal(dialect.readOutcome(body).finish, reply.choices[0]!.finish.unified)
      assert.deepEqual(collect(unroll(reply)), reply, path)
    }
  })

  it("usage is the provider's own, the cached part within", () => {
    for (const { path, response } of of('converse')) {
      const native = (response.body as JsonObject).usage as Record<string, number>
      const { usage } = dialect.decodeResponse(response.body as JsonObject)
      assert.equal(usage!.inputTokens + usage!.outputTokens, native.totalTokens, path)
      assert.equal(usage!.cacheReadTokens, native.cacheReadInputTokens, path)
      assert.equal(usage!.cacheWriteTokens, native.cacheWriteInputTokens, path)
    }
  })

  it('streams say what a naive reader hears', () => {
    for (const each of streamed) {
      const said = readFrames([bytesOf(each)])
      const heard = listen(said)
      const reply = collect(decodeSse(dialect, said))
      const [choice] = reply.choices
      const textOf = (type: 'text' | 'thinking') =>
        choice!.parts.flatMap(part => (part.type === type ? [part.text] : [])).join('')
      assert.equal(textOf('text'), heard.text, each.path)
      assert.equal(textOf('thinking'), heard.thinking, each.path)
      const calls = choice!.parts.flatMap(part => (part.type === 'tool-call' ? [[part.id, part.name, part.input]] : []))
      assert.deepEqual(calls, heard.calls, each.path)
      assert.equal(choice!.finish.raw, heard.stop, each.path)
      assert.equal(reply.usage!.inputTokens + reply.usage!.outputTokens, heard.totalTokens, each.path)
    }
  })

  it('streams fold to the same, read again from what we wrote, and cut at random places', () => {
    for (const each of streamed) {
      const bytes = bytesOf(each)
      const events = decodeSse(dialect, readFrames([bytes]))
      const losses: string[] = []
      const again = decodeSse(dialect, encoded(events, losses))
      assert.deepEqual(collect(again), collect(events), each.path)
      assert.deepEqual(losses, [], each.path)
      const random = seeded(bytes.length)
      for (let round = 0; round < 5; round += 1) {
        const pieces: Buffer[] = []
        for (let at = 0; at < bytes.length; ) {
          const end = at + 1 + Math.floor(random() * 700)
          pieces.push(bytes.subarray(at, end))
          at = end
        }
        assert.deepEqual(decodeSse(dialect, readFrames(pieces)), events, each.path)
      }
    }
  })

  it("Claude's own streams, wrapped by InvokeModelWithResponseStream, are read by its own dialect", () => {
    for (const each of invoked) {
      const said = readFrames([bytesOf(each)])
      assert.ok(
        said.every(({ event, data }) => JSON.parse(data).type === event),
        each.path
      )
      const reply = collect(decodeSse(anthropic, said))
      assert.ok(reply.choices[0]!.parts.length > 0, each.path)
      assert.notEqual(reply.choices[0]!.finish.unified, 'other', each.path)
      const last = JSON.parse(said.find(({ event }) => event === 'message_delta')!.data)
      assert.equal(reply.usage!.outputTokens, last.usage.output_tokens, each.path)
    }
    assert.ok(invoked.length > 3)
  })

  it('errors are of a kind that goes with them, and keep their message', () => {
    const kinds = new Map([
      ['ServiceUnavailableException', 'overloaded'],
      ['ExpiredTokenException', 'our_credential'],
      ['InvalidSignatureException', 'our_credential'],
      ['AccessDeniedException', 'our_credential'],
      ['The provided model identifier is invalid.', 'no_such_model'],
      ['too many total text bytes: 10000002 > 9000000', 'too_long']
    ])
    for (const { path, response } of of('error')) {
      const { message } = response.body as { message: string }
      const failure = dialect.readFailure(response.status, response.body!, response.headers)
      const name = response.headers['x-amzn-errortype']?.split(':')[0] ?? ''
      assert.equal(failure.kind, kinds.get(message) ?? kinds.get(name) ?? 'bad_request', path)
      assert.ok(failure.native!.body.includes(JSON.stringify(message).slice(1, -1)), path)
      if (failure.code !== 'provider_refused_us') assert.equal(failure.message, message, path)
    }
  })
})

describe('recorded traffic of Bedrock, crossed and back', {
  skip: !all && 'no recorded traffic on this machine'
}, () => {
  for (const other of [openai, anthropic] as Dialect[]) {
    it(`requests through ${other.name} keep words, calls and results`, () => {
      for (const each of converse) {
        const request = dialect.decodeRequest(each.request.body as JsonObject, addressOf(each))
        const crossed = other.encodeRequest(request, [])
        const back = dialect.encodeRequest({ ...other.decodeRequest(crossed), model: request.model }, [])
        const [before, after] = [each.request.body as JsonObject, back].map(gist)
        assert.deepEqual(after!.calls, before!.calls, each.path)
        assert.deepEqual(after!.results, before!.results, each.path)
        // A document may arrive as words, and words may be put beside one; none are left out.
        assert.ok(holds(after!.words, before!.words), each.path)
        assert.deepEqual(after!.cap, before!.cap ?? (other === anthropic ? after!.cap : undefined), each.path)
      }
    })

    it(`replies through ${other.name} keep words, calls, finish and usage`, () => {
      for (const each of of('converse')) {
        const reply = dialect.decodeResponse(each.response.body as JsonObject)
        const losses: string[] = []
        const crossed = other.decodeResponse(other.encodeResponse(reply, losses))
        assert.deepEqual(meaning(crossed), meaning(reply), each.path)
        const again = dialect.decodeResponse(dialect.encodeResponse(crossed, []))
        assert.deepEqual(meaning(again), meaning(reply), each.path)
      }
    })

    it(`streams through ${other.name} say what the whole reply says`, () => {
      for (const each of streamed) {
        const events = decodeSse(dialect, readFrames([bytesOf(each)]))
        const crossed = collect(decodeSse(other, readSse([Buffer.from(encodeSse(other, events))])))
        assert.deepEqual(meaning(crossed), meaning(collect(events)), each.path)
      }
    })
  }

  it('signatures come back to the bit through a client of another dialect', () => {
    let count = 0
    for (const each of of('converse')) {
      const reply = dialect.decodeResponse(each.response.body as JsonObject)
      const thinking = reply.choices[0]!.parts.filter(part => part.type === 'thinking')
      if (!thinking.some(part => part.seal)) continue
      for (const other of [openai, anthropic] as Dialect[]) {
        const turn = other.encodeResponse(reply, [])
        const message = other === openai ? ((turn.choices as JsonObject[])[0]!.message as JsonObject) : turn
        const body = {
          model: 'm',
          max_tokens: 9,
          messages: [{ role: 'user', content: 'x' }, pick(message), { role: 'user', content: 'y' }]
        }
        const native = dialect.encodeRequest(
          { ...other.decodeRequest(body as JsonObject), model: addressOf(each).model },
          []
        )
        const blocks = ((native.messages as JsonObject[])[1]!.content as JsonObject[]).filter(
          block => block.reasoningContent
        )
        const before = (((each.response.body as JsonObject).output as JsonObject).message as JsonObject)
          .content as JsonObject[]
        assert.deepEqual(
          blocks,
          before.filter(block => block.reasoningContent),
          each.path
        )
        count += 1
      }
    }
    assert.ok(count > 0)
  })
})

/** An assistant message as its client sends it back. */
function pick({ role, content, reasoning_content, reasoning_details }: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify({ role, content, reasoning_content, reasoning_details })) as JsonObject
}

/** What must survive a crossing, whatever becomes of the rest. Blank words and those of a filler do not count. */
function meaning({ choices, usage }: ChatResponse): unknown {
  const { parts, finish } = choices[0]!
  return {
    text: parts.flatMap(part => (part.type === 'text' ? [part.text] : [])).join(''),
    calls: parts.flatMap(part => (part.type === 'tool-call' ? [[part.id, part.name, JSON.parse(part.input)]] : [])),
    // An OpenAI client hears a filtered and a refused answer alike.
    finish: finish.unified === 'refusal' ? 'content-filter' : finish.unified,
    usage: [usage?.inputTokens, usage?.outputTokens, usage?.cacheReadTokens ?? 0]
  }
}

/** Whether the words are there, in their order. */
function holds(words: readonly string[], wanted: readonly string[]): boolean {
  const all = words.join('\n')
  let at = 0
  return wanted.every(each => {
    const found = all.indexOf(each, at)
    at = found + each.length
    return found >= 0
  })
}

interface Gist {
  words: string[]
  calls: unknown[]
  results: unknown[]
  cap: unknown
}

/** What a native request says, read the plainest way. */
function gist(body: JsonObject): Gist {
  const messages = (body.messages ?? []) as { content: JsonObject[] }[]
  const blocks = messages.flatMap(message => message.content)
  const system = (body.system ?? []) as JsonObject[]
  const words = [...system, ...blocks].flatMap(block => wordsOf(block))
  const calls = blocks.flatMap(({ toolUse }) =>
    isObject(toolUse) ? [[toolUse.toolUseId, toolUse.name, toolUse.input]] : []
  )
  const results = blocks.flatMap(({ toolResult }) =>
    isObject(toolResult) ? [[toolResult.toolUseId, (toolResult.content as JsonObject[]).map(answerOf)]] : []
  )
  return { words, calls, results, cap: isObject(body.inferenceConfig) ? body.inferenceConfig.maxTokens : undefined }
}

/** What a tool answered, as JSON or as the text of it. */
function answerOf({ json, ...block }: JsonObject): JsonObject {
  return json === undefined ? block : { text: JSON.stringify(json) }
}

function wordsOf({ text, guardContent, citationsContent }: JsonObject): string[] {
  if (typeof text === 'string') return [text]
  if (isObject(guardContent) && isObject(guardContent.text)) return [String(guardContent.text.text)]
  if (isObject(citationsContent))
    return ((citationsContent.content ?? []) as JsonObject[]).map(piece => String(piece.text))
  return []
}

interface Heard {
  text: string
  thinking: string
  calls: string[][]
  stop?: string
  totalTokens?: number
}

/** A stream read the plainest way: a second opinion that shares no code with the codec. */
function listen(said: readonly { event: string; data: string }[]): Heard {
  const heard: Heard = { text: '', thinking: '', calls: [] }
  const calls = new Map<number, string[]>()
  for (const { event, data } of said) {
    const { contentBlockIndex: index, start, delta, stopReason, usage } = JSON.parse(data)
    if (event === 'contentBlockStart' && start.toolUse && start.toolUse.type !== 'server_tool_use')
      calls.set(index, [start.toolUse.toolUseId, start.toolUse.name, ''])
    if (event === 'messageStop') heard.stop = stopReason
    if (event === 'metadata') heard.totalTokens = usage.totalTokens
    if (event !== 'contentBlockDelta') continue
    heard.text += delta.text ?? ''
    heard.thinking += delta.reasoningContent?.text ?? ''
    const call = calls.get(index)
    if (call) call[2] += delta.toolUse.input
  }
  heard.calls = [...calls.values()]
  return heard
}
