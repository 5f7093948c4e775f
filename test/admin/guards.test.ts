/** The admin API of the guards, at a gateway that runs: which there are, and what they say. */
import '../e2e/guards/register.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const TOKEN = 'gh_admin_for-these-tests-only'
const ANN = 'ann@example.com'
const YAML = `
auth: keys
keys: [{ name: app, key: a-key-of-the-file-1234, guards: [mask] }]
teams: [{ id: platform, guards: [mask, block] }]
routes: { guarded: { to: openai/assistant, guards: [block] } }
guards:
  mask: { check: test, action: mask }
  block: { check: test, action: block, on: [request] }
  flag: { check: test, action: flag, when: { model: guarded } }
  judge: { check: test, action: mask, asks: openai/assistant }
  broken: { check: test, action: block, broken: true, on_error: open, always: true }
  hook: { check: webhook, url: "https://guards.example.com", secret: a-secret-of-the-hook, on: [response] }
  names: { check: words, name: codenames, words: [Bluebird] }`

interface Tried {
  action: string
  guards: { guard: string; check: string; verdict: string; ms: number; count: number; spans: JsonObject[] }[]
  text?: string
  input?: string[]
  messages?: JsonObject[]
  body?: JsonObject
}

describe('the guards of the admin API', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-admin-guards-'))
  let at: TestGateway
  before(async () => {
    const secret = new Secret('a secret of the process, long enough')
    at = await startTestGateway({ yaml: YAML, adminToken: new Secret(TOKEN), secret, directory })
  })
  after(async () => {
    await at?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function ask(what: string, body?: unknown, token = TOKEN) {
    const [method, path] = what.split(' ') as [string, string]
    const answer = await fetch(`${at.gateway.url}/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    return { status: answer.status, json: (await answer.json()) as JsonObject & { error?: JsonObject } }
  }
  async function tried(body: JsonObject): Promise<Tried> {
    const { status, json } = await ask('POST /guards/test', body)
    assert.equal(status, 200, JSON.stringify(json))
    return json as unknown as Tried
  }

  test('they are listed with where they are attached, and nothing of what their checks were given', async () => {
    const { json } = await ask('GET /guards')
    const rows = json.data as JsonObject[]
    const of = (name: string) => rows.find(row => row.name === name)!
    assert.deepEqual(of('mask'), {
      name: 'mask',
      check: 'test',
      on: ['request', 'response'],
      action: 'mask',
      always: false,
      routes: [],
      keys: ['app'],
      teams: ['platform'],
      scope: 'everything',
      on_error: 'closed',
      on_stream: 'hold',
      timeout_ms: 5_000,
      sample: 1,
      conditional: false
    })
    assert.deepEqual([of('block').routes, of('block').teams, of('flag').conditional], [['guarded'], ['platform'], true])
    assert.doesNotMatch(JSON.stringify(json), /a-secret-of-the-hook|example\.com|Bluebird/)
  })

  test('each guard says what it finds, where and in what time; the text comes back masked', async () => {
    const text = `Write to ${ANN}.`
    const { action, guards, text: masked } = await tried({ text, guards: ['mask', 'block', 'flag', 'names', 'broken'] })
    assert.deepEqual([action, masked], ['block', 'Write to [[EMAIL_1]].'])
    const verdicts = guards.map(({ guard, verdict, count }) => [guard, verdict, count])
    assert.deepEqual(verdicts, [
      ['mask', 'mask', 1],
      ['block', 'block', 1],
      ['flag', 'flag', 1],
      ['names', 'allow', 0],
      ['broken', 'error', 0]
    ])
    const [{ spans, ms }] = guards as [Tried['guards'][0]]
    const [{ rule, score, label, start, end, path }] = spans as [JsonObject]
    assert.deepEqual([rule, score, label, path], ['test.email', 1, 'EMAIL', 'messages[0].content'])
    assert.equal(text.slice(Number(start), Number(end)), ANN)
    assert.ok(ms >= 0 && ms < 1_000)
  })

  test('texts, conversations and native bodies of every dialect, on both sides', async () => {
    const guards = ['mask']
    assert.deepEqual((await tried({ input: ['hello', ANN], guards })).input, ['hello', '[[EMAIL_1]]'])
    const messages = [{ role: 'user', content: ANN }]
    assert.deepEqual((await tried({ messages, guards })).messages, [{ role: 'user', content: '[[EMAIL_1]]' }])
    const bodies = {
      'anthropic-messages': { model: 'm', system: ANN, messages: [{ role: 'user', content: 'hello' }] },
      gemini: { contents: [{ role: 'user', parts: [{ text: ANN }] }] },
      'openai-responses': { model: 'm', input: ANN }
    }
    for (const [dialect, body] of Object.entries(bodies)) {
      const expected = JSON.parse(JSON.stringify(body).replace(ANN, '[[EMAIL_1]]'))
      assert.deepEqual((await tried({ dialect, body, guards })).body, expected)
    }
    const answer = { content: [{ type: 'text', text: ANN }] }
    const said = await tried({ dialect: 'anthropic-messages', body: answer, side: 'response', guards })
    assert.deepEqual(said.body, { content: [{ type: 'text', text: '[[EMAIL_1]]' }] })
  })

  test('all that look at the side are asked where none is named; a judge asks by our own routes', async () => {
    at.seen()
    const { guards } = await tried({ text: 'Bluebird' })
    assert.deepEqual(
      guards.map(({ guard, verdict }) => [guard, verdict]),
      [
        ['mask', 'allow'],
        ['block', 'allow'],
        ['flag', 'allow'],
        ['judge', 'mask'],
        ['broken', 'error'],
        ['names', 'block']
      ]
    )
    assert.equal(at.seen().length, 1)
  })

  test('what is wrong is named; what is too large is refused', async () => {
    const cases: [body: unknown, param: string][] = [
      [{}, 'text'],
      [{ text: 'a', messages: [{ role: 'user', content: 'b' }] }, 'messages'],
      [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
      [{ text: 'a', guards: ['nobody'] }, 'guards[0]'],
      [{ text: 'a', guards: ['hook'] }, 'guards[0]'],
      [{ text: 'a', dialect: 'morse' }, 'dialect'],
      [{ text: 'a', gaurds: [] }, 'gaurds']
    ]
    for (const [body, param] of cases) {
      const { status, json } = await ask('POST /guards/test', body)
      assert.deepEqual([status, json.error!.code, json.error!.param], [400, 'invalid_input', param])
    }
    for (const body of [{ body: { messages: 'no' } }, { body: {} }, { body: { messages: [5, null] } }]) {
      assert.equal((await tried({ ...body, guards: ['mask'] } as JsonObject)).action, 'allow')
    }
    const large = await ask('POST /guards/test', { text: 'x'.repeat(10_000_000) })
    assert.deepEqual([large.status, large.json.error!.code], [413, 'body_too_large'])
  })

  test('who has no permission learns nothing, and no text is in the log', async () => {
    const made = async (body: JsonObject) => String((await ask('POST /admins', body)).json.token)
    const auditor = await made({ name: 'auditor', role: 'auditor' })
    const viewer = await made({ name: 'viewer', role: 'billing_viewer' })
    const statuses = async (token: string) => [
      (await ask('GET /guards', undefined, token)).status,
      (await ask('POST /guards/test', { text: ANN }, token)).status
    ]
    assert.deepEqual(await statuses(auditor), [200, 403])
    assert.deepEqual(await statuses(viewer), [403, 403])
    assert.deepEqual(await statuses('a-key-of-the-file-1234'), [401, 401])
    assert.doesNotMatch(JSON.stringify(at.lines), /ann@|Bluebird/)
  })
})
