import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { collect } from '../../../src/dialects/collect.ts'
import { dialect } from '../../../src/dialects/openai-chat/index.ts'
import { Failure } from '../../../src/errors.ts'
import { isObject, type Json, type JsonObject } from '../../../src/json.ts'
import { decodeSse, differences, type Recorded, readSse, recorded } from '../../support/dialects.ts'

/** Providers whose `chat` is another wire format. */
const OTHERS = new Set(['cohere', 'portkey'])
const ERRORS_OF_OTHERS = new Set([...OTHERS, 'anthropic', 'gemini', 'vertex', 'bedrock', 'voyage'])

const chats = recorded(entry => /^chat(_stream)?$/.test(entry.operation) && !OTHERS.has(entry.provider))
const errors = recorded(entry => entry.operation === 'error' && !ERRORS_OF_OTHERS.has(entry.provider))

describe('recorded traffic of OpenAI and its kin', { skip: !chats && 'no recorded traffic on this machine' }, () => {
  it('requests come back as they went in', () => {
    let count = 0
    for (const { path, request } of chats ?? []) {
      const { body } = request
      // Azure names the model in its path.
      if (!isObject(body) || body.model === undefined) continue
      const losses: string[] = []
      assert.deepEqual(dialect.encodeRequest(dialect.decodeRequest(body), losses), body, path)
      assert.deepEqual(losses, [], path)
      count += 1
    }
    assert.ok(count > 200)
  })

  it('whole replies come back; only what says nothing is added', () => {
    let count = 0
    for (const { path, response } of chats ?? []) {
      const { body } = response
      if (!isObject(body)) continue
      if (body.choices === undefined) {
        assert.throws(() => dialect.decodeResponse(body), Failure, path)
        continue
      }
      const losses: string[] = []
      const again = dialect.encodeResponse(dialect.decodeResponse(body), losses)
      assert.deepEqual(losses, [], path)
      // Ours says the type, the time and the cached part also where a provider leaves them out or says them elsewhere.
      const added = differences(body, again, { lenient: true }).filter(
        name => !['object', 'created', 'usage.prompt_tokens_details'].includes(name)
      )
      assert.deepEqual(added, [], path)
      count += 1
    }
    assert.ok(count > 100)
  })

  it('streams say what a naive reader hears', () => {
    let count = 0
    for (const { path, response } of chats ?? []) {
      if (response.sse === undefined) continue
      const heard = listen(response.sse)
      // Two answers in one recording.
      if (heard.ids.size > 1) continue
      const events = decodeSse(dialect, readSse([Buffer.from(response.sse)]))
      const failed = events.find(event => event.type === 'failed')
      assert.equal(failed !== undefined, heard.error, path)
      // Snowflake's recorded stream never names a finish.
      if (failed || heard.finish === undefined) {
        assert.throws(() => collect(events), Failure, path)
        continue
      }
      const { choices, usage } = collect(events)
      const parts = choices[0]!.parts
      const textOf = (type: 'text' | 'thinking' | 'refusal') =>
        parts.flatMap(part => (part.type === type ? [(part as { text: string }).text] : [])).join('')
      assert.equal(textOf('text'), heard.text, path)
      assert.equal(textOf('thinking'), heard.thinking, path)
      assert.equal(textOf('refusal'), heard.refusal, path)
      const calls = parts.flatMap(part => (part.type === 'tool-call' ? [[part.name, part.input]] : []))
      assert.deepEqual(calls, heard.calls, path)
      assert.equal(choices[0]!.finish.raw, heard.finish, path)
      assert.equal(usage?.inputTokens, heard.promptTokens, path)
      count += 1
    }
    assert.ok(count > 80)
  })

  it('replies without failure have a finish that is understood', () => {
    const odd = new Set<string>()
    for (const { response } of chats ?? []) {
      if (!isObject(response.body) || response.body.choices === undefined) continue
      for (const { finish } of dialect.decodeResponse(response.body).choices)
        if (finish.unified === 'other') odd.add(finish.raw)
    }
    // Snowflake's is empty.
    assert.deepEqual([...odd], [''])
  })
})

describe('recorded errors of OpenAI and its kin', { skip: !errors && 'no recorded traffic on this machine' }, () => {
  const expected: Record<number, readonly string[]> = {
    400: ['bad_request', 'too_long', 'no_such_model', 'our_credential', 'content_filter'],
    401: ['our_credential'],
    403: ['our_credential'],
    404: ['no_such_model', 'bad_request'],
    408: ['server_error'],
    422: ['bad_request'],
    429: ['rate_limited', 'spend_limit', 'too_long'],
    500: ['server_error'],
    503: ['server_error', 'overloaded']
  }
  it('each is a kind that goes with its status, and keeps its message', () => {
    for (const each of errors ?? []) check(each)
    assert.ok((errors?.length ?? 0) > 50)
  })

  function check({ path, response }: Recorded): void {
    const failure = dialect.readFailure(response.status, response.body ?? response.sse ?? '', response.headers)
    assert.ok(expected[response.status]?.includes(failure.kind), `${path}: ${response.status} as ${failure.kind}`)
    assert.notEqual(failure.message, '', path)
    const said = isObject(response.body) && isObject(response.body.error) ? response.body.error.message : undefined
    if (typeof said === 'string') assert.ok(failure.message.startsWith(said), path)
    if (response.headers['retry-after'])
      assert.equal(failure.retryAfterMs, Number(response.headers['retry-after']) * 1000)
  }
})

interface Heard {
  ids: Set<unknown>
  text: string
  thinking: string
  refusal: string
  calls: string[][]
  finish?: string
  promptTokens?: number
  error: boolean
}

/** The first choice of a stream, read the plainest way: a second opinion that shares no code with the codec. */
function listen(sse: string): Heard {
  const heard: Heard = { ids: new Set(), text: '', thinking: '', refusal: '', calls: [], error: false }
  const calls = new Map<unknown, string[]>()
  for (const line of sse.split(/\r?\n/)) {
    if (!line.startsWith('data:') || line.includes('[DONE]')) continue
    const chunk = JSON.parse(line.slice(5)) as JsonObject
    if (chunk.error) heard.error = true
    if (chunk.id) heard.ids.add(chunk.id)
    const groq = chunk.x_groq as JsonObject | undefined
    const usage = (chunk.usage ?? groq?.usage) as JsonObject | undefined
    if (usage) heard.promptTokens = usage.prompt_tokens as number
    const choice = (chunk.choices as JsonObject[] | undefined)?.find(each => each.index === 0)
    if (!choice) continue
    if (choice.finish_reason) heard.finish ??= choice.finish_reason as string
    hear(heard, calls, choice.delta as JsonObject)
  }
  heard.calls = [...calls.values()]
  return heard
}

function hear(heard: Heard, calls: Map<unknown, string[]>, delta: JsonObject): void {
  const { content } = delta
  if (typeof content === 'string') heard.text += content
  for (const part of Array.isArray(content) ? (content as JsonObject[]) : []) {
    if (part.type === 'text') heard.text += part.text
    for (const chunk of (part.thinking as JsonObject[] | undefined) ?? []) heard.thinking += chunk.text
  }
  const details = (delta.reasoning_details as JsonObject[] | undefined) ?? []
  const flat = delta.reasoning_content ?? delta.reasoning
  heard.thinking += flat ?? details.map(entry => entry.text ?? entry.summary ?? '').join('')
  heard.refusal += delta.refusal ?? ''
  for (const call of (delta.tool_calls as JsonObject[] | null | undefined) ?? []) {
    const body = call.function as Record<string, Json>
    const known = calls.get(call.index) ?? ['', '']
    calls.set(call.index, [known[0] || String(body.name ?? ''), known[1] + String(body.arguments ?? '')])
  }
}
