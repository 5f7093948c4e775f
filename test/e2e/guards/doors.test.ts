import './register.ts'
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type Anthropic from '@anthropic-ai/sdk'
import { dialects } from '../../../src/dialects/index.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { connectAll } from '../clients/all.ts'
import type { Answer, Client, Question, Tool } from '../clients/client.ts'
import { plainModel, simAs, thinkingModel } from '../clients/providers.ts'

/**
 * The official SDKs at every door, before every provider dialect, whole and streamed: the guard decides the same. The
 * provider's own log is the witness of what left.
 */
const PROVIDERS = Object.keys(dialects)
const ANN = 'ann@example.com'
const BOB = 'bob.b@mail.org'
const ACTIONS = ['mask', 'restore', 'block', 'flag', 'judge'] as const

/** Its only argument is what the model would have copied from the masked text. */
const send: Tool = {
  name: 'send_mail',
  description: 'Sends a mail.',
  schema: {
    type: 'object',
    properties: { to: { type: 'string', enum: ['[[EMAIL_1]]'] } },
    required: ['to'],
    additionalProperties: false
  }
}

const guards = `
guards:
  mask: { check: test, action: mask }
  restore: { check: test, action: restore }
  block: { check: test, action: block, on: [request] }
  flag: { check: test, action: flag }
  judge: { check: test, action: restore, whole: true }
  answers: { check: test, action: block, on: [response] }`

const routes = PROVIDERS.flatMap(provider =>
  [...ACTIONS, 'answers'].map(guard => {
    const to = `${provider}/${plainModel(provider)}`
    return `  ${guard}-${provider}: { to: ${to}, guards: [${guard}] }`
  })
)

describe('guards at every door, before every provider dialect', () => {
  let test: TestGateway
  let clients: Client[]
  before(async () => {
    test = await startTestGateway({
      bare: true,
      providers: PROVIDERS.map(simAs).join('\n'),
      yaml: `routes:\n${routes.join('\n')}${guards}`
    })
    clients = connectAll(test.gateway.url)
  })
  after(() => test.close())

  const ask = (at: number, model: string, more: Partial<Question>): Promise<Answer> =>
    clients[at]!.ask({ model, turns: [{ said: `Write to ${ANN}, ${BOB} and ${ANN}` }], stream: false, ...more })
  const left = () => JSON.stringify(test.seen().map(({ body }) => body))

  for (const [at, name] of ['openai chat', 'openai responses', 'anthropic', 'google genai'].entries()) {
    for (const provider of PROVIDERS) {
      for (const stream of [false, true]) {
        it(`${name}, ${provider}, ${stream ? 'streamed' : 'whole'}`, async () => {
          test.seen()
          const masked = await ask(at, `mask-${provider}`, { stream })
          assert.equal(masked.text, 'You said: Write to [[EMAIL_1]], [[EMAIL_2]] and [[EMAIL_1]]')
          assert.doesNotMatch(left(), /@/)

          for (const guard of ['restore', 'judge']) {
            const restored = await ask(at, `${guard}-${provider}`, { stream })
            assert.equal(restored.text, `You said: Write to ${ANN}, ${BOB} and ${ANN}`)
            assert.doesNotMatch(left(), /@/)
          }

          const called = await ask(at, `restore-${provider}`, {
            stream,
            tools: [send],
            turns: [{ said: `send_mail to ${ANN}` }]
          })
          // A call that Gemini signed is handed on as it is (D21).
          const isSigned = name === 'google genai' && provider === 'gemini'
          assert.deepEqual(
            called.calls.map(({ input }) => input),
            [{ to: isSigned ? '[[EMAIL_1]]' : ANN }]
          )
          assert.doesNotMatch(left(), /@/)

          await assert.rejects(ask(at, `block-${provider}`, { stream }), (thrown: Error & { status?: number }) => {
            assert.equal(thrown.status, 400)
            assert.match(thrown.message, /test\.email/)
            assert.doesNotMatch(thrown.message, /ann@|bob/)
            return true
          })
          assert.equal(left(), '[]')

          await assert.rejects(ask(at, `answers-${provider}`, { stream }), (thrown: Error & { status?: number }) => {
            assert.match(thrown.message, /test\.email/)
            assert.doesNotMatch(thrown.message, /ann@|bob/)
            return true
          })
          test.seen()

          const flagged = await ask(at, `flag-${provider}`, { stream })
          assert.match(flagged.text, /ann@example\.com/)
          test.seen()
        })
      }
    }
  }

  it('verdicts are on the record, and what was changed is among the touches', async () => {
    await ask(0, 'restore-openai-chat', {})
    const { verdicts, touches } = test.lines.at(-1) as { verdicts: { tookMs: number }[]; touches: string[] }
    assert.deepEqual(
      verdicts.map(({ tookMs: _, ...verdict }) => verdict),
      [{ guard: 'restore', rule: 'test.email', side: 'request', action: 'restore', count: 3, score: 1 }]
    )
    assert.ok(touches.includes('messages[0].content'))
    assert.doesNotMatch(JSON.stringify(test.lines), /ann@|bob\.b/)
  })

  it('what is only flagged is in a header', async () => {
    const answer = await fetch(`${test.gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'flag-anthropic-messages',
        max_tokens: 100,
        messages: [{ role: 'user', content: ANN }]
      } satisfies Anthropic.MessageCreateParams)
    })
    assert.equal(answer.headers.get('x-gatehouse-flagged'), 'test.email')
  })
})

describe('guards of the gateway, and thinking', () => {
  let test: TestGateway
  let clients: Client[]
  before(async () => {
    test = await startTestGateway({
      bare: true,
      providers: PROVIDERS.map(simAs).join('\n'),
      yaml: 'guards: { restore: { check: test, action: restore, always: true } }'
    })
    clients = connectAll(test.gateway.url)
  })
  after(() => test.close())

  for (const [at, name] of ['openai chat', 'openai responses', 'anthropic', 'google genai'].entries()) {
    for (const provider of PROVIDERS) {
      it(`${name}, ${provider}: what is signed is taken again, with the same numbers`, async () => {
        for (const stream of [false, true]) {
          test.seen()
          const model = `${provider}/${thinkingModel(provider)}`
          const turns = [{ said: `send_mail to ${ANN}` }]
          const asked = { stream, tools: [send], thinking: true }
          const answer = await clients[at]!.ask({ model, ...asked, turns })
          const done = await clients[at]!.ask({
            model,
            ...asked,
            turns: [...turns, { answer, results: [`sent to ${ANN}, not ${BOB}`] }]
          })
          assert.match(done.text, /sent to ann@example\.com, not bob\.b@mail\.org/)
          const entries = test.seen()
          assert.deepEqual(
            entries.map(({ status }) => status),
            [200, 200]
          )
          assert.doesNotMatch(JSON.stringify(entries.map(({ body }) => body)), /@/)
        }
      })
    }
  }
})
