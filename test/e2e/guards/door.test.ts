import './register.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../../src/json.ts'
import { Secret } from '../../../src/secret.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'

/** `POST /v1/guard`: what the guards say of a text, for applications. The check `test` finds e-mail addresses. */
const ANN = 'ann@example.com'
const TOKEN = 'gh_admin_for-these-tests-only'

const YAML = `
auth: keys
keys:
  - { name: plain, key: a-plain-key-1234 }
  - { name: held, key: a-key-with-guards-1234, guards: [mask] }
  - { name: slow, key: a-slow-key-1234 }
  - { name: spent, key: a-spent-key-1234 }
  - { name: elsewhere, key: a-key-of-other-doors-1234, doors: [chat] }
  - { name: choosy, key: a-key-of-one-model-1234, models: ["openai/*"] }
budgets: [{ scope: { key: spent }, limit: { requests: 1 }, window: day }]
rate_limits: [{ scope: { key: slow }, requests: 2/minute }]
routes:
  guarded: { to: openai/assistant, guards: [block] }
guards:
  mask: { check: test, action: mask }
  block: { check: test, action: block }
  flag: { check: test, action: flag }
  shadow: { check: test, action: shadow }
  retry: { check: test, action: retry, on: [response] }
  whole: { check: test, action: mask, whole: true }
  judge: { check: test, action: block, asks: openai/assistant }
  broken: { check: test, action: block, broken: true }
  loose: { check: test, action: block, broken: true, on_error: open }
  real: { check: pii, action: mask }
  sometimes: { check: test, action: mask, always: true, when: { header.x-strict: "yes" } }`

describe('the door of the guards', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-guard-door-'))
  let at: TestGateway
  before(async () => {
    const secret = new Secret('a secret of the process, long enough')
    at = await startTestGateway({ yaml: YAML, adminToken: new Secret(TOKEN), secret, directory })
  })
  after(async () => {
    await at?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function ask(body: unknown, { key = 'a-plain-key-1234', headers = {} as Record<string, string> } = {}) {
    const answer = await fetch(`${at.gateway.url}/v1/guard`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body)
    })
    const json = (await answer.json()) as JsonObject & { error?: JsonObject; verdicts?: JsonObject[] }
    return { status: answer.status, json, headers: answer.headers }
  }
  const said = ({ json: { id: _, ...rest } }: { json: JsonObject }) => rest
  const verdict = (guard: string, action = guard, count = 1) => [{ guard, rule: 'test.email', action, count, score: 1 }]

  it('a text that nothing is found in is allowed, and nobody is asked', async () => {
    at.seen()
    const { status, json, headers } = await ask({ text: 'hello', guards: ['mask', 'block', 'flag'] })
    assert.equal(status, 200)
    assert.deepEqual(said({ json }), { action: 'allow', verdicts: [], text: 'hello' })
    assert.equal(json.id, headers.get('x-gatehouse-request-id'))
    assert.equal(headers.get('x-gatehouse-cost-usd'), '0')
    assert.deepEqual(at.seen(), [])
  })

  it('each action, of texts, several texts and conversations, on both sides', async () => {
    const text = `Write to ${ANN}.`
    const masked = 'Write to [[EMAIL_1]].'
    for (const side of ['request', 'response'] as const) {
      for (const guard of ['mask', 'whole']) {
        const shape = { action: 'mask', verdicts: verdict(guard, 'mask') }
        assert.deepEqual(said(await ask({ text, guards: [guard], side })), { ...shape, text: masked })
      }
      const several = said(await ask({ input: [text, 'hello', text], guards: ['mask'], side }))
      assert.deepEqual(several, {
        action: 'mask',
        verdicts: verdict('mask', 'mask', 2),
        input: [masked, 'hello', masked]
      })
      const flagged = said(await ask({ text, guards: ['flag', 'shadow', 'loose'], side }))
      assert.equal(flagged.action, 'flag')
      assert.deepEqual(
        (flagged.verdicts as JsonObject[]).map(({ guard, action }) => [guard, action]),
        [
          ['flag', 'flag'],
          ['loose', 'error']
        ]
      )
      const blocked = said(await ask({ text, guards: ['block'], side }))
      assert.deepEqual([blocked.action, blocked.verdicts, blocked.text], ['block', verdict('block'), undefined])
      assert.match(String(blocked.message), /"block".*test\.email/)
    }
    assert.equal(said(await ask({ text, guards: ['retry'], side: 'response' })).action, 'block')
    const messages = [
      { role: 'user', content: [{ type: 'text', text }] },
      { role: 'assistant', content: text }
    ]
    assert.deepEqual(said(await ask({ messages, guards: ['mask'] })).messages, [
      { role: 'user', content: [{ type: 'text', text: masked }] },
      { role: 'assistant', content: masked }
    ])
    const answer = said(await ask({ messages, guards: ['mask'], side: 'response' }))
    assert.deepEqual(answer.messages, [messages[0], { role: 'assistant', content: masked }])
  })

  it('guards of the caller always look, those of a route where the model is said, those with a condition where it holds', async () => {
    const text = `Write to ${ANN}.`
    assert.equal((await ask({ text })).json.action, 'allow')
    assert.equal((await ask({ text }, { key: 'a-key-with-guards-1234' })).json.action, 'mask')
    const both = await ask({ text, guards: ['flag'] }, { key: 'a-key-with-guards-1234' })
    assert.deepEqual(both.json.verdicts!.map(({ guard }) => guard).sort(), ['flag', 'mask'])
    assert.equal((await ask({ text, model: 'guarded' })).json.action, 'block')
    assert.equal((await ask({ text, model: 'openai/assistant' })).json.action, 'allow')
    assert.equal((await ask({ text }, { headers: { 'x-strict': 'yes' } })).json.action, 'mask')
    const refused = await ask({ text, model: 'anthropic/claude' }, { key: 'a-key-of-one-model-1234' })
    assert.deepEqual([refused.status, refused.json.error!.code], [403, 'not_allowed'])
  })

  it('what cannot be judged is no answer', async () => {
    const { status, json } = await ask({ text: 'hello', guards: ['broken'] })
    assert.deepEqual([status, json.error!.code], [503, 'guard_unavailable'])
  })

  it('a judge is asked by the routes of the gateway, and its call is charged to who asked', async () => {
    at.seen()
    const { json } = await ask({ text: 'hello', guards: ['judge'] })
    assert.equal(json.action, 'block')
    assert.equal(at.seen().length, 1)
    assert.ok(at.lines.some(({ operation, key }) => operation === 'chat' && key === 'plain'))
  })

  it('it is refused as every call is: no key, another door, a limit, a wrong type', async () => {
    assert.equal((await ask({ text: 'hello' }, { key: 'nobody-knows-this-key' })).status, 401)
    assert.equal((await ask({ text: 'hello' }, { key: 'a-key-of-other-doors-1234' })).status, 403)
    const key = 'a-slow-key-1234'
    const statuses = [
      await ask({ text: 'a' }, { key }),
      await ask({ text: 'b' }, { key }),
      await ask({ text: 'c' }, { key })
    ]
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [200, 200, 429]
    )
    const spent = { key: 'a-spent-key-1234' }
    assert.equal((await ask({ text: 'a' }, spent)).status, 200)
    const over = await ask({ text: 'b' }, spent)
    assert.deepEqual([over.status, over.json.error!.code], [429, 'budget_exceeded'])
    const form = await ask('text=hello', { headers: { 'content-type': 'application/x-www-form-urlencoded' } })
    assert.equal(form.status, 415)
  })

  it('what is wrong is named by its path', async () => {
    const cases: [body: unknown, param: string, code: string][] = [
      [{}, 'text', 'missing_field'],
      [{ text: 5 }, 'text', 'wrong_type'],
      [{ text: null }, 'text', 'wrong_type'],
      [{ text: 'a', messages: [] }, 'messages', 'wrong_type'],
      [{ text: 'a', input: ['b'] }, 'input', 'wrong_type'],
      [{ input: [] }, 'input', 'wrong_type'],
      [{ input: ['a', {}] }, 'input[1]', 'wrong_type'],
      [{ messages: 'hello' }, 'messages', 'wrong_type'],
      [{ messages: ['hello'] }, 'messages[0]', 'wrong_type'],
      [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', 'wrong_type'],
      [{ messages: [{ role: 'user', content: 'a' }], side: 'response' }, 'messages[0].role', 'wrong_type'],
      [{ text: 'a', guards: ['mask', 'nobody'] }, 'guards[1]', 'wrong_type'],
      [{ text: 'a', guards: ['constructor'] }, 'guards[0]', 'wrong_type'],
      [{ text: 'a', guards: ['retry'] }, 'guards[0]', 'wrong_type'],
      [{ text: 'a', guards: 'mask' }, 'guards', 'wrong_type'],
      [{ text: 'a', side: 'both' }, 'side', 'wrong_type'],
      [{ text: 'a', gaurds: [] }, 'gaurds', 'wrong_type']
    ]
    for (const [body, param, code] of cases) {
      const { status, json } = await ask(body)
      assert.deepEqual([status, json.error!.code, json.error!.param], [400, code, param], JSON.stringify(body))
    }
  })

  it('ten megabytes are judged beside the loop, and come back masked', async () => {
    const text = `${'The quick brown fox writes a line. '.repeat(300_000)}${ANN}`
    assert.ok(text.length > 10_000_000)
    const done = await ask({ text, guards: ['real'] })
    assert.equal(done.status, 200)
    assert.equal(done.json.action, 'mask')
    assert.ok(String(done.json.text).endsWith('line. [[EMAIL_1]]'))
    assert.equal(String(done.json.text).length, text.length - ANN.length + '[[EMAIL_1]]'.length)
    const answer = await ask({ input: ['hello', text.slice(-200_000)], guards: ['real'], side: 'response' })
    assert.deepEqual(
      (answer.json.input as string[]).map(each => each.slice(-11)),
      ['hello', '[[EMAIL_1]]']
    )
  })

  it('it is in the ledger, free; and no text of it is in the log', async () => {
    const { json } = await ask({ text: `Write to ${ANN}.`, guards: ['block'] }, { key: 'a-key-with-guards-1234' })
    let row: JsonObject = {}
    await until(async () => {
      const answer = await fetch(`${at.gateway.url}/admin/requests/${json.id}`, {
        headers: { authorization: `Bearer ${TOKEN}` }
      })
      if (answer.ok) row = ((await answer.json()) as { request: JsonObject }).request
      return answer.ok
    }, 'the row is there')
    const { operation, cost_usd, outcome, status, payers } = row
    assert.deepEqual(
      { operation, cost_usd, outcome, status, payers },
      { operation: 'guard', cost_usd: '0', outcome: 'done', status: 200, payers: { key: 'held' } }
    )
    const line = at.lines.find(({ id }) => id === json.id)!
    assert.deepEqual(
      (line.verdicts as JsonObject[]).map(({ guard, action }) => [guard, action]),
      [['block', 'block']]
    )
    assert.doesNotMatch(JSON.stringify(at.lines), /ann@|Write to/)
  })
})

describe('the door of the guards of a gateway without any', () => {
  it('allows what nobody looks at, and knows no name', async () => {
    const at = await startTestGateway()
    try {
      const post = (body: JsonObject) =>
        fetch(`${at.gateway.url}/guard`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body)
        })
      const { action, text } = (await (await post({ text: ANN })).json()) as JsonObject
      assert.deepEqual([action, text], ['allow', ANN])
      assert.equal((await post({ text: ANN, guards: ['pii'] })).status, 400)
    } finally {
      await at.close()
    }
  })
})
