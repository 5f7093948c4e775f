/** The proof of guards, small: it holds, and fails where streams hold nothing back (D22). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProof } from './process.ts'

test('guards: the same decisions everywhere, and everything put back', async t => {
  const { code, of, lines, closing } = await runProof(t, 'guards', ['--quick'])
  assert.deepEqual(of('FAIL'), [])
  assert.ok(of('PASS').length >= 8, lines.join('\n'))
  assert.match(closing, /^\d+ passed, 0 failed, 0 skipped$/)
  assert.equal(code, 0)
})

test('guards: without a window, what is cut in pieces gets through', async t => {
  const { code, of, lines } = await runProof(t, 'guards', ['--quick', '--break'])
  for (const goal of [/^one decision/, /^nothing forbidden/, /^however a stream is cut/]) {
    assert.ok(
      of('FAIL').some(line => goal.test(line)),
      `${goal} did not fail: ${lines.join('\n')}`
    )
  }
  assert.equal(code, 1)
})
