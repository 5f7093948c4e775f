/** The proof of budgets, small: it holds, and fails where holds hold nothing (D22). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runProof } from './process.ts'

// They wait more than they work.
describe('the proof of budgets, small', { concurrency: 2 }, () => {
  test('no more is spent than there is, and nothing stays held', async t => {
    const { code, lines, of, closing } = await runProof(t, 'budget', ['--quick'])
    assert.deepEqual(of('FAIL'), [])
    assert.ok(of('PASS').length >= 6, lines.join('\n'))
    assert.match(closing, /^\d+ passed, 0 failed, \d+ skipped$/)
    assert.equal(code, 0)
  })

  test('without holds it is overrun', async t => {
    const { code, lines, of } = await runProof(t, 'budget', ['--quick', '--break'])
    assert.ok(
      of('FAIL').some(line => line.startsWith('settled')),
      lines.join('\n')
    )
    assert.equal(code, 1)
  })
})
