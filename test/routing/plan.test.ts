import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure, type Kind } from '../../src/errors.ts'
import { ATTEMPTS_MAX, type Facts, plan, type Route, type Step } from '../../src/routing/route.ts'

const ALL_KINDS: readonly Kind[] = [
  'connect',
  'reset',
  'server_error',
  'overloaded',
  'rate_limited',
  'silent',
  'slow_first_token',
  'stalled',
  'truncated',
  'malformed',
  'our_credential',
  'spend_limit',
  'no_such_model',
  'too_long',
  'content_filter',
  'bad_request',
  'too_large'
]

function facts(
  changes: Partial<Facts> & { routes?: Record<string, Route>; contexts?: Record<string, number> } = {}
): Facts {
  const { routes = {}, contexts = {}, ...rest } = changes
  return {
    lookup: name => {
      const route = routes[name]
      if (route !== undefined) return { route }
      const [provider, model] = name.split('/')
      return provider && model ? { target: { provider, model } } : undefined
    },
    credentials: () => ['a'],
    contextTokens: ({ model }) => contexts[model],
    remainingMs: () => 600_000,
    random: () => 0.5,
    sticky: () => undefined,
    ...rest
  }
}

const fail = (kind: Kind, retryAfterMs?: number) =>
  new Failure('provider_error', kind, { kind, ...(retryAfterMs !== undefined && { retryAfterMs }) })

/** Walks a plan with these failures; what it tried, as `provider/model`, with `+wait` and `#credential` where they matter. */
function walk(
  route: Route,
  failures: (Failure | Kind)[],
  known: Facts = facts()
): { tried: string[]; end: Failure | undefined } {
  const steps = plan(route, known)
  const tried: string[] = []
  let next = steps.next()
  for (const failure of failures) {
    if (next.done) break
    tried.push(say(next.value))
    next = steps.next(typeof failure === 'string' ? fail(failure) : failure)
  }
  if (!next.done) {
    tried.push(`${say(next.value)}…`)
    return { tried, end: undefined }
  }
  return { tried, end: next.value }
}

function say({ target, credential, waitMs }: Step): string {
  return `${target.provider}/${target.model}${credential === 'a' ? '' : `#${credential}`}${waitMs > 0 ? `+${waitMs}` : ''}`
}

test('a bare target is tried once more where time may cure it, and only then', () => {
  assert.deepEqual(walk('p/m', ['server_error', 'server_error']).tried, ['p/m', 'p/m+125'])
  assert.deepEqual(walk('p/m', ['silent']).tried, ['p/m'])
  assert.deepEqual(walk('p/m', ['bad_request']).tried, ['p/m'])
  assert.equal(walk('p/m', ['bad_request']).end?.kind, 'bad_request')
})

test('retry-after is waited for up to thirty seconds and the deadline, else the target is given up', () => {
  assert.deepEqual(walk('p/m', [fail('rate_limited', 2_000)]).tried, ['p/m', 'p/m+2000…'])
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
  const contexts = { small: 8_000, same: 8_000, large: 200_000 }
  const route: Route = { fallback: ['p/small', 'p/same', 'p/large', 'p/unknown'] }
  assert.deepEqual(walk(route, ['too_long', 'too_long', 'too_long'], facts({ contexts })).tried, [
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
  const known = facts()
  const lookup: Facts['lookup'] = name =>
    name === 'outer'
      ? {
          route: { use: 'p/m', params: { drop: ['top_k'] }, timeouts: { idleMs: 1 } },
          timeouts: { idleMs: 9, headMs: 9 }
        }
      : known.lookup(name)
  const step = plan('outer', { ...known, lookup }).next().value as Step
  assert.deepEqual(step.target, {
    provider: 'p',
    model: 'm',
    params: { drop: ['top_k'] },
    timeouts: { idleMs: 1, headMs: 9 }
  })
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

const target = fc.constantFrom('a/1', 'b/2', 'c/3')
const { route: anyRoute } = fc.letrec<{ route: Route }>(tie => ({
  route: fc.oneof(
    { maxDepth: 4 },
    target,
    fc.record({ use: target }),
    fc.record({ fallback: fc.array(tie('route'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ retry: tie('route'), times: fc.integer({ min: 1, max: 5 }) }),
    fc.record({
      split: fc.array(fc.record({ weight: fc.integer({ min: 1, max: 5 }), to: tie('route') }), {
        minLength: 1,
        maxLength: 3
      })
    })
  )
}))

test('no plan makes more attempts than the limit, whatever fails, and it always ends', () => {
  fc.assert(
    fc.property(anyRoute, fc.array(fc.constantFrom(...ALL_KINDS), { minLength: 1 }), (route, kinds) => {
      const { tried } = walk(
        route,
        Array.from({ length: 500 }, (_, i) => kinds[i % kinds.length]!)
      )
      assert.ok(tried.length <= ATTEMPTS_MAX)
      assert.ok(!tried.at(-1)?.endsWith('…'))
    })
  )
})

test('a bare target of a fallback is never tried beyond its retries', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ALL_KINDS), { minLength: 12, maxLength: 12 }), kinds => {
      const { tried } = walk({ fallback: ['a/1', 'b/2', 'c/3'] }, kinds)
      for (const name of ['a/1', 'b/2', 'c/3']) assert.ok(tried.filter(each => each.startsWith(name)).length <= 2)
    })
  )
})
