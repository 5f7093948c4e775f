// biome-ignore-all lint/suspicious/noThenProperty: the word of the configuration; nobody awaits a route.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { explain } from '../../src/routing/explain.ts'
import type { Step } from '../../src/routing/facts.ts'
import { Health } from '../../src/routing/health.ts'
import { plan } from '../../src/routing/plan.ts'
import { branchesOf } from '../../src/routing/reasons.ts'
import { ATTEMPTS_MAX, nameOf, type Route } from '../../src/routing/route.ts'
import { ROUTE_KINDS } from '../../src/routing/schema.ts'
import { facts, fail, fakeClock } from './support.ts'

const target = fc.constantFrom('a/1', 'b/2', 'c/3')
const kinds = fc.array(fc.constantFrom(...ROUTE_KINDS), { minLength: 1 })
const on = fc.option(fc.uniqueArray(fc.constantFrom(...ROUTE_KINDS), { minLength: 1 }), { nil: undefined })
const { route: anyRoute } = fc.letrec<{ route: Route; routes: Route[] }>(tie => ({
  routes: fc.array(tie('route'), { minLength: 1, maxLength: 3 }),
  route: fc.oneof(
    { maxDepth: 4 },
    target,
    fc.record({ use: target }),
    fc.record({ fallback: tie('routes'), on }),
    fc.record({ retry: tie('route'), times: fc.integer({ min: 1, max: 5 }), on }),
    fc.record({
      split: fc.array(fc.record({ weight: fc.integer({ min: 1, max: 5 }), to: tie('route') }), {
        minLength: 1,
        maxLength: 3
      })
    }),
    fc
      .record({ if: fc.constantFrom({ key: 'x' }, { key: 'y' }), go: tie('route'), else: tie('route') })
      .map(({ if: condition, go, else: other }): Route => ({ when: [{ if: condition, then: go }], else: other })),
    fc.record({
      best: fc.constantFrom('fastest' as const, 'cheapest' as const, 'idle' as const),
      of: tie('routes'),
      on
    }),
    fc.record({ hedge: tie('route'), with: tie('route'), after: fc.constantFrom<[number, 'p95']>(5, 'p95') })
  )
}))

/** How often one target may be tried at most: its retries, times the rounds of the trees it is in. */
function triesMax(route: Route): number {
  if (typeof route === 'string' || 'use' in route) return 2
  if ('retry' in route) {
    const isTarget = typeof route.retry === 'string' || 'use' in route.retry
    return isTarget ? route.times + 1 : (route.times + 1) * triesMax(route.retry)
  }
  return Math.max(...branchesOf(route).map(triesMax))
}

test('no plan makes more attempts than the limit, whatever fails and whatever races, and it always ends', () => {
  fc.assert(
    fc.property(anyRoute, kinds, fc.boolean(), (route, failing, races) => {
      const counts = new Map<string, number>()
      const count = ({ target: { provider, model }, deadlineMs, waitMs }: Step) => {
        const name = nameOf({ provider, model })
        counts.set(name, (counts.get(name) ?? 0) + 1)
        assert.ok(deadlineMs > 0 && waitMs >= 0)
      }
      const steps = plan(route, facts({ says: { key: 'x' } }))
      let made = 0
      for (let next = steps.next(); !next.done; made++) {
        assert.ok(made < ATTEMPTS_MAX)
        count(next.value)
        const second = races ? next.value.hedge?.begin() : undefined
        if (second) count(second)
        next = steps.next(fail(failing[made % failing.length]!))
      }
      const sum = [...counts.values()].reduce((one, other) => one + other, 0)
      assert.ok(sum <= ATTEMPTS_MAX, `${sum} attempts`)
      for (const [name, tries] of counts) assert.ok(tries <= triesMax(route), `${name}: ${tries}`)
    }),
    { numRuns: 1_000 }
  )
})

test('explain says what happens when every target fails in turn', () => {
  fc.assert(
    fc.property(anyRoute, fc.constantFrom(...ROUTE_KINDS), (route, failing) => {
      // With retries to spare: what a budget would refuse at another moment is no part of the plan.
      const health = Object.assign(new Health(fakeClock()), { takeRetry: () => true })
      const known = facts({ says: { key: 'x' }, health })
      const told = explain(route, known, failing)
      const steps = plan(route, known)
      const happened: string[] = []
      for (let next = steps.next(); !next.done; next = steps.next(fail(failing)))
        happened.push(nameOf(next.value.target))
      assert.deepEqual(
        told.targets.flatMap(({ target: name, attempts }) => Array(attempts).fill(name)),
        happened
      )
      const left = told.excluded.filter(({ excludedBy }) => excludedBy !== 'deadline' && excludedBy !== 'retry_budget')
      for (const { target: name } of left) assert.ok(!happened.includes(name), `${name} was tried`)
    }),
    { numRuns: 1_000 }
  )
})
