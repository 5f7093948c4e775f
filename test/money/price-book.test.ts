/** The price table with what people changed of it. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Prices } from '../../src/catalog/prices.ts'
import { PriceBook } from '../../src/money/price-book.ts'
import type { PriceRow } from '../../src/stores/rows.ts'

const LISTED: Prices = [{ lines: { input: { nanoUsdPerMillion: 7e9 } } }]

let made = 0
function row(of: Partial<PriceRow>): PriceRow {
  return { id: `p${++made}`, provider: 'lab', model: '*', usd: null, factor: 1, fromMs: 0, createdAtMs: 0, ...of }
}

function book(...overrides: PriceRow[]): PriceBook {
  return new PriceBook({ lookup: (_, model) => (model === 'unknown' ? null : LISTED), overrides, version: 'v1' })
}

function input({ prices, factor }: ReturnType<PriceBook['pricesFor']>): [number | null, number] {
  return [
    (prices?.at(-1)?.lines.input?.nanoUsdPerMillion ?? null) && prices!.at(-1)!.lines.input!.nanoUsdPerMillion / 1e9,
    factor
  ]
}

test('without changes it says what is listed, and null where nothing is', () => {
  const plain = book()
  assert.deepEqual(input(plain.pricesFor('lab', 'm', 1)), [7, 1])
  assert.equal(plain.pricesFor('lab', 'unknown', 1).prices, null)
  assert.equal(plain.version, 'v1')
})

test('a discount changes the factor, own prices the lines, of the models that match at that provider', () => {
  const changed = book(row({ factor: 0.8 }), row({ model: 'own-*', usd: { input_mtok: 3 } }))
  assert.deepEqual(input(changed.pricesFor('lab', 'm', 1)), [7, 0.8])
  assert.deepEqual(input(changed.pricesFor('lab', 'own-1', 1)), [3, 1])
  assert.deepEqual(input(changed.pricesFor('elsewhere', 'm', 1)), [7, 1])
})

test('a discount on everything does not take a model the prices it was given', () => {
  const changed = book(row({ model: 'unknown', usd: { input_mtok: 3 } }), row({ factor: 0.9, fromMs: 10 }))
  assert.deepEqual(input(changed.pricesFor('lab', 'unknown', 20)), [3, 0.9])
})

test('no lines are no price: such a change leaves what is listed', () => {
  assert.deepEqual(input(book(row({ usd: {} })).pricesFor('lab', 'm', 1)), [7, 1])
  assert.equal(book(row({ usd: {} })).pricesFor('lab', 'unknown', 1).prices, null)
})

test('changes begin when they say; of those that began alike the last holds', () => {
  const changed = book(
    row({ usd: { input_mtok: 2 }, fromMs: 200 }),
    row({ usd: { input_mtok: 1 }, fromMs: 100 }),
    row({ usd: { input_mtok: 4 }, fromMs: 300 }),
    row({ usd: { input_mtok: 5 }, fromMs: 300 })
  )
  const dollars = (wallMs: number) => input(changed.pricesFor('lab', 'm', wallMs))[0]
  assert.deepEqual([99, 100, 199, 200, 300].map(dollars), [7, 1, 1, 2, 5])
})

test('every change makes another version, and the same changes the same', () => {
  const one = row({ factor: 0.8 })
  const other = row({ factor: 0.9 })
  assert.equal(book(one).version, book(one).version)
  assert.equal(new Set([book(), book(one), book(other), book(one, other)].map(each => each.version)).size, 4)
  assert.match(book(one).version, /^v1\+[0-9a-f]{12}$/)
  assert.equal(book(one).pricesFor('lab', 'm', 1).version, book(one).version)
})
