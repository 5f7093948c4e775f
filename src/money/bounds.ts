import { linesInForce, type PriceLine } from '../catalog/prices.ts'
import { type Nano, nano, toNano } from '../nano.ts'
import type { Usage } from '../usage.ts'
import { lineOf } from './price.ts'
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

/** Bytes, not a tokenizer: it would block for milliseconds, and know the tokens of one maker only. */
export function worstCase({ provider, model, key, size, tariff, wallMs }: Reckonable, learned: Learned): Bound {
  const bytesPerToken = learned.bytesPerToken(provider, model)
  const inputTokens = inputBound(size, bytesPerToken)
  const perChoice = size.outputTokensMax ?? learned.outputTokens(key, provider, model) ?? OUTPUT_TOKENS
  const outputTokens = Math.min(perChoice * size.choices, MOST.tokens)
  const table = linesInForce(tariff.prices, wallMs)
  const dearest = (lines: readonly (PriceLine | undefined)[]) =>
    Math.max(0, ...lines.map(line => most(line, inputTokens)))
  const input = table && [lineOf('input', table), lineOf('cache_write', table), lineOf('cache_write_1h', table)]
  if (table && size.audioBytes > 0) input!.push(lineOf('input_audio', table))
  const inputPrice = input ? dearest(input) : 0
  const outputPrice = table ? dearest([lineOf('output', table), lineOf('output_reasoning', table)]) : 0
  const cost = (tokens: number, price: number) =>
    (BigInt(Math.ceil(tokens)) * BigInt(Math.ceil(price * tariff.factor))) / 1_000_000n + 1n
  const requests = table?.requests ? cost(1, table.requests.nanoUsdPerMillion) : 0n
  const all = cost(inputTokens, inputPrice) + cost(outputTokens, outputPrice) + requests
  return {
    nano: table?.input ? toNano(all < MOST.nano ? all : MOST.nano) : null,
    inputTokens,
    outputTokens,
    unbounded: size.hostedTools + size.addresses + size.documentBytes > 0,
    outputNano: tokens => nano(Number(cost(tokens, outputPrice))),
    outputBound: textBytes => Math.ceil(textBytes / bytesPerToken)
  }
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
/** Lengths of answers are counted by powers of the square root of two: a bound is at most so much too long. */
const STEPS = 2

interface Habits {
  /** Least bytes a token of input, over all that was seen. */
  bytesPerToken: number
  inputs: number
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
    const least = Math.max(BYTES_PER_TOKEN.least, habits.bytesPerToken * 0.8)
    const isKnown = habits.inputs >= ANSWERS_MIN
    return Math.min(least, isKnown ? BYTES_PER_TOKEN.most : BYTES_PER_TOKEN.usual)
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

  saw({ provider, model, key, size }: Reckonable, { inputTokens, outputTokens }: Partial<Usage>): void {
    const isText =
      size.isExact && size.images + size.audioBytes + size.documentBytes + size.addresses + size.hostedTools === 0
    if (isText && inputTokens && size.textBytes > 0) {
      const habits = this.#models.get(`${provider}/${model}`) ?? { bytesPerToken: Number.POSITIVE_INFINITY, inputs: 0 }
      habits.bytesPerToken = Math.min(habits.bytesPerToken, size.textBytes / inputTokens)
      habits.inputs++
      put(this.#models, `${provider}/${model}`, habits)
    }
    if (!outputTokens || size.choices > 1) return
    const name = `${key}\n${provider}/${model}`
    const counts = this.#outputs.get(name) ?? []
    const step = Math.floor(Math.log2(outputTokens) * STEPS)
    counts[step] = (counts[step] ?? 0) + 1
    put(this.#outputs, name, counts)
  }
}

function put<Value>(map: Map<string, Value>, name: string, value: Value): void {
  if (map.size >= MODELS_MAX && !map.has(name)) map.clear()
  map.set(name, value)
}
