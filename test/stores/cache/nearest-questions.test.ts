import assert from 'node:assert/strict'
import test from 'node:test'
import { NearestQuestions, packQuestion } from '../../../src/stores/cache/nearest-questions.ts'
import { packVector } from '../../../src/stores/cache/similarity.ts'
import { towards } from './conformance.ts'

const DIMENSION = 250
const add = (questions: NearestQuestions, fingerprint: string, degrees: readonly number[], number: number) => {
  const packed = degrees.map(each => packQuestion(100, packVector(towards(each, DIMENSION)), `at ${each}`))
  const keys = degrees.map(each => `k${each}`)
  const lengths = packed.map(each => each.length)
  questions.add(fingerprint, number, keys, lengths, Buffer.concat(packed))
}

test('fingerprints that nobody asks for make room for others, and begin again', () => {
  // A little more than five questions.
  const questions = new NearestQuestions(5 * 1_300)
  const near = (fingerprint: string) =>
    questions.nearest(fingerprint, towards(0, DIMENSION), 10, 0).map(({ key }) => key)
  add(questions, 'a', [3, 1], 7)
  add(questions, 'b', [2], 8)
  add(questions, 'c', [4, 5], 9)
  assert.deepEqual(near('a'), ['k1', 'k3'])
  add(questions, 'd', [9], 10)
  assert.deepEqual([questions.position('a'), questions.position('b'), questions.position('d')], [7, 0, 10])
  assert.deepEqual([near('a'), near('b'), near('c'), near('d')], [['k1', 'k3'], [], ['k4', 'k5'], ['k9']])
  // One that is larger than all there is room for stays until another comes.
  add(questions, 'e', [1, 2, 3, 4, 5, 6, 7, 8], 11)
  assert.equal(near('e').length, 8)
  assert.deepEqual(near('a'), [])
  add(questions, 'f', [1], 12)
  assert.deepEqual([near('e'), near('f')], [[], ['k1']])
})

test('what is replaced or dropped counts no more, and what is cut is none', () => {
  const questions = new NearestQuestions(3 * 1_300)
  for (let n = 1; n < 100; n++) add(questions, 'a', [1, 2], n)
  add(questions, 'b', [3], 100)
  assert.equal(questions.nearest('a', towards(0, DIMENSION), 10, 0).length, 2)
  questions.drop('a', ['k1', 'none'])
  questions.add('a', 101, ['cut', 'empty'], [5, 0], Buffer.alloc(5))
  assert.deepEqual(
    questions.nearest('a', towards(0, DIMENSION), 10, 0).map(({ text }) => text),
    ['at 2']
  )
  questions.drop('none', ['k1'])
})
