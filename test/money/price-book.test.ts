/** The price table with what people changed of it. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { catalog } from '../../src/catalog/catalog.ts'
import type { Prices } from '../../src/catalog/prices.ts'
import { costOf } from '../../src/money/price.ts'
import { PriceBook } from '../../src/money/price-book.ts'
import type { PriceRow } from '../../src/stores/rows.ts'
import type { Usage } from '../../src/usage.ts'

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

const WALL_MS = Date.UTC(2026, 10, 22, 12)

/** As a call is priced: the catalogue, what was changed of it, the cost in dollars. */
function usdOf(name: string, usage: Partial<Usage>, ...overrides: PriceRow[]) {
  const lookup = (provider: string, model: string) => catalog.find(provider, model)?.prices ?? null
  const whole = new PriceBook({ lookup, overrides, version: catalog.version })
  const [provider, model] = [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)]
  const { nano, marks } = costOf(usage, whole.pricesFor(provider, model, WALL_MS), { wallMs: WALL_MS })
  return [nano === null ? null : nano / 1e9, ...marks]
}

/** Counted in millions, so that dollars are those of the price list. */
const M = 1_000_000
const PRICED: [what: string, name: string, usage: Partial<Usage>, usd: number | null, ...marks: string[]][] = [
  ['input', 'anthropic/claude-opus-4-7', { inputTokens: M }, 5],
  ['output', 'anthropic/claude-opus-4-7', { outputTokens: M }, 25],
  ['a cached read', 'anthropic/claude-opus-4-7', { inputTokens: M, cacheReadTokens: M }, 0.5],
  ['writing for 5 minutes', 'anthropic/claude-opus-4-7', { inputTokens: M, cacheWriteTokens: M }, 6.25],
  [
    'writing for an hour',
    'anthropic/claude-opus-4-7',
    { inputTokens: M, cacheWriteTokens: M, cacheWrite1hTokens: M },
    10
  ],
  [
    'writing for both',
    'anthropic/claude-opus-4-7',
    { inputTokens: 2 * M, cacheWriteTokens: 2 * M, cacheWrite1hTokens: M },
    16.25
  ],
  ['searches', 'anthropic/claude-opus-4-7', { webSearches: 3 }, 0.03],
  ['half price in a batch', 'anthropic/claude-opus-4-7', { inputTokens: M, tier: 'batch' }, 2.5],
  ['up to the long context', 'openai/gpt-5.5', { inputTokens: 271_999 }, 1.359995],
  ['the long context', 'openai/gpt-5.5', { inputTokens: 272_000 }, 2.72],
  ['the flexible tier', 'openai/gpt-5', { inputTokens: M, tier: 'flex' }, 0.625],
  ['the tier of priority', 'openai/gpt-5', { inputTokens: M, tier: 'priority' }, 2.5],
  ['a tier without a number', 'google/gemini-2.5-flash', { inputTokens: M, tier: 'priority' }, 0.3, 'tier_unpriced'],
  ['sound that is heard', 'google/gemini-2.5-flash', { inputTokens: M, inputAudioTokens: M }, 1],
  ['text beside sound', 'google/gemini-2.5-flash', { inputTokens: 2 * M, inputAudioTokens: M }, 1.3],
  [
    'thoughts apart',
    'perplexity/sonar-deep-research',
    { outputTokens: M, reasoningTokens: M },
    3,
    'citations_unpriced'
  ],
  ['thoughts as output', 'openai/gpt-5', { outputTokens: M, reasoningTokens: M }, 10],
  ['each request', 'perplexity/sonar', { inputTokens: M }, 1.012],
  ['a drawn answer', 'google/gemini-2.5-flash-image', { outputTokens: M }, 2.5, 'images_unpriced'],
  ['a region of a cloud', 'bedrock/eu.anthropic.claude-sonnet-4-6', { inputTokens: M }, 3.3],
  ['a cloud nobody knows a price of', 'azure-foundry/gpt-5.5', { inputTokens: M }, null]
]

test('whatever the catalogue has a price for is charged by it, end to end', () => {
  for (const [what, name, usage, ...expected] of PRICED) assert.deepEqual(usdOf(name, usage), expected, what)
})

test('whatever people give a price for is charged by it, end to end', () => {
  const usd = {
    input_mtok: { base: 1, tiers: [{ start: 200_000, price: 3 }] },
    output_mtok: 4,
    cache_read_mtok: 0.1,
    cache_write_mtok: 1.5,
    cache_write_1h_mtok: 2,
    output_reasoning_mtok: 5,
    input_audio_mtok: 6,
    output_audio_mtok: 7,
    requests_kcount: 5,
    web_searches_kcount: 20
  }
  const own = row({ provider: 'azure-foundry', model: 'gpt-*', usd })
  const of = (usage: Partial<Usage>, ...more: PriceRow[]) => usdOf('azure-foundry/gpt-5.5', usage, own, ...more)
  const request = 0.005
  const some = (usage: Partial<Usage>, dollars: number) =>
    assert.deepEqual(of(usage), [Math.round(dollars * 1e9) / 1e9], JSON.stringify(usage))
  some({ inputTokens: 200_000 }, 0.2 + request)
  some({ inputTokens: M }, 3 + request)
  some({ inputTokens: 100_000, cacheReadTokens: 100_000 }, 0.01 + request)
  some({ inputTokens: 100_000, cacheWriteTokens: 100_000 }, 0.15 + request)
  some({ inputTokens: 100_000, cacheWriteTokens: 100_000, cacheWrite1hTokens: 100_000 }, 0.2 + request)
  some({ inputTokens: 100_000, inputAudioTokens: 100_000 }, 0.6 + request)
  some({ outputTokens: M }, 4 + request)
  some({ outputTokens: M, reasoningTokens: M }, 5 + request)
  some({ outputTokens: M, outputAudioTokens: M }, 7 + request)
  some({ webSearches: 2 }, 0.04)
  assert.deepEqual(of({ outputTokens: M }, row({ provider: 'azure-foundry', factor: 0.5, fromMs: 1 })), [2.0025])
  assert.deepEqual(of({ outputTokens: M, tier: 'flex' }), [4.005, 'tier_unpriced'], 'no tier comes with a price given')
})
