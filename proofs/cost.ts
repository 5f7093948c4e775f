/**
 * `npm run proof:cost`: our cost against that of another calculator (D15), to one nano-dollar and a billionth. No network.
 *
 *   npm run proof:cost               every usage that was recorded with real providers, and every price at its edges
 *   npm run proof:cost -- --quick    each tenth model
 *   npm run proof:cost -- --break    prices of cached input are forgotten: must fail
 */
import { parseArgs } from 'node:util'
import { calcPrice, extractUsage, type ModelInfo, type Provider, waitForUpdate } from '@pydantic/genai-prices'
import { linesInForce, type Prices, readPrices } from '../src/catalog/prices.ts'
import type { Dialect } from '../src/dialects/dialect.ts'
import { dialects } from '../src/dialects/index.ts'
import { isObject, type JsonObject } from '../src/json.ts'
import { costOf } from '../src/money/price.ts'
import { mergeUsage, type Usage } from '../src/usage.ts'
import { READERS } from '../src/wire/framing.ts'
import { type Interaction, interactionOf, recordings, strangeness } from './corpus/interactions.ts'
import { type Goal, prove } from './rig/proof.ts'

const RUN_MS = 120_000
const NOW = new Date('2026-11-22T12:00:00Z')
const GOAL = 'within 1 nano-dollar and 10⁻⁹ of it'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, break: { type: 'boolean', default: false } }
})

/** Where both are right, and mean something else. Each must still be seen, or the list is out of date. */
const BY_DESIGN: Readonly<Record<string, { why: string; is(row: Row): boolean }>> = {
  searches: {
    why: 'searches that OpenAI tells of as items of its answer cost what its price list says; the other counts none',
    is: row => {
      const { webSearches, ...usage } = row.usage
      return (
        webSearches !== undefined && disagreement(row) !== undefined && disagreement({ ...row, usage }) === undefined
      )
    }
  }
}

interface Row {
  name: string
  /** In dollars, of the other calculator. */
  theirs: number
  usage: Partial<Usage>
  prices: Prices
}

/** What is wrong with a row; undefined: both agree. */
function disagreement({ theirs, usage, prices }: Row): string | undefined {
  const factor = 1
  const { nano } = costOf(usage, { prices: values.break ? withoutCache(prices) : prices, factor, version: '' }, at())
  const expected = theirs * 1e9
  if (nano !== null && Math.abs(nano - expected) <= 1 + expected * 1e-9) return undefined
  return `${nano} nano-dollars instead of ${expected.toFixed(3)} for ${JSON.stringify(usage)}`
}

function at() {
  return { wallMs: NOW.getTime() }
}

function withoutCache(prices: Prices): Prices {
  return prices.map(({ lines: { cache_read: _, ...lines }, ...table }) => ({ ...table, lines }))
}

/** Judges rows that belong together, and says what is wrong with the first few. */
function judge(name: string, rows: readonly Row[], reach: (goal: Goal) => void): void {
  const wrong = rows.flatMap(row => {
    const why = disagreement(row)
    return why === undefined ? [] : [`${row.name}: ${why}`]
  })
  for (const line of wrong.slice(0, 5)) console.log(`  ${line}`)
  const figure = `${rows.length - wrong.length} of ${rows.length} agree`
  reach({ name, figure, goal: GOAL, problem: wrong.length > 0 ? `${wrong.length} differ` : undefined })
}

/** Usages at both sides of every edge of a model's prices, with each part that it has a price for. */
function* usagesAt(lines: ReturnType<typeof linesInForce>): Generator<Partial<Usage>> {
  // Who has no price for output has none: embeddings. With us its price would be unknown, with the other 0.
  const out = (tokens: number) => (lines?.output ? tokens : 0)
  const edges = Object.values(lines ?? {}).flatMap(({ tiers = [] }) => tiers.map(tier => tier.aboveInputTokens))
  for (const inputTokens of new Set([1, 999, 1_000_003, ...edges, ...edges.map(edge => edge + 1)])) {
    const part = Math.floor(inputTokens / 4)
    yield { inputTokens, outputTokens: 0 }
    yield { inputTokens, outputTokens: out(12_345) }
    yield { inputTokens, outputTokens: out(7), cacheReadTokens: part }
    yield { inputTokens, outputTokens: out(7), cacheReadTokens: part, cacheWriteTokens: part }
    if (lines?.cache_write_1h)
      yield { inputTokens, outputTokens: out(7), cacheWriteTokens: 2 * part, cacheWrite1hTokens: part }
    if (lines?.output_reasoning) yield { inputTokens, outputTokens: out(77), reasoningTokens: 33 }
    if (lines?.input_audio) yield { inputTokens, outputTokens: out(7), inputAudioTokens: part }
    if (lines?.output_audio) yield { inputTokens, outputTokens: out(77), outputAudioTokens: 33 }
    if (lines?.web_searches) yield { inputTokens, outputTokens: out(7), webSearches: 3 }
  }
}

/** Ours in the words of the other calculator, in which parts of the input are parts of it as well. */
function inTheirWords(usage: Partial<Usage>): Record<string, number | undefined> {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, cacheWrite1hTokens } = usage
  return Object.fromEntries(
    Object.entries({
      input_tokens: inputTokens,
      output_tokens: outputTokens,
      cache_read_tokens: cacheReadTokens,
      cache_write_tokens: cacheWriteTokens,
      cache_write_1h_tokens: cacheWrite1hTokens,
      output_reasoning_tokens: usage.reasoningTokens,
      input_audio_tokens: usage.inputAudioTokens,
      output_audio_tokens: usage.outputAudioTokens,
      web_searches: usage.webSearches
    }).filter(([, count]) => count !== undefined)
  )
}

function sweep(provider: Provider, reach: (goal: Goal) => void): void {
  const models = provider.models.filter((_, index) => !values.quick || index % 10 === 0)
  const rows: Row[] = []
  for (const model of models) {
    const prices = readPrices(model.prices)
    const lines = linesInForce(prices, NOW.getTime())
    if (!prices || !lines?.input) continue
    for (const usage of usagesAt(lines)) {
      const theirs = calcPrice(inTheirWords(usage), model.id, { provider: only(provider, model), timestamp: NOW })
      if (theirs) rows.push({ name: `${provider.id}/${model.id}`, theirs: theirs.total_price, usage, prices })
    }
  }
  if (rows.length > 0) judge(`prices of ${provider.id}`, rows, reach)
}

/** Names of models overlap: this one alone. */
function only(provider: Provider, model: ModelInfo): Provider {
  return { ...provider, models: [{ ...model, match: { equals: model.id } }] }
}

/** How the price data calls the providers of the recorded traffic, where not alike. */
const NAMES: Readonly<Record<string, string>> = { bedrock: 'aws', gemini: 'google', vertex: 'google', xai: 'x-ai' }

/** Which of its readers another calculator wants for a dialect. */
const FLAVORS: Readonly<Record<string, readonly string[]>> = {
  'openai-chat': ['chat', 'default'],
  'openai-responses': ['responses'],
  'anthropic-messages': ['anthropic', 'default'],
  gemini: ['default'],
  'bedrock-converse': ['default']
}

/** What is said of a whole answer in its stream: the same members, gathered. */
function gathered({ stream }: Interaction): JsonObject | undefined {
  if (!stream) return undefined
  let whole: JsonObject = {}
  const reader = READERS[stream.framing].reader(
    ({ data }) => {
      const said: unknown = data.startsWith('{') ? JSON.parse(data) : undefined
      if (!isObject(said)) return
      const body = [said.response, said.message].find(isObject) ?? said
      const usage = isObject(body.usage) ? { usage: { ...(whole.usage as JsonObject), ...body.usage } } : {}
      whole = { ...whole, ...withoutNull(body), ...usage }
    },
    { eventBytesMax: 16 * 1024 * 1024 }
  )
  reader.push(stream.bytes)
  reader.end()
  return whole
}

function withoutNull(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
}

/** What our own dialect makes of it; undefined where it says nothing, or is an error although its status is 200. */
function ourUsage(interaction: Interaction): Partial<Usage> | undefined {
  try {
    return usageIn(interaction)
  } catch {
    return undefined
  }
}

function usageIn({ dialect, reply, stream }: Interaction): Partial<Usage> | undefined {
  if (isObject(reply)) return dialect.decodeResponse(reply).usage
  if (!stream) return undefined
  let usage: Partial<Usage> | undefined
  const decode = dialect.decoder()
  const reader = READERS[stream.framing].reader(
    ({ event, data }) => {
      if (event === 'comment') return
      for (const one of decode(event, data)) {
        if ((one.type === 'usage' || one.type === 'start') && one.usage) usage = mergeUsage(usage, one.usage)
      }
    },
    { eventBytesMax: 16 * 1024 * 1024 }
  )
  reader.push(stream.bytes)
  reader.end()
  return usage
}

function recorded(providers: readonly Provider[], reach: (goal: Goal) => void): void {
  const all = recordings()
  if (!all) {
    const skipped = 'there is no recorded traffic on this machine'
    reach({ name: 'recorded', figure: 'nothing', goal: GOAL, skipped })
    return
  }
  const rows = new Map<string, Row[]>()
  const seen = new Set<string>()
  for (const recording of all) {
    if (recording.operation === 'error' || recording.response.status !== 200 || strangeness(recording)) continue
    const interaction = interactionOf(recording, Object.values<Dialect>(dialects))
    const provider = providers.find(({ id }) => id === (NAMES[recording.provider] ?? recording.provider))
    if (interaction?.asks !== 'chat' || !provider) continue
    const row = rowOf(interaction, provider, recording.model)
    if (!row) continue
    const different = designOf(row)
    if (different) seen.add(different)
    else rows.set(provider.id, [...(rows.get(provider.id) ?? []), row])
  }
  for (const [id, some] of rows) judge(`recorded with ${id}`, some, reach)
  for (const [what, { why }] of Object.entries(BY_DESIGN)) {
    const figure = seen.has(what) ? 'seen' : 'not seen'
    reach({
      name: `by design: ${what}`,
      figure,
      goal: why,
      problem: seen.has(what) ? undefined : 'no difference is left'
    })
  }
}

function designOf(row: Row): string | undefined {
  return Object.keys(BY_DESIGN).find(name => BY_DESIGN[name]!.is(row))
}

function rowOf(interaction: Interaction, provider: Provider, model: string | null): Row | undefined {
  const body = isObject(interaction.reply) ? interaction.reply : gathered(interaction)
  const usage = ourUsage(interaction)
  if (!body || !usage) return undefined
  for (const flavor of FLAVORS[interaction.dialect.name] ?? []) {
    if (!provider.extractors?.some(({ api_flavor }) => api_flavor === flavor)) continue
    try {
      const extracted = extractUsage(provider, body, flavor)
      const named = extracted.model ?? model
      const priced = named === null ? null : calcPrice(extracted.usage, named, { provider, timestamp: NOW })
      const prices = priced && readPrices(priced.model.prices)
      if (!priced || !prices) return undefined
      return { name: interaction.id, theirs: priced.total_price, usage, prices }
    } catch {
      // Its reader wants what this answer has not got.
    }
  }
  return undefined
}

async function proof(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: prices of cached input are forgotten; this run must fail.')
  const providers = (await waitForUpdate()) ?? []
  for (const provider of providers) sweep(provider, reach)
  recorded(providers, reach)
}

process.exitCode = await prove(proof, RUN_MS)
