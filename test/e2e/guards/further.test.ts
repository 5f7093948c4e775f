import './register.ts'
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../../src/json.ts'
import { begin, DOORS, OPENAI, send } from '../../support/client.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'
import { plainModel, simAs } from '../clients/providers.ts'

const ANN = 'ann@example.com'

describe('guards and what else becomes of a call', () => {
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({
      providers: simAs('openai-responses'),
      yaml: `
guards:
  restore: { check: test, action: restore, always: true }
routes:
  going-on: { to: { fallback: [openai/cut-after-6, anthropic/echo] }, stream_recovery: continue }
  held: { to: { fallback: [openai/cut-after-6, anthropic/echo] }, reply_mode: whole }
  folded: { use: openai/echo, upstream_stream: true }`
    })
  })
  after(() => test.close())

  for (const door of DOORS) {
    for (const model of ['going-on', 'held']) {
      it(`${door.name}, ${model}: a stream that breaks passes one window`, async () => {
        test.seen()
        const words = `Write to ${ANN} and then to ${ANN}. `.repeat(4)
        const body = door.body(model, `${words}[[sim:chunk=4]]`, { stream: true })
        const answer = await send(`${test.gateway.url}${door.path}`, { body })
        assert.equal(answer.status, 200, answer.text)
        assert.ok(door.ended(answer.events()), answer.text.slice(-300))
        assert.equal(door.streamed(answer.events()).trim(), words.trim())
        const sent = test.seen()
        assert.ok(sent.length > 0)
        assert.doesNotMatch(JSON.stringify(sent.map(({ body }) => body)), /ann@/)
      })
    }
  }

  it('a whole answer that was asked for as a stream', async () => {
    const answer = await send(`${test.gateway.url}${OPENAI.path}`, { body: OPENAI.body('folded', `to ${ANN}`) })
    assert.equal(OPENAI.said(answer.json()), `to ${ANN}`)
  })

  it('several choices of a stream are windows of their own', async () => {
    const body = OPENAI.body('openai/echo', `to ${ANN}, to ${ANN}[[sim:chunk=2]]`, { stream: true, n: 2 })
    const answer = await send(`${test.gateway.url}${OPENAI.path}`, { body })
    const texts = ['', '']
    for (const { data } of answer.events()) {
      if (data === '[DONE]') continue
      for (const { index, delta } of (JSON.parse(data) as { choices: { index: number; delta: { content?: string } }[] })
        .choices)
        texts[index] += delta.content ?? ''
    }
    for (const text of texts) assert.match(text, /^to ann@example\.com, to ann@example\.com/)
  })

  it('a conversation that its provider keeps has numbers of its own in every call', async () => {
    const ask = async (more: JsonObject) => {
      const body = { model: 'openai-responses/echo', input: `to ${ANN}`, ...more }
      return (await send(`${test.gateway.url}/v1/responses`, { body })).json()
    }
    test.seen()
    const first = await ask({})
    const second = await ask({ previous_response_id: first.id! })
    assert.equal(second.error, null, JSON.stringify(second))
    const [one, two] = test.seen().map(({ body }) => JSON.stringify((body as JsonObject).input))
    assert.match(one!, /\[\[EMAIL_1\]\]/)
    assert.match(two!, /\[\[EMAIL_\d{3,}\]\]/)
    assert.match(JSON.stringify(second.output), /ann@example\.com/)
  })

  it('a large request is read by another thread, and is masked the same', async t => {
    const large = await startTestGateway({
      yaml: 'guards: { keys: { check: secrets, action: restore, always: true } }'
    })
    t.after(() => large.close())
    const key = 'AKIAQ3EGRZ7XWL2MNV4T'
    const words = `${'Nothing to see here. '.repeat(20_000)}The key is ${key}.`
    const answer = await send(`${large.gateway.url}${OPENAI.path}`, { body: OPENAI.body('openai/echo', words) })
    assert.equal(answer.status, 200, answer.text.slice(0, 300))
    assert.equal(OPENAI.said(answer.json()), words)
    assert.ok(!JSON.stringify(large.seen()).includes(key))
  })
})

describe('retry: the verdict goes to the model in its own dialect', () => {
  const PROVIDERS = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({
      bare: true,
      providers: PROVIDERS.map(simAs).join('\n'),
      yaml: `
guards: { again: { check: test, action: retry, always: true } }
routes:
${PROVIDERS.map(name => `  ${name}: { retry: ${name}/${plainModel(name)}, times: 1 }`).join('\n')}`
    })
  })
  after(() => test.close())

  const said = `to ${ANN}`
  const turns: Record<(typeof PROVIDERS)[number], [path: string, ...bodies: JsonObject[]]> = {
    'openai-chat': [
      '/v1/chat/completions',
      { messages: [{ role: 'user', content: said }] },
      { messages: [{ role: 'user', content: [{ type: 'text', text: said }] }] }
    ],
    'openai-responses': [
      '/v1/responses',
      { input: said },
      { input: [{ role: 'user', content: said }] },
      { input: [{ role: 'user', content: [{ type: 'input_text', text: said }] }] }
    ],
    'anthropic-messages': [
      '/v1/messages',
      { max_tokens: 100, messages: [{ role: 'user', content: said }] },
      { max_tokens: 100, messages: [{ role: 'user', content: [{ type: 'text', text: said }] }] }
    ],
    gemini: ['/v1beta/models/gemini:generateContent', { contents: [{ role: 'user', parts: [{ text: said }] }] }]
  }

  for (const name of PROVIDERS) {
    it(name, async () => {
      const [path, ...bodies] = turns[name]
      for (const body of bodies) {
        test.seen()
        const answer = await send(test.gateway.url + path, {
          body: { ...(name !== 'gemini' && { model: name }), ...body }
        })
        assert.equal(answer.status, 400, answer.text)
        assert.match(answer.text, /guardrail_blocked|does not let the response pass/)
        const sent = test.seen()
        assert.deepEqual(
          sent.map(({ status }) => status),
          [200, 200]
        )
        assert.match(JSON.stringify(sent[1]!.body), /Your last answer was not delivered\. .*test\.email/)
      }
    })
  }

  it('a client that leaves while its stream is held back takes its call along', async () => {
    test.seen()
    const outgoing = begin(`${test.gateway.url}/v1/chat/completions`, {
      body: { model: 'openai-chat/stall-after-1', stream: true, messages: [{ role: 'user', content: 'hello there' }] }
    })
    await until(() => test.gateway.open.upstreamSockets > 0 && test.seen().length > 0, 'the provider has the call')
    outgoing.destroy()
    await until(() => test.gateway.open.calls === 0 && test.gateway.open.upstreamSockets === 0, 'nothing is open')
    await until(() => test.lines.at(-1)?.status === 499, 'it is noted')
  })
})
