import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Json } from '../../src/json.ts'
import { type Condition, constant, holds, isFact, timeIn } from '../../src/routing/conditions.ts'

const says =
  (facts: Record<string, Json>) =>
  (name: string): Json | undefined =>
    facts[name]

describe('conditions', () => {
  const table: [Condition, Record<string, Json>, boolean][] = [
    [{}, {}, true],
    [{ 'metadata.plan': 'free' }, { 'metadata.plan': 'free' }, true],
    [{ 'metadata.plan': 'free' }, {}, false],
    [{ 'metadata.plan': { ne: 'free' } }, {}, true],
    [{ 'metadata.plan': { in: ['a', 'b'] } }, { 'metadata.plan': 'b' }, true],
    [{ 'metadata.plan': { not_in: ['a', 'b'] } }, { 'metadata.plan': 'b' }, false],
    [{ 'metadata.plan': { exists: true } }, { 'metadata.plan': null }, false],
    [{ 'metadata.plan': { exists: false } }, {}, true],
    [{ estimated_tokens: { gt: 10, lte: 20 } }, { estimated_tokens: 20 }, true],
    [{ estimated_tokens: { gt: 10, lt: 20 } }, { estimated_tokens: 20 }, false],
    [{ estimated_tokens: { gt: 10 } }, {}, false],
    [{ 'header.x-n': { gte: 5 } }, { 'header.x-n': '12' }, true],
    [{ 'header.x-n': { gte: 5 } }, { 'header.x-n': 'many' }, false],
    [{ 'header.x-on': true }, { 'header.x-on': 'true' }, true],
    [{ tags: 'beta' }, { tags: ['alpha', 'beta'] }, true],
    [{ tags: { ne: 'beta' } }, { tags: ['alpha', 'beta'] }, false],
    [{ tags: { not_in: ['x'] } }, { tags: ['alpha'] }, true],
    [{ model: { matches: '^gpt-\\d' } }, { model: 'gpt-5.5' }, true],
    [{ model: { matches: '^GPT' } }, { model: 'gpt-5.5' }, false],
    [{ model: { matches: '(?i)^GPT' } }, { model: 'gpt-5.5' }, true],
    [{ all: [{ key: 'a' }, { not: { stream: true } }] }, { key: 'a', stream: false }, true],
    [{ any: [{ key: 'a' }, { key: 'b' }] }, { key: 'c' }, false],
    [{ any: [] }, {}, false],
    [{ key: 'a', any: [{ stream: true }] }, { key: 'b', stream: true }, false],
    [{ time: { gte: '22:00', lt: '06:00' } }, { time: '23:10' }, true],
    [{ time: { gte: '22:00', lt: '06:00' } }, { time: '05:59' }, true],
    [{ time: { gte: '22:00', lt: '06:00' } }, { time: '06:00' }, false],
    [{ time: { gte: '09:00', lt: '17:00' } }, { time: '08:59' }, false]
  ]
  for (const [condition, facts, expected] of table) {
    test(`${JSON.stringify(condition)} of ${JSON.stringify(facts)}: ${expected}`, () => {
      assert.equal(holds(condition, says(facts)), expected)
    })
  }

  test('time of day is that of the zone', () => {
    const at = Date.UTC(2026, 0, 5, 23, 30)
    assert.deepEqual(timeIn(undefined, at), { time: '23:30', weekday: 'mon' })
    assert.deepEqual(timeIn('Europe/Berlin', at), { time: '00:30', weekday: 'tue' })
  })

  test('facts have names of their own, or go on after a dot', () => {
    for (const name of ['key', 'time', 'metadata.a', 'header.x-a', 'body.a.0.b']) assert.ok(isFact(name), name)
    for (const name of ['keys', 'metadata', 'metadata.', 'constructor', 'x.y']) assert.ok(!isFact(name), name)
  })
})

const { condition: anyCondition } = fc.letrec<{ condition: Condition }>(tie => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    fc.record({ key: fc.constantFrom('a', 'b') }) as fc.Arbitrary<Condition>,
    fc.record({
      estimated_tokens: fc.record({ gt: fc.integer({ min: 0, max: 5 }), lt: fc.integer({ min: 0, max: 5 }) })
    }),
    fc.constant({}),
    fc.record({ all: fc.array(tie('condition'), { maxLength: 2 }) }),
    fc.record({ any: fc.array(tie('condition'), { maxLength: 2 }) }),
    fc.record({ not: tie('condition') })
  )
}))

test('what is called constant when loaded holds, or does not, for every call', () => {
  const call = fc.record({ key: fc.constantFrom('a', 'b', 'c'), estimated_tokens: fc.integer({ min: 0, max: 6 }) })
  fc.assert(
    fc.property(anyCondition, call, (condition, facts) => {
      const known = constant(condition)
      if (known !== undefined) assert.equal(holds(condition, says(facts)), known)
      assert.equal(holds({ not: condition }, says(facts)), !holds(condition, says(facts)))
    }),
    { numRuns: 1_000 }
  )
})
