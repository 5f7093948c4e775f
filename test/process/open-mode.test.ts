import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Code } from '../../src/errors.ts'
import { ANTHROPIC, type Answer, DOORS, type Given, OPENAI, send, sendBytes } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const PAGE = 'https://app.example.com'
const KEY = 'a-key-for-the-team-of-tests'

let open: TestGateway
let keyed: TestGateway

before(async () => {
  open = await startTestGateway({ yaml: `allowed_origins: ["${PAGE}"]` })
  keyed = await startTestGateway({ yaml: `keys: [{ name: team, key: ${KEY} }, { name: other, key: ${KEY}-2 }]` })
})

after(async () => {
  await open.close()
  await keyed.close()
})

const codeOf = (answer: Answer) => (answer.status < 400 ? undefined : OPENAI.error(answer.json()).code)
const chat = ({ gateway }: TestGateway, headers: Given, door = OPENAI) =>
  send(gateway.url + door.path, { body: door.body(`${door.provider}/assistant`, 'hi'), headers })

/** Everything on the port, by how it is asked for. */
const EVERYWHERE: [string, (headers: Given) => Promise<Answer>][] = [
  ...DOORS.map((door): [string, (headers: Given) => Promise<Answer>] => [
    door.path,
    headers => chat(open, headers, door)
  ]),
  ...['/', '/livez', '/readyz', '/v1/models', '/nowhere'].map((path): [string, (headers: Given) => Promise<Answer>] => [
    path,
    headers => send(open.gateway.url + path, { headers })
  ])
]

test('open mode: the Host is this machine, on our port, in every spelling of it', async () => {
  const { port } = open.gateway
  const good = [`127.0.0.1:${port}`, `localhost:${port}`, `LocalHost:${port}`, `[::1]:${port}`, `127.0.0.2:${port}`]
  const bad = [
    'rebound.example',
    `rebound.example:${port}`,
    `127.0.0.1.rebound.example:${port}`,
    `localhost.rebound.example:${port}`,
    `127.0.0.1:${port + 1}`,
    '127.0.0.1',
    'localhost',
    `localhost:${port}:${port}`,
    `user@localhost:${port}`,
    `10.0.0.1:${port}`,
    `0.0.0.0:${port}`,
    `[::2]:${port}`,
    `localhost.:${port}`,
    `127.0.0.1:0${port}`,
    `1270.0.0.1:${port}`
  ]
  for (const [path, ask] of EVERYWHERE) {
    for (const host of good) assert.notEqual(codeOf(await ask({ host })), 'host_refused', `${host} at ${path}`)
    for (const host of bad) {
      const answer = await ask({ host })
      assert.equal(answer.status, 403, `${host} at ${path}`)
      assert.equal(codeOf(answer), 'host_refused')
      assert.ok(answer.headers['x-gatehouse-request-id'])
    }
  }
  const without = await sendBytes(port, 'GET / HTTP/1.0\r\n\r\n')
  assert.equal(codeOf(without), 'host_refused')
})

test('open mode: an Origin must be listed, to the letter', async () => {
  const bad = [
    'null',
    'https://evil.example',
    `${PAGE}.evil.example`,
    `${PAGE}:8443`,
    'http://app.example.com',
    `${PAGE}/`
  ]
  const self = open.gateway.url
  for (const [path, ask] of EVERYWHERE) {
    assert.notEqual(codeOf(await ask({ origin: PAGE })), 'origin_refused')
    for (const origin of [...bad, self]) {
      const answer = await ask({ origin })
      assert.equal(answer.status, 403, `${origin} at ${path}`)
      assert.equal(codeOf(answer), 'origin_refused')
    }
  }
})

test('open mode: nothing a page could use comes back: no CORS header, no preflight, no simple form', async () => {
  const preflight = {
    origin: PAGE,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type'
  }
  for (const door of DOORS) {
    const answers = [
      await chat(open, {}, door),
      await chat(open, { origin: PAGE }, door),
      await send(open.gateway.url + door.path, { method: 'OPTIONS', headers: preflight }),
      await send(`${open.gateway.url}/`, { headers: { origin: PAGE } })
    ]
    for (const { headers } of answers) {
      for (const name of Object.keys(headers)) assert.doesNotMatch(name, /^access-control-/)
    }
    assert.equal(answers[2]?.status, 405)
    // The three types that a page may send without asking first.
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=b']) {
      open.seen()
      const answer = await chat(open, { 'content-type': type }, door)
      assert.equal(answer.status, 415)
      assert.deepEqual(open.seen(), [])
    }
  }
})

test('keys: each of three headers is enough; anything may be the Host', async () => {
  const ways: Given[] = [
    { authorization: `Bearer ${KEY}` },
    { authorization: `bearer   ${KEY} ` },
    { authorization: KEY },
    { 'x-api-key': KEY },
    { 'api-key': KEY },
    { authorization: `Bearer ${KEY}`, 'x-api-key': KEY, 'api-key': KEY },
    { 'x-api-key': KEY, host: 'gateway.example', origin: 'https://page.example' }
  ]
  for (const door of DOORS) {
    for (const headers of ways) assert.equal((await chat(keyed, headers, door)).status, 200, JSON.stringify(headers))
  }
  const names = keyed.lines.filter(line => line.msg === 'call').map(line => line.key)
  assert.deepEqual(new Set(names), new Set(['team']))
})

test('keys: missing, wrong, and two that differ, in the dialect of the door', async () => {
  const cases: [Given, Code][] = [
    [{}, 'missing_key'],
    [{ authorization: '' }, 'missing_key'],
    [{ authorization: 'Bearer ' }, 'invalid_key'],
    [{ 'x-api-key': '' }, 'missing_key'],
    [{ authorization: `Bearer ${KEY}.` }, 'invalid_key'],
    [{ authorization: `Basic ${KEY}` }, 'invalid_key'],
    [{ 'x-api-key': KEY.toUpperCase() }, 'invalid_key'],
    [{ authorization: `Bearer ${KEY}`, 'x-api-key': 'sk-other' }, 'ambiguous_credentials'],
    [{ authorization: `Bearer ${KEY}`, 'x-api-key': `${KEY}-2` }, 'ambiguous_credentials'],
    [{ authorization: `Bearer ${KEY}`, 'api-key': 'sk-other' }, 'ambiguous_credentials'],
    [{ authorization: [`Bearer ${KEY}`, 'Bearer sk-other'] }, 'invalid_key']
  ]
  for (const door of DOORS) {
    for (const [headers, code] of cases) {
      const answer = await chat(keyed, headers, door)
      assert.equal(answer.status, 401, JSON.stringify(headers))
      assert.equal(door.error(answer.json()).code, code, JSON.stringify(headers))
      if (door === ANTHROPIC) assert.equal((answer.json().error as { type: string }).type, 'authentication_error')
    }
  }
  assert.deepEqual(
    keyed.seen().filter(entry => entry.headers.authorization?.includes('team')),
    []
  )
})

test('keys: lists need one too; the probes and the page do not, and the page shows no calls', async () => {
  const get = (path: string, headers: Given = {}) => send(keyed.gateway.url + path, { headers })
  assert.equal((await get('/v1/models')).status, 401)
  assert.equal((await get('/v1/models/openai/gpt-5.5')).status, 401)
  assert.equal((await get('/v1/models', { authorization: `Bearer ${KEY}` })).status, 200)
  assert.equal((await get('/livez')).status, 200)
  assert.equal((await get('/readyz')).status, 200)
  const page = await get('/')
  assert.equal(page.status, 200)
  assert.doesNotMatch(page.text, /Last calls/)
})

test('keys: GATEHOUSE_KEY alone turns them on', async t => {
  const gateway = await startTestGateway({ env: { GATEHOUSE_KEY: KEY } })
  t.after(() => gateway.close())
  assert.equal(codeOf(await chat(gateway, {})), 'missing_key')
  const answer = await chat(gateway, { authorization: `Bearer ${KEY}` })
  assert.equal(answer.status, 200)
  assert.equal(gateway.lines.find(line => line.msg === 'call')?.key, 'GATEHOUSE_KEY')
  assert.ok(!JSON.stringify(gateway.lines).includes(KEY))
})
