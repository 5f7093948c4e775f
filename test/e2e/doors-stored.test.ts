import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import OpenAI, { APIError } from 'openai'
import { OwnedIds } from '../../src/access/owned.ts'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { OPENAI, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { isRefusal, notProvoked } from '../support/refusal.ts'

const RED = 'key-of-the-red-team-0001'
const BLUE = 'key-of-the-blue-team-002'

const PROVIDERS = `
  lab: { endpoints: [{ dialect: openai-responses, base_url: "SIM/v1" }, { dialect: openai-chat, base_url: "SIM/v1" }], keys: [{ id: one, key: lab-key-one }, { id: two, key: lab-key-two }], allow_private: ["127.0.0.0/8"] }
  other: { endpoints: [{ dialect: openai-responses, base_url: "SIM/v1" }], keys: [other-key-000], allow_private: ["127.0.0.0/8"] }
  claude: { base_url: "SIM/v1", dialect: anthropic-messages, keys: [claude-key-00], allow_private: ["127.0.0.0/8"] }`

const YAML = `
keys: [{ name: red, key: ${RED} }, { name: blue, key: ${BLUE} }]
routes:
  smart: { fallback: [claude/assistant, lab/assistant, other/assistant] }
  broken: { fallback: [other/503, claude/assistant] }
  elsewhere: { fallback: [claude/assistant, other/assistant] }`

const OPENAI_ALONE =
  '  openai: { base_url: "SIM/v1", dialect: openai-responses, keys: [lab-key-one], allow_private: ["127.0.0.0/8"] }'

const OURS = /^gh_response_[\w-]{60,}$/

const SECRET = new Secret('the-secret-of-these-tests-alone')
const ids = new OwnedIds(SECRET)

let at: TestGateway
before(async () => {
  at = await startTestGateway({ bare: true, providers: PROVIDERS, yaml: YAML, secret: SECRET })
})
after(() => at?.close())

const client = (apiKey: string, gateway = at) =>
  new OpenAI({ apiKey, baseURL: `${gateway.gateway.url}/v1`, maxRetries: 0 })

/** The refusal that an SDK throws. */
async function refusal(asked: Promise<unknown>): Promise<{ status: unknown; code: unknown; message: string }> {
  const thrown = await asked.then(
    () => assert.fail('was not refused'),
    (error: unknown) => error
  )
  assert.ok(thrown instanceof APIError, String(thrown))
  const { status, code, message } = thrown
  return { status, code, message }
}

describe('answers that a provider keeps', () => {
  test('have ids of ours; the provider is asked by its own, with the credential that made them', async () => {
    const red = client(RED)
    at.seen()
    for (let times = 0; times < 4; times++) {
      const first = await red.responses.create({ model: 'lab/assistant', input: 'hello' })
      assert.match(first.id, OURS)
      const second = await red.responses.create({
        model: 'lab/assistant',
        input: 'and then?',
        previous_response_id: first.id
      })
      assert.match(second.id, OURS)
      assert.equal(second.previous_response_id, first.id)
      const again = await red.responses.retrieve(second.id)
      assert.deepEqual([again.id, again.previous_response_id], [second.id, first.id])
      const items = await red.responses.inputItems.list(second.id, { limit: 5 })
      assert.ok(items.data.length > 0)
      await red.responses.delete(first.id)
      assert.equal((await refusal(red.responses.retrieve(first.id))).code, 'unknown_object')
      const heard = at.seen()
      assert.equal(new Set(heard.map(({ headers }) => headers.authorization)).size, 1, 'one credential for all of it')
      assert.ok(!JSON.stringify(heard).includes('gh_response'), 'the provider hears nothing of our ids')
      const [made, linked, got, listed, deleted] = heard
      assert.ok((linked!.body as { previous_response_id: string }).previous_response_id.startsWith('resp_'))
      assert.match(got!.path, /^\/v1\/responses\/resp_\w+$/)
      assert.match(listed!.path, /^\/v1\/responses\/resp_\w+\/input_items\?limit=5$/)
      assert.deepEqual([made?.method, deleted?.method], ['POST', 'DELETE'])
    }
  })

  test('streams name them likewise in each event, and can be read again', async () => {
    const red = client(RED)
    const ids = new Set<string>()
    const asked = { model: 'lab/assistant', input: 'hello', stream: true, background: true } as const
    for await (const event of await red.responses.create(asked)) {
      if ('response' in event && event.response) ids.add(event.response.id)
    }
    assert.equal(ids.size, 1)
    const id = [...ids][0]!
    assert.match(id, OURS)
    assert.equal((await red.responses.retrieve(id)).id, id)
    for (const from of [0, 3]) {
      const again: OpenAI.Responses.ResponseStreamEvent[] = []
      const stream = await red.responses.retrieve(id, { stream: true, starting_after: from })
      for await (const event of stream) again.push(event)
      assert.equal(again[0]?.sequence_number, from + 1)
      const last = again.at(-1)
      assert.ok(last?.type === 'response.completed')
      assert.equal(last.response.id, id)
    }
  })

  test('are made in the background, looked at, and cancelled', async () => {
    const red = client(RED)
    const { id, status } = await red.responses.create({ model: 'lab/assistant', input: 'hello', background: true })
    assert.deepEqual([OURS.test(id), status], [true, 'queued'])
    const cancelled = await red.responses.cancel(id)
    assert.deepEqual([cancelled.id, cancelled.status], [id, 'cancelled'])
    const done = await red.responses.create({ model: 'lab/assistant', input: 'hello' })
    const refused = await refusal(red.responses.cancel(done.id))
    assert.deepEqual([refused.status, refused.message], [400, '400 Cannot cancel a synchronous response.'])
  })

  test('belong to the key that they were given to: another hears what a stranger does', async () => {
    const { id } = await client(RED).responses.create({ model: 'lab/assistant', input: 'hello' })
    at.seen()
    const blue = client(BLUE)
    const forged = `${id.slice(0, -4)}AAAA`
    for (const ask of [
      (asked: string) => blue.responses.retrieve(asked),
      (asked: string) => blue.responses.delete(asked),
      (asked: string) => blue.responses.cancel(asked),
      (asked: string) => blue.responses.inputItems.list(asked),
      (asked: string) => blue.responses.create({ model: 'lab/assistant', input: 'go on', previous_response_id: asked })
    ]) {
      const [foreign, unknown] = [
        await refusal(ask(id) as Promise<unknown>),
        await refusal(ask(forged) as Promise<unknown>)
      ]
      assert.deepEqual([foreign.status, foreign.code], [404, 'unknown_object'])
      assert.deepEqual(foreign, unknown)
    }
    assert.equal(at.seen().length, 0, 'no provider was asked')
    assert.equal((await client(RED).responses.retrieve(id)).id, id)
  })

  test('are known by their provider’s own id to nobody who has a key', async () => {
    await client(RED).responses.create({ model: 'lab/assistant', input: 'hello' })
    const native = 'resp_0123456789abcdef'
    const linked = client(RED).responses.create({ model: 'lab/assistant', input: 'x', previous_response_id: native })
    assert.deepEqual((await refusal(linked)).code, 'foreign_id')
    assert.equal((await refusal(client(RED).responses.retrieve(native))).code, 'unknown_object')
  })

  test('bind a call to who keeps them: it goes nowhere else', async () => {
    const red = client(RED)
    const { id } = await red.responses.create({ model: 'lab/assistant', input: 'hello' })
    at.seen()
    // The route would begin with another provider.
    const next = await red.responses.create({ model: 'smart', input: 'go on', previous_response_id: id })
    assert.match(next.id, OURS)
    const heard = at.seen()
    assert.deepEqual(
      heard.map(({ path }) => path),
      ['/v1/responses']
    )
    const lost = await refusal(red.responses.create({ model: 'elsewhere', input: 'go on', previous_response_id: id }))
    assert.deepEqual([lost.status, lost.code], [404, 'no_allowed_target'])
    assert.match(lost.message, /is kept at another provider/)
    assert.equal(at.seen().length, 0)
  })

  test('those with `store: false` are nobody’s, and stay as they came, byte for byte', async () => {
    at.seen()
    const answer = await send(`${at.gateway.url}/v1/responses`, {
      headers: { authorization: `Bearer ${RED}` },
      body: { model: 'lab/assistant', input: 'hello', store: false, include: ['reasoning.encrypted_content'] }
    })
    assert.equal(answer.status, 200, answer.text)
    assert.match(answer.json().id as string, /^resp_/)
  })
})

test('each refusal is said as a client of the dialect reads it', async () => {
  const headers = { authorization: `Bearer ${RED}` }
  const url = `${at.gateway.url}/v1/responses`
  const ask = (body: JsonObject) => send(url, { headers, body: { model: 'lab/assistant', input: 'hello', ...body } })
  const { id } = (await ask({})).json()
  const { id: theirs } = (await ask({ model: 'other/assistant' })).json()
  const unknown = await send(`${url}/gh_response_nothing`, { headers })
  isRefusal(unknown, 'unknown_object', { door: OPENAI })
  isRefusal(await ask({ previous_response_id: 'resp_1' }), 'foreign_id', { door: OPENAI })
  const item = { type: 'code_interpreter_call', container_id: String(theirs).replace('_response_', '_container_') }
  isRefusal(await ask({ input: [item] }), 'unknown_object', { door: OPENAI })
  const apart = await ask({ previous_response_id: id!, conversation: conversationAt('other') })
  assert.equal(isRefusal(apart, 'held_apart', { door: OPENAI }).param, 'conversation')
  const crossing = await ask({ model: 'claude/assistant', background: true })
  assert.equal(isRefusal(crossing, 'cannot_cross', { door: OPENAI }).param, 'background')
  assert.deepEqual(notProvoked('doors-stored'), [])
})

test('what one target cannot be told, the next one is, if it speaks the dialect', async () => {
  const ask = (model: string) =>
    send(`${at.gateway.url}/v1/responses`, {
      headers: { authorization: `Bearer ${RED}` },
      body: { model, input: 'hello', background: true }
    })
  const { status, headers } = await ask('smart')
  assert.deepEqual([status, headers['x-gatehouse-provider'], headers['x-gatehouse-fallback']], [200, 'lab', '1'])
  // One that was asked, and failed, says more than one that could not be.
  const failed = await ask('broken')
  assert.deepEqual([failed.status, failed.headers['x-gatehouse-attempts']], [529, '3'], failed.text)
})

/** The id of a conversation as `red` would have been given it by a provider. */
function conversationAt(provider: string): string {
  return ids.wrap({ kind: 'conversation', provider, credential: 'key1', id: 'conv_1', owner: 'red' })
}

describe('the secret of the process', () => {
  test('decides what is known: the same one opens what another process gave out, another does not', async () => {
    const secret = new Secret('shared-by-the-replicas-of-this-test')
    const start = (of: Secret) => startTestGateway({ bare: true, providers: PROVIDERS, yaml: YAML, secret: of })
    const [one, other] = [await start(secret), await start(new Secret('a-secret-of-another-gateway'))]
    try {
      const { id } = await client(RED, one).responses.create({ model: 'lab/assistant', input: 'hello' })
      assert.equal((await refusal(client(RED, other).responses.retrieve(id))).code, 'unknown_object')
      const twin = await start(secret)
      try {
        // Its own simulated provider never heard of the answer; the gateway asks for it all the same.
        assert.equal((await refusal(client(RED, twin).responses.retrieve(id))).code, 'unknown_object')
        assert.equal(twin.seen().length, 1)
      } finally {
        await twin.close()
      }
    } finally {
      await one.close()
      await other.close()
    }
  })
})

describe('open mode', () => {
  test('takes a provider’s own ids too, for there is one owner', async () => {
    const open = await startTestGateway({ bare: true, providers: OPENAI_ALONE })
    try {
      const any = client('any', open)
      const { id } = await any.responses.create({ model: 'openai/assistant', input: 'hello' })
      assert.match(id, OURS)
      assert.equal((await any.responses.retrieve(id)).id, id)
      const refused = await refusal(
        any.responses.create({ model: 'openai/assistant', input: 'x', previous_response_id: 'resp_nobody_made' })
      )
      assert.notEqual(refused.code, 'foreign_id')
    } finally {
      await open.close()
    }
  })
})
