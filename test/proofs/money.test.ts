/** The proofs of money, small: each holds, and each fails where what it proves is turned off (D22). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runProof } from './process.ts'

// They wait more than they work.
describe('the proofs of money, small', { concurrency: 4 }, () => {
  test('cost: ours is that of another calculator', async t => {
    const { code, of, closing } = await runProof(t, 'cost', ['--quick'])
    assert.deepEqual(of('FAIL'), [])
    assert.match(closing, /^[1-9]\d* passed, 0 failed, \d+ skipped$/)
    assert.equal(code, 0)
  })

  test('cost: without the prices of cached input it is not', async t => {
    const { code, of } = await runProof(t, 'cost', ['--quick', '--break'])
    assert.ok(of('FAIL').some(line => line.startsWith('prices of anthropic')))
    assert.equal(code, 1)
  })

  test('ledger: it survives kill -9', async t => {
    const { code, of, closing } = await runProof(t, 'ledger', ['--kills', '2', '--only', 'embedded'])
    assert.deepEqual(of('FAIL'), [])
    assert.match(closing, /^6 passed, 0 failed, 0 skipped$/)
    assert.equal(code, 0)
  })

  test('ledger: without a journal it does not', async t => {
    const { code, of } = await runProof(t, 'ledger', ['--kills', '2', '--only', 'embedded', '--break'])
    assert.ok(of('FAIL').some(line => /^embedded: 6 answers/.test(line)))
    assert.equal(code, 1)
  })
})
