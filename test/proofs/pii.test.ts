/** The proof of the PII check, small: it holds, and fails where the types are switched off (D22). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runProof } from './process.ts'

describe('the proof of the PII check, small', { concurrency: 2 }, () => {
  test('every type is found, and near-misses are left', async t => {
    const { code, lines, of } = await runProof(t, 'pii', ['--quick'])
    assert.deepEqual(of('FAIL'), [])
    assert.ok(of('PASS').length >= 11, lines.join('\n'))
    assert.equal(code, 0)
  })

  test('where the types are switched off it fails', async t => {
    const { code, of } = await runProof(t, 'pii', ['--quick', '--break'])
    assert.ok(of('FAIL').length >= 11)
    assert.equal(code, 1)
  })
})
