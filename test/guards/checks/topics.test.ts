/** Nearness to examples, by vectors made of words. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from '../../../src/guards/checks/topics.ts'
import type { Passage, Subject, Tools } from '../../../src/guards/guard.ts'

const WORDS = ['loan', 'bank', 'goal', 'match', 'poem', 'rhyme']
const vectorOf = (text: string) => [...WORDS.map(word => text.split(word).length - 1), 0.01]

function asking(options: object, failures = 0) {
  const asked: string[][] = []
  const embed: Tools['embed'] = async ({ texts }) => {
    asked.push([...texts])
    if (failures-- > 0) throw new Error('down')
    return texts.map(vectorOf)
  }
  const made = check.create(check.options.parse({ model: 'm', ...options }))
  const of = async (...texts: string[]) => {
    const subject = { passages: texts.map(text => ({ text }) as Passage) } as Partial<Subject> as Subject
    const found = await made.judge!(subject, { embed } as Tools, new AbortController().signal)
    return found.map(({ rule }) => rule)
  }
  return { asked, of, made }
}

const SPORT = { sport: ['a goal in the match', 'goal'] }
const MONEY = { money: ['a loan of the bank'] }

test('denied, allowed, both; the examples are embedded once', async () => {
  const { asked, of, made } = asking({ deny: SPORT, allow: MONEY })
  assert.equal(made.reach, 'whole')
  assert.deepEqual(await of('what a goal'), ['topics.sport'])
  assert.deepEqual(await of('a bank with a loan', ' '), [])
  assert.deepEqual(await of('a poem'), ['topics.none_allowed'])
  assert.deepEqual(await of(' '), [])
  assert.equal(asked.filter(texts => texts.length === 3).length, 1)
  assert.deepEqual(await asking({ deny: SPORT }).of('a poem', 'a bank'), [])
})

test('a failure is not kept', async () => {
  const { of } = asking({ deny: SPORT }, 1)
  await assert.rejects(of('goal'), /down/)
  assert.deepEqual(await of('goal'), ['topics.sport'])
  assert.throws(() => check.options.parse({ model: 'm' }), /to allow or to deny/)
})
