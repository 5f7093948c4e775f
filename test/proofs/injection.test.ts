/** The proof of the injection check, small: it holds, and fails where nothing is sure enough to count (D22). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runProof } from './process.ts'

describe('the proof of the injection check, small', { concurrency: 2 }, () => {
  test('most attacks are found, and benign prompts left', async t => {
    const { code, lines, of, closing } = await runProof(t, 'injection', ['--quick'])
    assert.deepEqual(of('FAIL'), [])
    assert.equal(of('PASS').length, 3, lines.join('\n'))
    assert.match(closing, /^3 passed, 0 failed, 0 skipped$/)
    assert.equal(code, 0)
  })

  test('where nothing counts it fails', async t => {
    const { code, lines, of } = await runProof(t, 'injection', ['--quick', '--break'])
    assert.ok(
      of('FAIL').some(line => line.startsWith('recall')),
      lines.join('\n')
    )
    assert.equal(code, 1)
  })
})
