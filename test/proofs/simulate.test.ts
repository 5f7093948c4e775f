/** The proof of the simulator, small: it holds, and it fails where conditions know nothing (D22). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runProof } from './process.ts'

describe('the proof of simulate, small', { concurrency: 2 }, () => {
  test('what it predicts is what happens', async t => {
    const { code, of, closing } = await runProof(t, 'simulate', ['--quick'])
    assert.deepEqual(of('FAIL'), [])
    assert.match(closing, /^[1-9]\d* passed, 0 failed, 0 skipped$/)
    assert.equal(code, 0)
  })

  test('where conditions know nothing, it does not', async t => {
    const { code, of } = await runProof(t, 'simulate', ['--quick', '--break'])
    assert.ok(of('FAIL').some(line => line.startsWith('share of three/echo')))
    assert.equal(code, 1)
  })
})
