// biome-ignore-all lint/suspicious/noThenProperty: the word of the configuration; nobody awaits a route.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Failure } from '../../src/errors.ts'
import type { Facts, Step } from '../../src/routing/facts.ts'
import { Health } from '../../src/routing/health.ts'
import { plan, planWith } from '../../src/routing/plan.ts'
import { leftOut } from '../../src/routing/reasons.ts'
import { nameOf, type Route } from '../../src/routing/route.ts'
import { type Changes, context, facts, fail, fakeClock, modelFacts, prices, say, unable, walk } from './support.ts'

test('a bare target is tried once more where time may cure it, and only then', () => {
  assert.deepEqual(walk('p/m', ['server_error', 'server_error']).tried, ['p/m', 'p/m+125'])
  assert.deepEqual(walk('p/m', ['silent']).tried, ['p/m'])
  assert.deepEqual(walk('p/m', ['bad_request']).tried, ['p/m'])
  assert.equal(walk('p/m', ['bad_request']).end?.kind, 'bad_request')
})

test('retry-after is waited for up to thirty seconds and the deadline, else the target is given up', () => {
  assert.deepEqual(walk('p/m', [fail('rate_limited', 2_000)]).tried, ['p/m', 'p/m+2100…'])
  assert.deepEqual(walk('p/m', [fail('rate_limited', 31_000)]).tried, ['p/m'])
  assert.deepEqual(walk('p/m', [fail('rate_limited', 2_000)], facts({ remainingMs: () => 1_500 })).tried, ['p/m'])
})

test('a credential at fault gives way to the next one at once', () => {
  const two = facts({ credentials: () => ['a', 'b'] })
  assert.deepEqual(walk('p/m', ['our_credential', 'our_credential'], two).tried, ['p/m', 'p/m#b'])
  assert.deepEqual(walk('p/m', ['rate_limited', 'rate_limited'], two).tried, ['p/m', 'p/m#b', 'p/m#b+125…'])
})

test('a fallback answers what another target may cure, not what the client did', () => {
  const route: Route = { fallback: ['a/1', 'b/2'] }
  assert.deepEqual(walk(route, ['silent', 'silent']).tried, ['a/1', 'b/2'])
  assert.deepEqual(walk(route, ['content_filter']).tried, ['a/1'])
  assert.deepEqual(walk({ ...route, on: ['content_filter'] }, ['content_filter', 'silent']).tried, ['a/1', 'b/2'])
})

test('a request too long for one model goes only to one that may hold more', () => {
  const contexts = { 'p/small': context(8_000), 'p/same': context(8_000), 'p/large': context(200_000) }
  const route: Route = { fallback: ['p/small', 'p/same', 'p/large', 'p/unknown'] }
  assert.deepEqual(walk(route, ['too_long', 'too_long', 'too_long'], facts({ models: contexts })).tried, [
    'p/small',
    'p/large',
    'p/unknown'
  ])
})

test('retry times replace the default of a target and repeat a tree', () => {
  assert.equal(walk({ retry: 'p/m', times: 3 }, Array(9).fill('server_error')).tried.length, 4)
  const tree = walk({ retry: { fallback: ['a/1', 'b/2'] }, times: 1, on: ['silent'] }, Array(9).fill('silent'))
  assert.deepEqual(tree.tried, ['a/1', 'b/2', 'a/1', 'b/2'])
})

test('params and timeouts of the way down reach the target, the innermost winning', () => {
  const inner: Route = { use: 'p/m', params: { drop: ['top_k'] }, timeouts: { idleMs: 1 } }
  const known = facts()
  const lookup: typeof known.lookup = name =>
    name === 'outer' ? { route: inner, timeouts: { idleMs: 9, headMs: 9 } } : known.lookup(name)
  const step = plan('outer', { ...known, lookup }).next().value as Step
  const { params, timeouts } = step.target
  assert.equal(nameOf(step.target), 'p/m')
  assert.deepEqual(params, { drop: ['top_k'] })
  assert.deepEqual(timeouts, { idleMs: 1, headMs: 9, totalMs: 600_000 })
})

test('marks and keeping together: the target says before its route, and only where reads are not as dear', () => {
  const auto = { tools: true, system: true, history: true, minTokens: 0, ttl: '5m' } as const
  const known = facts({
    models: { 'p/dear': modelFacts({ prices: prices(3, 15, 3) }), 'p/m': modelFacts({ prices: prices(3, 15, 1) }) }
  })
  const of = (route: Route, more: object = { promptCache: auto }) => {
    const lookup: typeof known.lookup = name => (name === 'outer' ? { route, ...more } : known.lookup(name))
    const { promptCache, sticky } = (plan('outer', { ...known, lookup }).next().value as Step).target
    return [promptCache, sticky]
  }
  assert.deepEqual(of('p/m'), [auto, true])
  assert.deepEqual(of('p/dear'), [auto, false])
  assert.deepEqual(of('p/dear', { promptCache: auto, sticky: 'session' }), [auto, true])
  assert.deepEqual(of({ use: 'p/m', prompt_cache: 'off' }), [undefined, undefined])
  assert.deepEqual(of({ use: 'p/m', prompt_cache: { ...auto, ttl: '1h' } }, {}), [{ ...auto, ttl: '1h' }, true])
  assert.deepEqual(of('p/m', { sticky: 'session' }), [undefined, true])
  assert.deepEqual(of('p/m', {}), [undefined, undefined])
})

test('a split follows its weights, and a sticky one the caller', () => {
  const split = {
    split: [
      { weight: 1, to: 'a/1' },
      { weight: 3, to: 'b/2' },
      { weight: 0, to: 'c/3' }
    ]
  }
  const at = (random: number) => walk(split, [], facts({ random: () => random })).tried[0]
  assert.deepEqual([at(0), at(0.24), at(0.26), at(0.999)], ['a/1…', 'a/1…', 'b/2…', 'b/2…'])
  const sticky: Route = { ...split, sticky_by: 'user' }
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (user, random) => {
      const once = walk(sticky, [], facts({ sticky: () => user, random: () => random })).tried[0]
      assert.equal(once, walk(sticky, [], facts({ sticky: () => user })).tried[0])
    })
  )
})

test('an alias that leads to itself ends instead of running for ever', () => {
  assert.deepEqual(
    walk('loop', ['silent'], facts({ routes: { loop: { fallback: ['loop', 'p/m'] } } })).tried.length > 0,
    true
  )
})

test('conditions send a call one way; the other ways are left out, with the reason', () => {
  const route: Route = {
    when: [
      { if: { key: 'x' }, then: 'a/1' },
      { if: {}, then: 'b/2' }
    ],
    else: 'c/3'
  }
  assert.deepEqual(walk(route, ['silent'], facts({ says: { key: 'x' } })).tried, ['a/1'])
  const { steps, shared } = planWith(route, facts())
  assert.equal(nameOf((steps.next().value as Step).target), 'b/2')
  assert.deepEqual(leftOut(shared.passed, shared.triedNames), [
    { target: 'a/1', excludedBy: 'condition' },
    { target: 'c/3', excludedBy: 'condition' }
  ])
})

test('the star of a route’s name goes on into its targets', () => {
  const known = facts()
  const lookup: typeof known.lookup = name =>
    name === 'claude-x' ? { route: { fallback: ['p/*', { use: 'q/pre-*-post' }] }, star: 'x' } : known.lookup(name)
  assert.deepEqual(walk('claude-x', ['silent', 'silent'], { ...known, lookup }).tried, ['p/x', 'q/pre-x-post'])
})

describe('the best', () => {
  const of = ['a/1', 'b/2', 'c/3']
  const order = (route: Route, changes: Changes) => walk(route, ['silent', 'silent', 'silent'], facts(changes)).tried

  test('cheapest: by the price of this request; an unknown price comes last', () => {
    const models = {
      'a/1': modelFacts({}),
      'b/2': modelFacts({ prices: prices(3, 1) }),
      'c/3': modelFacts({ prices: prices(1, 10) })
    }
    const short = { models, asks: { estimatedTokens: 100 } }
    assert.deepEqual(order({ best: 'cheapest', of }, short), ['b/2', 'c/3', 'a/1'])
    const long = { models, asks: { estimatedTokens: 100_000 } }
    assert.deepEqual(order({ best: 'cheapest', of }, long), ['c/3', 'b/2', 'a/1'])
  })

  test('cheapest: what a cache is expected to give counts', () => {
    const health = new Health(fakeClock())
    health.sawUsage('a/1', 1_000, 900)
    const models = { 'a/1': modelFacts({ prices: prices(3, 1, 0.3) }), 'b/2': modelFacts({ prices: prices(2, 1) }) }
    const changes = { models, health, asks: { estimatedTokens: 100_000 } }
    assert.deepEqual(order({ best: 'cheapest', of: ['b/2', 'a/1'] }, changes), ['a/1', 'b/2'])
  })

  test('fastest: by measured time; now and then one that was not measured', () => {
    const clock = fakeClock()
    const health = new Health(clock)
    for (const [name, ms] of [
      ['b/2', 900],
      ['c/3', 300]
    ] as const) {
      const begun = health.began(name, 'a')
      clock.pass(ms)
      begun.firstContent(true)
      begun.ended('answered')
    }
    assert.deepEqual(order({ best: 'fastest', of }, { health }), ['c/3', 'b/2', 'a/1'])
    assert.deepEqual(order({ best: 'fastest', of }, { health, random: () => 0.05 }), ['a/1', 'c/3', 'b/2'])
  })

  test('idle: by calls under way', () => {
    const health = new Health(fakeClock())
    for (const name of ['a/1', 'a/1', 'b/2']) health.began(name, 'a')
    assert.deepEqual(order({ best: 'idle', of }, { health }), ['c/3', 'b/2', 'a/1'])
  })

  test('of what the gateway picks itself, also the first must be known to be up to it', () => {
    const models = { 'a/1': unable('tools'), 'b/2': modelFacts({}) }
    const changes = { models, asks: { abilities: ['tools'] as const } }
    assert.deepEqual(order({ best: 'idle', of: ['a/1', 'b/2'] }, changes), ['b/2'])
    assert.deepEqual(order({ best: 'idle', of: ['a/1'] }, changes), ['a/1'], 'the last one standing is asked')
  })
})

describe('before a fallback', () => {
  for (const ability of ['tools', 'vision', 'documents', 'structured', 'prefill'] as const) {
    test(`${ability}: a target that has it not is passed over; one that may have it is not`, () => {
      const models = { 'a/1': unable(ability), 'b/2': unable(ability), 'c/3': modelFacts({}) }
      const known = facts({ models, asks: { abilities: [ability] } })
      const { steps, shared } = planWith({ fallback: ['a/1', 'b/2', 'c/3'] }, known)
      const tried: string[] = []
      for (let next = steps.next(); !next.done; next = steps.next(fail('silent'))) tried.push(say(next.value))
      assert.deepEqual(tried, ['a/1', 'c/3'], 'the first is the client’s own choice')
      assert.deepEqual(leftOut(shared.passed, shared.triedNames), [{ target: 'b/2', excludedBy: ability }])
    })
  }

  test('a context that is known to be too small is passed over', () => {
    const models = { 'b/2': context(1_000), 'c/3': context(9_000) }
    const known = facts({ models, asks: { estimatedTokens: 5_000 } })
    assert.deepEqual(walk({ fallback: ['a/1', 'b/2', 'c/3'] }, ['silent', 'silent'], known).tried, ['a/1', 'c/3'])
  })
})

describe('health', () => {
  const sick = (...names: string[]) => {
    const health = new Health(fakeClock())
    for (const name of names) {
      for (let time = 0; time < 5; time++) health.began(name, 'a').ended(fail('reset'))
    }
    return health
  }

  test('an open circuit sends calls elsewhere, and never removes the last target', () => {
    const route: Route = { fallback: ['a/1', 'b/2'] }
    assert.deepEqual(walk(route, ['silent'], facts({ health: sick('a/1') })).tried, ['b/2'])
    assert.deepEqual(walk(route, ['silent', 'silent'], facts({ health: sick('a/1', 'b/2') })).tried, ['a/1', 'b/2'])
    assert.deepEqual(walk('a/1', ['silent'], facts({ health: sick('a/1') })).tried, ['a/1'])
  })

  test('a target whose circuit opens meanwhile is not tried again', () => {
    const health = sick()
    const { steps } = planWith({ fallback: [{ retry: 'a/1', times: 9 }, 'b/2'] }, facts({ health }))
    const tried: string[] = []
    for (let next = steps.next(); !next.done; next = steps.next(fail('server_error'))) {
      tried.push(nameOf(next.value.target))
      health.began(nameOf(next.value.target), 'a', next.value.retry).ended(fail('server_error'))
    }
    assert.deepEqual(tried, [...Array(5).fill('a/1'), 'b/2', 'b/2'])
  })

  test('a credential that cools is not used; the last ones wait for it, if not for too long', () => {
    const clock = fakeClock()
    const cooling = (retryAfterMs: number) => {
      const health = new Health(clock)
      health.began('p/m', 'a').ended(fail('rate_limited', retryAfterMs))
      return health
    }
    const two = { credentials: () => ['a', 'b'] }
    assert.deepEqual(walk('p/m', ['silent'], facts({ ...two, health: cooling(2_000) })).tried, ['p/m#b'])
    assert.deepEqual(walk('p/m', ['silent'], facts({ health: cooling(2_000) })).tried, ['p/m+2000'])
    const late = walk('p/m', ['silent'], facts({ health: cooling(45_000) }))
    assert.deepEqual(late.tried, [])
    assert.equal(late.end?.kind, 'rate_limited')
    assert.equal(late.end?.retryAfterMs, 45_000)
    const elsewhere = walk({ fallback: ['p/m', 'q/n'] }, ['silent'], facts({ health: cooling(2_000) }))
    assert.deepEqual(elsewhere.tried, ['q/n'])
  })

  test('without retries in the budget the next target is tried at once', () => {
    const health = sick()
    while (health.takeRetry('a/1'));
    const { steps, shared } = planWith({ fallback: ['a/1', 'b/2'] }, facts({ health }))
    steps.next()
    assert.equal(nameOf((steps.next(fail('server_error')).value as Step).target), 'b/2')
    assert.deepEqual(leftOut(shared.passed, shared.triedNames), [{ target: 'a/1', excludedBy: 'retry_budget' }])
  })
})

test('targets not yet tried are kept a quarter of the time; the last one has all that is left', () => {
  let remainingMs = 30_000
  const known = facts({ totalMs: 30_000, remainingMs: () => remainingMs })
  const steps = plan({ fallback: ['a/1', 'b/2', 'c/3'] }, known)
  const deadline = (failure?: Failure) => ((failure ? steps.next(failure) : steps.next()).value as Step).deadlineMs
  assert.equal(deadline(), 22_500)
  remainingMs = 7_500
  assert.equal(deadline(fail('silent')), 3_750)
  remainingMs = 3_750
  assert.equal(deadline(fail('silent')), 3_750)
})

test('a target is not waited for into the time of the next one', () => {
  const known = facts({ totalMs: 30_000, remainingMs: () => 25_000 })
  assert.deepEqual(walk('a/1', [fail('rate_limited', 20_000)], known).tried, ['a/1', 'a/1+21000…'])
  const two = walk({ fallback: ['a/1', 'b/2'] }, [fail('rate_limited', 20_000)], known).tried
  assert.deepEqual(two, ['a/1', 'b/2…'])
})

describe('a hedge', () => {
  const route: Route = { hedge: 'a/1', with: { fallback: ['b/2', 'c/3'] }, after: 800 }

  test('is a fallback where the first fails before its time', () => {
    assert.deepEqual(walk(route, ['silent', 'silent', 'silent']).tried, ['a/1', 'b/2', 'c/3'])
    assert.deepEqual(walk(route, ['bad_request']).tried, ['a/1'])
  })

  test('begins the second once; when both fail the rest of the second’s way is left', () => {
    const steps = plan(route, facts())
    const { hedge } = steps.next().value as Step
    assert.equal(hedge?.afterMs, 800)
    assert.equal(nameOf(hedge.begin()!.target), 'b/2')
    assert.equal(hedge.begin(), undefined)
    const next = steps.next(fail('silent')).value as Step
    assert.equal(nameOf(next.target), 'c/3')
    assert.equal(next.hedge, undefined)
    assert.equal(steps.next(fail('silent')).done, true)
  })

  test('p95 has to be known, and retries to be left', () => {
    assert.equal((plan({ ...route, after: 'p95' }, facts()).next().value as Step).hedge, undefined)
    const health = new Health(fakeClock())
    while (health.takeRetry('b/2'));
    assert.equal((plan(route, facts({ health })).next().value as Step).hedge?.begin(), undefined)
  })
})

describe('what a call wishes', () => {
  const route: Route = { fallback: ['a/1', 'b/2', 'c/3'] }
  const all = ['silent', 'silent', 'silent'] as const
  const under = (wishes: Facts['wishes'], more: Changes = {}) => walk(route, [...all], facts({ wishes, ...more })).tried

  test('only, ignore and order', () => {
    assert.deepEqual(under({ only: new Set(['b', 'c']) }), ['b/2', 'c/3'])
    assert.deepEqual(under({ ignore: new Set(['a']) }), ['b/2', 'c/3'])
    assert.deepEqual(under({ order: ['c', 'b'] }), ['c/3', 'b/2', 'a/1'])
    assert.deepEqual(under({ order: ['c', 'b'], orderOnly: true }), ['c/3', 'b/2'])
    assert.deepEqual(under({ noFallback: true }), ['a/1'])
  })

  test('max_price: what is dearer, or of unknown price, is left out', () => {
    const models = { 'a/1': modelFacts({ prices: prices(5, 1) }), 'b/2': modelFacts({ prices: prices(1, 2) }) }
    assert.deepEqual(under({ maxPrice: { prompt: 2, completion: 2 } }, { models }), ['b/2'])
    assert.deepEqual(under({ maxPrice: { prompt: 2, completion: 1.5 } }, { models }), [])
  })

  test('a sort orders what the route would fall back on, and leaves an order alone that was given', () => {
    const models = { 'b/2': modelFacts({ prices: prices(1, 2) }), 'c/3': modelFacts({ prices: prices(0.5, 2) }) }
    assert.deepEqual(under({ sort: 'cheapest' }, { models }), ['c/3', 'b/2', 'a/1'])
    const fixed = walk(
      { fallback: ['a/1', 'b/2'], fixed: true },
      [...all],
      facts({ models, wishes: { sort: 'cheapest' } })
    )
    assert.deepEqual(fixed.tried, ['a/1', 'b/2'])
  })
})
