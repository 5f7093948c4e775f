import { type PriceLine, tableInForce } from '../catalog/prices.ts'
import { type Nano, toNano } from '../nano.ts'
import type { Usage } from '../usage.ts'
import { billionths, lineOf, tierShare, type Unit } from './price.ts'
import type { Reckonable, RequestSize, SeenAnswer } from './reckoning.ts'

/** The most that an attempt may come to, as far as anybody can say beforehand. */
export interface Bound {
  /** Null: the price is unknown. */
  nano: Nano | null
  inputTokens: number
  /** Of all choices together. */
  outputTokens: number
  unbounded: boolean
  /** The most that so much output costs. 0 where the price is unknown. */
  outputNano(tokens: number): number
  /** The most tokens that so much generated text can be. */
  outputBound(textBytes: number): number
}

/** Without a cap, until it is known how long the answers of a model are. */
const OUTPUT_TOKENS = 4_096
/** What one picture counts as at most, with the usual models. */
const IMAGE_TOKENS = 6_000
/** Sound has 1 kB a second at least, and a second is 32 tokens (Gemini) at most. */
const AUDIO_BYTES_PER_TOKEN = 31
const DOCUMENT_BYTES_PER_TOKEN = 4
/** Bytes of text that a token stands for at least: the fewest that a model was seen to have, in these limits (D14). */
const BYTES_PER_TOKEN = { usual: 2, least: 1, most: 3 }

/** Clients may ask for any number of tokens: beyond what any budget has, more is not more. */
const MOST = { tokens: 1e12, nano: 2n ** 52n }

/** What tokens of input can turn out to be. Which part of them is cached, nobody knows beforehand. */
const INPUT: readonly Unit[] = ['input', 'cache_read', 'cache_write', 'cache_write_1h']
const OUTPUT: readonly Unit[] = ['output', 'output_reasoning', 'output_audio']
/** Nano-dollars a million, times the factor and the share of the tier. */
const SCALE = 1_000_000n * 1_000_000_000n * 1_000n

/** Bytes, not a tokenizer: it would block for milliseconds, and know the tokens of one maker only. */
export function worstCase({ provider, model, key, size, tariff, wallMs }: Reckonable, learned: Learned): Bound {
  const bytesPerToken = learned.bytesPerToken(provider, model)
  const aroundTokens = learned.aroundTokens(provider, model)
  const inputTokens = Math.min(inputBound(size, bytesPerToken) + aroundTokens, MOST.tokens)
  const perChoice = size.outputTokensMax ?? learned.outputTokens(key, provider, model) ?? OUTPUT_TOKENS
  const outputTokens = Math.min(Math.max(0, perChoice) * size.choices, MOST.tokens)
  const table = tableInForce(tariff.prices, wallMs)
  const lines = table?.lines ?? {}
  const dearest = (units: readonly Unit[]) => Math.max(0, ...units.map(unit => most(lineOf(unit, lines), inputTokens)))
  // A film has sound too.
  const isHeard = size.audioBytes + size.documentBytes + size.addresses > 0
  const inputPrice = dearest(isHeard ? [...INPUT, 'input_audio'] : INPUT)
  const drawn = [lines.output_image, lines.output_video].map(line => most(line, inputTokens))
  const outputPrice = Math.max(dearest(OUTPUT), ...drawn)
  // A tier is asked for, not had: it may be answered at the list price, and a discount is for the provider to give.
  const share = Math.max(1_000, tierShare(size.serviceTier, table?.serviceTiers) ?? 1_000)
  const cost = (count: number, price: number, thousandths = share) =>
    (BigInt(Math.ceil(count)) * BigInt(price) * billionths(tariff.factor) * BigInt(thousandths)) / SCALE + 1n
  const perCall = lines.requests ? cost(1, most(lines.requests, inputTokens), 1_000) : 0n
  const all = cost(inputTokens, inputPrice) + cost(outputTokens, outputPrice) + perCall
  return {
    nano: lines.input ? toNano(least(all, MOST.nano)) : null,
    inputTokens,
    outputTokens,
    unbounded: size.hostedTools + size.addresses + size.documentBytes > 0,
    outputNano: tokens => Number(least(cost(tokens, outputPrice), MOST.nano)),
    outputBound: textBytes => Math.ceil(textBytes / bytesPerToken)
  }
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}

function inputBound({ textBytes, images, audioBytes, documentBytes }: RequestSize, bytesPerToken: number): number {
  const media = images * IMAGE_TOKENS + audioBytes / AUDIO_BYTES_PER_TOKEN + documentBytes / DOCUMENT_BYTES_PER_TOKEN
  return Math.ceil(textBytes / bytesPerToken + media)
}

/** The dearest price that an input of at most so many tokens can reach. */
function most(line: PriceLine | undefined, inputTokens: number): number {
  if (!line) return 0
  const tiers = (line.tiers ?? []).filter(({ aboveInputTokens }) => inputTokens > aboveInputTokens)
  return Math.max(line.nanoUsdPerMillion, ...tiers.map(tier => tier.nanoUsdPerMillion))
}

/** What a provider may have generated, and nobody has read, when an answer is cut. */
const ON_ITS_WAY_TOKENS = 64

/**
 * The usage of an answer whose provider said nothing, or not all: its own word where there is one, else bounds. `raised`:
 * tokens of output beyond the bound that were covered since.
 */
export function estimateCut({ usage, textBytes, isWhole }: SeenAnswer, bound: Bound, raised: number): Partial<Usage> {
  const covered = bound.outputTokens + raised
  const seen = Math.min(bound.outputBound(textBytes) + ON_ITS_WAY_TOKENS, covered)
  const reported = usage?.outputTokens ?? 0
  const outputTokens = Math.max(reported, isWhole ? covered : seen)
  return { ...usage, inputTokens: usage?.inputTokens ?? bound.inputTokens, outputTokens }
}

/** Models whose habits are remembered. */
const MODELS_MAX = 10_000
/** As many answers must have been seen before anything is made of them. */
const ANSWERS_MIN = 100
/** What is shorter says more of what a provider puts around a text than of the text. */
const INPUT_TOKENS_MIN = 256
/** A provider that counts wrongly must not close a model for good. */
const AROUND_TOKENS_MAX = 1_024
/** After so many answers the densest of those before them is forgotten: one odd text is not held against a model forever. */
const GENERATION_ANSWERS = 500
/** Lengths of answers are counted by powers of the square root of two: a bound is at most so much too long. */
const STEPS = 2

interface Habits {
  /** Least bytes a token of input that was seen, in this generation of answers and the one before. */
  bytesPerToken: number
  before: number
  inputs: number
  /** Most tokens that an input had beyond what its bytes can be. Too few to be worth forgetting. */
  aroundTokens: number
}

/** What was learned of models from what they used. Lives as long as the process; knowing nothing is safe, only less exact. */
export class Learned {
  readonly #models = new Map<string, Habits>()
  readonly #outputs = new Map<string, number[]>()

  /** Bytes of text a token stands for at least. */
  bytesPerToken(provider: string, model: string): number {
    const habits = this.#models.get(`${provider}/${model}`)
    if (!habits) return BYTES_PER_TOKEN.usual
    // With a margin: the next text may be denser than all before it.
    const seen = Math.min(habits.bytesPerToken, habits.before)
    const least = Math.max(BYTES_PER_TOKEN.least, seen * 0.8)
    const isKnown = habits.inputs >= ANSWERS_MIN
    return Math.min(least, isKnown ? BYTES_PER_TOKEN.most : BYTES_PER_TOKEN.usual)
  }

  /** What a provider puts around a text, and what a short text was too dense by: in tokens, on top of those of its bytes. */
  aroundTokens(provider: string, model: string): number {
    return this.#models.get(`${provider}/${model}`)?.aroundTokens ?? 0
  }

  /** What 99 of 100 answers of a model to a key have at most, in tokens; undefined until enough were seen. */
  outputTokens(key: string | undefined, provider: string, model: string): number | undefined {
    const counts = this.#outputs.get(`${key}\n${provider}/${model}`)
    const total = counts?.reduce((sum, count) => sum + (count ?? 0), 0) ?? 0
    if (!counts || total < ANSWERS_MIN) return undefined
    let left = total * 0.01
    for (let step = counts.length - 1; step >= 0; step--) {
      left -= counts[step] ?? 0
      if (left < 0) return Math.ceil(2 ** ((step + 1) / STEPS))
    }
    return undefined
  }

  /** One answer is enough for the next of its kind to be covered: a text that is too dense is underestimated once. */
  saw(of: Reckonable, { inputTokens, outputTokens }: Partial<Usage>): void {
    const { provider, model, key, size } = of
    const isText =
      size.isExact && size.images + size.audioBytes + size.documentBytes + size.addresses + size.hostedTools === 0
    if (isText && inputTokens !== undefined && inputTokens > 0 && size.textBytes > 0) this.#sawInput(of, inputTokens)
    if (outputTokens === undefined || !(outputTokens >= 1 && outputTokens <= MOST.tokens) || size.choices > 1) return
    const name = `${key}\n${provider}/${model}`
    const counts = this.#outputs.get(name) ?? []
    const step = Math.floor(Math.log2(outputTokens) * STEPS)
    counts[step] = (counts[step] ?? 0) + 1
    put(this.#outputs, name, counts)
  }

  #sawInput({ provider, model, size: { textBytes } }: Reckonable, inputTokens: number): void {
    const name = `${provider}/${model}`
    const habits = this.#models.get(name) ?? { bytesPerToken: NEVER, before: NEVER, inputs: 0, aroundTokens: 0 }
    put(this.#models, name, habits)
    if (inputTokens >= INPUT_TOKENS_MIN) {
      if (habits.inputs > 0 && habits.inputs % GENERATION_ANSWERS === 0) {
        habits.before = habits.bytesPerToken
        habits.bytesPerToken = NEVER
      }
      habits.bytesPerToken = Math.min(habits.bytesPerToken, textBytes / inputTokens)
      habits.inputs++
    }
    const beyond = Math.ceil(inputTokens - textBytes / this.bytesPerToken(provider, model))
    habits.aroundTokens = Math.min(Math.max(habits.aroundTokens, beyond), AROUND_TOKENS_MAX)
  }
}

const NEVER = Number.POSITIVE_INFINITY

function put<Value>(map: Map<string, Value>, name: string, value: Value): void {
  if (map.size >= MODELS_MAX && !map.has(name)) map.clear()
  map.set(name, value)
}
