import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyRing } from '../../src/access/keys.ts'
import { Failure } from '../../src/errors.ts'
import { Secret } from '../../src/secret.ts'

const ring = new KeyRing([
  { name: 'team', key: new Secret('key-of-the-team') },
  { name: 'other', key: new Secret('key-of-another') }
])

function codeOf(credentials: readonly string[]): string {
  try {
    return ring.authenticate(credentials)
  } catch (thrown) {
    assert.ok(thrown instanceof Failure)
    assert.equal(thrown.status, 401)
    for (const credential of credentials) assert.ok(!thrown.message.includes(credential), 'the key is not told')
    return thrown.code
  }
}

test('keys: the name of the one that was presented, however often', () => {
  assert.equal(codeOf(['key-of-the-team']), 'team')
  assert.equal(codeOf(['key-of-another']), 'other')
  assert.equal(codeOf(['key-of-the-team', 'key-of-the-team', 'key-of-the-team']), 'team')
})

test('keys: none, a wrong one, and two that differ', () => {
  assert.equal(codeOf([]), 'missing_key')
  assert.equal(codeOf(['key-of-the-tea']), 'invalid_key')
  // Two that differ tell nothing, not even whether one of them is known.
  assert.equal(codeOf(['key-of-the-team', 'key-of-another']), 'ambiguous_credentials')
  assert.equal(codeOf(['wrong-one', 'wrong-two']), 'ambiguous_credentials')
})

test('keys: nothing but the very text opens', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      fc.pre(text !== 'key-of-the-team' && text !== 'key-of-another' && !'This key is not known here.'.includes(text))
      assert.equal(codeOf([text]), 'invalid_key')
    })
  )
})
