import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { holdsSecret, Secret } from '../src/secret.ts'

test('a secret is not shown, in whatever way it is printed', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6, maxLength: 60 }), text => {
      const secret = new Secret(text)
      const printed = [
        `${secret}`,
        String(secret),
        JSON.stringify({ secret }),
        inspect(secret),
        inspect({ deep: [secret] })
      ]
      const hidden = text.length >= 12 ? text.slice(0, -4) : text
      fc.pre(!printed.some(() => 'Secret(…) { deep: [ ] } "secret"'.includes(hidden)))
      for (const shown of printed) assert.ok(!shown.includes(hidden), shown)
      assert.equal(secret.reveal(), text)
    })
  )
  assert.equal(new Secret('sk-0123456789abcd').hint, '…abcd')
  assert.equal(new Secret('short').hint, '…', 'four characters of a short one would be most of it')
  assert.deepEqual(Object.keys(new Secret('sk-0123456789abcd')), [])
})

test('isIn finds the very text and nothing else', () => {
  const secret = new Secret('odd:one')
  assert.equal(secret.isIn('Incorrect key: odd:one.'), true)
  assert.equal(secret.isIn('Incorrect key: odd:'), false)
})

test('holdsSecret knows the shapes of credentials in running text', () => {
  const secrets = [
    'Incorrect API key provided: sk-proj-abcd1234efgh.',
    'key sk-ant-api03-AbCd_efgh-1234 is wrong',
    'gsk_0123456789abcdef',
    'xai-0123456789abcdef',
    'AIzaSyA0123456789abcdefghijklmn',
    'AKIAIOSFODNN7EXAMPLE',
    'hf_abcdefghijkl',
    'gh_live_0123456789abcdef',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0',
    'Authorization: Bearer abcdefgh.ijkl/mn+op=',
    '-----BEGIN RSA PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY-----'
  ]
  for (const text of secrets) assert.equal(holdsSecret(text), true, text)
  const harmless = [
    'The model `gpt-5.5` does not exist.',
    'task-oriented models are better here',
    'sk-short',
    'Send it as "Authorization: Bearer …".',
    'A bearer of news',
    "messages.0.content: expected a string, got 'hf'"
  ]
  for (const text of harmless) assert.equal(holdsSecret(text), false, text)
})
