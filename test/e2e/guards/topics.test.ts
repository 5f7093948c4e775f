import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { OPENAI, send } from '../../support/client.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { simAs } from '../money/support.ts'

const DENIED = 'Which horse wins the race and how much do I bet on that horse'
const ALLOWED = 'How do I reset the password of my account at the shop'

describe('checks of what a text is about, is written in, and holds', () => {
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({
      providers: simAs('vectors'),
      yaml: `
guards:
  betting: { check: topics, model: vectors/assistant, deny: { betting: ["${DENIED}"] }, threshold: 0.9, action: block }
  support: { check: topics, model: vectors/assistant, allow: { support: ["${ALLOWED}"] }, threshold: 0.9, action: flag }
  english: { check: language, allow: [en], action: block, on: [request] }
  programs: { check: code, action: mask, on: [response] }
routes:
  denies: { to: openai/echo, guards: [betting] }
  allows: { to: openai/echo, guards: [support] }
  english: { to: openai/echo, guards: [english] }
  prose: { to: openai/echo, guards: [programs] }`
    })
  })
  after(() => test.close())

  const ask = (model: string, text: string, more = {}) =>
    send(`${test.gateway.url}${OPENAI.path}`, { body: OPENAI.body(model, text, more) })

  it('a denied topic is blocked, before any model for answers is asked', async () => {
    test.seen()
    const refused = await ask('denies', DENIED)
    assert.equal(refused.status, 400, refused.text)
    assert.match(refused.text, /topics\.betting/)
    assert.doesNotMatch(refused.text, /horse/)
    assert.ok(test.seen().every(({ path }) => path.endsWith('/embeddings')))
    assert.equal((await ask('denies', ALLOWED)).status, 200)
    const asked = test.seen().filter(({ path }) => path.endsWith('/embeddings'))
    assert.ok(
      asked.every(({ body }) => !JSON.stringify(body).includes('horse')),
      'the examples were embedded once'
    )
  })

  it('what is near no allowed topic is flagged', async () => {
    assert.equal((await ask('allows', ALLOWED)).headers['x-gatehouse-flagged'], undefined)
    assert.equal((await ask('allows', DENIED)).headers['x-gatehouse-flagged'], 'topics.none_allowed')
  })

  it('another language is blocked, a program in an answer masked, streamed too', async () => {
    const german = await ask('english', 'Können Sie mir bitte sagen, wo ich das Formular für den Antrag finde?')
    assert.match(german.text, /language\.de/)
    assert.equal(german.status, 400)
    assert.equal((await ask('english', 'Could you please tell me where I can find the form?')).status, 200)
    const program = 'Try this:\n```python\nimport os\nfor name in names:\n    print(name)\n```\nGood luck.'
    assert.equal(OPENAI.said((await ask('prose', program)).json()), 'Try this:\n[[CODE_1]]\nGood luck.')
    const streamed = await ask('prose', program, { stream: true })
    assert.equal(OPENAI.streamed(streamed.events()), 'Try this:\n[[CODE_1]]\nGood luck.')
  })
})
