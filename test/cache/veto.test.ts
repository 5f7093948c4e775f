import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { differs } from '../../src/cache/veto.ts'

/** Questions that a vector takes for one another, and which have different answers. */
const DIFFERENT: readonly [why: string, one: string, other: string][] = [
  ['figure', 'What is the tax on an income of 40,000?', 'What is the tax on an income of 50,000?'],
  ['figure', 'What is new in Python 3.11?', 'What is new in Python 3.12?'],
  ['figure', 'Who won the cup in 1998?', 'Who won the cup in 2002?'],
  ['name', 'How is the weather in Paris today?', 'How is the weather in Rome today?'],
  ['name', 'Wie komme ich am besten nach Köln?', 'Wie komme ich am besten nach Ulm?'],
  ['negation', 'Which fruits are good for dogs?', 'Which fruits are not good for dogs?'],
  ['negation', 'Can I delete it?', "Can't I delete it?"],
  ['negation', 'Darf ich hier parken?', 'Darf ich hier nicht parken?'],
  ['quotation', 'Translate "good night" to Danish', 'Translate "good day" to Danish'],
  ['address', 'Summarize https://a.example/one', 'Summarize https://a.example/two'],
  ['address', 'Write to [[EMAIL_1]] about it', 'Write to [[EMAIL_2]] about it'],
  ['opposite', 'How do I enable the alarm?', 'How do I disable the alarm?'],
  ['opposite', 'What must I do before the flight?', 'What must I do after the flight?']
]

const SAME: readonly [string, string][] = [
  ['How do I reset my password?', 'How can I reset my password please?'],
  ['What does the word estuary mean?', 'What is the meaning of the word estuary?'],
  ['Is the shop open on Sunday, and on Monday?', 'On Sunday and on Monday, is the shop open?'],
  ['What is 2 plus 3.', 'What is 2 plus 3?']
]

describe('what keeps two questions apart', () => {
  for (const [why, one, other] of DIFFERENT)
    test(`${one} ${other}`, () => {
      assert.equal(differs(one, other), why)
      assert.equal(differs(other, one), why)
    })
  for (const [one, other] of SAME)
    test(`not apart: ${one} ${other}`, () => assert.equal(differs(one, other), undefined))

  test('questions whose numbers differ are never one', () => {
    const number = fc.integer({ min: 0, max: 1_000_000 })
    fc.assert(
      fc.property(number, number, fc.lorem(), (one, other, words) => {
        const apart = differs(`${words} ${one} ${words}`, `${words} ${other} ${words}`)
        assert.equal(apart !== undefined, one !== other)
      })
    )
  })

  test('a question is never apart from itself, whatever it says', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), text => assert.equal(differs(text, text), undefined)))
  })
})
