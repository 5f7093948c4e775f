import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { isObject, type JsonObject } from '../../src/json.ts'
import type { SimLogEntry } from '../../src/sim/index.ts'
import { DOORS, type Door, OPENAI, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { connectSdks } from '../support/sdk.ts'

/** How a stream breaks after its first content. */
const BREAKS = ['cut-after-3', 'stall-after-3', 'error-in-stream', 'garbled-event', 'eof-without-finish']
const PROVIDERS = ['openai', 'anthropic']

let gateway: TestGateway

// One for each test: what breaks often enough is not asked again.
beforeEach(async () => {
  const pairs = PROVIDERS.flatMap(first => PROVIDERS.map(second => ({ first, second })))
  const routes = BREAKS.flatMap(fault =>
    pairs.flatMap(({ first, second }) => [
      `  go-${fault}-${first}-${second}: { to: { fallback: [${first}/${fault}, ${second}/assistant] }, stream_recovery: continue }`,
      `  hold-${fault}-${first}-${second}: { to: { fallback: [${first}/${fault}, ${second}/assistant] }, reply_mode: whole }`
    ])
  )
  gateway = await startTestGateway({
    // Takes a beginning of its answer, as its entry says; of the others nobody says so.
    providers: `
  prefills:
    base_url: "SIM/v1"
    dialect: anthropic-messages
    keys: [any]
    allow_private: ["127.0.0.0/8"]
    models:
      - { name: assistant, abilities: { prefill: true } }
      - { name: refuses-prefill, abilities: { prefill: true } }
      - { name: cut-after-6, abilities: { prefill: true } }`,
    yaml: `
timeouts: { head: 5s, first_token: 5s, idle: 500ms, idle_content: 5s }
routes:
${routes.join('\n')}
  prefill: { to: { fallback: [openai/cut-after-3, prefills/assistant] }, stream_recovery: continue }
  prefill-twice: { to: { fallback: [anthropic/cut-after-3, prefills/cut-after-6, prefills/assistant] }, stream_recovery: continue }
  wrongly-known: { to: { fallback: [openai/cut-after-3, prefills/refuses-prefill] }, stream_recovery: continue }
  unknown: { to: { fallback: [openai/cut-after-3, anthropic/refuses-prefill] }, stream_recovery: continue }
  otherwise: { to: { fallback: [openai/cut-after-3, openai/echo] }, stream_recovery: continue }
  alone: { to: openai/cut-after-3, stream_recovery: continue }
  early: { to: { fallback: [anthropic/cut-after-2, anthropic/assistant] }, stream_recovery: continue }
  inner: { to: openai/cut-after-3, stream_recovery: error }
  outer: { to: { fallback: [inner, openai/assistant] }, stream_recovery: continue }
  folded: { use: anthropic/assistant, upstream_stream: true }
  folded-openai: { use: openai/assistant, upstream_stream: true }
  folded-stall: { fallback: [{ use: openai/stall-after-2, upstream_stream: true }, anthropic/assistant] }`
  })
})

afterEach(() => gateway.close())

let asked = 0
/** A text that no other call has, by which the simulated provider's log finds this one; long enough to break inside. */
const mark = () => `call-${++asked}-x goes on for some words and ends here`
const seenBy = (text: string): SimLogEntry[] =>
  gateway.sim.log().filter(entry => JSON.stringify(entry.body).includes(`"${text}"`))
const messagesOf = (entry: SimLogEntry) => (entry.body as { messages: { role: string; content: unknown }[] }).messages
const startsOf = (raw: string) => raw.match(/"role":"assistant"/g)?.length

interface Streamed {
  text: string
  raw: string
  events: ReturnType<Awaited<ReturnType<typeof send>>['events']>
  headers: Record<string, string>
  /** What the last comment says. */
  late: JsonObject | undefined
  line: JsonObject
}

async function stream(door: Door, model: string, more: JsonObject = {}): Promise<Streamed> {
  const text = mark()
  const answer = await send(gateway.gateway.url + door.path, {
    body: door.body(model, text, { stream: true, ...more })
  })
  assert.equal(answer.status, 200, answer.text)
  const late = /^: gatehouse (.*)$/m.exec(answer.text)?.[1]
  const line = gateway.lines.find(each => each.msg === 'call' && each.id === answer.headers['x-gatehouse-request-id'])
  return {
    text,
    raw: answer.text,
    events: answer.events(),
    headers: answer.headers,
    late: late === undefined ? undefined : (JSON.parse(late) as JsonObject),
    line: line as JsonObject
  }
}

/** Who went on with it, or how, as the last comment has it. */
function othersOf({ late }: Streamed, what: 'who' | 'how' = 'who'): unknown[] {
  const others = (late?.continued ?? []) as JsonObject[]
  return others.map(({ provider, model, how }) => (what === 'how' ? how : `${provider}/${model}`))
}

function assertWhole(door: Door, { text, events, raw, line }: Streamed, what: string): void {
  assert.equal(door.broken(events), undefined, what)
  assert.equal(door.streamed(events), `You said: ${text}`, what)
  assert.ok(door.ended(events), `${what} ends as its dialect ends`)
  assert.equal(startsOf(raw), 1, `${what} begins once`)
  assert.deepEqual([line.outcome, line.status, line.finish], ['done', 200, 'stop'], what)
}

function assertBroken(door: Door, { events }: Streamed, what: string): JsonObject {
  const broken = door.broken(events)
  assert.ok(broken, `${what}: the client is told`)
  assert.ok(!door.ended(events), what)
  assert.ok(!events.some(event => event.data === '[DONE]' || event.event === 'message_stop'), what)
  return broken
}

for (const door of DOORS) {
  for (const first of PROVIDERS) {
    test(`${door.name}: streams of ${first} that break are gone on with, as one stream, whoever goes on`, async () => {
      const ways = BREAKS.flatMap(fault => PROVIDERS.map(second => ({ fault, second })))
      const streams = await Promise.all(ways.map(way => stream(door, `go-${way.fault}-${first}-${way.second}`)))
      for (const [index, streamed] of streams.entries()) {
        const { fault, second } = ways[index]!
        const what = `${first}/${fault} and ${second}`
        assertWhole(door, streamed, what)
        const { headers, late, line, text } = streamed
        assert.equal(headers['x-gatehouse-provider'], first)
        assert.equal(headers['x-gatehouse-model'], fault)
        assert.equal(othersOf(streamed).at(-1), `${second}/assistant`)
        assert.equal(othersOf(streamed, 'how').at(-1), 'restart')
        const seen = seenBy(text)
        assert.equal(late?.attempts, seen.length, `${what}: every attempt is counted`)
        assert.equal(line.attempts, seen.length)
        assert.equal((line.continued as unknown[]).length, seen.length - 1)
        assert.equal((line.failures as unknown[]).length, seen.length - 1)
        for (const entry of seen)
          assert.equal(messagesOf(entry).at(-1)?.role, 'user', 'nobody is known to take a prefill')
      }
    })

    test(`${door.name}: a held stream of ${first} that breaks is never seen`, async () => {
      const ways = BREAKS.flatMap(fault => PROVIDERS.map(second => ({ fault, second })))
      const streams = await Promise.all(ways.map(way => stream(door, `hold-${way.fault}-${first}-${way.second}`)))
      for (const [index, streamed] of streams.entries()) {
        const { fault, second } = ways[index]!
        assertWhole(door, streamed, `${first}/${fault} and ${second}`)
        assert.equal(streamed.headers['x-gatehouse-provider'], second)
        assert.equal(streamed.headers['x-gatehouse-attempts'], String(seenBy(streamed.text).length))
        assert.equal(streamed.late, undefined, 'the head has said it all')
        assert.equal(streamed.line.continued, undefined)
      }
    })
  }

  test(`${door.name}: who is known to take one gets what was said as the beginning of its answer`, async () => {
    const streamed = await stream(door, 'prefill')
    assertWhole(door, streamed, 'prefill')
    const last = seenBy(streamed.text).at(-1)!
    const sent = messagesOf(last).at(-1)!
    const beginning = typeof sent.content === 'string' ? sent.content : (sent.content as JsonObject[])[0]!.text
    assert.deepEqual(
      [last.model, sent.role, beginning],
      ['assistant', 'assistant', 'You said: call-'.concat(streamed.text.slice(5).split(' ')[0]!)]
    )
    assert.equal(othersOf(streamed, 'how').at(-1), 'prefill')
    const twice = await stream(door, 'prefill-twice')
    assertWhole(door, twice, 'prefill-twice')
    assert.deepEqual(othersOf(twice, 'how'), ['restart', 'prefill', 'prefill', 'prefill'])
  })

  test(`${door.name}: who is not known to take one never gets it, and who refuses it is never shown`, async () => {
    assertWhole(door, await stream(door, 'unknown'), 'unknown')
    const wrongly = await stream(door, 'wrongly-known')
    const broken = assertBroken(door, wrongly, 'wrongly-known')
    assert.doesNotMatch(JSON.stringify(broken), /prefill/i)
    assert.deepEqual(othersOf(wrongly), ['openai/cut-after-3'], 'who refused went on with nothing')
    assert.equal(wrongly.line.attempts, seenBy(wrongly.text).length)
  })

  test(`${door.name}: a request that asks for thinking is gone on with by a restart`, async () => {
    const thinking: JsonObject =
      door.name === 'openai-chat' ? { reasoning_effort: 'low' } : { thinking: { type: 'enabled', budget_tokens: 1024 } }
    const streamed = await stream(door, 'prefill', { ...thinking, ...(door === OPENAI ? {} : { max_tokens: 4000 }) })
    assertBrokenOrWhole(door, streamed)
    for (const entry of seenBy(streamed.text)) assert.equal(messagesOf(entry).at(-1)?.role, 'user')
  })

  test(`${door.name}: an answer that begins otherwise, or nobody to go on: an honest error`, async () => {
    for (const model of ['otherwise', 'alone', 'inner']) {
      const streamed = await stream(door, model)
      assertBroken(door, streamed, model)
      const { line, text } = streamed
      assert.equal(line.outcome, 'failed')
      assert.equal(line.attempts, seenBy(text).length, `${model}: every attempt is counted`)
      const others = (line.continued ?? []) as JsonObject[]
      assert.equal(others.length, model === 'inner' ? 0 : seenBy(text).length - 1)
    }
  })

  test(`${door.name}: the innermost route decides; a route without a word takes that of the one around it`, async () => {
    assertBroken(door, await stream(door, 'outer'), 'outer')
  })

  test(`${door.name}: usage is that of all attempts`, async () => {
    const streamed = await stream(door, 'go-cut-after-3-anthropic-anthropic')
    const used = seenBy(streamed.text).map(entry => Number(entry.usage?.input_tokens))
    assert.ok(used.length > 1)
    assert.equal(
      (streamed.line.usage as JsonObject).inputTokens,
      used.reduce((sum, each) => sum + each, 0)
    )
  })

  test(`${door.name}: a tool call that has begun is never gone on with`, async () => {
    const parameters = { type: 'object', properties: { place: { type: 'string' } } }
    const tools =
      door.name === 'openai-chat'
        ? [{ type: 'function', function: { name: 'words', parameters } }]
        : [{ name: 'words', input_schema: parameters }]
    for (const first of PROVIDERS) {
      const streamed = await stream(door, `go-cut-after-3-${first}-openai`, { tools })
      assertBroken(door, streamed, first)
      assert.equal(seenBy(streamed.text).length, 1, 'nobody else was asked')
    }
  })

  test(`${door.name}: a whole answer may be asked for as a stream, and is the same answer`, async () => {
    for (const model of ['folded', 'folded-openai']) {
      const text = mark()
      const answer = await send(gateway.gateway.url + door.path, { body: door.body(model, text) })
      assert.equal(answer.status, 200, answer.text)
      assert.equal(door.said(answer.json()), `You said: ${text}`)
      const [entry] = seenBy(text)
      assert.equal(entry?.stream, true)
      assert.ok(isObject(answer.json().usage))
      const line = gateway.lines.find(each => each.id === answer.headers['x-gatehouse-request-id'])!
      assert.deepEqual([line.stream, line.finish, line.outcome], [false, 'stop', 'done'])
      assert.ok((line.touches as string[]).includes('stream'))
    }
    const text = mark()
    const answer = await send(gateway.gateway.url + door.path, { body: door.body('folded-stall', text) })
    assert.equal(door.said(answer.json()), `You said: ${text}`, 'silence is seen as early as in a stream')
    assert.equal(answer.headers['x-gatehouse-provider'], 'anthropic')
    assert.deepEqual(
      seenBy(text).map(entry => [entry.model, entry.stream]),
      [
        ['stall-after-2', true],
        ['assistant', false]
      ]
    )
  })
}

function assertBrokenOrWhole(door: Door, streamed: Streamed): void {
  if (door.broken(streamed.events)) assertBroken(door, streamed, 'broken')
  else assert.ok(door.ended(streamed.events))
}

test('both SDKs take a stream that was gone on with as any other', async () => {
  const { openai, anthropic } = connectSdks(gateway.gateway.url)
  for (const second of PROVIDERS) {
    const text = mark()
    const model = `go-cut-after-3-anthropic-${second}`
    const messages = [{ role: 'user' as const, content: text }]
    const chat = openai.chat.completions.stream({ model, messages, stream_options: { include_usage: true } })
    const completion = await chat.finalChatCompletion()
    assert.equal(completion.choices[0]?.message.content, `You said: ${text}`)
    assert.equal(completion.choices[0]?.finish_reason, 'stop')
    assert.ok((completion.usage?.prompt_tokens ?? 0) > 0)
    const message = await anthropic.messages.stream({ model, max_tokens: 4000, messages }).finalMessage()
    assert.deepEqual(
      message.content.map(part => (part.type === 'text' ? part.text : part.type)),
      [`You said: ${text}`]
    )
    assert.equal(message.stop_reason, 'end_turn')
  }
})

test('thinking that was cut off stays as it was said, and the answer with it can be sent back', async () => {
  const { anthropic } = connectSdks(gateway.gateway.url)
  const text = mark()
  const thinking = { type: 'enabled' as const, budget_tokens: 1024 }
  const ask = { model: 'early', max_tokens: 4000, thinking }
  const user = { role: 'user' as const, content: text }
  const message = await anthropic.messages.stream({ ...ask, messages: [user] }).finalMessage()
  const types = message.content.map(part => part.type)
  assert.deepEqual(types.slice(-2), ['thinking', 'text'])
  assert.ok(types.length > 2, 'what was thought before the break is there too')
  const next = await anthropic.messages.create({
    ...ask,
    model: 'anthropic/assistant',
    messages: [user, { role: 'assistant', content: message.content }, { role: 'user', content: 'and now' }]
  })
  assert.equal(next.content.at(-1)?.type, 'text')
})
