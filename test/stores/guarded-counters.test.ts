/** What happens to holds and to spending while shared counters are away, when these are back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import type { CounterStore, SettleRequest, TakeRequest } from '../../src/stores/counters.ts'
import { MemoryCounters } from '../../src/stores/counters-memory.ts'
import { GuardedCounters } from '../../src/stores/guarded-counters.ts'
import { until } from '../support/until.ts'

const COUNTER = { key: 'b', slice: 0, expiresAtMs: Date.now() + 3_600_000 }
const READ = [{ key: 'b', slice: 0, slices: 1 }]

function takeOf(hold: string, hard: boolean): TakeRequest {
  const budgets = [{ ...COUNTER, slices: 1, amount: 5, limit: 1_000, hard, seeded: true }]
  return { hold, leaseMs: 60_000, budgets, rates: [], slots: [] }
}

function settleOf(hold: string, spend: number): SettleRequest {
  return {
    hold,
    id: `${hold}:0`,
    budgets: [{ ...COUNTER, release: 5, spend }],
    rates: [],
    close: true,
    leaseMs: 60_000
  }
}

/** A store that is there, or hears what it is told and does not answer. */
async function open() {
  const store = new MemoryCounters({ clock: systemClock })
  await store.seed(COUNTER, 100)
  const state = { isMute: false }
  const asked = new Proxy<CounterStore>(store, {
    get(target, name: keyof CounterStore) {
      const method = target[name].bind(target) as (...given: unknown[]) => unknown
      return (...given: unknown[]) => {
        const answer = method(...given)
        return state.isMute ? new Promise(() => {}) : answer
      }
    }
  })
  const local = new MemoryCounters({ clock: systemClock })
  const options = { clock: systemClock, local, deadlineMs: 10, replicas: () => 1, changed() {} }
  return { store, state, guarded: new GuardedCounters(asked, options) }
}

test('what a soft budget spent meanwhile is counted once', async () => {
  const { store, state, guarded } = await open()
  state.isMute = true
  for (const hold of ['one', 'two']) {
    assert.equal((await guarded.take(takeOf(hold, false))).ok, true)
    await guarded.settle(settleOf(hold, 7))
  }
  state.isMute = false
  await guarded.nowMs()
  await until(() => store.read(READ)[0]!.spent === 114, 'both are counted')
  assert.deepEqual(store.read(READ), [{ spent: 114, held: 0 }])
  await guarded.nowMs()
  assert.deepEqual(store.read(READ), [{ spent: 114, held: 0 }])
})

test('what was carried out although it was given up holds nothing', async () => {
  const { store, state, guarded } = await open()
  state.isMute = true
  await assert.rejects(async () => guarded.take(takeOf('stray', true)), { code: 'store_unavailable' })
  assert.equal(store.read(READ)[0]!.held, 5)
  state.isMute = false
  await guarded.nowMs()
  await until(() => store.read(READ)[0]!.held === 0, 'it is given back')
  assert.deepEqual(store.read(READ), [{ spent: 100, held: 0 }])
})

test('a call under a hard budget keeps what it has when it cannot have more', async () => {
  const { store, state, guarded } = await open()
  assert.equal((await guarded.take(takeOf('open', true))).ok, true)
  state.isMute = true
  await assert.rejects(async () => guarded.take(takeOf('open', true)), { code: 'store_unavailable' })
  state.isMute = false
  await guarded.nowMs()
  assert.ok(store.read(READ)[0]!.held >= 5)
  assert.equal(await guarded.settle(settleOf('open', 3)), 'settled')
  assert.deepEqual(store.read(READ), [{ spent: 103, held: 0 }])
})
