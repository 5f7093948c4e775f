import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { DOORS, OPENAI, send, sendBytes } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { holdsNoCanary, isRefusal, notProvoked } from '../support/refusal.ts'

/** With small times, so that a client's slowness is soon seen. */
let opened: TestGateway

before(async () => {
  opened = await startTestGateway({
    yaml: 'limits: { header: 4KB }',
    http: { headTimeoutMs: 300, requestTimeoutMs: 700 }
  })
})

after(() => opened.close())

const head = (lines: string[], line = 'POST /v1/chat/completions HTTP/1.1') =>
  `${[line, `host: 127.0.0.1:${opened.gateway.port}`, ...lines].join('\r\n')}\r\n\r\n`

test('HTTP that is not well-formed', async () => {
  const json = 'content-type: application/json'
  const cases: [string, string][] = [
    ['two lengths that differ', head([json, 'content-length: 2', 'content-length: 3'])],
    ['two lengths in one', head([json, 'content-length: 2, 3'])],
    ['a length and chunks', head([json, 'content-length: 2', 'transfer-encoding: chunked'])],
    ['a coding that is not chunked', head([json, 'transfer-encoding: gzip, chunked'])],
    ['no digits', head([json, 'content-length: two'])],
    ['a control character in a header', head([json, 'x-odd: a\u0001b', 'content-length: 2'])],
    ['a zero byte in a header', head([json, 'x-odd: a\u0000b', 'content-length: 2'])],
    ['a folded header', head([json, 'x-odd: a\r\n b', 'content-length: 2'])],
    ['a space before the colon', head([json, 'x-odd : a', 'content-length: 2'])],
    ['two hosts', head([json, 'host: 127.0.0.1', 'content-length: 2'])],
    ['no HTTP at all', 'hello there\r\n\r\n'],
    ['a chunk without a size', `${head([json, 'transfer-encoding: chunked'])}zz\r\n{}\r\n`]
  ]
  for (const [what, bytes] of cases) {
    const answer = await sendBytes(opened.gateway.port, `${bytes}{}`)
    assert.equal(answer.status, 400, what)
    isRefusal(answer, 'malformed_http')
  }
  assert.equal(opened.seen().length, 0)
})

test('a head over its limit, by bytes and by count', async () => {
  const long = `x-long: ${'a'.repeat(5_000)}`
  isRefusal(await sendBytes(opened.gateway.port, head([long])), 'headers_too_large')
  const many = Array.from({ length: 120 }, (_, n) => `x-${n}: 1`)
  isRefusal(await sendBytes(opened.gateway.port, head([...many, 'connection: close'])), 'headers_too_large')
})

test('a head, and a body, that do not come in time', async () => {
  const slowHead = sendBytes(opened.gateway.port, 'POST /v1/messages HTTP/1.1\r\nhost: 127')
  const lines = ['content-type: application/json', 'content-length: 100']
  const slowBodies = DOORS.map(async door => {
    const answer = await sendBytes(opened.gateway.port, `${head(lines, `POST ${door.path} HTTP/1.1`)}{"model"`)
    isRefusal(answer, 'slow_request', { door })
  })
  isRefusal(await slowHead, 'slow_request')
  await Promise.all(slowBodies)
})

test('wrong methods and paths', async () => {
  const { url, port } = opened.gateway
  const methods: [string, string, string][] = [
    ['GET', '/v1/chat/completions', 'POST'],
    ['PUT', '/v1/messages', 'POST'],
    ['DELETE', '/v1/messages/count_tokens', 'POST'],
    ['POST', '/v1/models', 'GET'],
    ['OPTIONS', '/v1/chat/completions', 'POST']
  ]
  for (const [method, path, allow] of methods) {
    const answer = await send(url + path, { method })
    isRefusal(answer, 'method_not_allowed')
    assert.equal(answer.headers.allow, allow)
    assert.match(answer.json().error ? OPENAI.error(answer.json()).message : '', new RegExp(`${allow}, not ${method}`))
  }
  const paths = [
    '/v1/chat/completions/',
    '/v1',
    '/v2/messages',
    '//v1/messages',
    '/v1%2fmessages',
    '/%zz',
    '/v1/../v1/messages'
  ]
  for (const path of paths) {
    const answer = await sendBytes(port, head(['connection: close'], `GET ${path} HTTP/1.1`))
    assert.match(isRefusal(answer, 'unknown_endpoint').message, /\/v1\/chat\/completions/)
  }
  // What is wrong with a body does not matter where nobody wants one.
  for (const type of ['application/x-www-form-urlencoded', 'application/json']) {
    isRefusal(await send(`${url}/nowhere`, { body: '{', headers: { 'content-type': type } }), 'unknown_endpoint')
  }
  const large = head(['content-type: application/json', 'content-length: 900000000'], 'POST /nowhere HTTP/1.1')
  isRefusal(await sendBytes(port, large), 'unknown_endpoint')
  // Absolute form is for proxies, and we are none.
  const absolute = `POST http://127.0.0.1:${port}/v1/chat/completions HTTP/1.1`
  isRefusal(
    await sendBytes(port, `${head(['content-length: 2', 'connection: close'], absolute)}{}`),
    'unknown_endpoint'
  )
  assert.equal(opened.seen().length, 0)
})

test('every code of this kind was brought about, and no secret is in the log', () => {
  assert.deepEqual(notProvoked('bad-http'), [])
  holdsNoCanary(JSON.stringify(opened.lines))
})
