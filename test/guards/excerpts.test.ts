import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { askAll, batchesOf, excerptsOf } from '../../src/guards/excerpts.ts'

const text = fc.string({ unit: fc.constantFrom('a', 'é', '漢', '😀', ' ', '\n'), maxLength: 120 })
const sizes = fc.record({ units: fc.integer({ min: 8, max: 50 }), overlap: fc.integer({ min: 0, max: 5 }) })

describe('excerpts of passages', () => {
  it('are pieces of them, none too long, none with half a character', () => {
    fc.assert(
      fc.property(fc.array(text), sizes, (texts, { units, overlap }) => {
        const passages = texts.map((each, at) => ({ path: `p${at}`, text: each }))
        for (const { path, text: piece, at } of excerptsOf(passages, units, overlap)) {
          const whole = texts[Number(path.slice(1))]!
          assert.equal(whole.slice(at, at + piece.length), piece)
          assert.ok(piece.length <= units && piece.isWellFormed() && piece.trim() !== '')
        }
      })
    )
  })

  it('hold whole whatever is no longer than their overlap', () => {
    fc.assert(
      fc.property(text, sizes, fc.nat(), fc.nat(), (whole, { units, overlap }, from, length) => {
        const at = whole.length === 0 ? 0 : from % whole.length
        const wanted = whole.slice(at, at + Math.max(1, length % (overlap + 1)))
        if (wanted.trim() === '') return
        const excerpts = excerptsOf([{ path: 'p', text: whole }], units, overlap)
        const isIn = ({ at: begin, text: piece }: { at: number; text: string }) =>
          begin <= at && at + wanted.length <= begin + piece.length
        assert.ok(excerpts.some(isIn) || !wanted.isWellFormed())
      })
    )
  })

  it('go in batches that hold as much as they may, in order', () => {
    const some = fc.array(fc.integer({ min: 1, max: 12 }))
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 5 }), (items, countMax) => {
        const batches = batchesOf(items, { countMax, weightMax: 10, weightOf: item => item })
        assert.deepEqual(batches.flat(), items)
        const weigh = (batch: readonly number[]) => batch.reduce((sum, item) => sum + item, 0)
        for (const [at, batch] of batches.entries()) {
          assert.ok(batch.length === 1 || (batch.length <= countMax && weigh(batch) <= 10))
          const next = batches[at + 1]
          if (next) assert.ok(batch.length === countMax || weigh(batch) + next[0]! > 10)
        }
      })
    )
  })

  it('are asked about so many at a time, and answered in order', async () => {
    let now = 0
    let most = 0
    const answers = await askAll([5, 1, 4, 2, 3, 0, 6], 3, async item => {
      most = Math.max(most, ++now)
      for (let turns = 0; turns < item; turns++) await Promise.resolve()
      now--
      return item * 2
    })
    assert.deepEqual(answers, [10, 2, 8, 4, 6, 0, 12])
    assert.equal(most, 3)
  })
})
