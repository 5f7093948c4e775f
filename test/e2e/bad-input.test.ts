import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CODES, type Code } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json.ts'
import { ANTHROPIC, DOORS, type Door, type Given, OPENAI, send, sendBytes } from '../support/client.ts'
import { CREDENTIALS, startTestGateway, type TestGateway } from '../support/gateway.ts'
import { holdsNoCanary, isRefusal, CLIENT_KEY as KEY, lineOf, notProvoked } from '../support/refusal.ts'
import { RawClient } from '../wire/kit.ts'

/** In open mode. */
let opened: TestGateway
/** With one key, small limits, strict, and no provider at either door. */
let keyed: TestGateway

before(async () => {
  opened = await startTestGateway()
  keyed = await startTestGateway({
    bare: true,
    providers: `  lab: { like: openai, base_url: "SIM/v1", keys: [${CREDENTIALS[0]}], allow_private: ["127.0.0.0/8"] }
  lab2: { base_url: "SIM/v1", dialect: anthropic-messages, keys: [${CREDENTIALS[1]}], allow_private: ["127.0.0.0/8"] }`,
    yaml: `
keys: [{ name: team, key: ${KEY} }]
strict: true
limits: { body: 20KB, in_flight: 24KB, header: 4KB, depth: 8 }
routes: { smart: lab/assistant, smarter: lab/assistant }`
  })
})

after(async () => {
  await opened.close()
  await keyed.close()
})

const toOpen = (door: Door, body: JsonObject | string | Buffer, headers: Given = {}) =>
  send(opened.gateway.url + door.path, { body, headers })
const toKeyed = (door: Door, body: JsonObject | string | Buffer, headers: Given = {}) =>
  send(keyed.gateway.url + door.path, { body, headers: { authorization: `Bearer ${KEY}`, ...headers } })

const head = (lines: string[], line = 'POST /v1/chat/completions HTTP/1.1') =>
  `${[line, `host: 127.0.0.1:${opened.gateway.port}`, ...lines].join('\r\n')}\r\n\r\n`

for (const door of DOORS) {
  /** A model behind a provider of this door's dialect, and of the other one. */
  const crossed = door === OPENAI ? 'anthropic' : 'openai'
  const good = () => JSON.stringify(door.body(`${door.provider}/assistant`, 'hi'))

  test(`${door.name}: invalid JSON says where`, async () => {
    const cases: [string | Buffer, RegExp][] = [
      ['{"model": "x",\n  "messages": [}', /line 2.*column 16/],
      ['', /line 1.*column 1/],
      ['[1]', /line 1.*column 1/],
      [`${good()} x`, /line 1.*column \d+/],
      ["{'model': 1}", /line 1.*column 2/],
      ['{"model": "x", "a": 01}', /line 1.*column 2[12]/],
      [Buffer.concat([Buffer.from('{"model": "'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]), /UTF-8/i]
    ]
    for (const [body, where] of cases) {
      const answer = await toOpen(door, body)
      assert.match(isRefusal(answer, 'invalid_json', { door }).message, where)
      assert.equal(lineOf(opened, answer).code, 'invalid_json')
    }
  })

  test(`${door.name}: a member twice, in whatever spelling`, async () => {
    const body = good()
    for (const name of ['model', 'messages', 'stream', 'max_tokens']) {
      const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
      for (const spelling of [name, escaped]) {
        const twice = `${body.slice(0, -1)},"${name}":1,"${spelling}":2}`
        const said = isRefusal(await toOpen(door, twice), 'duplicate_key', { door })
        assert.equal(said.param, name)
        assert.match(said.message, /line 1.*column \d+/)
      }
    }
    assert.equal(opened.seen().length, 0, 'nothing was sent to a provider')
  })

  test(`${door.name}: wrong types and missing members, by path`, async () => {
    const body = door.body(`${door.provider}/assistant`, 'hi')
    const cases: [JsonObject, Code, string][] = [
      [{ ...body, model: 3 }, 'wrong_type', 'model'],
      [{ ...body, model: '' }, 'missing_field', 'model'],
      [{ ...body, model: null }, 'wrong_type', 'model'],
      [{ ...body, messages: 'hi' }, 'wrong_type', 'messages'],
      [{ ...body, messages: { role: 'user' } }, 'wrong_type', 'messages'],
      [{ ...body, stream: 'yes' }, 'wrong_type', 'stream'],
      [{ model: body.model }, 'missing_field', 'messages'],
      [{ messages: body.messages }, 'missing_field', 'model']
    ]
    for (const [wrong, code, param] of cases) {
      assert.equal(isRefusal(await toOpen(door, wrong), code, { door }).param, param)
    }
    assert.equal(opened.seen().length, 0)
  })

  test(`${door.name}: a type that is wrong far down, where the target speaks the other dialect`, async () => {
    const body = door.body(`${crossed}/assistant`, 'hi')
    const part = { type: 'text', text: 7 }
    const cases: [JsonObject, string][] = [
      [
        {
          ...body,
          messages: [
            { role: 'user', content: 'a' },
            { role: 'user', content: 5 }
          ]
        },
        'messages[1].content'
      ],
      [
        { ...body, messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, part] }] },
        'messages[0].content[1].text'
      ],
      [{ ...body, messages: [3] }, 'messages[0]'],
      [{ ...body, tools: 'none' }, 'tools']
    ]
    for (const [wrong, param] of cases) {
      const said = isRefusal(await toOpen(door, wrong), 'wrong_type', { door })
      assert.equal(said.param, param)
      assert.ok(said.message.includes(param), said.message)
    }
    assert.equal(opened.seen().length, 0)
  })

  test(`${door.name}: nesting over the limit`, async () => {
    const nested = (levels: number) => `${good().slice(0, -1)},"deep":${'['.repeat(levels)}${']'.repeat(levels)}}`
    assert.match(isRefusal(await toOpen(door, nested(64)), 'json_too_deep', { door }).message, /64/)
    assert.match(isRefusal(await toKeyed(door, nested(8)), 'json_too_deep', { door }).message, /8 levels/)
    isRefusal(await toOpen(door, nested(100_000)), 'json_too_deep', { door })
    // At the limit it is the provider's business.
    const at = await toOpen(door, nested(63))
    assert.doesNotMatch(at.text, /json_too_deep/)
    opened.seen()
  })

  test(`${door.name}: bodies that are no plain JSON`, async () => {
    const types = [
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/jsonx'
    ]
    for (const type of types) {
      const said = isRefusal(await toOpen(door, good(), { 'content-type': type }), 'unsupported_media_type', { door })
      assert.ok(said.message.includes(type))
    }
    isRefusal(await toOpen(door, good(), { 'content-type': undefined }), 'unsupported_media_type', { door })
    isRefusal(await toOpen(door, good(), { 'content-encoding': 'gzip' }), 'unsupported_media_type', { door })
    const fine = await toOpen(door, good(), { 'content-type': 'Application/JSON ; charset=utf-8' })
    assert.equal(fine.status, 200)
    opened.seen()
  })

  test(`${door.name}: a body over the limit, by its length and by what comes`, async () => {
    const body = JSON.stringify(door.body('lab/assistant', 'x'.repeat(30_000)))
    assert.match(isRefusal(await toKeyed(door, body), 'body_too_large', { door }).message, /20000 bytes/)
    // Only the head is sent: the answer comes without a byte of the body.
    const only = ['content-type: application/json', `authorization: Bearer ${KEY}`, 'content-length: 999999999']
    const early = await sendBytes(keyed.gateway.port, head(only, `POST ${door.path} HTTP/1.1`))
    isRefusal(early, 'body_too_large', { door })
    // Chunks say no length: counted while they come.
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
    const lines = ['content-type: application/json', `authorization: Bearer ${KEY}`, 'transfer-encoding: chunked']
    const liar = await sendBytes(keyed.gateway.port, head(lines, `POST ${door.path} HTTP/1.1`) + chunk + chunk)
    isRefusal(liar, 'body_too_large', { door })
  })

  test(`${door.name}: more bodies at one time than may be held`, async () => {
    const held = new RawClient(keyed.gateway.port)
    const lines = ['content-type: application/json', `authorization: Bearer ${KEY}`, 'content-length: 19000']
    held.send(head([...lines, 'expect: 100-continue'], `POST ${door.path} HTTP/1.1`))
    await held.untilText(/100 Continue/)
    const answer = await toKeyed(door, door.body('lab/assistant', 'y'.repeat(15_000)))
    isRefusal(answer, 'overloaded', { door })
    assert.equal(answer.headers['retry-after'], '1')
    held.socket.destroy()
  })

  test(`${door.name}: keys`, async () => {
    const body = door.body('lab/assistant', 'hi')
    isRefusal(await toKeyed(door, body, { authorization: undefined }), 'missing_key', { door })
    isRefusal(await toKeyed(door, body, { authorization: `Bearer ${KEY}x` }), 'invalid_key', { door })
    isRefusal(await toKeyed(door, body, { 'x-api-key': 'another' }), 'ambiguous_credentials', { door })
    // A stranger hears nothing of what is wrong with the body.
    isRefusal(await toKeyed(door, '{', { authorization: undefined }), 'missing_key', { door })
    assert.equal(keyed.seen().length, 0)
  })

  test(`${door.name}: web pages are refused where no key is asked for`, async () => {
    isRefusal(await toOpen(door, good(), { host: `rebound.example:${opened.gateway.port}` }), 'host_refused', { door })
    isRefusal(await toOpen(door, good(), { origin: 'https://page.example' }), 'origin_refused', { door })
  })

  test(`${door.name}: a model that leads nowhere: the reason, and near names`, async () => {
    const reasons: [string, RegExp][] = [
      ['groq/llama-3.3-70b-versatile', /provider groq has no key \(set GROQ_API_KEY\)/],
      ['gemini-3-pro', /provider \w+ has no key \(set \w+/],
      ['sim/echo', /provider sim is off \(turn it on with "sim: true"\)/]
    ]
    for (const [model, reason] of reasons) {
      const said = isRefusal(await toOpen(door, door.body(model, 'hi')), 'unknown_model', { door })
      assert.match(said.message, reason)
      assert.equal(said.param, 'model')
    }
    const near = isRefusal(await toKeyed(door, door.body('samrt', 'hi')), 'unknown_model', { door })
    assert.match(near.message, /"samrt".*Did you mean "smart"/)
    const far = isRefusal(await toKeyed(door, door.body('lba/assistant', 'hi')), 'unknown_model', { door })
    assert.match(far.message, /no provider is called "lba"/)
    // A name that would break a header or a terminal is shown as text and nothing more.
    isRefusal(await toKeyed(door, door.body('a\r\nx: y\u001b[31m', 'hi')), 'unknown_model', { door })
  })

  test(`${door.name}: a member that cannot cross is named, and refused in strict mode`, async () => {
    const [member, value] = door === OPENAI ? ['logit_bias', { 50256: -100 }] : ['top_k', 5]
    const more = { [member]: value } as JsonObject
    const lax = await toOpen(door, door.body(`${crossed}/assistant`, 'hi', more))
    assert.equal(lax.status, 200)
    assert.ok(lax.headers['x-gatehouse-lost']?.split(', ').includes(member), lax.headers['x-gatehouse-lost'])
    opened.seen()
    const strict = await toKeyed(door, door.body(door === OPENAI ? 'lab2/assistant' : 'lab/assistant', 'hi', more))
    const said = isRefusal(strict, 'loss_refused', { door })
    assert.ok(said.message.includes(member))
    assert.equal(said.param, member)
    assert.equal(keyed.seen().length, 0)
  })
}

const perCall = !('no_allowed_target' in CODES) && 'calls say nothing of their routing here'

test('what a call says of its own routing: a header that cannot be read, wishes that leave nothing', {
  skip: perCall
}, async () => {
  for (const door of DOORS) {
    const body = door.body(`${door.provider}/assistant`, 'hi')
    isRefusal(await toOpen(door, body, { 'x-gatehouse-no-fallback': 'perhaps' }), 'invalid_header' as Code, { door })
    const nothing = await toOpen(door, { ...body, provider: { only: ['nobody'] } })
    assert.equal(isRefusal(nothing, 'no_allowed_target' as Code, { door }).param, 'provider')
  }
  assert.equal(opened.seen().length, 0)
})

test('models: a name and a cursor that are not there', async () => {
  const at = (path: string, headers: Given = {}) => send(`${opened.gateway.url}/v1/models${path}`, { headers })
  isRefusal(await at('/no-such'), 'unknown_model', { door: OPENAI })
  isRefusal(await at('/%e0%a4%a'), 'unknown_model', { door: OPENAI })
  const version = { 'anthropic-version': '2023-06-01' }
  isRefusal(await at('/no-such', version), 'unknown_model', { door: ANTHROPIC })
  for (const cursor of ['after_id', 'before_id']) {
    const said = isRefusal(await at(`?${cursor}=gone`, version), 'wrong_type', { door: ANTHROPIC })
    assert.equal(said.param, cursor)
  }
})

test('every code that a request can bring about was brought about, and no secret is in any log', () => {
  assert.deepEqual(notProvoked('bad-input'), [])
  for (const { lines } of [opened, keyed]) {
    assert.ok(lines.length > 0)
    holdsNoCanary(JSON.stringify(lines))
  }
})
