import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { JsonObject } from '../../src/json.ts'
import { begin, DOORS, open } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'

let gateway: TestGateway

beforeEach(async () => {
  gateway = await startTestGateway({
    paceMs: 10,
    providers: `
  drains: { base_url: "SIM/v1", dialect: openai-chat, keys: [any], allow_private: ["127.0.0.0/8"], on_abort: drain }
  drains-a: { base_url: "SIM/v1", dialect: anthropic-messages, keys: [any], allow_private: ["127.0.0.0/8"], on_abort: drain }`,
    yaml: `
timeouts: { idle: 500ms }
routes:
  both: { to: { fallback: [drains/story, openai/story] }, stream_recovery: continue }`
  })
})

afterEach(() => gateway.close())

const url = (path: string) => gateway.gateway.url + path

/** The row of the one call, once it is written. */
async function row(): Promise<JsonObject> {
  await until(() => gateway.lines.some(line => line.msg === 'call'), 'the call is recorded')
  return gateway.lines.find(line => line.msg === 'call') as JsonObject
}

for (const door of DOORS) {
  for (const model of ['drains/story', 'drains-a/story', 'both']) {
    test(`${door.name}: ${model} is read to its end after its client has left, for what it used`, async () => {
      const answer = await open(url(door.path), { body: door.body(model, 'a story', { stream: true }) })
      await answer.untilText(/last winter|winter/)
      answer.leave()
      const line = await row()
      const [seen] = gateway.sim.log()
      assert.equal(seen?.finish, 'ended', 'the provider said all of it')
      assert.equal(gateway.sim.log().length, 1)
      assert.deepEqual([line.outcome, line.status, line.afterAbort], ['aborted', 499, 'drained'])
      const used = Number(seen?.usage?.output_tokens ?? seen?.usage?.completion_tokens)
      assert.equal((line.usage as JsonObject).outputTokens, used)
      await until(() => gateway.gateway.open.calls === 0, 'nothing is left open')
    })
  }

  test(`${door.name}: by default the provider is left at once`, async () => {
    const answer = await open(url(door.path), { body: door.body('openai/story', 'a story', { stream: true }) })
    await answer.untilText(/winter/)
    answer.leave()
    const line = await row()
    assert.deepEqual([line.outcome, line.afterAbort], ['aborted', undefined])
    await until(() => gateway.sim.log()[0]?.finish === 'aborted-by-client', 'the provider sees it')
  })
}

test('a whole answer is waited for, and a stream that has not begun is read, too', async () => {
  for (const [model, stream] of [
    ['drains/slow-head-150', false],
    ['drains/slow-first-token-150', true]
  ] as const) {
    const before = gateway.lines.length
    const asked = begin(url('/v1/chat/completions'), {
      body: { model, messages: [{ role: 'user', content: 'hello' }], stream }
    })
    await until(() => gateway.sim.log().some(entry => `drains/${entry.model}` === model), 'it is asked')
    asked.destroy()
    await until(() => gateway.lines.length > before, 'the call is recorded')
    const line = gateway.lines.at(-1) as JsonObject
    assert.deepEqual([line.outcome, line.status, line.afterAbort], ['aborted', 499, 'drained'], model)
    assert.ok(Number((line.usage as JsonObject).outputTokens) > 0, model)
  }
})

test('a drain ends where the answer breaks off', async () => {
  const answer = await open(url('/v1/chat/completions'), {
    body: { model: 'drains/stall-after-3', messages: [{ role: 'user', content: 'hello' }], stream: true }
  })
  await answer.untilText(/said/)
  answer.leave()
  const line = await row()
  assert.deepEqual([line.outcome, line.afterAbort], ['aborted', 'cut_short'])
})
