/** The proof of stores that go away, small: it holds, and fails where they are waited for (D22). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runProof } from './process.ts'

const FAULT = ['--quick', '--only', 'Redis frozen']
/** What 60 ms are to a quiet machine, to one that runs other tests at the same time. */
const BUSY = ['--added', '1000']

// They wait more than they work.
describe('the proof of stores, small', { concurrency: 3 }, () => {
  for (const [what, args] of [
    ['a Redis that says nothing', FAULT],
    ['a full disk', ['--quick', '--only', 'disk']]
  ] as const) {
    test(`${what} stops nobody who need not stop, and nothing is lost`, async t => {
      const { code, lines, of, closing } = await runProof(t, 'stores', [...args, ...BUSY])
      assert.deepEqual(of('FAIL'), [])
      assert.ok(of('PASS').length + of('SKIPPED').length > 0, lines.join('\n'))
      assert.match(closing, /^\d+ passed, 0 failed, \d+ skipped$/)
      assert.equal(code, 0)
      if (of('PASS').length === 0) t.skip(of('SKIPPED')[0]!)
    })
  }

  test('where a store is waited for, so is every call', async t => {
    const { code, lines, of } = await runProof(t, 'stores', [...FAULT, ...BUSY, '--break'])
    const [skipped] = of('SKIPPED')
    if (skipped !== undefined) return t.skip(skipped)
    assert.ok(
      of('FAIL').some(line => line.startsWith('Redis frozen: calls that go on')),
      lines.join('\n')
    )
    assert.equal(code, 1)
  })
})
