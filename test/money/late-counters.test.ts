import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Holds } from '../../src/money/holds.ts'
import { Rules } from '../../src/money/rules.ts'
import { nano } from '../../src/nano.ts'
import type { Settled, SettleRequest, Taken, TakeRequest } from '../../src/stores/counters.ts'
import { MemoryCounters } from '../../src/stores/counters-memory.ts'
import { GuardedCounters } from '../../src/stores/guarded-counters.ts'
import type { BudgetRow } from '../../src/stores/rows.ts'
import { until } from '../support/until.ts'

const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }

/** Does what it is asked, and says so when nobody waits for it any more. */
class Slow extends MemoryCounters {
  answersAfterMs = 0

  // @ts-expect-error: a store that is asked over a wire
  override async take(request: TakeRequest): Promise<Taken> {
    const taken = super.take(request)
    await new Promise(resolve => setTimeout(resolve, this.answersAfterMs))
    return taken
  }

  // @ts-expect-error: the same
  override async settle(request: SettleRequest): Promise<Settled> {
    return super.settle(request)
  }
}

const budget: BudgetRow = {
  id: 'b',
  scope: { kind: 'key', match: '*' },
  unit: 'usd',
  limit: 1_000,
  window: { rollingMs: 3_600_000 },
  mode: 'hard',
  thresholds: [],
  webhook: null,
  createdAtMs: 0
}

test('what a store took and said too late is given back when the call ends', async () => {
  const store = new Slow({ clock })
  const guarded = new GuardedCounters(store, {
    clock,
    local: new MemoryCounters({ clock }),
    deadlineMs: 200,
    replicas: () => 1,
    changed() {}
  })
  const desk = new Holds({
    counters: guarded,
    clock,
    spent: () => Promise.resolve(0n),
    refusalStatus: () => 429,
    reached() {},
    unsettled: assert.fail
  })
  const ask = { target: { provider: 'p', model: 'm' }, nano: nano(600), tokens: 10, expectedTokens: 10 }
  const admit = async (id: string) => {
    const hold = desk.open(id, { key: 'k' }, new Rules([budget], []))
    try {
      await hold.admit(ask)
    } finally {
      hold.close()
    }
  }
  await admit('in time')
  store.answersAfterMs = 500
  await assert.rejects(admit('late'), { code: 'store_unavailable' })
  await until(() => store.openHolds() === 0, 'the hold is given back')
  store.answersAfterMs = 0
  await admit('after it')
  await until(() => store.openHolds() === 0, 'nothing is held')
})
