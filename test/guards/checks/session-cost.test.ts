/** What a session came to, and the ceiling on it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SessionCosts, sessionOf } from '../../../src/build/session-costs.ts'
import { check } from '../../../src/guards/checks/session-cost.ts'
import type { Subject, Tools } from '../../../src/guards/guard.ts'

const S = { session: 's', key: 'k' }

const subject = { side: 'request', session: 's' } as Subject
const judged = (over: Partial<Tools>, of: Subject = subject) =>
  check.create({ usd_max: 1 }).judge!(of, over as Tools, new AbortController().signal)

test('found once the ceiling is reached, and only for a session', async () => {
  const at = (nano: number) => judged({ sessionCostNano: async () => nano })
  assert.deepEqual(await at(999_999_999), [])
  assert.equal((await at(1_000_000_000))[0]!.rule, 'session-cost.reached')
  assert.deepEqual(await judged({}, { side: 'request' } as Subject), [])
  await assert.rejects(async () => judged({}), /Nobody knows/)
})

test('added here, read from the ledger again after 30 s, never lower, and at once after a failure', async () => {
  let [nowMs, ledger, reads, isDown] = [0, 5n, 0, true]
  const spentOf = async () => {
    reads++
    if (isDown) throw new Error('down')
    return ledger
  }
  const costs = new SessionCosts({ spentOf, nowMs: () => nowMs })
  await assert.rejects(costs.spentNano(S), /down/)
  isDown = false
  assert.deepEqual(await Promise.all([costs.spentNano(S), costs.spentNano(S)]), [5, 5])
  assert.equal(reads, 2, 'two that ask at once read once')
  costs.add({ session: 's', key: 'k' }, 4)
  costs.add({ session: 's', key: 'another' }, 1_000)
  costs.add({}, 1_000)
  nowMs = 29_999
  assert.equal(await costs.spentNano(S), 9)
  nowMs = 30_000
  assert.equal(await costs.spentNano(S), 9)
  ledger = 20n
  nowMs = 60_000
  assert.equal(await costs.spentNano(S), 20)
  for (let i = 0; i < 10_000; i++) void costs.spentNano({ session: `other ${i}` })
  reads = 4
  assert.equal(await costs.spentNano(S), 20)
  assert.equal(reads, 5, 'what was pushed out is read anew')
})

test('a session is its team’s, else its key’s: who chooses the same name has another one', () => {
  assert.deepEqual(sessionOf({ session: 's', team: 't', key: 'k' }), { session: 's', team: 't' })
  assert.deepEqual(sessionOf({ session: 's', key: 'k' }), { session: 's', key: 'k' })
  assert.equal(sessionOf({ key: 'k' }), undefined)
})
