import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/errors.ts'
import { serve } from './kit.ts'

const HOST = 'Host: a\r\n'
const BODY = 'content-length: 0\r\n\r\n'
const post = (headers: string) => `POST /v1/x HTTP/1.1\r\n${headers}`

/** Requests on whose meaning two parsers could differ. Each must be refused, and nothing after it be taken for a request. */
const hostile: Record<string, string> = {
  'two lengths': post(`${HOST}content-length: 3\r\ncontent-length: 5\r\n\r\nabcde`),
  'two equal lengths': post(`${HOST}content-length: 3\r\nContent-Length: 3\r\n\r\nabc`),
  'a list of lengths': post(`${HOST}content-length: 3, 3\r\n\r\nabc`),
  'length and chunks': post(`${HOST}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  'chunks and length': post(`${HOST}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n`),
  'chunked not last': post(`${HOST}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n`),
  'another coding': post(`${HOST}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
  'an unknown coding': post(`${HOST}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`),
  'chunked twice': post(`${HOST}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  'a coding after a control character': post(`${HOST}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n`),
  'space before the colon': post(`${HOST}transfer-encoding : chunked\r\n\r\n0\r\n\r\n`),
  'a signed length': post(`${HOST}content-length: +3\r\n\r\nabc`),
  'a negative length': post(`${HOST}content-length: -3\r\n\r\nabc`),
  'a hexadecimal length': post(`${HOST}content-length: 0x3\r\n\r\nabc`),
  'a huge length': post(`${HOST}content-length: 99999999999999999999999\r\n\r\n`),
  'a folded header': post(`${HOST}x-a: 1\r\n folded\r\n${BODY}`),
  'a folded first header': post(` x: 1\r\n${HOST}${BODY}`),
  'bare line feeds': `POST /v1/x HTTP/1.1\nHost: a\ncontent-length: 0\n\n`,
  'one bare line feed': post(`${HOST}x-a: 1\nx-b: 2\r\n${BODY}`),
  'a bare carriage return': post(`${HOST}x-a: 1\rx-b: 2\r\n${BODY}`),
  'NUL in a value': post(`${HOST}x-a: a\0b\r\n${BODY}`),
  'a control character in a value': post(`${HOST}authorization: Bearer a\x01b\r\n${BODY}`),
  'DEL in a value': post(`${HOST}authorization: Bearer a\x7fb\r\n${BODY}`),
  'a control character in a name': post(`${HOST}x-\x01: 1\r\n${BODY}`),
  'an empty name': post(`${HOST}: 1\r\n${BODY}`),
  'a line without colon': post(`${HOST}nonsense\r\n${BODY}`),
  'a control character in the path': `POST /v1/\x01x HTTP/1.1\r\n${HOST}${BODY}`,
  'a space in the path': `POST /v1/ x HTTP/1.1\r\n${HOST}${BODY}`,
  'no host': post(BODY),
  'two hosts': post(`${HOST}Host: b\r\n${BODY}`),
  'HTTP/0.9': 'GET /v1/x\r\n',
  'HTTP/1.2': `GET /v1/x HTTP/1.2\r\n${HOST}\r\n`,
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  TLS: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'an unknown method': `BREW /v1/x HTTP/1.1\r\n${HOST}${BODY}`,
  'a lower-case method': `post /v1/x HTTP/1.1\r\n${HOST}${BODY}`,
  'a bad chunk size': post(`${HOST}transfer-encoding: chunked\r\n\r\nxyz\r\n`),
  'a chunk longer than its size': post(`${HOST}transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n`),
  'a chunk ended by a bare line feed': post(`${HOST}transfer-encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n`),
  'a signed chunk size': post(`${HOST}transfer-encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n`)
}

for (const [name, request] of Object.entries(hostile)) {
  test(`http refuses ${name}`, async t => {
    let served = 0
    const { client } = await serve(t, async exchange => {
      served++
      const body = await exchange.body({ bytesMax: 1000, timeoutMs: 3000 }).catch((failure: Failure) => failure)
      if (body instanceof Failure) {
        const error = { error: { message: body.message, type: 'invalid_request_error', code: body.code } }
        exchange.send(body.status, {}, JSON.stringify(error))
      } else exchange.send(200, {}, 'accepted')
    })
    const raw = client().send(Buffer.from(`${request}GET /v1/smuggled HTTP/1.1\r\nHost: a\r\n\r\n`, 'latin1'))
    const text = await raw.untilClosed()
    assert.match(text, /^HTTP\/1\.1 400 /)
    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1, text)
    const [head = '', body = ''] = text.split('\r\n\r\n')
    assert.match(head, /connection: close/i)
    const { error } = JSON.parse(body) as { error: { message: string; type: string; code: string } }
    assert.deepEqual([error.code, error.type], ['malformed_http', 'invalid_request_error'])
    assert.ok(served <= 1)
  })
}

test('http: heads that are too large or too many', async t => {
  const { client } = await serve(t, exchange => exchange.send(200, {}, 'accepted'), {
    headerBytesMax: 8192,
    headersMax: 50
  })
  const long = client().send(post(`${HOST}x: ${'y'.repeat(9000)}\r\n${BODY}`))
  assert.match(await long.untilClosed(), /^HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"/)
  const many = client().send(post(`${HOST}${'x: 1\r\n'.repeat(60)}${BODY}`))
  assert.match(await many.untilText(/}}$/), /^HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"/)
})

test('http: slow heads, and connections that say nothing', async t => {
  const { client } = await serve(t, exchange => exchange.send(200, {}, 'accepted'), { headTimeoutMs: 200 })
  const slow = client().send('POST /v1/x HTTP/1.1\r\nHost: a\r\nx-a: ')
  assert.match(await slow.untilClosed(), /^HTTP\/1\.1 408 [\s\S]*"code":"slow_request"/)
  const mute = client()
  assert.match(await mute.untilClosed(), /^(HTTP\/1\.1 408 |$)/)
})

test('http: garbage behind a request whose answer has begun cuts the connection; an idle one is answered', async t => {
  const { client } = await serve(t, exchange => {
    exchange.head(200, {})
    exchange.write('begun')
  })
  const raw = client().send(post(`${HOST}${BODY}`))
  await raw.untilText(/begun/)
  raw.send('garbage\r\n\r\n')
  assert.doesNotMatch(await raw.untilClosed(), /400/)
})

test('http: headers of answers cannot be split', async t => {
  const { client } = await serve(t, exchange => exchange.send(200, { 'x-model': 'a\r\nx-evil: 1' }, 'accepted'))
  const raw = client().send(post(`${HOST}${BODY}`))
  const text = await raw.untilText(/}}|accepted/)
  assert.doesNotMatch(text, /evil/)
  assert.match(text, /^HTTP\/1\.1 500 /)
})
