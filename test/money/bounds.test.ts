/** D14: what is held for a call is never less than what it can cost, and not much more. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { catalog } from '../../src/catalog/catalog.ts'
import { pricedModels, pricedProviders } from '../../src/catalog/price-data.ts'
import { type Prices, readPrices } from '../../src/catalog/prices.ts'
import { estimateCut, Learned, worstCase } from '../../src/money/bounds.ts'
import { costOf } from '../../src/money/price.ts'
import { type Reckonable, Reckoning, type RequestSize } from '../../src/money/reckoning.ts'
import { countTokens } from '../../src/sim/tokens.ts'
import type { Usage } from '../../src/usage.ts'

const WALL_MS = Date.UTC(2026, 10, 22, 12)
const TEXT: RequestSize = {
  textBytes: 1_000,
  images: 0,
  audioBytes: 0,
  documentBytes: 0,
  addresses: 0,
  hostedTools: 0,
  outputTokensMax: 500,
  choices: 1,
  isExact: true
}
const FLAT: Prices = [{ lines: { input: { nanoUsdPerMillion: 1e9 }, output: { nanoUsdPerMillion: 5e9 } } }]

function call(size: Partial<RequestSize>, prices: Prices | null = FLAT, factor = 1): Reckonable {
  return {
    provider: 'lab',
    model: 'm',
    key: 'k',
    size: { ...TEXT, ...size },
    tariff: { prices, factor, version: '' },
    isFree: false,
    wallMs: WALL_MS
  }
}

const bytesNow = (learned: Learned) => learned.bytesPerToken('lab', 'm')
const saw = (learned: Learned, textBytes: number, usage: Partial<Usage>, size: Partial<RequestSize> = {}) =>
  learned.saw(call({ textBytes, ...size }), usage)

/** Every price list there is, once. */
const EVERY_LIST: Prices[] = pricedProviders().flatMap(provider =>
  pricedModels(provider).flatMap(model => readPrices(model.prices, model.serviceTiers) ?? []).length > 0
    ? pricedModels(provider)
        .map(model => readPrices(model.prices, model.serviceTiers))
        .filter(prices => prices !== null)
    : []
)

describe('the worst case', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })

  test('is not below the cost of any usage within it, at any price there is', () => {
    const sizes = fc.record({
      textBytes: fc.integer({ min: 0, max: 1_500_000 }),
      images: fc.integer({ min: 0, max: 3 }),
      audioBytes: fc.constantFrom(0, 0, 100_000),
      outputTokensMax: fc.integer({ min: 1, max: 200_000 }),
      choices: fc.integer({ min: 1, max: 4 }),
      serviceTier: fc.constantFrom(undefined, 'flex', 'priority', 'default', 'unheard')
    })
    const shares = fc.array(share, { minLength: 8, maxLength: 8 })
    const factors = fc.constantFrom(1, 0.8, 1.1, 1 / 3, 2)
    fc.assert(
      fc.property(fc.nat({ max: EVERY_LIST.length - 1 }), sizes, shares, factors, (at, size, parts, factor) => {
        const prices = EVERY_LIST[at]!
        const of = call(size, prices, factor)
        const bound = worstCase(of, new Learned())
        const part = (index: number, whole: number) => Math.floor(parts[index]! * whole)
        // At the edge as often as within.
        const inputTokens = parts[0]! > 0.5 ? bound.inputTokens : part(1, bound.inputTokens)
        const outputTokens = parts[2]! > 0.5 ? bound.outputTokens : part(3, bound.outputTokens)
        const cacheWriteTokens = part(4, inputTokens)
        const usage: Partial<Usage> = {
          inputTokens,
          outputTokens,
          cacheWriteTokens,
          cacheWrite1hTokens: part(5, cacheWriteTokens),
          cacheReadTokens: part(6, inputTokens),
          reasoningTokens: part(7, outputTokens),
          outputAudioTokens: part(6, outputTokens),
          ...(size.audioBytes > 0 && { inputAudioTokens: part(7, inputTokens) }),
          ...(size.serviceTier !== undefined && { tier: size.serviceTier })
        }
        const { nano } = costOf(usage, of.tariff, of)
        if (nano === null) return
        assert.ok(bound.nano !== null && bound.nano >= nano, `${bound.nano} < ${nano} of list ${at}`)
      }),
      { numRuns: 3_000 }
    )
  })

  test('is exact where nothing can be otherwise: a tenth of a cent is not held for a cent', () => {
    const { nano, inputTokens, outputTokens } = worstCase(call({}), new Learned())
    assert.deepEqual([inputTokens, outputTokens], [500, 500])
    assert.ok(nano! >= 3_000_000 && nano! <= 3_000_002)
  })

  test('is that of the tier that its input can reach, and of the service tier that is asked for', () => {
    const tiered: Prices = [
      {
        lines: {
          input: { nanoUsdPerMillion: 1e9, tiers: [{ aboveInputTokens: 499, nanoUsdPerMillion: 2e9 }] },
          output: { nanoUsdPerMillion: 0 }
        },
        serviceTiers: { flex: 500, priority: 2_000 }
      }
    ]
    const of = (size: Partial<RequestSize>) => worstCase(call(size, tiered), new Learned()).nano!
    assert.ok(of({ textBytes: 998 }) < 500_000 && of({ textBytes: 1_000 }) >= 1_000_000)
    assert.ok(of({ serviceTier: 'priority' }) >= 2_000_000)
    assert.equal(of({ serviceTier: 'flex' }), of({}), 'a discount is for the provider to give')
  })

  test('is unknown where the price is, never 0', () => {
    for (const prices of [null, [], [{ lines: {} }]]) {
      const bound = worstCase(call({}, prices), new Learned())
      assert.equal(bound.nano, null)
      assert.equal(new Reckoning(call({}, prices), new Learned()).ask.nano, null)
    }
  })

  test('holds whatever number a client asks for', () => {
    for (const outputTokensMax of [-5, 1e300, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER]) {
      const bound = worstCase(call({ outputTokensMax, choices: 1e9 }), new Learned())
      assert.ok(Number.isSafeInteger(bound.nano) && bound.nano! > 0)
      assert.ok(Number.isSafeInteger(bound.outputNano(outputTokensMax > 0 ? outputTokensMax % 1e12 || 1e12 : 1)))
    }
  })

  test('counts every choice, and says where there is none', () => {
    assert.equal(worstCase(call({ choices: 3 }), new Learned()).outputTokens, 1_500)
    assert.equal(worstCase(call({ outputTokensMax: undefined }), new Learned()).outputTokens, 4_096)
    assert.equal(worstCase(call({}), new Learned()).unbounded, false)
    for (const size of [{ hostedTools: 1 }, { addresses: 1 }, { documentBytes: 1 }])
      assert.equal(worstCase(call(size), new Learned()).unbounded, true)
  })
})

describe('an answer that was cut', () => {
  const alphabet = fc.constantFrom(
    'the ',
    'a',
    ' 0',
    '{"k":1}',
    'ä',
    '漢字',
    '😀',
    '\n',
    'https://x.y/',
    'wordwordword '
  )
  const texts = fc.array(alphabet, { maxLength: 400 }).map(parts => parts.join(''))

  test('is never charged below what its provider counts, for any text of the simulated ones', () => {
    fc.assert(
      fc.property(texts, text => {
        const bound = worstCase(call({ outputTokensMax: 100_000 }), new Learned())
        const seen = { usage: undefined, textBytes: Buffer.byteLength(text), isWhole: false }
        assert.ok(estimateCut(seen, bound, 0).outputTokens! >= countTokens(text))
      })
    )
  })

  test('is charged for its input, and no more output than is held for it', () => {
    const bound = worstCase(call({}), new Learned())
    const long = { usage: undefined, textBytes: 1e6, isWhole: false }
    assert.deepEqual(estimateCut(long, bound, 0), { inputTokens: 500, outputTokens: 500 })
    assert.equal(estimateCut(long, bound, 2_048).outputTokens, 2_548)
    assert.equal(estimateCut({ ...long, textBytes: 10 }, bound, 0).outputTokens, 5 + 64)
  })

  test('that is generated to its end all the same is charged as if it came', () => {
    const bound = worstCase(call({}), new Learned())
    assert.equal(estimateCut({ usage: undefined, textBytes: 0, isWhole: true }, bound, 0).outputTokens, 500)
  })

  test('keeps its provider’s own word where that is more', () => {
    const bound = worstCase(call({}), new Learned())
    const usage = { inputTokens: 7, outputTokens: 900, cacheReadTokens: 3 }
    assert.deepEqual(estimateCut({ usage, textBytes: 0, isWhole: false }, bound, 0), usage)
  })
})

describe('a hold that is raised as an answer goes on', () => {
  test('covers what has come and half a slice more, however large its pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60_000 }), { maxLength: 30 }), pieces => {
        const reckoning = new Reckoning(call({ outputTokensMax: undefined }), new Learned())
        let textBytes = 0
        let covered = reckoning.ask.tokens - 500
        let held: number = reckoning.ask.nano!
        for (const piece of pieces) {
          textBytes += piece
          const more = reckoning.needsMore(textBytes)
          covered += more?.tokens ?? 0
          held += more?.nano ?? 0
          assert.ok(covered > textBytes / 2 + 1_024 - 1)
          assert.equal(reckoning.needsMore(textBytes), undefined, 'once is enough')
        }
        const { nano } = reckoning.cost({ inputTokens: 500, outputTokens: covered })
        assert.ok(held >= nano! && reckoning.heldNano! <= held)
      })
    )
  })
})

describe('what is learned of a model', () => {
  const bytes = fc.integer({ min: 1, max: 1_000_000 })
  const tokens = fc.oneof(fc.integer({ min: 0, max: 500_000 }), fc.constantFrom(Number.NaN, -1, 0.1, 1e300))

  test('is never more than 3 bytes a token, nor less than 1, and 2 until enough was seen', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, tokens), { maxLength: 200 }), answers => {
        const learned = new Learned()
        for (const [textBytes, inputTokens] of answers)
          saw(learned, textBytes, { inputTokens, outputTokens: inputTokens })
        const most = answers.length < 100 ? 2 : 3
        assert.ok(bytesNow(learned) >= 1 && bytesNow(learned) <= most)
        const output = learned.outputTokens('k', 'lab', 'm')
        assert.ok(output === undefined || (output >= 1 && Number.isFinite(output)))
      })
    )
  })

  test('grows with a hundred answers, keeps a margin below the densest, and stops at 3', () => {
    const learned = new Learned()
    for (let at = 0; at < 99; at++) saw(learned, 3_500, { inputTokens: 1_000 })
    assert.equal(bytesNow(learned), 2)
    saw(learned, 3_500, { inputTokens: 1_000 })
    assert.ok(Math.abs(bytesNow(learned) - 2.8) < 1e-9)
    const wordy = new Learned()
    for (let at = 0; at < 200; at++) saw(wordy, 9_000, { inputTokens: 1_000 })
    assert.equal(bytesNow(wordy), 3)
  })

  test('is not moved up by an odd answer, moved down by a dense one at once, and forgives it', () => {
    const learned = new Learned()
    const usual = (times: number) => {
      for (let at = 0; at < times; at++) saw(learned, 4_000, { inputTokens: 1_000 })
    }
    usual(200)
    const before = bytesNow(learned)
    saw(learned, 1_000_000, { inputTokens: 300 })
    assert.equal(bytesNow(learned), before, 'a provider that counts too little')
    saw(learned, 1_300, { inputTokens: 1_000 })
    assert.ok(bytesNow(learned) < 1.3)
    usual(1_000)
    assert.equal(bytesNow(learned), before)
  })

  const inputBound = (learned: Learned, textBytes: number) => worstCase(call({ textBytes }), learned).inputTokens

  test('covers a text of a byte a token from the second on, long or short, whatever was seen before', () => {
    const textBytes = fc.integer({ min: 1, max: 100_000 })
    const dense = fc.tuple(textBytes, fc.double({ min: 0.1, max: 1, noNaN: true }))
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, tokens), { maxLength: 150 }), dense, (before, [textBytes, share]) => {
        const learned = new Learned()
        for (const [bytes, inputTokens] of before) saw(learned, bytes, { inputTokens, outputTokens: 1 })
        const inputTokens = Math.ceil(textBytes * share)
        saw(learned, textBytes, { inputTokens, outputTokens: 1 })
        assert.ok(inputBound(learned, textBytes) >= inputTokens)
        // A long one says it of every length.
        if (inputTokens >= 256) assert.ok(inputBound(learned, 7 * textBytes) >= 7 * inputTokens)
      })
    )
    const fresh = new Learned()
    assert.ok(inputBound(fresh, 200) < 180, 'the first is underestimated')
    saw(fresh, 200, { inputTokens: 180, outputTokens: 1 })
    assert.equal(inputBound(fresh, 200), 180)
    assert.equal(bytesNow(fresh), 2, 'a short one says nothing of long ones')
  })

  test('covers what a provider puts around a text, within reason', () => {
    const learned = new Learned()
    saw(learned, 300, { inputTokens: 1_000, outputTokens: 1 })
    assert.equal(inputBound(learned, 300), 1_000)
    saw(learned, 300, { inputTokens: 1e300, outputTokens: 1 })
    assert.equal(inputBound(learned, 300), 300 + 1_024, 'no count that went wrong closes a model')
    assert.equal(learned.aroundTokens('lab', 'another'), 0)
  })

  test('is not learned from what is no text, or too short to tell', () => {
    const learned = new Learned()
    const dense = { inputTokens: 10_000 }
    saw(learned, 1_000, dense, { images: 1 })
    saw(learned, 1_000, dense, { documentBytes: 9 })
    saw(learned, 1_000, dense, { addresses: 1 })
    saw(learned, 1_000, dense, { hostedTools: 1 })
    saw(learned, 1_000, dense, { isExact: false })
    saw(learned, 20, { inputTokens: 200 })
    assert.equal(bytesNow(learned), 2)
  })

  test('of the length of answers is what 99 of 100 have at most, of each key by itself', () => {
    const learned = new Learned()
    for (let at = 0; at < 99; at++) saw(learned, 1_000, { outputTokens: 100 })
    assert.equal(learned.outputTokens('k', 'lab', 'm'), undefined)
    saw(learned, 1_000, { outputTokens: 50_000 })
    const bound = learned.outputTokens('k', 'lab', 'm')!
    assert.ok(bound >= 100 && bound <= 142, 'the one long answer does not count')
    saw(learned, 1_000, { outputTokens: 50_000 })
    assert.ok(learned.outputTokens('k', 'lab', 'm')! >= 50_000, 'two of 101 do')
    assert.equal(learned.outputTokens('another', 'lab', 'm'), undefined)
  })
})

test('the catalogue has models whose price list is empty: they cost null, not 0', () => {
  const facts = catalog.find('cerebras', 'qwen-3-coder-480b')
  assert.ok(facts)
  const of = call({}, facts.prices)
  assert.equal(costOf({ inputTokens: 10, outputTokens: 10 }, of.tariff, of).nano, null)
})
