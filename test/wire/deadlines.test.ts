import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Deadline, Deadlines } from '../../src/wire/deadlines.ts'
import { InFlightBytes } from '../../src/wire/in-flight.ts'

test('deadlines: expire when due by the clock they are given, once, and not when moved or dropped', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let nowMs = 1000
  const deadlines = new Deadlines({ wallMs: () => 0, monotonicMs: () => nowMs }, 50)
  const expired: string[] = []
  const watch = (name: string, dueMs: number): Deadline => {
    const deadline = { dueMs, expire: () => expired.push(name) }
    deadlines.watch(deadline)
    return deadline
  }
  const pass = (ms: number) => {
    for (let step = 0; step < ms; step += 10) {
      nowMs += 10
      t.mock.timers.tick(10)
    }
  }
  watch('soon', 1100)
  const moved = watch('moved', 1100)
  const dropped = watch('dropped', 1100)
  watch('never', Number.POSITIVE_INFINITY)
  pass(90)
  assert.deepEqual(expired, [])
  moved.dueMs = 1300
  deadlines.drop(dropped)
  pass(100)
  assert.deepEqual(expired, ['soon'])
  pass(200)
  assert.deepEqual(expired, ['soon', 'moved'])
  pass(1000)
  assert.deepEqual(expired, ['soon', 'moved'])
})

test('deadlines: one that throws does not stop the others', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let nowMs = 0
  const deadlines = new Deadlines({ wallMs: () => 0, monotonicMs: () => nowMs }, 50)
  let expired = 0
  const broken = () => {
    throw new Error('broken')
  }
  deadlines.watch({ dueMs: 10, expire: broken })
  deadlines.watch({ dueMs: 10, expire: () => expired++ })
  nowMs = 50
  assert.throws(() => t.mock.timers.tick(50), /broken/)
  t.mock.timers.tick(50)
  assert.equal(expired, 1)
})

test('bytes in flight: shares grow to the limit, all or nothing, and give back what they took', () => {
  const all = new InFlightBytes(100)
  const [one, other] = [all.share(), all.share()]
  assert.equal(one.raiseTo(60), true)
  assert.equal(one.raiseTo(40), true, 'never shrinks')
  assert.equal(other.raiseTo(41), false)
  assert.equal(all.used, 60)
  assert.equal(other.raiseTo(40), true)
  one.release()
  one.release()
  assert.equal(all.used, 40)
  other.release()
  assert.equal(all.used, 0)
})
