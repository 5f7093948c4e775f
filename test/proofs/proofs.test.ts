/** The proofs of docs/guide/proofs.md, small: each holds, and each fails where what it proves is turned off (D22). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Proof, runProof } from './process.ts'

function passes({ code, of, lines, closing }: Proof): void {
  assert.deepEqual(of('FAIL'), [])
  assert.ok(of('PASS').length > 0, lines.join('\n'))
  assert.match(closing, /^\d+ passed, 0 failed, \d+ skipped$/)
  assert.equal(code, 0)
}

/** Fails, and in these goals: not for some other reason. */
function fails({ code, of, lines, closing }: Proof, ...goals: readonly RegExp[]): void {
  const failed = of('FAIL')
  for (const goal of goals)
    assert.ok(
      failed.some(line => goal.test(line)),
      `${goal} did not fail: ${lines.join('\n')}`
    )
  assert.match(closing, /^\d+ passed, [1-9]\d* failed, \d+ skipped$/)
  assert.equal(code, 1)
}

/** What 250 ms are to a quiet machine, to one that runs other tests at the same time. */
const BUSY = ['--within', '2000']

// They wait more than they work.
describe('the proofs, small', { concurrency: 3 }, () => {
  test('faults: all of the catalogue, with short timeouts', async t => {
    const proof = await runProof(t, 'faults', ['--quick'])
    const failed = proof.of('FAIL')
    // A provider that flaps does so by the clock: a machine busy with other tests may miss its turn, once.
    const isLate = failed.length > 0 && failed.every(line => line.startsWith('flapping'))
    if (isLate) t.diagnostic(`asked once more: ${failed.join('; ')}`)
    passes(isLate ? await runProof(t, 'faults', ['--quick', '--only', 'flapping']) : proof)
  })

  test('faults: without retries, fallback and recovery they are met badly', async t => {
    const proof = await runProof(t, 'faults', ['--quick', '--break'])
    const broken = [
      '429 with',
      '429 without',
      'one 500',
      'steady 503',
      'connection reset',
      'silence',
      'slow first token'
    ]
    const later = [
      'cut mid-answer,',
      'stall mid-answer,',
      'context too long',
      'content filter',
      'fallback refuses prefill'
    ]
    const goals = [...broken, ...later, 'flapping provider', 'accounting'].map(name => new RegExp(`^${name}`))
    fails(proof, ...goals)
  })

  test('faults: a name that is in no fault is an error', async t => {
    fails(await runProof(t, 'faults', ['--quick', '--only', 'no such fault']), /^the proof itself: .* no fault has/)
  })

  test('abort: a client that leaves takes its call along', async t => {
    passes(await runProof(t, 'abort', BUSY))
  })

  test('abort: where the provider is read on, nothing is closed', async t => {
    fails(await runProof(t, 'abort', ['--break']), /^dial/, /^head wait/, /^first byte/, /^mid-answer/)
  })

  test('drain: those who can finish do, those who cannot are told', async t => {
    passes(await runProof(t, 'drain', ['--streams', '40', '--seconds', '2']))
  })

  test('drain: without time, streams are broken off', async t => {
    fails(await runProof(t, 'drain', ['--streams', '20', '--seconds', '2', '--break']), /^streams that could finish/)
  })
})

// They load the machine, and measure what it makes of that: one at a time, and nothing beside them.
describe('the proofs under load, small', () => {
  test('storm: retries stay within their budget', async t => {
    const { of, lines } = await runProof(t, 'storm', ['--seconds', '3'])
    // How fast it is, and whether this machine makes the load, is not for a test among others.
    for (const goal of [/^requests the provider saw/, /^callers who were told/]) {
      assert.ok(
        of('PASS').some(line => goal.test(line)),
        lines.join('\n')
      )
    }
  })

  test('storm: without a budget the provider sees more', async t => {
    fails(await runProof(t, 'storm', ['--seconds', '3', '--break']), /^requests the provider saw/)
  })
})
