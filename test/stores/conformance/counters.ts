import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { BudgetTake, CounterStore, Taken, TakeRequest } from '../../../src/stores/counters.ts'

/** Two connections to the same counters, with nothing in them. */
export interface Pair {
  one: CounterStore
  other: CounterStore
  /** Lets so much time pass, by the clock of the counters. */
  pass(milliseconds: number): Promise<void>
  close(): Promise<void>
}

const LEASE_MS = 60_000
const FAR_MS = Date.UTC(2099, 0, 1)

export function budget(over: Partial<BudgetTake> = {}): BudgetTake {
  return {
    key: 'b',
    slice: 0,
    slices: 1,
    expiresAtMs: FAR_MS,
    amount: 1,
    limit: 10,
    hard: true,
    seeded: false,
    ...over
  }
}

export function take(hold: string, over: Partial<TakeRequest> = {}): TakeRequest {
  return { hold, leaseMs: LEASE_MS, budgets: [], rates: [], slots: [], ...over }
}

function settle(hold: string, id: string, release: number, spend: number, close = false) {
  const budgets = [{ key: 'b', slice: 0, release, spend, expiresAtMs: FAR_MS }]
  return { hold, id, budgets, rates: [], close, leaseMs: LEASE_MS }
}

function refusedFor(taken: Taken): string {
  return taken.ok ? 'taken' : taken.why
}

/** What every implementation of the counters does. */
export function counterStores(name: string, open: () => Promise<Pair>): void {
  const withPair = async (run: (pair: Pair) => Promise<void>) => {
    const pair = await open()
    try {
      await run(pair)
    } finally {
      await pair.close()
    }
  }
  const fact = (what: string, run: (pair: Pair) => Promise<void>) => it(what, () => withPair(run))
  const reading = async (store: CounterStore, key = 'b') => (await store.read([{ key, slice: 0, slices: 1 }]))[0]

  describe(name, () => {
    fact('two hundred at once, by two ways, never take more than there is', async ({ one, other }) => {
      const takes = Array.from({ length: 200 }, (_, at) =>
        (at % 2 ? one : other).take(take(`h${at}`, { budgets: [budget({ limit: 57, amount: 2 })] }))
      )
      const taken = await Promise.all(takes)
      assert.equal(taken.filter(({ ok }) => ok).length, 28)
      assert.deepEqual(await reading(one), { spent: 0, held: 56 })
      assert.equal(await other.openHolds(), 28)
    })

    fact('it is all or none: a refusal of one changes nothing of the others', async ({ one }) => {
      const rates = [{ key: 'r', costMicros: 1_000, burstMicros: 5_000 }]
      const slots = [{ key: 's', limit: 3 }]
      for (let at = 0; at < 20; at++) {
        const budgets = [budget(), budget({ key: 'small', limit: 1, amount: 2 })]
        assert.equal(refusedFor(await one.take(take(`n${at}`, { budgets, rates, slots }))), 'budget')
      }
      assert.deepEqual(await reading(one), { spent: 0, held: 0 })
      assert.equal(await one.openHolds(), 0)
      const taken = await one.take(take('yes', { budgets: [budget()], rates, slots }))
      assert.ok(taken.ok)
      assert.deepEqual(taken.inUse, [1])
      assert.deepEqual(taken.remaining, [9])
      assert.ok(taken.aheadMicros[0]! <= 1_000)
    })

    fact(
      'a hold is raised, settled once, and gives back what it has left when it is closed',
      async ({ one, other }) => {
        await one.take(take('h', { budgets: [budget({ amount: 3 })] }))
        await other.take(take('h', { budgets: [budget({ amount: 4 })] }))
        assert.deepEqual(await reading(one), { spent: 0, held: 7 })
        assert.equal(await one.settle(settle('h', 'a', 3, 2)), 'settled')
        assert.equal(await other.settle(settle('h', 'a', 3, 2)), 'again')
        assert.deepEqual(await reading(one), { spent: 2, held: 4 })
        assert.equal(await one.settle(settle('h', 'b', 0, 1, true)), 'settled')
        assert.deepEqual(await reading(other), { spent: 3, held: 0 })
        assert.equal(await one.settle(settle('h', 'c', 1, 1)), 'gone')
        assert.equal(await one.openHolds(), 0)
      }
    )

    fact('whatever is taken and settled, what is spent and held is what a simple sum says', async ({ one, other }) => {
      const step = fc.record({
        hold: fc.nat(4),
        amount: fc.nat(40),
        spend: fc.nat(20),
        what: fc.nat(2),
        by: fc.boolean()
      })
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
          const key = `model ${round++}`
          const held = new Map<string, number>()
          let spent = 0
          for (const [at, { hold, amount, spend, what, by }] of steps.entries()) {
            const store = by ? one : other
            const id = `${key} ${hold}`
            const sum = [...held.values()].reduce((all, each) => all + each, 0)
            if (what === 0) {
              const taken = await store.take(take(id, { budgets: [budget({ key, amount, limit: 100 })] }))
              assert.equal(taken.ok, spent + sum + amount <= 100)
              if (taken.ok) held.set(id, (held.get(id) ?? 0) + amount)
            } else {
              const budgets = [{ key, slice: 0, release: amount, spend, expiresAtMs: FAR_MS }]
              const close = what === 2
              const said = await store.settle({ hold: id, id: `${at}`, budgets, rates: [], close, leaseMs: LEASE_MS })
              const known = held.get(id)
              assert.equal(said, known === undefined ? 'gone' : 'settled')
              if (known === undefined) continue
              spent += spend
              if (close) held.delete(id)
              else held.set(id, known - Math.min(known, amount))
            }
          }
          const sum = [...held.values()].reduce((all, each) => all + each, 0)
          assert.deepEqual(await reading(one, key), { spent, held: sum })
        }),
        { numRuns: 30 }
      )
    })

    fact('what a lost hold held counts as spent, once', async ({ one, other, pass }) => {
      await one.take(take('lost', { leaseMs: 20, budgets: [budget({ amount: 4 })], slots: [{ key: 's', limit: 1 }] }))
      await one.take(take('kept', { leaseMs: 20, budgets: [budget({ amount: 1 })] }))
      assert.deepEqual(await one.renew(['kept', 'never'], LEASE_MS), ['never'])
      await pass(40)
      const swept = (await Promise.all([one.sweep(10), other.sweep(10)])).flat()
      assert.deepEqual(swept, ['lost'])
      assert.deepEqual(await reading(one), { spent: 4, held: 1 })
      assert.equal(refusedFor(await other.take(take('next', { slots: [{ key: 's', limit: 1 }] }))), 'taken')
      assert.equal(await one.settle(settle('lost', 'x', 4, 0)), 'gone')
    })

    fact('a settlement is a sign of life, and a hold that is closed has given back its places', async pair => {
      const { one, other, pass } = pair
      const slots = [{ key: 's', limit: 1 }]
      await one.take(take('h', { leaseMs: 20, budgets: [budget({ amount: 4 })], slots }))
      assert.equal(await one.settle(settle('h', 'a', 0, 0)), 'settled')
      await pass(40)
      assert.deepEqual(await other.sweep(10), [])
      assert.equal(refusedFor(await other.take(take('next', { slots }))), 'slot')
      assert.equal(refusedFor(await other.take(take('h', { slots }))), 'taken')
      await one.settle(settle('h', 'b', 0, 0, true))
      assert.equal(refusedFor(await other.take(take('next', { slots }))), 'taken')
      assert.deepEqual(await reading(one), { spent: 0, held: 0 })
    })

    fact('holds on many counters, in any order and at once, wait for one another and never in a circle', async pair => {
      const { one, other } = pair
      const keys = ['a', 'b', 'c', 'd']
      const work = Array.from({ length: 60 }, async (_, at) => {
        const store = at % 2 ? one : other
        const turned = [...keys.slice(at % 4), ...keys.slice(0, at % 4)]
        const budgets = turned.map(key => budget({ key, limit: 1_000 }))
        const rates = turned.map(key => ({ key, costMicros: 1, burstMicros: 1_000_000 }))
        assert.equal(refusedFor(await store.take(take(`h${at}`, { budgets, rates }))), 'taken')
        const spent = turned.reverse().map(key => ({ key, slice: 0, release: 1, spend: 1, expiresAtMs: FAR_MS }))
        const back = turned.map(key => ({ key, micros: -1 }))
        const close = at % 3 > 0
        await Promise.all([
          store.settle({ hold: `h${at}`, id: 'x', budgets: spent, rates: back, close, leaseMs: LEASE_MS }),
          other.renew([`h${at}`], LEASE_MS),
          one.sweep(10)
        ])
      })
      await Promise.all(work)
      for (const key of keys) assert.deepEqual(await reading(one, key), { spent: 60, held: 0 })
      assert.equal(await one.openHolds(), 20)
    })

    fact('what comes twice in one take is taken twice, and refused where there is room for one', async ({ one }) => {
      const twice = (amount: number) => take('h', { budgets: [budget({ amount }), budget({ amount })] })
      const refused = await one.take(twice(6))
      assert.ok(!refused.ok && refused.why === 'budget')
      assert.deepEqual([refused.index, refused.remaining], [1, 4])
      assert.equal(refusedFor(await one.take(twice(5))), 'taken')
      assert.deepEqual(await reading(one), { spent: 0, held: 10 })
    })

    fact('a soft budget is counted beyond its limit, and says so', async ({ one }) => {
      const taken = await one.take(take('h', { budgets: [budget({ amount: 25, hard: false })] }))
      assert.ok(taken.ok)
      assert.deepEqual(taken.remaining, [-15])
    })

    fact('a counter that must be seeded is missing until somebody has, and is seeded once', async ({ one, other }) => {
      const asked = take('h', { budgets: [budget(), budget({ key: 'old', seeded: true })] })
      const taken = await one.take(asked)
      assert.ok(!taken.ok && taken.why === 'missing')
      assert.deepEqual(taken.indexes, [1])
      await one.seed({ key: 'old', slice: 0, expiresAtMs: FAR_MS }, 8)
      await other.seed({ key: 'old', slice: 0, expiresAtMs: FAR_MS }, 1)
      const again = await other.take(asked)
      assert.ok(again.ok)
      assert.deepEqual(again.remaining, [9, 1])
    })

    fact('a rolling window counts the slices that it has, and no others', async ({ one }) => {
      const at = (slice: number, amount: number) => budget({ slice, slices: 3, amount, limit: 10 })
      await one.take(take('a', { budgets: [at(5, 4)] }))
      await one.take(take('b', { budgets: [at(6, 4)] }))
      assert.equal(refusedFor(await one.take(take('c', { budgets: [at(7, 4)] }))), 'budget')
      assert.equal(refusedFor(await one.take(take('c', { budgets: [at(8, 4)] }))), 'taken')
      assert.deepEqual(await one.read([{ key: 'b', slice: 8, slices: 3 }]), [{ spent: 0, held: 8 }])
    })

    fact('a rate lets its burst through at once and then its pace; what is given back is there again', async pair => {
      const { one, other, pass } = pair
      const rate = { key: 'r', costMicros: 400_000, burstMicros: 1_200_000 }
      const request = (id: string, by = one) => by.take(take(id, { rates: [rate] }))
      for (const id of ['1', '2', '3']) assert.ok((await request(id)).ok)
      const refused = await request('4', other)
      assert.ok(!refused.ok && refused.why === 'rate')
      assert.ok(refused.waitMicros > 0 && refused.waitMicros <= 400_000, `${refused.waitMicros}`)
      await pass(Math.ceil(refused.waitMicros / 1000) + 1)
      assert.ok((await request('5', other)).ok)
      await one.settle({ ...settle('5', 's', 0, 0), budgets: [], rates: [{ key: 'r', micros: -10_000_000 }] })
      // Never before now: what was given back is no credit for more than the burst.
      const all = await Promise.all(['6', '7', '8', '9'].map(id => request(id)))
      assert.equal(all.filter(({ ok }) => ok).length, 3)
    })

    fact('names are names, whatever is in them, and amounts are exact to the last', async ({ one }) => {
      const amount = 4_503_599_627_370_497
      for (const key of [`o'x "y" \\ {z}`, 'a b:c', 'ünï 🙂', '1 h:0', 'nul\0', 'half \ud83d']) {
        const budgets = [budget({ key, amount, limit: Number.MAX_SAFE_INTEGER })]
        const taken = await one.take(take(`hold ${key}`, { budgets }))
        assert.ok(taken.ok)
        assert.deepEqual(taken.remaining, [Number.MAX_SAFE_INTEGER - amount])
        assert.deepEqual(await reading(one, key), { spent: 0, held: amount })
        const budgetsSettled = [{ key, slice: 0, release: amount, spend: amount, expiresAtMs: FAR_MS }]
        await one.settle({ ...settle(`hold ${key}`, 's', 0, 0, true), budgets: budgetsSettled })
        assert.deepEqual(await reading(one, key), { spent: amount, held: 0 })
      }
    })
  })
}
