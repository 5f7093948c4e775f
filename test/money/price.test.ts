/** Cost is exact, whatever was counted: the properties that hold for every usage and every price list. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { PriceLine, Prices } from '../../src/catalog/prices.ts'
import { costOf } from '../../src/money/price.ts'
import type { Usage } from '../../src/usage.ts'

const NOW = { wallMs: Date.UTC(2026, 10, 22, 12) }
const UNITS = ['cache_read', 'cache_write', 'cache_write_1h', 'output_reasoning', 'input_audio', 'output_audio']
const NUMBERS = [
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'reasoningTokens',
  'inputAudioTokens',
  'outputAudioTokens',
  'webSearches'
] as const

const nanos = fc.integer({ min: 0, max: 1_000_000_000_000 })
const line: fc.Arbitrary<PriceLine> = fc.oneof(
  nanos.map(nanoUsdPerMillion => ({ nanoUsdPerMillion })),
  fc.tuple(nanos, nanos, fc.integer({ min: 1, max: 300_000 })).map(([base, price, edge]) => ({
    nanoUsdPerMillion: base,
    tiers: [{ aboveInputTokens: edge, nanoUsdPerMillion: Math.max(base, price) }]
  }))
)
const optional = Object.fromEntries([...UNITS, 'requests', 'web_searches'].map(unit => [unit, line]))
const lists: fc.Arbitrary<Prices> = fc
  .record({ input: line, output: line, ...optional }, { requiredKeys: ['input', 'output'] })
  .map(lines => [{ lines: lines as Record<string, PriceLine> }])
const counts = fc.integer({ min: 0, max: 2_000_000 })
const usages: fc.Arbitrary<Partial<Usage>> = fc.record(
  Object.fromEntries(NUMBERS.map(name => [name, counts])) as Record<(typeof NUMBERS)[number], typeof counts>,
  { requiredKeys: [] }
)
const factors = fc.integer({ min: 0, max: 3_000_000_000 }).map(billionths => billionths / 1e9)

function cost(usage: Partial<Usage>, prices: Prices | null, factor = 1) {
  return costOf(usage, { prices, factor, version: '' }, NOW)
}

const flat = (usd: Record<string, number>): Prices => [
  {
    lines: Object.fromEntries(
      Object.entries(usd).map(([unit, dollars]) => [unit, { nanoUsdPerMillion: dollars * 1e9 }])
    )
  }
]

describe('what a call cost', () => {
  test('is rounded once, up: its lines add up to less than a nano-dollar below it', () => {
    fc.assert(
      fc.property(usages, lists, factors, (usage, prices, factor) => {
        const { nano, lines } = cost(usage, prices, factor)
        const parts = Object.values(lines!) as { units: number; nano: number }[]
        const sum = parts.reduce((total, part) => total + part.nano, 0)
        // Lines are shown to a thousandth of a nano-dollar; sums of large ones are themselves doubles.
        const slack = 0.001 * parts.length + sum * 1e-12
        assert.ok(nano! >= sum - slack && nano! < sum + 1 + slack, `${nano} of ${sum}`)
      })
    )
  })

  test('is exact where doubles are not', () => {
    // 0.1 + 0.2 of a dollar a million: 0.3 nano-dollars a token, three tokens, rounded up once.
    assert.equal(cost({ inputTokens: 1, outputTokens: 1 }, flat({ input: 0.0001, output: 0.0002 })).nano, 1)
    const usage = { inputTokens: 999_999_999, outputTokens: 1 }
    assert.equal(cost(usage, flat({ input: 75.000000001, output: 0.000000001 })).nano, 74_999_999_926_000)
  })

  test('never falls when more of anything is used', () => {
    // Parts may be cheaper than the whole they are taken from (cached input): what is added is added to the whole.
    const grown = fc.constantFrom('inputTokens' as const, 'outputTokens' as const, 'webSearches' as const)
    fc.assert(
      fc.property(usages, lists, grown, fc.integer({ min: 1, max: 1_000_000 }), (usage, prices, unit, more) => {
        const { inputTokens = 0, outputTokens = 0 } = usage
        const whole = { ...usage, inputTokens: inputTokens + 6_000_000, outputTokens: outputTokens + 6_000_000 }
        const after = cost({ ...whole, [unit]: (whole[unit] ?? 0) + more }, prices)
        assert.ok(after.nano! >= cost(whole, prices).nano!)
      })
    )
  })

  test('is multiplied by the factor, to a nano-dollar', () => {
    fc.assert(
      fc.property(usages, lists, factors, (usage, prices, factor) => {
        const list = cost(usage, prices).nano!
        const paid = cost(usage, prices, factor).nano!
        assert.ok(
          Math.abs(paid - list * factor) <= 1 + factor + list * factor * 1e-12,
          `${paid} of ${list} × ${factor}`
        )
      })
    )
    assert.equal(cost({ inputTokens: 1_000_000 }, flat({ input: 2 }), 0.8).nano, 1_600_000_000)
    assert.equal(cost({ inputTokens: 1_000_000 }, flat({ input: 2 }), 0).nano, 0)
  })

  test('never throws, and is whole and not negative, however counts contradict each other', () => {
    const odd = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, Number.MAX_VALUE)
    )
    const nonsense = fc.record(
      Object.fromEntries(NUMBERS.map(name => [name, odd])) as Record<(typeof NUMBERS)[number], typeof odd>,
      { requiredKeys: [] }
    )
    const tiers = fc.constantFrom(undefined, '', 'flex', 'constructor', '__proto__', 'toString')
    fc.assert(
      fc.property(nonsense, tiers, lists, (counted, tier, prices) => {
        const { nano } = cost({ ...counted, ...(tier !== undefined && { tier }) }, prices)
        assert.ok(Number.isSafeInteger(nano) && nano! >= 0)
      })
    )
  })

  test('has no part of a token twice: parts are no more than what they are parts of', () => {
    fc.assert(
      fc.property(usages, lists, (usage, prices) => {
        const lines = cost(usage, prices).lines as Record<string, { units: number }>
        const units = (...names: string[]) => names.reduce((sum, name) => sum + (lines[name]?.units ?? 0), 0)
        const input = units('input', 'cache_read', 'cache_write', 'cache_write_1h', 'input_audio')
        assert.equal(input, usage.inputTokens ?? 0)
        assert.equal(units('output', 'output_reasoning', 'output_audio'), usage.outputTokens ?? 0)
      })
    )
  })

  test('of a long context is that of the whole call, from the token after the edge on', () => {
    const prices: Prices = [
      {
        lines: {
          input: {
            nanoUsdPerMillion: 1e9,
            tiers: [
              { aboveInputTokens: 1_000, nanoUsdPerMillion: 2e9 },
              { aboveInputTokens: 2_000, nanoUsdPerMillion: 4e9 }
            ]
          },
          output: { nanoUsdPerMillion: 1e9, tiers: [{ aboveInputTokens: 1_000, nanoUsdPerMillion: 3e9 }] }
        }
      }
    ]
    const of = (inputTokens: number) => cost({ inputTokens, outputTokens: 10, cacheReadTokens: 500 }, prices).nano
    assert.deepEqual([1_000, 1_001, 2_000, 2_001].map(of), [
      1_010_000,
      1_001 * 2_000 + 30_000,
      4_000_000 + 30_000,
      2_001 * 4_000 + 30_000
    ])
  })

  test('knows what is charged apart, and what as the thing it is a part of', () => {
    const usage = { inputTokens: 100, cacheReadTokens: 40, cacheWriteTokens: 30, cacheWrite1hTokens: 10 }
    const lines = (usd: Record<string, number>) =>
      Object.fromEntries(
        Object.entries(cost(usage, flat(usd)).lines as Record<string, { nano: number }>).map(([unit, { nano }]) => [
          unit,
          nano
        ])
      )
    assert.deepEqual(lines({ input: 10, cache_read: 1, cache_write: 12, cache_write_1h: 20 }), {
      input: 300_000,
      cache_read: 40_000,
      cache_write: 240_000,
      cache_write_1h: 200_000
    })
    // Without a line of its own: an hour's writing costs what writing costs, and that what input costs.
    assert.equal(lines({ input: 10, cache_write: 12 }).cache_write_1h, 120_000)
    assert.equal(lines({ input: 10 }).cache_write, 200_000)
  })
})

describe('an unknown price', () => {
  test('is null and never 0: no list, an empty table, no line for what was used', () => {
    for (const prices of [null, [], [{ lines: {} }], flat({ output: 1 })] as (Prices | null)[]) {
      const { nano, lines } = cost({ inputTokens: 1 }, prices)
      assert.equal(nano, null)
      assert.equal(lines, null)
    }
    assert.equal(cost({ inputTokens: 1, outputTokens: 1 }, flat({ input: 1 })).nano, null)
  })

  test('is not that of what costs nothing', () => {
    assert.equal(cost({ inputTokens: 5, outputTokens: 5 }, flat({ input: 0, output: 0 })).nano, 0)
    assert.equal(cost({}, flat({ input: 1, output: 1 })).nano, 0, 'nothing was used')
  })

  test('of searches and pictures is said, and the rest is charged', () => {
    const searched = cost({ inputTokens: 1_000, webSearches: 2 }, flat({ input: 1 }))
    assert.deepEqual([searched.nano, searched.marks], [1_000_000, ['searches_unpriced']])
    const priced = cost({ inputTokens: 1_000, webSearches: 2 }, flat({ input: 1, web_searches: 10_000 }))
    assert.deepEqual([priced.nano, priced.marks], [1_000_000 + 20_000_000, []])
    const drawn = cost({ inputTokens: 1_000, outputTokens: 10 }, flat({ input: 1, output: 1, output_image: 30 }))
    assert.deepEqual([drawn.nano, drawn.marks], [1_010_000, ['images_unpriced']])
  })
})

describe('service tiers', () => {
  const prices: Prices = [
    {
      ...flat({ input: 1, output: 2, web_searches: 10_000, requests: 5_000 })[0]!,
      serviceTiers: { flex: 500, priority: 2_500 }
    }
  ]
  const usage = { inputTokens: 1_000, outputTokens: 1_000, webSearches: 1 }
  const byThePiece = 10_000_000 + 5_000_000

  test('are a share of the list price of tokens; what is charged by the piece costs the same', () => {
    assert.equal(cost(usage, prices).nano, 3_000_000 + byThePiece)
    assert.equal(cost({ ...usage, tier: 'flex' }, prices).nano, 1_500_000 + byThePiece)
    assert.equal(cost({ ...usage, tier: 'priority' }, prices).nano, 7_500_000 + byThePiece)
  })

  test('in the words for the usual one are the list price', () => {
    for (const tier of ['', 'default', 'standard', 'auto', 'on_demand', 'scale'])
      assert.deepEqual(cost({ ...usage, tier }, prices), cost(usage, prices))
  })

  test('that nobody has a number for are charged at the list price, and marked', () => {
    for (const tier of ['performance', 'provisioned_throughput', 'toString']) {
      const { nano, marks } = cost({ ...usage, tier }, prices)
      assert.deepEqual([nano, marks], [3_000_000 + byThePiece, ['tier_unpriced']])
    }
  })
})

describe('prices have times', () => {
  const at = (iso: string, prices: Prices) =>
    costOf({ inputTokens: 1_000 }, { prices, factor: 1, version: '' }, { wallMs: Date.parse(iso) }).nano

  test('from a day on, and between two times of the day', () => {
    const table = (dollars: number) => flat({ input: dollars })[0]!
    const dated: Prices = [table(1), { ...table(2), when: { from: '2026-08-17' } }]
    assert.deepEqual([at('2026-08-16T23:59:59Z', dated), at('2026-08-17T00:00:00Z', dated)], [1_000_000, 2_000_000])
    const daily: Prices = [table(1), { ...table(3), when: { fromUtc: '01:00:00', toUtc: '04:00:00' } }]
    const times = ['00:59:59', '01:00:00', '03:59:59', '04:00:00']
    assert.deepEqual(
      times.map(time => at(`2026-08-17T${time}Z`, daily)),
      [1_000_000, 3_000_000, 3_000_000, 1_000_000]
    )
    const nightly: Prices = [table(1), { ...table(3), when: { fromUtc: '22:00:00', toUtc: '02:00:00' } }]
    const hours = ['21:59:59', '22:00:00', '01:59:59', '02:00:00']
    assert.deepEqual(
      hours.map(time => at(`2026-08-17T${time}Z`, nightly)),
      [1_000_000, 3_000_000, 3_000_000, 1_000_000]
    )
  })
})
