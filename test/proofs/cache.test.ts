/** `npm run proof:cache`, small: it holds, and fails where whose an answer is is not part of its key (D22). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProof } from './process.ts'

test('the cache gives nobody what is not theirs', async t => {
  const { code, of, lines, closing } = await runProof(t, 'cache', ['--quick'])
  assert.deepEqual(of('FAIL'), [])
  assert.ok(of('PASS').length > 25, lines.join('\n'))
  assert.match(closing, /^\d+ passed, 0 failed, 0 skipped$/)
  assert.equal(code, 0)
})

test('without tenants in its keys it does', async t => {
  const { code, of } = await runProof(t, 'cache', ['--break'])
  assert.ok(of('FAIL').some(line => line.startsWith('another tenant, one after the other')))
  assert.ok(of('FAIL').some(line => line.startsWith('another tenant, at the same time')))
  assert.equal(code, 1)
})
