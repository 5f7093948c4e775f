import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { evaluatePairs } from '../../src/cache/evaluation.ts'
import { Similar, unit } from '../../src/cache/semantic.ts'
import type { SimilarQuestion } from '../../src/stores/cache.ts'

const SETTINGS = { embeddings: 'vectors', charsMin: 8, timeoutMs: 1_000 }

function similar(near: readonly SimilarQuestion[], failed: unknown[] = []) {
  let nowMs = 0
  const asked: number[][] = []
  const one = new Similar({
    settings: SETTINGS,
    nowMs: () => nowMs,
    failed: thrown => failed.push(thrown),
    store: {
      async nearest(_, vector) {
        asked.push([...vector])
        return [...near]
      }
    }
  })
  return { one, asked, pass: (ms: number) => (nowMs += ms) }
}

describe('similar questions', () => {
  const text = 'how do I make a soup'
  const embed = async () => [3, 4]

  test('the nearest that is near enough and not apart', async () => {
    const near = [
      { key: 'apart', text: 'how do I make 2 soups', score: 0.99 },
      { key: 'right', text: 'how do I make soup', score: 0.96 },
      { key: 'later', text: 'how do I make soups', score: 0.95 }
    ]
    const { one, asked } = similar(near)
    const found = await one.find({ fingerprint: 'f', text: `  ${text} `, threshold: 0.95 }, embed)
    assert.deepEqual(found?.found, { key: 'right', score: 0.96 })
    assert.equal(found?.question.text, text)
    assert.deepEqual(asked, [[Math.fround(0.6), Math.fround(0.8)]])
    const none = await one.find({ fingerprint: 'f', text, threshold: 0.97 }, embed)
    assert.equal(none?.found, undefined)
    assert.ok(none?.question)
  })

  test('what says too little is not compared, and asks for no vector', async () => {
    const { one } = similar([])
    let asked = 0
    const counting = async () => {
      asked++
      return [1]
    }
    for (const short of ['soup?', '12345678901', '   ']) {
      assert.equal(await one.find({ fingerprint: 'f', text: short, threshold: 0.9 }, counting), undefined)
    }
    assert.equal(asked, 0)
  })

  test('who gives no vector fails nothing', async () => {
    const failed: unknown[] = []
    const { one } = similar([], failed)
    const bad = [
      async () => Promise.reject(new Error('late')),
      async () => [0, 0],
      async () => [Number.NaN],
      async () => []
    ]
    for (const each of bad) assert.equal(await one.find({ fingerprint: 'f', text, threshold: 0.9 }, each), undefined)
    assert.equal(failed.length, bad.length)
  })

  test('a vector is remembered for a minute, for who may compare with it', async () => {
    const { one, pass } = similar([])
    let asked = 0
    const counting = async () => {
      asked++
      return [1, 1]
    }
    const find = (fingerprint: string) => one.find({ fingerprint, text, threshold: 0.9 }, counting)
    await find('one')
    await find('one')
    assert.equal(asked, 1)
    await find('two')
    assert.equal(asked, 2)
    pass(61_000)
    await find('one')
    assert.equal(asked, 3)
  })

  test('vectors have length one, or are none', () => {
    assert.deepEqual([...unit([0, 5])!], [0, 1])
    for (const bad of [[0, 0], [Number.POSITIVE_INFINITY], [], [Number.NaN, 1]]) assert.equal(unit(bad), undefined)
  })
})

describe('evaluation', () => {
  /** A pair whose questions are this near. */
  const pair = (name: string, same: boolean, degrees: number) => ({
    pair: { a: `${name} asked`, b: `${name} said`, same },
    vectors: [
      [`${name} asked`, [1, 0]],
      [`${name} said`, [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]]
    ] as [string, number[]][]
  })
  const evaluated = (pairs: ReturnType<typeof pair>[], allowed: number) =>
    evaluatePairs(
      pairs.map(each => each.pair),
      new Map(pairs.flatMap(({ vectors }) => vectors)),
      allowed
    )

  test('the lowest threshold with few enough false hits, and whether that is certain', () => {
    const same = ['a', 'b', 'c', 'd'].map((name, at) => pair(name, true, 5 + at * 8))
    const different = Array.from({ length: 400 }, (_, at) =>
      pair(`x${String.fromCharCode(97 + (at % 26))}${'y'.repeat(at)}`, false, at < 8 ? 20 : 80)
    )
    const { rows, proposed, isCertain, differentNeeded } = evaluated([...same, ...different], 0.01)
    const at = (threshold: number) => rows.find(row => row.threshold === threshold)!
    // 20 degrees are a cosine of 0.94.
    assert.deepEqual([at(0.93).falseHits, at(0.95).falseHits], [8, 0])
    assert.equal(proposed?.threshold, 0.94)
    assert.equal(isCertain, true)
    assert.equal(proposed?.hits, 2)
    assert.ok(differentNeeded > 370 && differentNeeded < 400, String(differentNeeded))
    const few = evaluated([...same, ...different.slice(0, 50)], 0.01)
    assert.equal(few.isCertain, false)
    assert.equal(few.proposed?.threshold, 0.94)
  })

  test('none where all are taken for one another', () => {
    const { proposed } = evaluated([pair('a', true, 1), pair('b', false, 0.1)], 0.01)
    assert.equal(proposed, undefined)
  })
})
