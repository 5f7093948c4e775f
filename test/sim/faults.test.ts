import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MODELS } from '../../src/sim/index.ts'
import {
  type Answer,
  type Any,
  ask,
  countsOf,
  entryWhere,
  finishOf,
  fold,
  post,
  requestOf,
  SIDES,
  type Side,
  simForTests,
  textOf
} from './helpers.ts'

const sim = await simForTests()
const TEXT = 'alpha beta gamma delta'
const FULL = `You said: ${TEXT}`

function call(side: Side, model: string, stream: boolean, more: object = {}): Promise<Answer> {
  const usage = stream && side === 'openai' ? { stream_options: { include_usage: true } } : {}
  return post(sim, side, ask(side, model, TEXT, { ...(stream ? { stream } : {}), ...usage, ...more }))
}

/** The text of a stream as far as it came. */
function said(side: Side, answer: Answer): string {
  return textOf(side, fold(side, answer))
}

const last = (): Any => sim.log().at(-1)

type Told = [status: number, word: string]

/** Model, then status and error code, or type where there is none; OpenAI's two APIs agree. */
const REFUSALS: [model: string, openai: Told, anthropic: Told, gemini: Told | undefined][] = [
  ['429', [429, 'rate_limit_exceeded'], [429, 'rate_limit_error'], [429, 'RESOURCE_EXHAUSTED']],
  ['429-retry-after-2', [429, 'rate_limit_exceeded'], [429, 'rate_limit_error'], [429, 'RESOURCE_EXHAUSTED']],
  ['retry-after-1e9', [429, 'rate_limit_exceeded'], [429, 'rate_limit_error'], [429, 'RESOURCE_EXHAUSTED']],
  ['503', [503, 'server_error'], [503, 'api_error'], [503, 'UNAVAILABLE']],
  ['529', [529, 'server_error'], [529, 'overloaded_error'], [529, 'UNAVAILABLE']],
  ['overloaded-error', [503, 'server_error'], [529, 'overloaded_error'], [503, 'UNAVAILABLE']],
  ['context-length', [400, 'context_length_exceeded'], [400, 'invalid_request_error'], [400, 'INVALID_ARGUMENT']],
  ['content-filter', [400, 'content_policy_violation'], [400, 'invalid_request_error'], undefined],
  ['no-such-model', [404, 'model_not_found'], [404, 'not_found_error'], [404, 'NOT_FOUND']],
  ['bad-key', [401, 'invalid_api_key'], [401, 'authentication_error'], [400, 'INVALID_ARGUMENT']],
  ['spend-limit', [429, 'insufficient_quota'], [402, 'billing_error'], [429, 'RESOURCE_EXHAUSTED']],
  ['refuses-prefill', [400, 'invalid_request_error'], [400, 'invalid_request_error'], [400, 'INVALID_ARGUMENT']]
]
const RETRY_AFTER: Record<string, string> = { '429-retry-after-2': '2', 'retry-after-1e9': '1000000000' }

/** A conversation that ends with the assistant. */
const MESSAGES = [
  { role: 'user', content: 'a' },
  { role: 'assistant', content: 'b' }
]
const PREFILLED: Record<Side, object> = {
  openai: { messages: MESSAGES },
  anthropic: { messages: MESSAGES },
  responses: { input: MESSAGES },
  gemini: {
    contents: [
      { role: 'user', parts: [{ text: 'a' }] },
      { role: 'model', parts: [{ text: 'b' }] }
    ]
  }
}

/** How a stream says that all was well, and what it closes with beside. */
const ENDINGS: Record<Side, { finish: string; marker?: string }> = {
  openai: { finish: '"finish_reason":"stop"', marker: '[DONE]' },
  anthropic: { finish: '"stop_reason":"end_turn"', marker: 'event: message_stop' },
  responses: { finish: '"type":"response.completed"' },
  gemini: { finish: '"finishReason":"STOP"' }
}

for (const side of SIDES) {
  for (const [model, openai, anthropic, gemini] of REFUSALS) {
    const told = { openai, responses: openai, anthropic, gemini }[side]
    if (told === undefined) continue
    test(`${side}: ${model} is refused, whole and streaming`, async () => {
      for (const stream of [false, true]) {
        const answer = await call(side, `sim/${model}`, stream, model === 'refuses-prefill' ? PREFILLED[side] : {})
        const { error } = answer.json()
        assert.deepEqual([answer.status, side === 'gemini' ? error.status : (error.code ?? error.type)], told)
        const seconds = RETRY_AFTER[model]
        if (side === 'gemini' && seconds) assert.equal(error.details[0].retryDelay, `${seconds}s`)
        assert.equal(answer.headers['retry-after'], side === 'gemini' ? undefined : seconds)
        // Google sends even the error of a stream as one
        const type = side === 'gemini' && stream ? /^text\/event-stream$/ : /^application\/json/
        assert.match(answer.headers['content-type']!, type)
      }
    })
  }

  for (const stream of [false, true]) {
    const how = stream ? 'stream' : 'whole'

    test(`${side} ${how}: 500-once fails the first time for a text`, async () => {
      sim.reset()
      const statuses = [await call(side, '500-once', stream), await call(side, '500-once', stream)].map(
        one => one.status
      )
      assert.deepEqual(statuses, [500, 200])
    })

    test(`${side} ${how}: flap alternates`, async () => {
      sim.reset()
      const seen = new Set<number>()
      const first = await call(side, 'flap-40', stream)
      assert.equal(first.status, 200)
      for (let tries = 0; tries < 500 && seen.size < 2; tries++) {
        seen.add((await call(side, 'flap-40', stream)).status)
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      assert.deepEqual([...seen].sort(), [200, 503])
    })

    test(`${side} ${how}: reset and silent give no head`, async () => {
      await assert.rejects(call(side, 'reset', stream), { code: 'ECONNRESET' })
      assert.deepEqual([last().status, last().finish], [0, 'reset'])
      const abort = new AbortController()
      const { path, headers, payload } = requestOf(side, ask(side, 'silent', TEXT, { stream }))
      const silent = fetch(sim.url + path, {
        method: 'POST',
        signal: abort.signal,
        headers,
        body: JSON.stringify(payload)
      })
      await entryWhere(sim, entry => entry.behaviour === 'silent')
      abort.abort()
      await assert.rejects(silent)
      const entry = await entryWhere(sim, one => one.finish === 'aborted-by-client')
      assert.deepEqual([entry.status, entry.bytesAfterClientClose], [0, 0])
    })

    test(`${side} ${how}: slow-head and slow-first-token answer late`, async () => {
      for (const model of ['slow-head-60', 'slow-first-token-60']) {
        const before = performance.now()
        const answer = await call(side, model, stream)
        assert.equal(stream ? said(side, answer) : textOf(side, answer.json()), FULL)
        assert.ok(performance.now() - before >= 55)
      }
    })

    test(`${side} ${how}: usage-over-estimate reports three times the tokens`, async () => {
      const usageOf = async (model: string): Promise<number[]> => {
        const answer = await call(side, model, stream)
        return countsOf(side, stream ? fold(side, answer) : answer.json())
      }
      const [honest, triple] = [await usageOf('assistant'), await usageOf('usage-over-estimate')]
      assert.deepEqual(
        triple,
        honest.map(tokens => 3 * tokens)
      )
    })

    test(`${side} ${how}: content-filter-finish stops half-way`, async () => {
      const answer = await call(side, 'content-filter-finish', stream)
      const reply = stream ? fold(side, answer) : answer.json()
      const words = { openai: 'content_filter', anthropic: 'refusal', responses: 'content_filter', gemini: 'SAFETY' }
      assert.equal(finishOf(side, reply), words[side])
      assert.ok(FULL.startsWith(textOf(side, reply)) && textOf(side, reply).length < FULL.length)
    })

    test(`${side} ${how}: wrong-length, bytes-1, big and huge-event`, async () => {
      const short = await call(side, 'wrong-length', stream)
      assert.equal(short.outcome, 'cut')
      assert.equal(Number(short.headers['content-length']) - Buffer.byteLength(short.text), 512)
      const slow = await call(side, 'bytes-1', stream)
      assert.equal(stream ? said(side, slow) : textOf(side, slow.json()), FULL)
      const big = await call(side, 'big-20', stream)
      assert.equal((stream ? said(side, big) : textOf(side, big.json())).length, 20 * 1024)
      const huge = await call(side, 'huge-event', stream)
      const longest = stream ? Math.max(...huge.text.split(/\r?\n\r?\n/).map(event => event.length)) : huge.text.length
      assert.ok(longest > 2 * 1024 * 1024)
    })
  }

  test(`${side}: cut-after and stall-after stop after N content events`, async () => {
    const cut = await call(side, 'cut-after-3', true)
    assert.deepEqual([cut.outcome, said(side, cut), last().finish], ['cut', 'You said: alpha', 'cut'])
    const late = await call(side, 'cut-after-99', true)
    assert.deepEqual([late.outcome, said(side, late)], ['cut', FULL])
    assert.ok(!late.text.includes(ENDINGS[side].finish))
    const half = await call(side, 'cut-after-3', false)
    assert.equal(half.outcome, 'cut')
    assert.throws(() => half.json())
    for (const stream of [true, false]) {
      const reader = await readUntilQuiet(side, 'stall-after-2', stream)
      assert.ok(reader.includes(stream ? 'said:' : '"'))
      assert.ok(stream ? !reader.includes('alpha') : !isJson(reader))
    }
  })

  test(`${side}: a garbled event is one more event; whole it is broken JSON`, async () => {
    const stream = await call(side, 'garbled-event', true)
    assert.equal(stream.events().filter(({ data }) => typeof data === 'string' && data !== '[DONE]').length, 1)
    assert.equal(
      said(side, { ...stream, events: () => stream.events().filter(({ data }) => typeof data !== 'string') }),
      FULL
    )
    const whole = await call(side, 'garbled-event', false)
    assert.equal(whole.status, 200)
    assert.throws(() => whole.json(), SyntaxError)
  })

  test(`${side}: no-end-marker and eof-without-finish close cleanly`, async () => {
    const { finish, marker = 'none' } = ENDINGS[side]
    const open = await call(side, 'no-end-marker', true)
    assert.deepEqual([open.outcome, open.text.includes(finish), open.text.includes(marker)], ['end', true, false])
    assert.deepEqual([said(side, open), last().usageSent, last().finish], [FULL, true, 'incomplete'])
    const torn = await call(side, 'eof-without-finish', true)
    assert.deepEqual([torn.outcome, torn.text.includes(finish), torn.text.includes(marker)], ['end', false, false])
    assert.deepEqual([said(side, torn), last().usageSent], [FULL, false])
    const whole = await call(side, 'eof-without-finish', false)
    assert.equal(whole.outcome, 'end')
    assert.throws(() => whole.json(), SyntaxError)
    assert.equal(textOf(side, (await call(side, 'no-end-marker', false)).json()), FULL)
  })

  test(`${side}: errors inside a stream of status 200`, async () => {
    const mid = await call(side, 'error-in-stream', true)
    assert.deepEqual([mid.status, said(side, mid), mid.outcome], [200, 'You said:', 'end'])
    const { event, data } = mid.events().at(-1)!
    assert.ok((side === 'responses' ? data.response : data).error.message)
    assert.equal(
      event,
      { openai: undefined, anthropic: 'error', responses: 'response.failed', gemini: undefined }[side]
    )
    const first = await call(side, 'error-200-first-event', true)
    assert.deepEqual([first.status, first.events().length], [200, 1])
    const whole = await call(side, 'error-200-first-event', false)
    assert.equal(whole.status, 200)
    assert.ok(whole.json().error)
    const statuses = { openai: 500, anthropic: 529, responses: 500, gemini: 503 }
    assert.equal((await call(side, 'error-in-stream', false)).status, statuses[side])
  })
}

/** What came before a stream said nothing for a while; then the client leaves. */
async function readUntilQuiet(side: Side, model: string, stream: boolean): Promise<string> {
  const abort = new AbortController()
  const { path, headers, payload } = requestOf(side, ask(side, model, TEXT, { stream }))
  const response = await fetch(sim.url + path, {
    method: 'POST',
    signal: abort.signal,
    headers,
    body: JSON.stringify(payload)
  })
  let text = ''
  const reader = response.body!.getReader()
  for (;;) {
    const quiet = new Promise<undefined>(resolve => setTimeout(resolve, 100, undefined))
    const next = await Promise.race([reader.read(), quiet])
    if (next === undefined) break
    assert.equal(next.done, false, 'the stream goes on')
    text += Buffer.from(next.value!).toString()
  }
  abort.abort()
  await entryWhere(sim, entry => entry.finish === 'aborted-by-client')
  return text
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('every model of the table has its line', () => {
  assert.ok(MODELS.every(model => model.does.endsWith('.') && model.does.length > 10))
  assert.equal(new Set(MODELS.map(model => model.name)).size, MODELS.length)
})
