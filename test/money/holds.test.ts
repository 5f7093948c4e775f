import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Failure } from '../../src/errors.ts'
import { type Ask, type HoldRooms, Holds } from '../../src/money/holds.ts'
import { Rules } from '../../src/money/rules.ts'
import { type Nano, nano } from '../../src/nano.ts'
import type { CounterStore } from '../../src/stores/counters.ts'
import { MemoryCounters } from '../../src/stores/counters-memory.ts'
import type { BudgetRow, RateLimitRow } from '../../src/stores/rows.ts'

const DOLLAR = 1_000_000_000

function budget(over: Partial<BudgetRow> = {}): BudgetRow {
  return {
    id: 'team',
    scope: { kind: 'team', match: 'blue' },
    unit: 'usd',
    limit: DOLLAR,
    window: { every: 'day', timeZone: 'UTC' },
    mode: 'hard',
    thresholds: [],
    webhook: null,
    createdAtMs: 0,
    ...over
  }
}

function limit(over: Partial<RateLimitRow> = {}): RateLimitRow {
  return {
    id: 'rpm',
    scope: { kind: 'team', match: '*' },
    unit: 'requests',
    amount: 60,
    perMs: 60_000,
    burst: 10,
    createdAtMs: 0,
    ...over
  }
}

function ask(amount: number, over: Partial<Ask> = {}): Ask {
  const target = { provider: 'openai', model: 'gpt' }
  return { target, nano: amount as Nano, tokens: 100, expectedTokens: 10, ...over }
}

/** A desk before counters in memory, with hands of a clock to turn. */
function desk(over: Partial<HoldRooms> = {}) {
  const hands = { ms: Date.UTC(2026, 10, 23, 12) }
  const clock = { wallMs: () => hands.ms, monotonicMs: () => hands.ms }
  const counters = new MemoryCounters({ clock })
  const told: number[] = []
  const holds = new Holds({
    counters,
    clock,
    spent: () => Promise.resolve(0n),
    refusalStatus: () => 429,
    reached: (_, { share }) => told.push(share),
    unsettled: thrown => assert.fail(String(thrown)),
    ...over
  })
  return { holds, counters, hands, told }
}

async function refusal(run: () => unknown): Promise<Failure> {
  try {
    await run()
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, String(thrown))
    return thrown
  }
  return assert.fail('nothing was refused')
}

const PAYERS = { team: 'blue', key: 'ci' }

test('what is settled and held never exceeds a hard budget, whatever comes in whatever order', async () => {
  const action = fc.record({
    worst: fc.integer({ min: 1, max: 333_000_000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    attempts: fc.integer({ min: 1, max: 3 }),
    early: fc.boolean()
  })
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 40 }), async actions => {
      const { holds, counters } = desk()
      const rules = new Rules([budget()], [])
      let settled = 0
      const open: (() => void)[] = []
      for (const [at, { worst, share, attempts, early }] of actions.entries()) {
        const hold = holds.open(`call${at}`, PAYERS, rules)
        try {
          await hold.admit(ask(worst))
          for (let attempt = 0; attempt < attempts; attempt++) {
            const own = ask(worst, { target: { provider: 'openai', model: `m${attempt}` } })
            await hold.cover(`call${at}.${attempt}`, own)
            const end = () => {
              settled += Math.floor(worst * share)
              hold.settle(`call${at}.${attempt}`, { nano: nano(Math.floor(worst * share)), tokens: 1 })
            }
            if (early) end()
            else open.push(end)
          }
          open.push(() => hold.close())
        } catch (thrown) {
          assert.equal((thrown as Failure).code, 'budget_exceeded')
          open.push(() => hold.close())
        }
        if (at % 3 === 0) for (const end of open.splice(0)) end()
        assert.ok(settled <= DOLLAR)
      }
      for (const end of open) end()
      assert.ok(settled <= DOLLAR, `${settled}`)
      assert.equal(await counters.openHolds(), 0)
      assert.equal(holds.size, 0)
    }),
    { numRuns: 60 }
  )
})

test('a budget that is used up refuses, with scope, limit and reset; the next window takes calls again', async () => {
  const { holds, hands } = desk()
  const rules = new Rules([budget()], [])
  const first = holds.open('1', PAYERS, rules)
  await first.admit(ask(DOLLAR))
  assert.equal(first.remainingNano, 0)
  const failure = await refusal(() => holds.open('2', PAYERS, rules).admit(ask(1)))
  assert.equal(failure.code, 'budget_exceeded')
  assert.match(failure.message, /team blue, \$1 a day/)
  assert.equal(failure.details.reset, '2026-11-24T00:00:00.000Z')
  hands.ms += 24 * 3_600_000
  await holds.open('3', PAYERS, rules).admit(ask(DOLLAR))
})

test('a counter that is not there is asked of the ledger', async () => {
  const asked: unknown[] = []
  const { holds } = desk({
    spent: async (scope, unit) => {
      asked.push([scope, unit])
      return BigInt(DOLLAR - 5)
    }
  })
  const rules = new Rules([budget()], [])
  await holds.open('1', PAYERS, rules).admit(ask(5))
  const failure = await refusal(() => holds.open('2', PAYERS, rules).admit(ask(1)))
  assert.equal(failure.code, 'budget_exceeded')
  assert.deepEqual(asked, [[{ kind: 'team', value: 'blue' }, 'usd']])
})

test('a refused call takes nothing from any bucket', async () => {
  const { holds, counters } = desk()
  const rules = new Rules(
    [budget({ limit: 10 })],
    [limit(), limit({ id: 'slots', unit: 'calls', amount: 5, perMs: 0, burst: 5 })]
  )
  for (let at = 0; at < 50; at++) await refusal(() => holds.open(`n${at}`, PAYERS, rules).admit(ask(11)))
  const hold = holds.open('yes', PAYERS, rules)
  await hold.admit(ask(10))
  assert.deepEqual(
    hold.limits.map(({ unit, remaining }) => [unit, remaining]),
    [['requests', 9]]
  )
  hold.close()
  assert.equal(await counters.openHolds(), 0)
})

test('calls in flight give their place back, and requests come again at their pace', async () => {
  const { holds, hands } = desk()
  const slots = new Rules([], [limit({ id: 's', unit: 'calls', amount: 2, perMs: 0, burst: 2 })])
  const [one, two, three] = ['1', '2', '3'].map(id => holds.open(id, PAYERS, slots))
  await one!.admit(ask(1))
  await two!.admit(ask(1))
  assert.equal((await refusal(() => three!.admit(ask(1)))).code, 'rate_limited_here')
  one!.close()
  await three!.admit(ask(1))

  const paced = new Rules([], [limit({ amount: 60, burst: 1 })])
  const request = (id: string) => holds.open(id, PAYERS, paced).admit(ask(1))
  await request('a')
  const failure = await refusal(() => request('b'))
  assert.equal(failure.retryAfterMs, 1_000)
  hands.ms += 1_000
  await request('c')
})

test('tokens are settled by what was used', async () => {
  const { holds, hands } = desk()
  const rules = new Rules([], [limit({ unit: 'tokens', amount: 600, perMs: 60_000, burst: 600 })])
  const hold = holds.open('1', PAYERS, rules)
  await hold.admit(ask(1, { expectedTokens: 10 }))
  await hold.cover('1.1', ask(1, { expectedTokens: 10 }))
  hold.settle('1.1', { nano: nano(0), tokens: 600 })
  hold.close()
  const failure = await refusal(() => holds.open('2', PAYERS, rules).admit(ask(1, { expectedTokens: 10 })))
  assert.equal(failure.retryAfterMs, 1_000)
  hands.ms += 1_000
  await holds.open('3', PAYERS, rules).admit(ask(1, { expectedTokens: 10 }))
})

test('thresholds are told once, when they are passed; soft budgets only tell', async () => {
  const { holds, told } = desk()
  const rules = new Rules([budget({ mode: 'soft', limit: 100, thresholds: [0.5, 1] })], [])
  for (const amount of [40, 20, 20, 30, 30]) {
    const hold = holds.open(`${told.length}${amount}${Math.random()}`, PAYERS, rules)
    await hold.admit(ask(amount))
    await hold.cover('a', ask(amount))
    hold.settle('a', { nano: nano(amount), tokens: 0 })
    hold.close()
  }
  assert.deepEqual(told, [0.5, 1])
})

test('a call waits with its end for the attempt that comes home last', async () => {
  const { holds, counters } = desk()
  const rules = new Rules([budget()], [])
  const hold = holds.open('1', PAYERS, rules)
  await hold.admit(ask(10))
  await hold.cover('a', ask(10))
  await hold.cover('b', ask(20, { target: { provider: 'anthropic', model: 'claude' } }))
  hold.settle('b', { nano: nano(7), tokens: 0 })
  hold.close()
  assert.equal(await counters.openHolds(), 1)
  hold.settle('a', { nano: nano(5), tokens: 0 })
  assert.equal(await counters.openHolds(), 0)
  const next = holds.open('2', PAYERS, rules)
  await next.admit(ask(0))
  assert.equal(next.remainingNano, DOLLAR - 12)
})

test('a store that answers one call later than the next never ends a hold before its attempts are settled', async () => {
  const { counters, hands } = desk()
  const answers: (() => void)[] = []
  // As a pool of connections may: the settlement of the attempt is still on its way when the next one is asked for.
  const slow = {
    take: request => counters.take(request),
    settle: request => new Promise(resolve => answers.push(() => resolve(counters.settle(request))))
  } satisfies Partial<CounterStore>
  const clock = { wallMs: () => hands.ms, monotonicMs: () => hands.ms }
  const { holds } = desk({ counters: Object.assign(Object.create(counters), slow), clock })
  counters.seed({ key: `b:team:blue:2026-11-23T00:00`, slice: 0, expiresAtMs: hands.ms + 1 }, 0)
  const hold = holds.open('1', PAYERS, new Rules([budget()], []))
  await hold.admit(ask(10))
  await hold.cover('a', ask(10))
  hold.settle('a', { nano: nano(7), tokens: 0 })
  hold.close()
  // Whoever is last is answered first.
  while (counters.openHolds() > 0) {
    answers.pop()?.()
    await new Promise(setImmediate)
  }
  const [used] = counters.read([{ key: `b:team:blue:2026-11-23T00:00`, slice: 0, slices: 1 }])
  assert.deepEqual(used, { spent: 7, held: 0 })
})
