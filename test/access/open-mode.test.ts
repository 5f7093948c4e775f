import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { refuseWebPage } from '../../src/access/open-mode.ts'

const mode = { port: 8080, allowedOrigins: ['https://app.example.com'] }
const codeOf = (headers: Record<string, string>, port = mode.port) => refuseWebPage(headers, { ...mode, port })?.code

test('open mode: a loopback name with our port', () => {
  for (const host of ['localhost:8080', 'LOCALHOST:8080', '127.0.0.1:8080', '127.255.0.9:8080', '[::1]:8080']) {
    assert.equal(codeOf({ host }), undefined, host)
  }
  // On the port of http itself a client leaves it out.
  for (const host of ['localhost', '127.0.0.1', '[::1]']) assert.equal(codeOf({ host }, 80), undefined, host)
  assert.equal(codeOf({ host: 'localhost' }), 'host_refused')
  assert.equal(codeOf({}), 'host_refused')
  assert.equal(codeOf({ host: '' }, 80), 'host_refused')
})

test('open mode: any other name is refused, whatever is put around a good one', () => {
  const good = fc.constantFrom('localhost', '127.0.0.1', '[::1]')
  const around = fc.string({ minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(good, around, fc.boolean(), (name, extra, before) => {
      const host = before ? `${extra}${name}:8080` : `${name}${extra}:8080`
      fc.pre(!/^(localhost|127(\.\d{1,3}){3}|\[::1\]):8080$/i.test(host))
      assert.equal(codeOf({ host }), 'host_refused', host)
    })
  )
})

test('open mode: an origin as it is listed, and no other', () => {
  const host = 'localhost:8080'
  assert.equal(codeOf({ host, origin: 'https://app.example.com' }), undefined)
  for (const origin of ['null', '', 'http://localhost:8080', 'https://app.example.com/', 'https://APP.example.com']) {
    assert.equal(codeOf({ host, origin }), 'origin_refused', origin)
  }
  // A wrong name is said first: it is the graver one.
  assert.equal(codeOf({ host: 'evil.example:8080', origin: 'https://app.example.com' }), 'host_refused')
})
