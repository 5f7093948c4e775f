import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, call, converse, fold, framesOf, textOf } from './bedrock-helpers.ts'
import { type Any, entryWhere, simForTests } from './helpers.ts'

const sim = await simForTests()
const TEXT = 'alpha beta gamma delta'
const FULL = `You said: ${TEXT}`
const invoked = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 4096,
  messages: [{ role: 'user', content: TEXT }]
}

function ask(model: string, verb: string): Promise<Answer> {
  return call(sim, model, verb, verb.startsWith('invoke') ? invoked : converse(TEXT))
}

const last = (): Any => sim.log().at(-1)
const VERBS = ['converse', 'converse-stream', 'invoke', 'invoke-with-response-stream']

const REFUSALS: [model: string, status: number, name: string, message: RegExp][] = [
  ['429', 429, 'ThrottlingException', /Too many requests/],
  ['429-retry-after-2', 429, 'ThrottlingException', /Too many requests/],
  ['retry-after-1e9', 429, 'ThrottlingException', /Too many requests/],
  ['503', 503, 'ServiceUnavailableException', /unable to process/],
  ['529', 529, 'ServiceUnavailableException', /throttled/],
  ['overloaded-error', 503, 'ServiceUnavailableException', /throttled/],
  ['context-length', 400, 'ValidationException', /^Input is too long for requested model\.$/],
  ['content-filter', 400, 'ValidationException', /content filtering policy/],
  ['no-such-model', 400, 'ValidationException', /^The provided model identifier is invalid\.$/],
  ['bad-key', 403, 'AccessDeniedException', /API Key/],
  ['spend-limit', 403, 'AccessDeniedException', /payment/]
]
const SECONDS: Record<string, string> = { '429-retry-after-2': '2', 'retry-after-1e9': '1000000000' }

for (const [model, status, name, message] of REFUSALS) {
  test(`${model} is refused as ${name} by every operation`, async () => {
    for (const verb of VERBS) {
      const answer = await ask(model, verb)
      assert.deepEqual([answer.status, answer.headers['x-amzn-errortype']?.split(':')[0]], [status, name])
      assert.match(answer.json().message, message)
      assert.match(answer.headers['x-amzn-requestid']!, /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/)
      assert.equal(answer.headers['retry-after'], SECONDS[model])
      assert.equal(answer.headers['content-type'], 'application/json')
    }
  })
}

test('refuses-prefill, 500-once and flap', async () => {
  const messages = [...converse('a').messages, { role: 'assistant', content: [{ text: 'b' }] }]
  assert.match((await call(sim, 'refuses-prefill', 'converse', { messages })).json().message, /prefill/)
  for (const verb of ['converse', 'converse-stream']) {
    sim.reset()
    assert.deepEqual([(await ask('500-once', verb)).status, (await ask('500-once', verb)).status], [500, 200])
  }
  assert.equal((await ask('flap-60000', 'converse')).status, 200)
})

test('reset gives no head, silent none until the client leaves, slow ones answer late', async () => {
  await assert.rejects(ask('reset', 'converse-stream'), { code: 'ECONNRESET' })
  const abort = new AbortController()
  const silent = fetch(`${sim.url}/model/silent/converse`, {
    method: 'POST',
    signal: abort.signal,
    headers: { authorization: 'Bearer x' },
    body: JSON.stringify(converse('x'))
  })
  await entryWhere(sim, entry => entry.behaviour === 'silent')
  abort.abort()
  await assert.rejects(silent)
  await entryWhere(sim, entry => entry.finish === 'aborted-by-client')
  for (const model of ['slow-head-40', 'slow-first-token-40']) {
    const before = performance.now()
    assert.equal(textOf(fold((await ask(model, 'converse-stream')).frames())), FULL)
    assert.ok(performance.now() - before >= 35)
  }
})

test('a cut falls inside a message', async () => {
  const cut = await ask('cut-after-3', 'converse-stream')
  assert.deepEqual([cut.outcome, textOf(fold(cut.frames())), last().finish], ['cut', 'You said: alpha', 'cut'])
  assert.ok(cut.rest() > 12)
  const late = await ask('cut-after-99', 'converse-stream')
  assert.deepEqual([late.outcome, textOf(fold(late.frames()))], ['cut', FULL])
  assert.ok(late.frames().every(({ event }) => event !== 'messageStop'))
  const wrapped = await ask('cut-after-3', 'invoke-with-response-stream')
  assert.ok(wrapped.outcome === 'cut' && wrapped.rest() > 12)
  const whole = await ask('cut-after-3', 'converse')
  assert.equal(whole.outcome, 'cut')
  assert.throws(() => whole.json())
})

test('stall-after stops after N content events', async () => {
  const abort = new AbortController()
  const response = await fetch(`${sim.url}/model/stall-after-2/converse-stream`, {
    method: 'POST',
    signal: abort.signal,
    headers: { authorization: 'Bearer x' },
    body: JSON.stringify(converse(TEXT))
  })
  let bytes = Buffer.alloc(0)
  const reader = response.body!.getReader()
  while (framesOf(bytes).frames.length < 3) bytes = Buffer.concat([bytes, (await reader.read()).value!])
  assert.equal(textOf(fold(framesOf(bytes).frames)), 'You said:')
  abort.abort()
  await entryWhere(sim, entry => entry.finish === 'aborted-by-client')
})

test('a garbled event is a whole message of broken JSON', async () => {
  const stream = await ask('garbled-event', 'converse-stream')
  assert.equal(stream.frames().filter(({ data }) => typeof data === 'string').length, 1)
  assert.equal(textOf(fold(stream.frames())), FULL)
  const whole = await ask('garbled-event', 'converse')
  assert.throws(() => whole.json(), SyntaxError)
})

test('eof-without-finish has neither messageStop nor metadata; without an end marker nothing is missing', async () => {
  const torn = await ask('eof-without-finish', 'converse-stream')
  assert.equal(torn.outcome, 'end')
  assert.equal(torn.frames().at(-1)!.event, 'contentBlockStop')
  assert.deepEqual([textOf(fold(torn.frames())), last().usageSent, last().finish], [FULL, false, 'incomplete'])
  const open = await ask('no-end-marker', 'converse-stream')
  assert.equal(open.frames().at(-1)!.event, 'metadata')
})

test('errors inside a stream are exceptions', async () => {
  for (const verb of ['converse-stream', 'invoke-with-response-stream']) {
    const mid = await ask('error-in-stream', verb)
    const { headers, data } = mid.frames().at(-1)!
    assert.deepEqual(headers, {
      ':exception-type': 'modelStreamErrorException',
      ':content-type': 'application/json',
      ':message-type': 'exception'
    })
    assert.match(data.message, /unexpected error/)
    assert.deepEqual([mid.status, mid.outcome, mid.rest()], [200, 'end', 0])
    assert.equal((await ask('error-200-first-event', verb)).frames().length, 1)
  }
  assert.equal((await ask('error-in-stream', 'converse')).status, 424)
  assert.deepEqual(Object.keys((await ask('error-200-first-event', 'converse')).json()), ['message'])
})

test('wrong-length, bytes-1, big, huge-event, usage-over-estimate and content-filter-finish', async () => {
  const short = await ask('wrong-length', 'converse-stream')
  assert.equal(short.outcome, 'cut')
  assert.equal(Number(short.headers['content-length']) - short.bytes.length, 512)
  assert.equal(textOf(fold((await ask('bytes-1', 'converse-stream')).frames())), FULL)
  assert.equal(textOf(fold((await ask('big-20', 'converse-stream')).frames())).length, 20 * 1024)
  const huge = (await ask('huge-event', 'converse-stream')).frames()
  assert.ok(Math.max(...huge.map(({ data }) => JSON.stringify(data).length)) > 2 * 1024 * 1024)
  const usageOf = async (model: string): Promise<Any> => fold((await ask(model, 'converse-stream')).frames()).usage
  assert.equal((await usageOf('usage-over-estimate')).inputTokens, 3 * (await usageOf('assistant')).inputTokens)
  const filtered = fold((await ask('content-filter-finish', 'converse-stream')).frames())
  assert.equal(filtered.stopReason, 'content_filtered')
  assert.ok(FULL.startsWith(textOf(filtered)) && textOf(filtered) !== FULL)
})
