import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '../../../src/json.ts'
import { Secret } from '../../../src/secret.ts'
import { OPENAI, send } from '../../support/client.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'

/** Questions that are like one another, with the simulated provider's vectors: near where the words are. */
describe('the semantic cache', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-semantic-'))
  const token = new Secret('an-admin-token-for-tests')
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway({
      directory,
      secret: new Secret('a-secret-for-tests-that-is-long-enough'),
      adminToken: token,
      yaml: `
bodies: { level: full }
cache: { semantic: { embeddings: openai/text-embedding-3-small, threshold: 0.9, min_chars: 12 } }
routes:
  like: { to: openai/assistant, cache: semantic }
  strict: { to: openai/assistant, cache: { mode: semantic, threshold: 0.9999 } }
`
    })
  })
  after(async () => {
    await gateway.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const ask = async (model: string, text: string, more: JsonObject = {}) => {
    const answer = await send(`${gateway.gateway.url}${OPENAI.path}`, { body: OPENAI.body(model, text, more) })
    const chats = gateway.seen().filter(({ path: at }) => at.endsWith('/chat/completions')).length
    return {
      ...answer,
      cache: answer.headers['x-gatehouse-cache'],
      chats,
      said: answer.status === 200 && !more.stream ? OPENAI.said(answer.json()) : answer.text
    }
  }

  const admin = (at: string) =>
    send(`${gateway.gateway.url}/admin${at}`, { headers: { authorization: `Bearer ${token.reveal()}` } })

  const QUESTION = 'how do I make a good soup of red lentils and carrots for the evening meal'

  test('a question in other words gets the answer, and the record says to which question', async () => {
    const fresh = await ask('like', QUESTION)
    assert.deepEqual([fresh.cache, fresh.chats], ['miss', 1])
    const like = await ask('like', `${QUESTION} please`)
    assert.deepEqual([like.cache, like.chats], ['semantic', 0])
    assert.equal(like.said, fresh.said)
    const id = like.headers['x-gatehouse-request-id']
    const row = await admin(`/logs/${id}`)
    const { cache, details, cost_usd } = row.json().request as JsonObject
    assert.equal(cache, 'semantic')
    assert.equal(cost_usd, '0')
    const { of, score } = (details as JsonObject).cache as JsonObject
    assert.ok(Number(score) > 0.9 && Number(score) < 1, String(score))
    assert.equal(of, fresh.headers['x-gatehouse-request-id'])
    // A row is for people who may not read what was said.
    assert.ok(!row.text.includes('lentils'))
    const { similar } = (await admin(`/logs/${id}/content`)).json() as { similar: JsonObject }
    assert.equal(similar.request_id, of)
    assert.ok(String(similar.received).includes(QUESTION))
  })

  test('what must be equal is: the system, the history, the model, parameters, numbers, negations', async () => {
    const text = 'tell me all about the harbour of the old town and its ships'
    assert.equal((await ask('like', text)).cache, 'miss')
    assert.equal((await ask('like', `${text} now`)).cache, 'semantic')
    const user = { role: 'user', content: `${text} please` }
    const other = [
      { temperature: 0.5 },
      { messages: [{ role: 'system', content: 'Be brief.' }, user] },
      { messages: [{ role: 'user', content: 'Hello there.' }, { role: 'assistant', content: 'Hi.' }, user] },
      { messages: [{ role: 'user', content: `${text} 7` }] },
      { messages: [{ role: 'user', content: `${text} not` }] }
    ]
    for (const more of other)
      assert.equal((await ask('like', `${text} please`, more)).cache, 'miss', JSON.stringify(more))
    assert.equal((await ask('strict', text)).cache, 'miss')
    assert.equal((await ask('strict', `${text} please`)).cache, 'miss')
  })

  test('calls that declare tools, and short questions, are not compared', async () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }]
    const text = 'what would you do with a long rainy day at the sea side'
    assert.equal((await ask('like', text, { tools })).cache, 'miss')
    assert.equal((await ask('like', `${text} please`, { tools })).cache, 'miss')
    assert.equal((await ask('like', 'a soup?')).cache, 'miss')
    assert.equal((await ask('like', 'a soup ?')).cache, 'miss')
  })
})
