/** Where data may go: by every door, whoever demands it, and whatever goes wrong on the way. */
import './guards/register.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { ANTHROPIC, type Answer, DOORS, type Given, OPENAI, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'
import { callLine, nameOf, WAYS } from './money/support.ts'
import { ADMIN, ALL, KINDS, MIXED, PROVIDERS, YAML } from './residency-places.ts'

let at: TestGateway
let directory: string

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-residency-'))
  at = await startTestGateway({
    bare: true,
    providers: PROVIDERS,
    yaml: `overload: { loop_lag: 60s, memory: 99% }\n${YAML}`,
    directory,
    secret: new Secret('a-secret-of-the-process-for-tests-only'),
    adminToken: new Secret(ADMIN)
  })
})
after(async () => {
  await at?.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Who was sent anything since the last time. */
function asked(): string[] {
  return at.seen().map(({ headers }) => {
    assert.ok(!('x-gatehouse-require' in headers), 'what is demanded is between the client and us')
    const credential = headers.authorization ?? headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers['api-key']
    return String(credential).slice(-4)
  })
}

interface Asked {
  key?: string
  require?: string
  more?: JsonObject
  text?: string
}

async function chat(model: string, { key = 'free', require, more, text = 'tell me' }: Asked = {}, door = OPENAI) {
  asked()
  const headers: Given = { authorization: `Bearer key-${key}`, 'x-gatehouse-require': require }
  return send(at.gateway.url + door.path, { headers, body: door.body(model, text, more) })
}

const refusedBy = (answer: Answer) => OPENAI.error(answer.json())

describe('by every door', () => {
  for (const way of WAYS.filter(({ asks }) => asks)) {
    const enter = async (model: string, require: string) => {
      asked()
      const { path, headers, ...rest } = way.ask(model, 'none')
      const given = { ...headers, authorization: 'Bearer key-free', 'x-gatehouse-require': require }
      return send(at.gateway.url + path, { ...rest, headers: given })
    }
    // A provider in the path of an address is no route; its model names lead to it all the same.
    it(`${nameOf(way)}: only who fulfils it is asked; else nobody`, async () => {
      const answer = await enter('mixed', ALL)
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual(asked(), ['home'])
      for (const require of ALL.split('; ')) {
        for (const model of ['away/assistant', 'mute/assistant']) {
          const refused = await enter(model, require)
          assert.equal(refused.status, 403, refused.text)
          assert.equal(way.code(refused.json()), 'residency_refused')
          assert.deepEqual(asked(), [], `${model}, ${require}`)
        }
      }
    })
  }
})

describe('whoever demands it', () => {
  for (const kind of KINDS) {
    const ways: [string, string, Asked][] = [
      ['a key', 'mixed', { key: kind }],
      ['the key that a key was made from', 'mixed', { key: `child-${kind}` }],
      ['a team of the file', 'mixed', { key: `member-${kind}` }],
      ['a route', `of-${kind}`, {}],
      ['the call', 'mixed', { require: kind === 'region' ? 'region=ch|eu' : kind.replace('_', '-') }]
    ]
    for (const [who, model, ask] of ways) {
      it(`${kind}: ${who}`, async () => {
        const answer = await chat(model, ask)
        assert.equal(answer.status, 200, answer.text)
        assert.equal(answer.headers['x-gatehouse-provider'], 'home')
        assert.deepEqual(asked(), ['home'])
        if (model !== 'mixed') return
        for (const other of ['away/assistant', 'mute/assistant']) {
          const refused = await chat(other, ask)
          assert.deepEqual([refused.status, refusedBy(refused).code], [403, 'residency_refused'], other)
          assert.deepEqual(asked(), [])
        }
      })
    }
  }

  it('demands add up, and nothing further down takes one back', async () => {
    // The key accepts two regions, the call one of them: both count.
    assert.equal((await chat('near/assistant', { key: 'region' })).status, 200)
    assert.equal((await chat('near/assistant', { key: 'region', require: 'region=de' })).status, 403)
    assert.equal((await chat('home/assistant', { key: 'region', require: 'region=de' })).status, 200)
    assert.equal((await chat('away/assistant', { key: 'region', require: 'region=us' })).status, 403)
    assert.equal((await chat('of-region', { require: 'region=us' })).status, 403)
    assert.equal((await chat('mixed', { require: 'region=eu, region=us' })).status, 403)
  })

  it('what a route demands holds below it, and not beside it', async () => {
    assert.equal((await chat('over')).headers['x-gatehouse-provider'], 'home')
    assert.equal((await chat('eu-assistant')).headers['x-gatehouse-provider'], 'home')
    const models = await chat('of-region', { more: { models: ['away/503', 'away/assistant'] } })
    assert.equal(models.headers['x-gatehouse-provider'], 'home')
    const under = await chat('away/assistant', { more: { models: ['of-region'] }, require: 'no-training' })
    assert.equal(under.headers['x-gatehouse-provider'], 'home')
    assert.ok(!asked().includes('away'))
  })

  it('a route that a header names is under the demands of the call too', async () => {
    const headers = { authorization: 'Bearer key-region', 'x-gatehouse-route': 'mixed' }
    asked()
    const answer = await send(at.gateway.url + OPENAI.path, { headers, body: OPENAI.body('any', 'hello') })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(asked(), ['home'])
  })

  it('the provider object of a body', async () => {
    for (const provider of [{ zdr: true }, { data_collection: 'deny' }]) {
      const answer = await chat('mixed', { more: { provider } })
      assert.equal(answer.headers['x-gatehouse-provider'], 'home', answer.text)
      assert.equal(refusedBy(await chat('away/assistant', { more: { provider } })).code, 'residency_refused')
      assert.deepEqual(asked(), [])
    }
  })

  it('a demand that cannot be read is refused, not overlooked', async () => {
    for (const require of ['region=eu,ch', 'zdr', 'region', '', 'no-training=false']) {
      const answer = await chat('home/assistant', { require })
      assert.deepEqual([answer.status, refusedBy(answer).code], [400, 'invalid_header'], require)
      assert.deepEqual(asked(), [])
    }
  })

  it('the gateway itself', async t => {
    const strict = await startTestGateway({
      bare: true,
      providers: PROVIDERS,
      yaml: `require: { region: [eu], no_training: true }\nroutes: { mixed: ${MIXED} }`
    })
    t.after(() => strict.close())
    const ask = (model: string, headers: Given = {}) =>
      send(strict.gateway.url + ANTHROPIC.path, { headers, body: ANTHROPIC.body(model, 'hello') })
    assert.equal((await ask('mixed')).headers['x-gatehouse-provider'], 'home')
    assert.equal((await ask('near/assistant')).status, 200)
    for (const model of ['away/assistant', 'mute/assistant', 'sim/echo']) {
      assert.notEqual((await ask(model)).status, 200, model)
    }
    assert.equal((await ask('away/assistant', { 'x-gatehouse-require': 'region=us' })).status, 403)
    assert.equal(strict.seen().length, 2)
  })
})

describe('whatever goes wrong on the way', () => {
  it('a fallback is nobody who does not fulfil it: the failure is the provider’s, and says who was left out', async () => {
    const answer = await chat('failing')
    assert.equal(refusedBy(answer).code, 'provider_overloaded', answer.text)
    assert.match(answer.text, /away\/assistant \(it is not known to be in a region that is demanded\)/)
    assert.deepEqual(new Set(asked()), new Set(['home']))
    const passed = await chat('passing')
    assert.equal(passed.headers['x-gatehouse-provider'], 'near', passed.text)
    assert.deepEqual(new Set(asked()), new Set(['home', 'near']))
  })

  it('nor when all is tried again, nor in a race', async () => {
    assert.equal(refusedBy(await chat('retried')).code, 'provider_overloaded')
    assert.deepEqual(new Set(asked()), new Set(['home']))
    const raced = await chat('raced', { more: { stream: true } })
    assert.equal(raced.headers['x-gatehouse-provider'], 'home', raced.text)
    assert.deepEqual(asked(), ['home'])
  })

  for (const door of DOORS) {
    it(`${door.name}: a broken stream is gone on with by who fulfils it, or by nobody`, async () => {
      const text = 'a text that is long enough to break somewhere inside of it'
      const whole = await chat('cut', { more: { stream: true }, text }, door)
      assert.equal(door.streamed(whole.events()), `You said: ${text}`)
      assert.deepEqual(new Set(asked()), new Set(['home', 'near']))
      const broken = await chat('cut-alone', { more: { stream: true }, text }, door)
      assert.ok(door.broken(broken.events()), broken.text)
      assert.deepEqual(new Set(asked()), new Set(['home']))
    })
  }

  it('an answer that is kept where it is not allowed is not gone on with, nor read again', async () => {
    const responses = (body: JsonObject, require?: string) =>
      send(`${at.gateway.url}/v1/responses`, {
        headers: { authorization: 'Bearer key-free', 'x-gatehouse-require': require },
        body
      })
    const made = await responses({ model: 'away/assistant', input: 'hello' })
    assert.equal(made.status, 200, made.text)
    const { id } = made.json() as { id: string }
    asked()
    for (const model of ['away/assistant', 'mixed']) {
      const next = await responses({ model, input: 'and then?', previous_response_id: id }, 'region=eu')
      assert.deepEqual([next.status, refusedBy(next).code], [403, 'residency_refused'], next.text)
    }
    const read = (require?: string) =>
      send(`${at.gateway.url}/v1/responses/${id}`, {
        headers: { authorization: 'Bearer key-free', 'x-gatehouse-require': require }
      })
    const refused = await read('region=eu')
    assert.deepEqual([refused.status, refusedBy(refused).code], [403, 'residency_refused'])
    assert.deepEqual(asked(), [])
    assert.equal((await read()).status, 200)
    assert.equal((await responses({ model: 'mixed', input: 'and then?', previous_response_id: id })).status, 200)
    assert.deepEqual(asked(), ['away', 'away'])
  })
})

describe('what guards ask of models', () => {
  const text = 'hello'
  for (const [what, model, ask] of [
    ['the key', 'near/assistant', { key: 'judged-eu' }],
    ['the call', 'near/assistant', { key: 'judged', require: ALL }],
    ['the route', 'of-region', { key: 'judged' }],
    ['a route further down', 'over', { key: 'judged' }]
  ] as const) {
    it(`goes where ${what} allows`, async () => {
      const answer = await chat(model, { ...ask, text })
      assert.equal(answer.status, 200, answer.text)
      const all = asked()
      assert.equal(all.length, 3)
      assert.ok(!all.includes('away') && !all.includes('mute'), all.join())
    })
  }

  it('goes anywhere where nothing is demanded', async () => {
    assert.equal((await chat('home/assistant', { key: 'judged', text })).status, 200)
    assert.deepEqual(asked(), ['away', 'away', 'home'])
  })

  it('is asked of nobody where nobody is allowed: the check fails, and nothing passes', async () => {
    const answer = await chat('home/assistant', { key: 'abroad', require: 'region=eu', text })
    assert.deepEqual([answer.status, refusedBy(answer).code], [503, 'guard_unavailable'])
    assert.deepEqual(asked(), [])
  })
})

async function admin(method: string, path: string, body?: JsonObject): Promise<JsonObject> {
  const headers = { authorization: `Bearer ${ADMIN}` }
  const answer = await send(`${at.gateway.url}/admin${path}`, { method, headers, ...(body && { body }) })
  assert.ok(answer.status < 300, answer.text)
  return answer.json()
}

describe('keys and teams of the stores', () => {
  const away = async (token: string) => {
    asked()
    const headers = { authorization: `Bearer ${token}` }
    const body = OPENAI.body('away/assistant', 'to ann@example.com')
    const answer = await send(at.gateway.url + OPENAI.path, { headers, body })
    return { status: answer.status, sent: JSON.stringify(at.seen().map(each => each.body)) }
  }
  const becomes = (token: string, status: number) =>
    until(async () => (await away(token)).status === status, `calls with the key end with ${status}`)

  it('a key: its demands hold for the keys made from it, at once, until they are taken away', async () => {
    const made = await admin('POST', '/keys', { name: 'eu-key', require: { region: ['eu'] } })
    const { id, require } = made.key as JsonObject
    assert.deepEqual(require, { region: ['eu'] })
    const child = await admin('POST', '/keys', { name: 'eu-child', parent: id!, require: { no_training: true } })
    for (const { token } of [made, child]) assert.equal((await away(String(token))).status, 403)
    await admin('PATCH', `/keys/${id}`, { require: null })
    await becomes(String(made.token), 200)
    assert.equal((await away(String(child.token))).status, 403)
  })

  for (const kind of ['org', 'team', 'user']) {
    it(`${kind}: guards and demands act on calls of its keys, and no longer when they are taken away`, async () => {
      const held = { guards: ['masks'], require: { zero_retention: true } }
      const tenant = await admin('POST', '/tenants', { kind, id: `its-${kind}`, ...held })
      assert.deepEqual([tenant.guards, tenant.require], [held.guards, held.require])
      const { token } = await admin('POST', '/keys', { name: `of-${kind}`, [kind]: `its-${kind}` })
      assert.equal((await away(String(token))).status, 403)
      const renamed = await admin('PATCH', `/tenants/${kind}/its-${kind}`, { name: 'Renamed' })
      assert.deepEqual([renamed.guards, renamed.require], [held.guards, held.require])
      await admin('PATCH', `/tenants/${kind}/its-${kind}`, { require: null })
      await becomes(String(token), 200)
      assert.match((await away(String(token))).sent, /\[\[EMAIL_1\]\]/)
      await admin('PATCH', `/tenants/${kind}/its-${kind}`, { guards: null })
      await until(async () => /ann@/.test((await away(String(token))).sent), 'nothing is masked any more')
      const bare = await admin('GET', `/tenants/${kind}/its-${kind}`)
      assert.deepEqual([bare.guards, bare.require], [null, null])
    })
  }

  it('a key of the file is held to what the stores say of its team', async () => {
    assert.equal((await away('key-core')).status, 200)
    await admin('POST', '/tenants', { kind: 'team', id: 'core', require: { region: ['eu'] } })
    await becomes('key-core', 403)
    await admin('PATCH', '/tenants/team/core', { require: null, guards: ['gone'] })
    // Nobody knows what a guard forbids that is not there.
    await becomes('key-core', 503)
    await admin('PATCH', '/tenants/team/core', { guards: null })
    await becomes('key-core', 200)
  })
})

describe('why', () => {
  it('explain names the demand that each target was left out by', async () => {
    const explained = (model: string, require?: string, key?: string) => {
      const headers = require === undefined ? {} : { 'X-Gatehouse-Require': require }
      return admin('POST', '/explain', { model, headers, ...(key !== undefined && { key }) })
    }
    const { targets, excluded } = await explained('of-region', 'no-training')
    assert.deepEqual(
      (targets as JsonObject[]).map(({ target }) => target),
      ['home/assistant']
    )
    const reasons = (list: unknown) => (list as JsonObject[]).map(({ target, excludedBy }) => `${target} ${excludedBy}`)
    assert.deepEqual(reasons(excluded), ['away/assistant no_training', 'mute/assistant no_training'])
    // Of a key of the file it knows the demands: its own, those of the keys it was made from and its team's.
    for (const key of ['region', 'child-region', 'member-region']) {
      const { excluded: byKey } = await explained('mixed', undefined, key)
      assert.deepEqual(reasons(byKey), ['away/assistant region', 'mute/assistant region'], key)
    }
    for (const [require, reason] of Object.entries({
      'zero-retention': 'zero_retention',
      'no-training': 'no_training'
    })) {
      assert.deepEqual(reasons((await explained('mixed', require)).excluded), [
        `away/assistant ${reason}`,
        `mute/assistant ${reason}`
      ])
    }
  })

  it('a refusal names them too, and is written down', async () => {
    const answer = await chat('mixed', { require: 'region=mars' })
    assert.match(refusedBy(answer).message, /^No target of "mixed" is known to fulfil what is demanded of providers\./)
    for (const name of ['away', 'mute', 'home']) {
      assert.match(refusedBy(answer).message, new RegExp(`${name}/assistant \\(it is not known to be in a region`))
    }
    assert.equal(callLine(at, answer).code, 'residency_refused')
  })
})
