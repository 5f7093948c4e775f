import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WORDS_MAX, wordDiff } from '../../src/admin/word-diff.ts'

const word = fc.constantFrom('the', 'a', 'cat', 'sat', 'on', 'mat', '\n\n')
const text = fc.array(word, { maxLength: 40 }).map(words => words.join(' '))

test('what is not added is the first text, what is not removed the other', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const parts = wordDiff(before, after)!
      const without = (is: string) => parts.filter(part => part.is !== is).map(part => part.text)
      assert.equal(without('added').join(''), before)
      assert.equal(without('removed').join(''), after)
    })
  )
})

test('no difference is longer than it must be', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const same = wordDiff(before, after)!
        .filter(({ is }) => is === 'same')
        .reduce((sum, part) => sum + words(part.text).length, 0)
      assert.equal(same, longestCommon(words(before), words(after)))
    })
  )
})

test('parts of one kind are one part, and what is gone stands before what is new', () => {
  assert.deepEqual(wordDiff('the cat sat', 'the dog sat'), [
    { is: 'same', text: 'the ' },
    { is: 'removed', text: 'cat' },
    { is: 'added', text: 'dog' },
    { is: 'same', text: ' sat' }
  ])
  assert.deepEqual(wordDiff('', ''), [])
})

test('long texts that have nothing in common are told apart in some milliseconds', () => {
  const long = (name: string) => Array.from({ length: WORDS_MAX / 2 }, (_, at) => `${name}${at}`).join('\n')
  const [before, after] = [long('a'), long('b')]
  const began = performance.now()
  const parts = wordDiff(before, after)!
  assert.ok(performance.now() - began < 1_000, 'it takes its time')
  const first = parts.filter(({ is }) => is !== 'added').map(part => part.text)
  assert.equal(first.join(''), before)
  assert.equal(wordDiff(`${before} more words`, after), undefined)
})

function words(text: string): string[] {
  return text.match(/\s+|\S+/g) ?? []
}

/** By the table that everybody knows, too large for long texts. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const lengths = a.reduce<number[]>(
    (above, word) => {
      const row = [0]
      for (const [at, other] of b.entries()) {
        row.push(word === other ? above[at]! + 1 : Math.max(above[at + 1]!, row[at]!))
      }
      return row
    },
    b.reduce<number[]>(row => [...row, 0], [0])
  )
  return lengths.at(-1)!
}
