import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Code } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json.ts'
import type { SimLogEntry } from '../../src/sim/index.ts'
import type { HttpLimits } from '../../src/wire/http.ts'
import { begin, DOORS, type Door, open, send } from '../support/client.ts'
import { readSse } from '../support/dialects.ts'
import { oneForEach, startTestGateway, type TestGateway } from '../support/gateway.ts'
import { startRecorder } from '../support/recorder.ts'
import { until } from '../support/until.ts'
import { RawClient } from '../wire/kit.ts'

/** Faults that come before any content, so that another target may answer. */
const BEFORE_CONTENT = [
  '503',
  '429',
  'retry-after-1e9',
  'bad-key',
  'no-such-model',
  'spend-limit',
  'reset',
  'silent',
  'slow-head-5000',
  'slow-first-token-5000',
  'stall-after-0',
  'cut-after-0',
  'error-200-first-event'
]

/** Faults amid the content, and what the client is told then. */
const AFTER_CONTENT = new Map<string, readonly Code[]>([
  ['cut-after-2', ['provider_truncated']],
  ['eof-without-finish', ['provider_truncated']],
  ['garbled-event', ['provider_malformed']],
  ['error-in-stream', ['provider_error', 'provider_overloaded']],
  ['stall-after-2', ['provider_timeout']]
])

let gateway: TestGateway

before(async () => {
  gateway = await startTestGateway({ paceMs: 10 })
})

after(() => gateway.close())

/** A gateway of its own: it learns from failures, and one test's are not another's. */
async function drilled(t: TestContext): Promise<TestGateway> {
  const routes = BEFORE_CONTENT.flatMap(fault =>
    ['openai', 'anthropic'].map(first => {
      const second = first === 'openai' ? 'anthropic' : 'openai'
      return `  ${first}-${fault}-then: { fallback: [${first}-${fault}/${fault}, ${second}/assistant] }`
    })
  )
  const own = await startTestGateway({
    providers: oneForEach([...BEFORE_CONTENT, ...AFTER_CONTENT.keys()]),
    yaml: `
timeouts: { head: 700ms, first_token: 900ms, first_token_reasoning: 900ms, idle: 600ms, idle_content: 2s }
routes:
${routes.join('\n')}`
  })
  t.after(() => own.close())
  return own
}

let asked = 0
/** A text that no other call has, by which the simulated provider's log finds this one. */
const mark = () => `call-${++asked}-x`
const seenBy = (text: string, at = gateway): SimLogEntry[] =>
  at.sim.log().filter(entry => JSON.stringify(entry.body).includes(text))

interface Seen {
  door: Door
  text: string
  headers: Record<string, string>
  events: ReturnType<typeof readSse>
}

async function ask(door: Door, model: string, at = gateway): Promise<Seen> {
  const text = mark()
  const answer = await send(at.gateway.url + door.path, {
    body: door.body(model, text, { stream: true })
  })
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.headers['content-type'] ?? '', /^text\/event-stream/)
  return { door, text, headers: answer.headers, events: answer.events() }
}

const lineOf = (id: string | undefined, at = gateway) => at.lines.find(line => line.msg === 'call' && line.id === id)

/** Both doors, each before a provider of either dialect. */
const WAYS = DOORS.flatMap(door =>
  ['openai', 'anthropic'].map(provider => ({ door, provider, way: `${door.name} at ${provider}` }))
)

for (const { door, provider, way } of WAYS) {
  test(`${way}: streams that are complete, however they come`, async () => {
    const models = ['assistant', 'bytes-1', 'no-end-marker', 'slow-first-token-200', 'wrong-length']
    const streams = await Promise.all(models.map(model => ask(door, `${provider}/${model}`)))
    for (const [index, { text, headers, events }] of streams.entries()) {
      const model = models[index]
      assert.equal(door.streamed(events), `You said: ${text}`, model)
      assert.equal(door.broken(events), undefined)
      assert.ok(door.ended(events), `${model} ends as its dialect ends`)
      assert.equal(headers['x-gatehouse-attempts'], '1')
      const line = lineOf(headers['x-gatehouse-request-id'])
      assert.deepEqual([line?.outcome, line?.status, line?.finish], ['done', 200, 'stop'])
      assert.ok(Number((line?.usage as JsonObject | undefined)?.outputTokens) > 0, `${model} has its usage`)
    }
  })

  test(`${way}: a failure after content is an error in the stream, never an end, and is not tried again`, async t => {
    const own = await drilled(t)
    const faults = [...AFTER_CONTENT]
    const streams = await Promise.all(faults.map(([fault]) => ask(door, `${provider}-${fault}/${fault}`, own)))
    for (const [index, { text, headers, events }] of streams.entries()) {
      const [model, codes] = faults[index]!
      const id = headers['x-gatehouse-request-id']
      const broken = door.broken(events)
      assert.ok(broken, `${model}: the client is told`)
      assert.ok(codes.includes(door.error(broken).code as Code), `${model}: ${JSON.stringify(broken)}`)
      assert.equal(door.error(broken).id, id)
      assert.equal(door.broken(events.slice(0, -1)), undefined, `${model}: the error is the last event`)
      assert.ok(!door.ended(events))
      assert.ok(!events.some(event => event.data === '[DONE]' || event.event === 'message_stop'))
      const said = door.streamed(events)
      assert.ok(said !== '' && `You said: ${text}`.startsWith(said), `${model}: what came before it arrived: ${said}`)
      assert.equal(seenBy(text, own).length, 1)
      const line = lineOf(id, own)
      assert.equal(line?.outcome, 'failed')
      assert.ok(codes.includes(line?.code as Code))
      assert.ok(Number(line?.status) >= 500)
    }
    await until(() => own.gateway.open.calls === 0, 'every call is closed')
  })

  test(`${way}: a fallback hides what fails before content; the header counts what the providers saw`, async t => {
    const own = await drilled(t)
    const other = provider === 'openai' ? 'anthropic' : 'openai'
    const streams = await Promise.all(BEFORE_CONTENT.map(fault => ask(door, `${provider}-${fault}-then`, own)))
    for (const [index, { text, headers, events }] of streams.entries()) {
      const fault = BEFORE_CONTENT[index]
      assert.equal(door.streamed(events), `You said: ${text}`, fault)
      assert.equal(door.broken(events), undefined)
      assert.ok(door.ended(events))
      assert.equal(headers['x-gatehouse-provider'], other, fault)
      assert.equal(headers['x-gatehouse-fallback'], '1')
      const entries = seenBy(text, own)
      assert.equal(headers['x-gatehouse-attempts'], String(entries.length), fault)
      assert.equal(entries.filter(entry => entry.model === 'assistant').length, 1)
      const line = lineOf(headers['x-gatehouse-request-id'], own)
      const failures = line?.failures as JsonObject[]
      assert.equal(failures.length, entries.length - 1)
      assert.ok(failures.every(failure => failure.provider === `${provider}-${fault}` && failure.model === fault))
    }
  })

  test(`${way}: a client that leaves takes the provider's call with it, wherever that is`, async () => {
    const where: [string, JsonObject, (entry: SimLogEntry) => boolean][] = [
      ['silent', {}, entry => entry.status === 0],
      ['silent', { stream: false }, entry => entry.status === 0],
      ['slow-head-5000', {}, entry => entry.status === 0],
      ['slow-first-token-5000', {}, entry => entry.status === 200],
      ['slow-first-token-5000', { stream: false }, entry => entry.status === 200]
    ]
    const patient = await startTestGateway({ paceMs: 10 })
    try {
      for (const [model, more, reached] of where) {
        const text = mark()
        const outgoing = begin(patient.gateway.url + door.path, {
          body: door.body(`${provider}/${model}`, text, { stream: true, ...more })
        })
        await until(() => seenBy(text, patient).some(reached), `${model} is there`)
        outgoing.destroy()
        await isGone(patient, text, `${model} ${JSON.stringify(more)}`)
      }
      const text = mark()
      const ask = { body: door.body(`${provider}/story`, text, { stream: true }) }
      const answer = await open(patient.gateway.url + door.path, ask)
      await answer.untilText(/data: /)
      answer.leave()
      await isGone(patient, text, 'mid-stream')
    } finally {
      await patient.close()
    }
  })
}

/** Nothing of the call is left: at the provider, in the gateway, and its line says that the client left. */
async function isGone(at: TestGateway, text: string, what: string): Promise<void> {
  const entry = () => seenBy(text, at)[0]
  await until(() => entry()?.finish === 'aborted-by-client', `${what}: the provider sees it`)
  assert.equal(seenBy(text, at).length, 1, `${what}: no further attempt`)
  assert.equal(entry()?.bytesAfterClientClose, 0)
  await until(() => at.gateway.open.calls === 0 && at.gateway.open.upstreamSockets === 0, `${what}: nothing is open`)
  const line = at.lines.at(-1)
  assert.deepEqual([line?.msg, line?.status, line?.outcome], ['call', 499, 'aborted'], what)
}

for (const door of DOORS) {
  test(`${door.name}: a client that leaves while a retry is waited for`, async t => {
    const gateway = await startTestGateway()
    t.after(() => gateway.close())
    const text = mark()
    const outgoing = begin(gateway.gateway.url + door.path, {
      body: door.body(`${door.provider}/429-retry-after-20`, text, { stream: true })
    })
    await until(() => seenBy(text, gateway)[0]?.finish === 'ended', 'the first try has failed')
    await until(() => gateway.gateway.open.calls === 1, 'and the second is waited for')
    outgoing.destroy()
    await until(() => gateway.gateway.open.calls === 0, 'the wait is over')
    await until(() => gateway.lines.at(-1)?.outcome === 'aborted', 'it is noted')
    assert.equal(gateway.lines.at(-1)?.status, 499)
    assert.equal(gateway.lines.at(-1)?.attempts, 1)
    assert.equal(seenBy(text, gateway).length, 1)
  })

  test(`${door.name}: a client that leaves while it still sends is noted as well`, async () => {
    const client = new RawClient(gateway.gateway.port)
    const from = gateway.lines.length
    client.send(
      `POST ${door.path} HTTP/1.1\r\nhost: 127.0.0.1:${gateway.gateway.port}\r\ncontent-type: application/json\r\n`
    )
    client.send('content-length: 100\r\n\r\n{"model"')
    await until(() => gateway.gateway.open.calls === 1, 'the call has begun')
    client.socket.destroy()
    await until(() => gateway.lines.length > from, 'it is noted')
    const { msg, status, outcome, code } = gateway.lines.at(-1)!
    assert.deepEqual(
      { msg, status, outcome, code },
      { msg: 'refused', status: 499, outcome: 'aborted', code: 'client_closed' }
    )
    assert.equal(gateway.gateway.open.calls, 0)
  })
}

/** A stream of so many bytes, event by event; the provider waits where it is told to. */
const FLOOD_BYTES = 48e6
const PIECE = 'x'.repeat(16_000)

function* flood(dialect: string): Generator<string> {
  const openai = dialect === 'openai'
  const chunk = (delta: object, finish: string | null) =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
  const event = (value: { type: string } & JsonObject) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`
  const message = {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    usage: { input_tokens: 1, output_tokens: 1 }
  }
  if (!openai) yield event({ type: 'message_start', message })
  if (!openai) yield event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
  for (let bytes = 0; bytes < FLOOD_BYTES; bytes += PIECE.length) {
    yield openai
      ? chunk({ content: PIECE }, null)
      : event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: PIECE } })
  }
  if (openai) yield `${chunk({}, 'stop')}data: [DONE]\n\n`
  else {
    yield event({ type: 'content_block_stop', index: 0 })
    yield event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } })
    yield event({ type: 'message_stop' })
  }
}

/** A gateway before a provider that has much to say. */
async function flooded(t: TestContext, http: Partial<HttpLimits> = {}) {
  const state = { sentBytes: 0, full: false, left: false }
  const recorder = await startRecorder(async ({ path }, response) => {
    response.once('close', () => {
      state.left = !response.writableFinished
    })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of flood(path.endsWith('/messages') ? 'anthropic' : 'openai')) {
      if (response.destroyed) return
      state.sentBytes += piece.length
      state.full = !response.write(piece)
      if (state.full) await new Promise<void>(resolve => response.once('drain', resolve).once('close', resolve))
      state.full = false
    }
    response.end()
  })
  const at = (like: string) =>
    `  ${like}: { like: ${like}, base_url: "${recorder.baseUrl}", keys: [k], allow_private: ["127.0.0.0/8"] }`
  const gateway = await startTestGateway({ bare: true, providers: `${at('openai')}\n${at('anthropic')}`, http })
  t.after(async () => {
    await gateway.close()
    await recorder.close()
  })
  return { gateway, state }
}

for (const { door, provider, way } of WAYS) {
  test(`${way}: a client that does not read holds the provider back; when it reads on, nothing is lost`, async t => {
    const { gateway, state } = await flooded(t)
    const ask = { body: door.body(`${provider}/m`, 'go', { stream: true }) }
    const answer = await open(gateway.gateway.url + door.path, ask)
    // Every buffer on the way is full when nothing has been sent for a while.
    let before = -1
    while (before !== state.sentBytes || !state.full) {
      before = state.sentBytes
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    assert.ok(before < FLOOD_BYTES / 2, `${before} bytes were taken although nobody reads`)
    const events = readSse([await answer.rest()])
    assert.ok(door.ended(events))
    assert.equal(door.broken(events), undefined)
    assert.equal(door.streamed(events).length, FLOOD_BYTES)
    assert.equal(gateway.lines.at(-1)?.outcome, 'done')
  })

  test(`${way}: a client that takes nothing for long is cut off, and the provider is let go`, async t => {
    const { gateway, state } = await flooded(t, { slowClientMs: 300 })
    const ask = { body: door.body(`${provider}/m`, 'go', { stream: true }) }
    const answer = await open(gateway.gateway.url + door.path, ask)
    answer.response.on('error', () => {})
    await until(() => state.left, 'the provider is let go')
    await until(() => gateway.gateway.open.calls === 0 && gateway.gateway.open.upstreamSockets === 0, 'nothing is open')
    assert.deepEqual([gateway.lines.at(-1)?.outcome, gateway.lines.at(-1)?.status], ['aborted', 499])
    answer.leave()
  })
}
