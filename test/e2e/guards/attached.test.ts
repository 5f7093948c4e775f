import './register.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { loadConfig } from '../../../src/config/index.ts'
import type { JsonObject } from '../../../src/json.ts'
import { Secret } from '../../../src/secret.ts'
import { ANTHROPIC, DOORS, OPENAI, send } from '../../support/client.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'

const ANN = 'ann@example.com'

const YAML = `
guards:
  all: { check: test, action: flag, always: true }
  routed: { check: test, action: mask }
  keyed: { check: test, action: mask }
  teamed: { check: test, action: mask }
  never: { check: test, always: true, sample: 0 }
  plan: { check: test, always: true, when: { metadata.plan: strict } }
  again: { check: test, action: retry }
  other: { check: test, action: reroute }
  late: { check: test, on: [response] }
  closed: { check: test, broken: true }
  open: { check: test, broken: true, on_error: open }
  whole: { check: test, whole: true, on_stream: refuse, on: [response] }
routes:
  plain: openai/echo
  guarded: { to: openai/echo, guards: [routed] }
  outer: { fallback: [plain, guarded] }
  wild-*: { to: openai/echo, guards: [routed] }
  again: { to: { retry: openai/echo, times: 1 }, guards: [again] }
  other: { to: { fallback: [openai/echo, openai/story] }, guards: [other] }
  late-openai: { to: openai/echo, guards: [late] }
  late-anthropic: { to: anthropic/echo, guards: [late] }
  closed: { to: openai/story, guards: [closed] }
  open: { to: openai/story, guards: [open] }
  whole: { to: openai/story, guards: [whole] }
teams: [{ id: red, guards: [teamed] }]
keys:
  - { name: free, key: sk-free }
  - { name: mine, key: sk-mine, guards: [keyed] }
  - { name: child, key: sk-child, parent: mine }
  - { name: member, key: sk-member, team: red }`

describe('which guards look at a call', () => {
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({ yaml: YAML })
  })
  after(() => test.close())

  const ask = async (
    model: string,
    { key = 'sk-free', headers = {}, ...more }: { key?: string; headers?: object } & JsonObject = {}
  ) => {
    test.seen()
    const answer = await send(`${test.gateway.url}${OPENAI.path}`, {
      headers: { authorization: `Bearer ${key}`, ...headers },
      body: OPENAI.body(model, `to ${ANN}`, more)
    })
    const { verdicts = [] } = test.lines.at(-1) as { verdicts?: { guard: string; side: string }[] }
    return { answer, guards: [...new Set(verdicts.map(({ guard }) => guard))], seen: test.seen() }
  }

  for (const [what, model, more, guards] of [
    ['those of the gateway', 'openai/echo', {}, ['all']],
    ['a route without any', 'plain', {}, ['all']],
    ['a route', 'guarded', {}, ['all', 'routed']],
    ['a route that calls may come by', 'outer', {}, ['all', 'routed']],
    ['a route by its pattern', 'wild-west', {}, ['all', 'routed']],
    ['a route that a header names', 'plain', { headers: { 'x-gatehouse-route': 'guarded' } }, ['all', 'routed']],
    ['a route among the models of a call', 'plain', { models: ['guarded'] }, ['all', 'routed']],
    ['a key', 'plain', { key: 'sk-mine' }, ['all', 'keyed']],
    ['the key that a key was made from', 'plain', { key: 'sk-child' }, ['all', 'keyed']],
    ['a team', 'plain', { key: 'sk-member' }, ['all', 'teamed']],
    ['all of them', 'guarded', { key: 'sk-mine' }, ['all', 'routed', 'keyed']]
  ] as const) {
    it(what, async () => {
      const { answer, guards: found } = await ask(model, { ...more } as JsonObject)
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual(found, guards)
    })
  }

  it('by what holds of the call', async () => {
    const { answer } = await ask('plain', { metadata: { plan: 'strict' } })
    assert.equal(OPENAI.error(answer.json()).code, 'guardrail_blocked')
    assert.equal((await ask('plain', { metadata: { plan: 'other' } })).answer.status, 200)
  })

  for (const stream of [false, true]) {
    it(`reroute asks the next target${stream ? ', before a stream has begun' : ''}`, async () => {
      const { answer, seen } = await ask('other', { stream })
      assert.equal(answer.status, 200)
      assert.match(stream ? OPENAI.streamed(answer.events()) : OPENAI.said(answer.json()), /signalman/)
      assert.deepEqual(
        seen.map(({ model }) => model),
        ['echo', 'story']
      )
      assert.equal(answer.headers['x-gatehouse-attempts'], '2')
      assert.equal(test.lines.at(-1)?.outcome, 'done')
    })

    it(`retry asks again with the verdict${stream ? ', before a stream has begun' : ''}; where it is no better, it is refused`, async () => {
      const { answer, seen } = await ask('again', { stream })
      assert.equal(answer.status, 400)
      assert.equal(OPENAI.error(answer.json()).code, 'guardrail_blocked')
      assert.equal(seen.length, 2)
      const [first, second] = seen.map(({ body }) => JSON.stringify((body as JsonObject).messages))
      assert.doesNotMatch(first!, /not delivered/)
      assert.match(second!, /not delivered.*test\.email/)
    })
  }

  it('a check of the whole may refuse streams', async () => {
    const { answer, seen } = await ask('whole', { stream: true })
    assert.equal(answer.status, 400)
    assert.equal(OPENAI.error(answer.json()).code, 'guard_cannot_stream')
    assert.equal(seen.length, 0)
    assert.equal((await ask('whole')).answer.status, 200)
  })

  for (const stream of [false, true]) {
    it(`a check that fails stops the call where it is closed${stream ? ', streamed' : ''}`, async () => {
      const { answer, seen } = await ask('closed', { stream })
      assert.equal(answer.status, 503)
      assert.equal(OPENAI.error(answer.json()).code, 'guard_unavailable')
      assert.equal(seen.length, 0)
      const { answer: passed, guards } = await ask('open', { stream })
      assert.equal(passed.status, 200)
      assert.deepEqual(guards, ['all', 'open'])
    })
  }

  for (const door of DOORS) {
    it(`${door.name}: a stream that has begun ends with the refusal, said natively`, async () => {
      const words = 'Nothing to see here, and nothing to see there. '.repeat(8)
      const model = `late-${door.provider}`
      const body = door.body(model, `${words}${ANN}. ${words}[[sim:chunk=5]]`, { stream: true })
      const headers = { authorization: 'Bearer sk-free' }
      const answer = await send(`${test.gateway.url}${door.path}`, { headers, body })
      assert.equal(answer.status, 200)
      const events = answer.events()
      assert.match(door.streamed(events), /^Nothing to see here, /)
      assert.doesNotMatch(answer.text, /ann|@example/)
      assert.ok(!door.ended(events))
      assert.match(JSON.stringify(door.broken(events)), /test\.email/)
      await until(() => test.lines.at(-1)?.modelAsked === model, 'it is recorded')
      const { outcome, code, verdicts } = test.lines.at(-1) as { outcome: string; code: string; verdicts: JsonObject[] }
      assert.deepEqual([outcome, code], ['failed', 'guardrail_blocked'])
      assert.ok(verdicts.some(({ guard, action, side }) => `${guard} ${action} ${side}` === 'late block response'))
    })
  }

  it('embeddings are asked for with masked texts', async () => {
    test.seen()
    const answer = await send(`${test.gateway.url}/v1/embeddings`, {
      headers: { authorization: 'Bearer sk-mine' },
      body: { model: 'openai/text-embedding-3-small', input: [`a ${ANN}`, 'b'] }
    })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual((test.seen()[0]!.body as JsonObject).input, ['a [[EMAIL_1]]', 'b'])
  })

  it('counts of tokens are those of the masked text', async () => {
    test.seen()
    const body = { model: 'anthropic/echo', messages: [{ role: 'user', content: ANN }] }
    const answer = await send(`${test.gateway.url}${ANTHROPIC.path}/count_tokens`, {
      headers: { 'x-api-key': 'sk-mine' },
      body
    })
    assert.equal(answer.status, 200, answer.text)
    assert.doesNotMatch(JSON.stringify(test.seen()), /ann@/)
  })
})

describe('the configuration of guards', () => {
  const faultsOf = (text: string) => {
    try {
      loadConfig({ path: 'my.yaml', text, env: {}, readFile: () => '' })
      return []
    } catch (thrown) {
      return (thrown as Error).message.split('\n')
    }
  }
  for (const [what, yaml, says] of [
    [
      'an unknown check',
      'guards: { a: { check: tst } }',
      /guards\.a\.check: no check has the name "tst"; did you mean "test"/
    ],
    ['no check', 'guards: { a: { action: mask } }', /guards\.a.*: expected a guard: \{ check: … \}/],
    [
      'an action that there is not',
      'guards: { a: { check: test, action: hide } }',
      /guards\.a\.action: expected one of "block"/
    ],
    [
      'an option that the check does not have',
      'guards: { a: { check: test, hole: true } }',
      /guards\.a\.hole: unknown key/
    ],
    [
      'retry of a request',
      'guards: { a: { check: test, action: retry, on: [request] } }',
      /guards\.a\.on: retry asks for another answer/
    ],
    [
      'a name on a route',
      'sim: true\nguards: { abc: { check: test } }\nroutes: { r: { to: sim/echo, guards: [abd] } }',
      /routes\.r\.guards\[0\]: no guard has the name "abd"; did you mean "abc"/
    ],
    [
      'a name on a key',
      'keys: [{ name: k, key: x, guards: [no] }]',
      /keys\[0\]\.guards\[0\]: no guard has the name "no"/
    ],
    ['a name on a team', 'teams: [{ id: t, guards: [no] }]', /teams\[0\]\.guards\[0\]: no guard has the name "no"/]
  ] as const) {
    it(what, () => {
      const faults = faultsOf(yaml)
      assert.ok(
        faults.some(fault => says.test(fault)),
        faults.join('\n')
      )
    })
  }

  it('a guard that looks at nothing is worth a word', () => {
    const { warnings } = loadConfig({
      path: undefined,
      text: 'guards: { a: { check: test } }',
      env: {},
      readFile: () => ''
    })
    assert.deepEqual(
      warnings.map(({ path }) => path),
      ['guards.a']
    )
  })
})

describe('what a check asks of a model', () => {
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({
      yaml: `
guards:
  judge: { check: test, asks: openai/echo, always: true, on: [request] }
  vectors: { check: test, embeds: openai/text-embedding-3-small, always: true, on: [request] }
keys: [{ name: k, key: sk-k, models: ['openai/story'] }]`
    })
  })
  after(() => test.close())

  it('goes by our own routes, is charged to the same key, and is looked at by no guard', async () => {
    const answer = await send(`${test.gateway.url}${OPENAI.path}`, {
      headers: { authorization: 'Bearer sk-k' },
      body: OPENAI.body('openai/story', 'hello')
    })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(
      test.seen().map(({ model }) => model),
      ['echo', 'text-embedding-3-small', 'story']
    )
    const rows = test.lines.filter(({ msg }) => msg === 'call') as {
      payers: { key: string; tags?: string[] }
      operation: string
    }[]
    assert.deepEqual(
      rows.map(({ payers, operation }) => [operation, payers.key, payers.tags]),
      [
        ['chat', 'k', ['purpose:test']],
        ['embeddings', 'k', ['purpose:test']],
        ['chat', 'k', undefined]
      ]
    )
  })
})

describe('keys of the stores', () => {
  it('have guards, and their children have them too; one that is gone lets nothing pass', async t => {
    const directory = mkdtempSync(join(tmpdir(), 'gatehouse-guards-'))
    const admin = 'gh_admin_of-this-test'
    const test = await startTestGateway({
      yaml: 'guards: { keyed: { check: test, action: mask } }\nauth: keys',
      directory,
      secret: new Secret('a-secret-of-the-process-for-tests-only'),
      adminToken: new Secret(admin)
    })
    t.after(async () => {
      await test.close()
      rmSync(directory, { recursive: true, force: true })
    })
    const change = async (method: string, path: string, body: JsonObject) => {
      const headers = { authorization: `Bearer ${admin}` }
      const answer = await send(`${test.gateway.url}/admin${path}`, { method, headers, body })
      assert.ok(answer.status < 300, answer.text)
      return answer.json() as { key: JsonObject; token: string }
    }
    const ask = async (token: string) => {
      test.seen()
      const headers = { authorization: `Bearer ${token}` }
      const body = OPENAI.body('openai/echo', `to ${ANN}`)
      const answer = await send(`${test.gateway.url}${OPENAI.path}`, { headers, body })
      return { answer, sent: JSON.stringify(test.seen().map(({ body }) => body)) }
    }
    const made = await change('POST', '/keys', { name: 'made', guards: ['keyed'] })
    const child = await change('POST', '/keys', { name: 'child', parent: made.key.id! })
    const free = await change('POST', '/keys', { name: 'free' })
    assert.deepEqual(made.key.guards, ['keyed'])
    for (const { token } of [made, child]) {
      const { answer, sent } = await ask(token)
      assert.equal(answer.status, 200, answer.text)
      assert.match(sent, /\[\[EMAIL_1\]\]/)
      assert.doesNotMatch(sent, /ann@/)
    }
    assert.match((await ask(free.token)).sent, /ann@/)
    await change('PATCH', `/keys/${made.key.id}`, { guards: ['gone'] })
    await until(async () => (await ask(child.token)).answer.status === 503, 'the key names a guard that is not there')
    const { answer, sent } = await ask(child.token)
    assert.equal(OPENAI.error(answer.json()).code, 'guard_unavailable')
    assert.equal(sent, '[]')
  })
})
