import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { lossMatrix, PAGE } from '../scripts/loss-matrix.ts'
import { cross, expected, goldens, KINDS, update } from './support/goldens.ts'

/**
 * Law f: what crosses arrives as its golden says, losses and all. `UPDATE_GOLDENS=1` takes what arrives now,
 * and writes the page that is made of them.
 */
const all = goldens()
if (process.env.UPDATE_GOLDENS === '1') {
  for (const golden of all) update(golden)
  writeFileSync(PAGE, lossMatrix())
}

for (const kind of KINDS) {
  describe(`goldens: ${kind}`, () => {
    for (const golden of all.filter(each => each.kind === kind)) {
      it(`${golden.feature}, ${golden.from.name} to ${golden.to.name}`, () => {
        assert.deepEqual(cross(golden), expected(golden))
      })
    }
  })
}

describe('the loss matrix', () => {
  it('is what the goldens say (node scripts/loss-matrix.ts)', () => {
    assert.equal(readFileSync(PAGE, 'utf8'), lossMatrix())
  })
})
