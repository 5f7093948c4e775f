import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Kind } from '../../src/errors.ts'
import { Health, type Outcome } from '../../src/routing/health.ts'
import { ROUTE_KINDS } from '../../src/routing/schema.ts'
import { fakeClock } from './support.ts'

function rig() {
  const clock = fakeClock()
  const health = new Health(clock)
  const once = (outcome: Outcome | Kind, target = 'p/m', credential = 'a') => {
    const begun = health.began(target, credential)
    const how =
      typeof outcome === 'string' && outcome !== 'answered'
        ? { kind: outcome as Kind, retryAfterMs: undefined }
        : outcome
    begun.ended(how as Outcome)
  }
  const times = (count: number, outcome: Outcome | Kind) => {
    for (let time = 0; time < count; time++) once(outcome)
  }
  return { clock, health, once, times }
}

const COUNTED: readonly Kind[] = [
  'connect',
  'reset',
  'server_error',
  'overloaded',
  'silent',
  'slow_first_token',
  'stalled',
  'truncated',
  'malformed'
]

describe('the circuit of a target', () => {
  for (const kind of [...ROUTE_KINDS, 'aborted', 'internal'] as Kind[]) {
    test(`${kind} ${COUNTED.includes(kind) ? 'counts' : 'does not count'}`, () => {
      const { health, times } = rig()
      times(50, kind)
      assert.equal(health.isOpen('p/m'), COUNTED.includes(kind))
    })
  }

  test('opens at five failures that are half of all, and not before', () => {
    const { health, times, once } = rig()
    times(4, 'reset')
    assert.equal(health.isOpen('p/m'), false)
    once('reset')
    assert.equal(health.isOpen('p/m'), true)
    const mixed = rig()
    mixed.times(6, 'answered')
    mixed.times(5, 'reset')
    assert.equal(mixed.health.isOpen('p/m'), false)
    mixed.once('reset')
    assert.equal(mixed.health.isOpen('p/m'), true)
  })

  test('failures older than thirty seconds are forgotten', () => {
    const { health, clock, times, once } = rig()
    times(4, 'reset')
    clock.pass(31_000)
    once('reset')
    assert.equal(health.isOpen('p/m'), false)
  })

  test('lets one probe through at a time; a bad one doubles the wait, up to thirty seconds; a good one closes it', () => {
    const { health, clock, times } = rig()
    times(5, 'silent')
    for (const waitMs of [5_000, 10_000, 20_000, 30_000, 30_000]) {
      clock.pass(waitMs - 1)
      assert.equal(health.isOpen('p/m'), true, `${waitMs - 1}`)
      clock.pass(1)
      assert.equal(health.isOpen('p/m'), false, `${waitMs}`)
      const probe = health.began('p/m', 'a')
      assert.equal(health.isOpen('p/m'), true, 'while the probe is under way')
      probe.ended({ kind: 'silent', retryAfterMs: undefined })
    }
    clock.pass(30_000)
    health.began('p/m', 'a').ended('answered')
    assert.equal(health.isOpen('p/m'), false)
    times(5, 'silent')
    clock.pass(5_000)
    assert.equal(health.isOpen('p/m'), false, 'a new opening is short again')
  })

  test('a probe that the client left proves nothing: the next call is one', () => {
    const { health, clock, times } = rig()
    times(5, 'reset')
    clock.pass(5_000)
    health.began('p/m', 'a').ended({ kind: 'aborted', retryAfterMs: undefined })
    assert.equal(health.isOpen('p/m'), false)
  })

  test('an attempt from before the opening neither closes it nor prolongs it', () => {
    const { health, clock, times } = rig()
    const old = [health.began('p/m', 'a'), health.began('p/m', 'a')]
    times(5, 'reset')
    clock.pass(4_000)
    old[0]!.ended('answered')
    old[1]!.ended({ kind: 'reset', retryAfterMs: undefined })
    assert.equal(health.isOpen('p/m'), true)
    clock.pass(1_000)
    assert.equal(health.isOpen('p/m'), false)
  })

  test('whatever happens, it is never shut for longer than a minute, and in-flight counts come back to nothing', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('begin' as const) }),
      fc.record({
        do: fc.constant('end' as const),
        which: fc.nat(9),
        kind: fc.constantFrom('answered', ...COUNTED, 'aborted', 'rate_limited')
      }),
      fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 40_000 }) })
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        const { health, clock } = rig()
        const open: ReturnType<Health['began']>[] = []
        const end = (index: number, kind: string) => {
          const [begun] = open.splice(index % open.length, 1)
          begun?.ended(kind === 'answered' ? 'answered' : { kind: kind as Kind, retryAfterMs: undefined })
        }
        for (const each of steps) {
          if (each.do === 'begin') open.push(health.began('p/m', 'a'))
          else if (each.do === 'pass') clock.pass(each.ms)
          else if (open.length > 0) end(each.which, each.kind)
          assert.equal(health.inFlight('p/m'), open.length)
        }
        while (open.length > 0) end(0, 'aborted')
        clock.pass(30_000)
        assert.equal(health.isOpen('p/m'), false)
        assert.equal(health.inFlight('p/m'), 0)
      }),
      { numRuns: 300 }
    )
  })
})

describe('credentials', () => {
  test('a refused one is left alone at once, for every model; others are not', () => {
    const { health, clock, once } = rig()
    once('our_credential', 'p/m', 'a')
    assert.equal(health.isCredentialOpen('p/other', 'a'), true)
    assert.equal(health.isCredentialOpen('p/m', 'b'), false)
    assert.equal(health.isCredentialOpen('q/m', 'a'), false)
    assert.equal(health.isOpen('p/m'), false)
    clock.pass(5_000)
    assert.equal(health.isCredentialOpen('p/m', 'a'), false)
    once('answered', 'p/m', 'a')
    assert.equal(health.isCredentialOpen('p/m', 'a'), false)
  })

  test('a model that is not there closes that model alone, whatever names clients think of', () => {
    const { health, once } = rig()
    for (let index = 0; index < 30; index++) once('no_such_model', `p/made-up-${index}`, 'a')
    assert.equal(health.isCredentialOpen('p/made-up-0', 'a'), true)
    assert.equal(health.isCredentialOpen('p/m', 'a'), false)
  })

  test('cools for as long as the provider said, a minute at most', () => {
    const { health, clock, once } = rig()
    once({ kind: 'rate_limited', retryAfterMs: 2_000 })
    assert.equal(health.coolingMs('p/m', 'a'), 2_000)
    assert.equal(health.coolingMs('p/other', 'a'), 0)
    clock.pass(1_500)
    assert.equal(health.coolingMs('p/m', 'a'), 500)
    once({ kind: 'rate_limited', retryAfterMs: 1e12 })
    assert.equal(health.coolingMs('p/m', 'a'), 60_000)
    clock.pass(60_000)
    assert.equal(health.coolingMs('p/m', 'a'), 0)
  })
})

test('retries keep to a fifth of the calls of ten seconds and ten a second, however they come', () => {
  const bursts = fc.array(fc.record({ calls: fc.nat(300), ms: fc.integer({ min: 0, max: 3_000 }) }), { maxLength: 30 })
  fc.assert(
    fc.property(bursts, plan => {
      const { clock, health } = rig()
      let calls = 0
      let retries = 0
      let passedMs = 0
      for (const { calls: count, ms } of plan) {
        for (let index = 0; index < count; index++) {
          health.began('p/m', 'a').ended({ kind: 'bad_request', retryAfterMs: undefined })
          calls++
          for (let time = 0; time < 2; time++) if (health.takeRetry('p/m')) retries++
        }
        clock.pass(ms)
        passedMs += ms
      }
      // A second that has begun has its ten.
      assert.ok(retries <= calls * 0.2 + 10 * (Math.floor(passedMs / 1_000) + 2), `${retries} of ${calls}`)
    }),
    { numRuns: 60 }
  )
})

describe('measurements', () => {
  test('time to first content is a moving average, forgotten after five minutes; streams apart from whole answers', () => {
    const { health, clock } = rig()
    const take = (ms: number, stream: boolean) => {
      const begun = health.began('p/m', 'a')
      clock.pass(ms)
      begun.firstContent(stream)
      begun.firstContent(stream)
      begun.ended('answered')
    }
    assert.equal(health.firstContentMs('p/m', true), undefined)
    take(1_000, true)
    take(2_000, true)
    assert.equal(health.firstContentMs('p/m', true), 1_200)
    assert.equal(health.firstContentMs('p/m', false), undefined)
    take(9_000, false)
    assert.equal(health.firstContentMs('p/m', true), 1_200)
    clock.pass(300_001)
    assert.equal(health.firstContentMs('p/m', true), undefined)
  })

  test('the 95th of 100 is known after twenty streams', () => {
    const { health, clock } = rig()
    for (let ms = 1; ms <= 20; ms++) {
      assert.equal(health.p95Ms('p/m'), undefined)
      const begun = health.began('p/m', 'a')
      clock.pass(ms)
      begun.firstContent(true)
      begun.ended('answered')
    }
    assert.equal(health.p95Ms('p/m'), 20)
  })

  test('made-up names do not fill the memory, and what is under way is not forgotten', () => {
    const { health } = rig()
    const open = health.began('p/kept', 'a')
    for (let index = 0; index < 10_000; index++) health.began(`p/${index}`, 'a').ended('answered')
    assert.equal(health.inFlight('p/kept'), 1)
    open.ended('answered')
    assert.equal(health.inFlight('p/kept'), 0)
  })
})
