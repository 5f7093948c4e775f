import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EvenDraws } from '../../src/simulate/draws.ts'
import { type Move, Moves } from '../../src/simulate/moves.ts'
import { Weighed } from '../../src/simulate/report.ts'

const target = fc.constantFrom('a/x', 'b/x', 'c/x', null)
const shares = fc.array(fc.tuple(target, fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 4 }).map(list => {
  const total = list.reduce((sum, [, weight]) => sum + weight, 0)
  return list.map(([name, weight]) => [name, weight / total] as const)
})
const calls = fc.array(fc.record({ alike: fc.constantFrom('1', '2'), from: target, to: shares }), { maxLength: 30 })

const sum = (moves: readonly Move[], which: (move: Move) => boolean) =>
  moves.filter(which).reduce((total, { calls }) => total + calls, 0)
const near = (one: number, other: number) => assert.ok(Math.abs(one - other) < 1e-3, `${one} is not ${other}`)

test('as many calls leave and come as were there and are expected', () => {
  fc.assert(
    fc.property(calls, list => {
      const moves = new Moves()
      for (const { alike, from, to } of list) moves.add(alike, from, to)
      const all = moves.list()
      for (const name of ['a/x', 'b/x', 'c/x', null]) {
        const expected = list.flatMap(({ to }) => to).filter(([each]) => each === name)
        near(
          sum(all, ({ from }) => from === name),
          list.filter(({ from }) => from === name).length
        )
        near(
          sum(all, ({ to }) => to === name),
          expected.reduce((total, [, share]) => total + share, 0)
        )
      }
    })
  )
})

test('of alike calls nobody goes where another comes from', () => {
  fc.assert(
    fc.property(calls, list => {
      const moves = new Moves()
      for (const { from, to } of list) moves.add('alike', from, to)
      const moving = moves.list().filter(({ from, to }) => from !== to)
      for (const { from } of moving) assert.ok(!moving.some(({ to }) => to === from), `${from} is left and gone to`)
    })
  )
})

test('what dice would send either way moves by what their shares change, and not by the dice', () => {
  const moves = new Moves()
  const draws = new EvenDraws()
  const split = {}
  for (let call = 0; call < 1_000; call++) {
    moves.add('split', call < 530 ? 'a/x' : 'b/x', [[draws.next(split) < 0.5 ? 'a/x' : 'b/x', 1]])
  }
  near(
    sum(moves.list(), ({ from, to }) => from !== to),
    30
  )
})

test('after any number of draws each share is right to a few calls', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (count, share) => {
      const draws = new EvenDraws()
      const split = {}
      const drawn = Array.from({ length: count }, () => draws.next(split)).filter(each => each < share).length
      assert.ok(Math.abs(drawn - share * count) < 4, `${drawn} of ${count} for ${share}`)
    })
  )
})

test('each split has draws of its own, however calls of several are mixed', () => {
  const draws = new EvenDraws()
  const [one, other] = [{}, {}]
  const alone = new EvenDraws()
  const mixed = [draws.next(one), draws.next(other), draws.next(one), draws.next(other)]
  assert.deepEqual([mixed[0], mixed[2]], [alone.next(one), alone.next(one)])
  assert.deepEqual([mixed[1], mixed[3]], [mixed[0], mixed[2]])
})

test('times of several targets weigh as many calls as go there', () => {
  const weighed = new Weighed()
  weighed.add([10, 20], 15, 90)
  weighed.add([1_000], 1_000, 10)
  const { mean, p50, p95 } = weighed.times()!
  assert.deepEqual([mean, p50, p95], [113.5, 20, 1_000])
  assert.equal(new Weighed().times(), null)
})
