import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { convert } from '../../scripts/catalog.ts'
import { catalog, familyOwner } from '../../src/catalog/catalog.ts'
import { ABILITIES, factsOf, providersWithFacts, readRow } from '../../src/catalog/facts.ts'
import { PRICE_DATA, pricedModels, pricedProviders } from '../../src/catalog/price-data.ts'
import { nanoUsd, pricesFromUsd, readPrices } from '../../src/catalog/prices.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const source = { document: 'test', date: '2026-01-01' }

describe('the catalogue: well-known models', () => {
  it('knows claude-opus-4-7', () => {
    const opus = catalog.find('anthropic', 'claude-opus-4-7')
    assert.ok(opus)
    assert.deepEqual([opus.contextTokens, opus.outputTokensMax], [1_000_000, 128_000])
    assert.deepEqual(opus.abilities, {
      tools: 'yes',
      vision: 'yes',
      documents: 'yes',
      reasoning: 'yes',
      structured: 'yes',
      temperature: 'no',
      prefill: 'no'
    })
    const lines = opus.prices?.at(-1)?.lines
    assert.equal(lines?.input?.nanoUsdPerMillion, 5_000_000_000)
    assert.equal(lines?.output?.nanoUsdPerMillion, 25_000_000_000)
    assert.equal(lines?.cache_read?.nanoUsdPerMillion, 500_000_000)
    assert.equal(opus.sources.length, 2)
  })

  it('knows claude-sonnet-4-6 as its maker documents it, not as the listing had it', () => {
    const sonnet = catalog.find('anthropic', 'claude-sonnet-4-6')
    assert.equal(sonnet?.outputTokensMax, 128_000)
    assert.deepEqual(
      sonnet?.prices?.map(table => table.when),
      [undefined, { from: '2026-03-13' }]
    )
  })

  it('knows gpt-5.5: its own context, and a tier for long prompts', () => {
    const gpt = catalog.find('openai', 'gpt-5.5')
    assert.equal(gpt?.contextTokens, 1_050_000)
    assert.deepEqual(gpt?.prices?.[0]?.lines.input, {
      nanoUsdPerMillion: 5_000_000_000,
      tiers: [{ aboveInputTokens: 271_999, nanoUsdPerMillion: 10_000_000_000 }]
    })
    assert.equal(gpt?.abilities.temperature, 'unknown', 'it depends on the reasoning effort')
  })

  it('finds a dated name', () => {
    for (const name of ['claude-haiku-4-5-20251001', 'claude-haiku-4-5']) {
      assert.equal(catalog.find('anthropic', name)?.contextTokens, 200_000)
      assert.equal(catalog.find('anthropic', name)?.abilities.tools, 'yes')
    }
    assert.equal(catalog.find('openai', 'gpt-5.5-2026-04-23')?.outputTokensMax, 128_000)
  })

  it('does not invent models or providers', () => {
    assert.equal(catalog.find('anthropic', 'claude-unheard-of'), undefined)
    assert.equal(catalog.find('nobody', 'gpt-5.5'), undefined)
    assert.equal(catalog.find('__proto__', 'constructor'), undefined)
    assert.deepEqual(catalog.models('ollama'), [])
  })
})

describe('the catalogue: names', () => {
  it('says who has a bare name', () => {
    assert.deepEqual(catalog.providersOf('claude-opus-4-7'), ['anthropic'])
    assert.deepEqual(catalog.providersOf('gpt-5.5'), ['openai'])
    assert.deepEqual(catalog.providersOf('gemini-3.5-flash'), ['google'])
    assert.deepEqual(catalog.providersOf('deepseek-chat'), ['deepseek'])
    assert.ok(catalog.providersOf('openai/gpt-oss-120b').includes('groq'))
    assert.ok(!catalog.providersOf('gpt-oss-120b').includes('openai'), 'its maker does not serve it')
    assert.deepEqual(catalog.providersOf('no-such-model'), [])
  })

  it('knows families (D11)', () => {
    const owners = {
      'claude-next': 'anthropic',
      'gpt-99': 'openai',
      'o1-mini': 'openai',
      o3: 'openai',
      'o4-mini': 'openai',
      'chatgpt-4o-latest': 'openai',
      'text-embedding-3-small': 'openai',
      'ft:gpt-4o:org': 'openai',
      'gemini-9-pro': 'google',
      'llama-3': undefined,
      olmo: undefined,
      o35x: undefined
    }
    for (const [model, owner] of Object.entries(owners)) assert.equal(familyOwner(model), owner, model)
  })

  it('lists what can be called, once, found under the name it lists', () => {
    for (const provider of new Set([...pricedProviders(), ...providersWithFacts()])) {
      const models = catalog.models(provider)
      // A cloud that has models of others only: which of them an account may call, nobody knows.
      if (pricedModels(provider).every(({ isGuest }) => isGuest) && !providersWithFacts().includes(provider)) {
        assert.equal(models.length, 0, provider)
      } else assert.ok(models.length > 0, provider)
      assert.equal(new Set(models.map(model => model.id)).size, models.length, provider)
      for (const model of models) {
        assert.equal(model.retired, false)
        assert.equal(catalog.find(provider, model.id), model)
      }
    }
    const ids = catalog.models('anthropic').map(model => model.id)
    for (const id of ['claude-opus-4-7', 'claude-sonnet-4-6', 'claude-opus-5-5']) assert.ok(ids.includes(id), id)
    assert.ok(!ids.includes('claude-3-opus-20240229'), 'retired ones are findable, not listed')
    assert.ok(catalog.find('anthropic', 'claude-3-opus-20240229')?.retired)
    assert.ok(catalog.models('fireworks').every(model => model.id.startsWith('accounts/')))
    assert.ok(catalog.models('google').every(model => !model.id.startsWith('claude')))
  })

  it('has prices of what a cloud sells of others, which is neither listed nor found by its bare name', () => {
    const sold = [
      ['google', 'claude-sonnet-4-6'],
      ['bedrock', 'us.anthropic.claude-sonnet-4-6'],
      ['bedrock', 'arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-6'],
      ['azure-foundry', 'o4-mini']
    ] as const
    for (const [provider, model] of sold) {
      assert.ok(catalog.find(provider, model)?.prices?.at(-1)?.lines.input, `${provider} ${model}`)
      assert.ok(!catalog.models(provider).some(({ id }) => id === model))
      assert.ok(!catalog.providersOf(model).includes(provider))
    }
    assert.equal(catalog.find('bedrock', 'claude-sonnet-4-6'), undefined, 'no name that Bedrock has')
    assert.equal(catalog.find('bedrock', 'no.such-model'), undefined)
  })

  it('has no price of a cloud that is its maker’s: what the cloud takes for it is unknown', () => {
    for (const [cloud, maker, model] of [
      ['azure-foundry', 'openai', 'gpt-5.5'],
      ['azure-foundry', 'anthropic', 'claude-sonnet-4-6'],
      ['google', 'anthropic', 'claude-haiku-4-5'],
      ['bedrock', 'openai', 'gpt-5.5']
    ] as const) {
      assert.ok(catalog.find(maker, model)?.prices, model)
      assert.equal(catalog.find(cloud, model)?.prices ?? null, null, `${cloud} ${model}`)
    }
    // Where the data has both, a cloud's own is the one: Bedrock's regions are dearer than Anthropic itself.
    const input = (provider: string, model: string) =>
      catalog.find(provider, model)?.prices?.at(-1)?.lines.input?.nanoUsdPerMillion
    assert.equal(input('anthropic', 'claude-sonnet-4-6'), 3_000_000_000)
    assert.equal(input('bedrock', 'global.anthropic.claude-sonnet-4-6'), 3_000_000_000)
    assert.equal(input('bedrock', 'eu.anthropic.claude-sonnet-4-6'), 3_300_000_000)
  })

  it('has one version, the same in another process', () => {
    assert.match(catalog.version, /^[0-9a-f]{12}$/)
    const script = `import { catalog } from './src/catalog/catalog.ts'; process.stdout.write(catalog.version)`
    const other = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' })
    assert.equal(other.stdout, catalog.version, other.stderr)
  })

  it('costs nothing until it is asked', () => {
    const script = `
      import { createRequire } from 'node:module'
      await import('./src/catalog/catalog.ts')
      const { cache, resolve } = createRequire(process.cwd() + '/x.js')
      process.stdout.write(String(resolve('@pydantic/genai-prices') in cache))`
    const other = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' })
    assert.equal(other.stdout, 'false', other.stderr)
  })
})

describe('the catalogue: data', () => {
  it('has only rows that read back whole', () => {
    for (const provider of providersWithFacts()) {
      for (const facts of factsOf(provider).values()) {
        const where = `${provider} ${facts.id}`
        for (const count of [facts.contextTokens, facts.outputTokensMax])
          assert.ok(count === null || (Number.isSafeInteger(count) && count > 0), where)
        assert.ok(facts.released === null || /^20\d\d-\d\d(-\d\d)?$/.test(facts.released), where)
        for (const usd of facts.usdPerMillion ?? []) assert.ok(usd === null || usd > 0, where)
        assert.match(facts.source.date, /^2026-\d\d-\d\d$/)
      }
    }
  })

  it('reads a row', () => {
    const facts = readRow('m-1 1000 - yn?yn?y 2026-01 1/2/-/3 retired', source)
    assert.deepEqual(
      ABILITIES.map(name => facts.abilities[name]),
      ['yes', 'no', 'unknown', 'yes', 'no', 'unknown', 'yes']
    )
    assert.deepEqual(
      [facts.contextTokens, facts.outputTokensMax, facts.released, facts.retired],
      [1000, null, '2026-01', true]
    )
    assert.deepEqual(facts.usdPerMillion, [1, 2, null, 3])
    assert.deepEqual(readRow('m - - ??????? - -', source).usdPerMillion, null)
  })

  it('imports a listing: silence is unknown, zero is no price, models without text are left out', () => {
    const line = (...cells: string[]) => cells.join('\t')
    const table = [
      line(
        'openai',
        'a',
        '100',
        '10',
        'text+image',
        'text',
        'y',
        'n',
        '',
        'y',
        '0',
        '0',
        '',
        '',
        '2026-01-01',
        'deprecated'
      ),
      line('openai', 'b', '0', '', '', '', '', '', '', '', '1.50', '3', '0.10', '0', '', ''),
      line('openai', 'image', '1', '1', 'text', 'image', 'n', 'n', '', 'n', '', '', '', '', '', ''),
      line('elsewhere', 'c', '1', '1', 'text', 'text', 'y', 'y', 'y', 'y', '1', '1', '', '', '', '')
    ].join('\n')
    assert.deepEqual(
      [...convert(table, { openai: 'openai' })],
      [['openai', ['a 100 10 yy?n?y? 2026-01-01 - retired', 'b - - ??????? - 1.5/3/0.1/-']]]
    )
  })
})

describe('prices', () => {
  it('are integers in nano-dollars per million units, for every unit and model of the data', () => {
    let count = 0
    for (const provider of pricedProviders()) {
      for (const model of pricedModels(provider)) {
        for (const table of readPrices(model.prices) ?? []) {
          for (const line of Object.values(table.lines)) {
            for (const price of [line, ...(line.tiers ?? [])])
              assert.ok(Number.isSafeInteger(price.nanoUsdPerMillion) && price.nanoUsdPerMillion >= 0)
            count++
          }
        }
      }
    }
    assert.ok(count > 2_000)
  })

  it('scale each unit to a million', () => {
    const lines = readPrices({
      input_mtok: 0.075,
      web_searches_kcount: 10,
      input_document_kpages: 2,
      audio_hours: 0.04,
      odd: 1
    })?.[0]?.lines
    assert.deepEqual(lines, {
      input: { nanoUsdPerMillion: 75_000_000 },
      web_searches: { nanoUsdPerMillion: 10_000_000_000_000 },
      input_document_pages: { nanoUsdPerMillion: 2_000_000_000_000 },
      audio_hours: { nanoUsdPerMillion: 40_000_000_000_000 }
    })
  })

  it('tell no price from a price of 0', () => {
    assert.equal(readPrices({}), null)
    assert.equal(readPrices([{ prices: {} }]), null)
    assert.deepEqual(readPrices({ input_mtok: 0 }), [{ lines: { input: { nanoUsdPerMillion: 0 } } }])
    assert.equal(pricesFromUsd(null), null)
    assert.equal(pricesFromUsd([null, null]), null)
    assert.deepEqual(pricesFromUsd([0, 0]), [
      { lines: { input: { nanoUsdPerMillion: 0 }, output: { nanoUsdPerMillion: 0 } } }
    ])
    // The price data has this model with no line at all.
    assert.equal(catalog.find('cerebras', 'qwen-3-coder-480b')?.prices, null)
    assert.equal(catalog.find('nvidia', 'meta/llama-3.3-70b-instruct')?.prices, null, 'trial credits are no price')
  })

  it('fall back to the listing where the price data has none', () => {
    const qwen = catalog.find('dashscope', 'qwen3-max')
    assert.deepEqual(qwen?.prices, [
      { lines: { input: { nanoUsdPerMillion: 1_200_000_000 }, output: { nanoUsdPerMillion: 6_000_000_000 } } }
    ])
    assert.deepEqual(
      qwen?.sources.map(each => each.document),
      ['https://models.dev (MIT)']
    )
  })

  it('refuse what is no price', () => {
    for (const usd of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e10]) assert.throws(() => nanoUsd(usd), RangeError)
    assert.equal(nanoUsd(0.000000001), 1)
  })

  it('name the version of the data they come from', () => {
    const { version } = JSON.parse(
      readFileSync(path.join(ROOT, 'node_modules/@pydantic/genai-prices/package.json'), 'utf8')
    )
    assert.ok(PRICE_DATA.document.includes(version))
  })
})
