import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Failure } from '../../../src/errors.ts'
import type { AuthStyle } from '../../../src/providers/provider.ts'
import { bench, endpointAt, keyOf, outgoingTo, PROVIDER } from './support.ts'

describe('plain keys', () => {
  const { signers, close } = bench()
  after(close)
  const outgoing = outgoingTo('https://lab.test')
  const cases: [AuthStyle, string[]][] = [
    ['bearer', ['authorization', 'Bearer s3cret']],
    ['x-api-key', ['x-api-key', 's3cret']],
    ['api-key', ['api-key', 's3cret']],
    ['x-goog-api-key', ['x-goog-api-key', 's3cret']],
    ['none', []],
    [{ header: 'x-token' }, ['x-token', 's3cret']],
    [{ header: 'authorization', prefix: 'Api-Key ' }, ['authorization', 'Api-Key s3cret']],
    ['aws', ['authorization', 'Bearer s3cret']],
    ['google', ['x-goog-api-key', 's3cret']],
    ['entra', ['api-key', 's3cret']]
  ]
  for (const [auth, pair] of cases) {
    it(`are sent at once where ${JSON.stringify(auth)} is asked for`, () => {
      const endpoint = endpointAt('https://lab.test', auth)
      assert.deepEqual(signers.authorize(PROVIDER, endpoint, keyOf('s3cret'), outgoing), pair)
      assert.equal(signers.refused(PROVIDER, endpoint, keyOf('s3cret')), false, 'another try would bring the same')
    })
  }

  it('need not be there, unless a cloud wants to know who calls', () => {
    const ask = (auth: AuthStyle) =>
      signers.authorize(PROVIDER, endpointAt('https://lab.test', auth), keyOf(undefined), outgoing)
    assert.deepEqual(ask('bearer'), [])
    for (const cloud of ['aws', 'google', 'entra'] as const) {
      assert.throws(
        () => ask(cloud),
        (thrown: unknown) =>
          thrown instanceof Failure && thrown.kind === 'our_credential' && thrown.message.includes(`{ ${cloud}: {} }`)
      )
    }
  })
})
