import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { JsonObject } from '../../src/json.ts'
import { DOORS, type Door, OPENAI, open, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { connectSdks } from '../support/sdk.ts'

let gateway: TestGateway

const start = (keepAliveMs: number) =>
  startTestGateway({
    keepAliveMs,
    yaml: `
timeouts: { head: 1s, first_token: 1s, first_token_reasoning: 1s, idle: 1s }
routes:
  slow: { to: openai/slow-first-token-200, timeouts: { first_token: 5s } }
  slow-anthropic: { to: anthropic/slow-first-token-200, timeouts: { first_token: 5s } }
  healed: { fallback: [openai/silent, anthropic/assistant] }
  hopeless: { fallback: [openai/silent, anthropic/content-filter] }
  held: { to: { fallback: [anthropic/stall-after-2, openai/assistant] }, reply_mode: whole }
  whole: { to: openai/slow-head-200, timeouts: { head: 5s } }`
  })

beforeEach(async () => {
  gateway = await start(40)
})

afterEach(() => gateway.close())

const KEEP_ALIVE = { 'openai-chat': ': wait\n\n', 'anthropic-messages': 'event: ping\ndata: {"type": "ping"}\n\n' }

const ask = (door: Door, model: string, more: JsonObject = { stream: true }) =>
  send(gateway.gateway.url + door.path, { body: door.body(model, 'hello there', more) })

const lateWord = (text: string) => JSON.parse(/^: gatehouse (.*)$/m.exec(text)?.[1] ?? 'null') as JsonObject | null

for (const door of DOORS) {
  test(`${door.name}: while a provider is waited for, the client gets the head and signs of life`, async () => {
    for (const [model, provider] of [
      ['slow', 'openai'],
      ['slow-anthropic', 'anthropic']
    ] as const) {
      const answer = await ask(door, model)
      assert.equal(answer.status, 200)
      assert.ok(answer.text.startsWith(KEEP_ALIVE[door.name].repeat(2)), answer.text.slice(0, 200))
      assert.equal(door.streamed(answer.events()), 'You said: hello there')
      assert.ok(door.ended(answer.events()))
      const id = answer.headers['x-gatehouse-request-id']
      assert.equal(answer.headers[door.idHeader], id)
      assert.equal(answer.headers['x-gatehouse-provider'], undefined, 'nobody knew by then')
      const late = lateWord(answer.text)
      assert.deepEqual([late?.request_id, late?.provider, late?.attempts], [id, provider, 1])
      assert.ok(answer.text.indexOf(': gatehouse') < answer.text.search(/\[DONE\]|message_stop/), 'before the end')
    }
  })

  test(`${door.name}: a fallback stays possible, and a failure is an error in the stream`, async () => {
    const healed = await ask(door, 'healed')
    assert.ok(healed.text.startsWith(KEEP_ALIVE[door.name]))
    assert.equal(door.streamed(healed.events()), 'You said: hello there')
    assert.ok(door.ended(healed.events()))
    const late = lateWord(healed.text)
    assert.deepEqual([late?.provider, late?.attempts, late?.fallback], ['anthropic', 2, 1])

    const hopeless = await ask(door, 'hopeless')
    assert.equal(hopeless.status, 200)
    const broken = door.broken(hopeless.events())
    assert.ok(broken && !door.ended(hopeless.events()))
    assert.equal(lateWord(hopeless.text)?.attempts, 2)
    const line = gateway.lines.find(each => each.id === hopeless.headers['x-gatehouse-request-id'])
    assert.deepEqual(
      [line?.outcome, line?.status],
      ['failed', 400],
      'the log has the status that the head could not say'
    )
  })

  test(`${door.name}: a stream that is held keeps its client too, also where it breaks`, async () => {
    const answer = await ask(door, 'held')
    assert.ok(answer.text.startsWith(KEEP_ALIVE[door.name]))
    assert.equal(door.streamed(answer.events()), 'You said: hello there')
    assert.deepEqual([lateWord(answer.text)?.provider, lateWord(answer.text)?.attempts], ['openai', 2])
  })

  test(`${door.name}: a silence later on is bridged as well, and is no content`, async () => {
    const answer = await ask(door, 'anthropic/stall-after-2')
    assert.match(answer.headers['x-gatehouse-provider'] ?? '', /anthropic/)
    const bridged = answer.text.slice(answer.text.indexOf(door === OPENAI ? 'data: ' : 'content_block_delta'))
    assert.ok(bridged.includes(KEEP_ALIVE[door.name]))
    assert.ok(door.broken(answer.events()))
    assert.equal(lateWord(answer.text), null, 'the head has said it all')
  })

  test(`${door.name}: a stream that is quick, and a whole answer, have none`, async () => {
    await gateway.close()
    gateway = await start(10_000)
    const quick = await ask(door, `${door.provider}/assistant`)
    assert.equal(lateWord(quick.text), null)
    assert.equal(quick.headers['x-gatehouse-provider'], door.provider)
    const whole = await ask(door, 'whole', {})
    assert.equal(door.said(whole.json()), 'You said: hello there')
    assert.equal(whole.headers['x-gatehouse-provider'], 'openai')
  })

  test(`${door.name}: a client that leaves while it waits is noticed`, async () => {
    const answer = await open(gateway.gateway.url + door.path, { body: door.body('slow', 'hello', { stream: true }) })
    await answer.untilText(door === OPENAI ? /wait/ : /ping/)
    answer.leave()
    await gateway.gateway.drain(2_000)
    assert.deepEqual(
      gateway.lines.filter(line => line.msg === 'call').map(line => [line.outcome, line.status]),
      [['aborted', 499]]
    )
  })
}

test('both SDKs take a stream that began with signs of life, and hear of a failure after them', async () => {
  const { openai, anthropic } = connectSdks(gateway.gateway.url)
  const messages = [{ role: 'user' as const, content: 'hello there' }]
  const chat = await openai.chat.completions.stream({ model: 'slow', messages }).finalChatCompletion()
  assert.equal(chat.choices[0]?.message.content, 'You said: hello there')
  const message = await anthropic.messages.stream({ model: 'slow', max_tokens: 100, messages }).finalMessage()
  assert.deepEqual(message.content[0]?.type === 'text' && message.content[0].text, 'You said: hello there')
  await assert.rejects(openai.chat.completions.stream({ model: 'hopeless', messages }).finalChatCompletion())
  await assert.rejects(anthropic.messages.stream({ model: 'hopeless', max_tokens: 100, messages }).finalMessage())
})
