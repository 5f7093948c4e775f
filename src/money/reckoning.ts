import type { JsonObject } from '../json.ts'
import { type Nano, nano } from '../nano.ts'
import type { Usage } from '../usage.ts'
import { type Bound, estimateCut, type Learned, worstCase } from './bounds.ts'
import type { Ask } from './holds.ts'
import { costOf } from './price.ts'
import type { Tariff } from './price-book.ts'
import { savedByCache } from './prompt-saving.ts'

/** How large a request is, as far as what it may cost hangs on it (D14). Never smaller than it is. */
export interface RequestSize {
  /** UTF-8 bytes of everything the model reads as text. */
  textBytes: number
  images: number
  /** Bytes of sound, and of documents and films. */
  audioBytes: number
  documentBytes: number
  /** Media named by address, and conversations that the provider keeps: nobody here knows how large. */
  addresses: number
  /** Tools that the provider runs by itself, and charges for. */
  hostedTools: number
  /** The cap on output, in tokens, of each choice; undefined: there is none. */
  outputTokensMax: number | undefined
  choices: number
  /** The service tier that is asked for, in the provider's word. Absent: none. */
  serviceTier?: string | undefined
  /** It was read: what is not text was found. */
  isExact: boolean
}

/** One attempt, as its money is reckoned. */
export interface Reckonable {
  provider: string
  model: string
  key: string | undefined
  size: RequestSize
  tariff: Tariff
  /** It asks no model for anything: it costs nothing, whatever its provider's prices are. */
  isFree: boolean
  /** When it began: prices have times. */
  wallMs: number
}

/** What an attempt came to. */
export interface Reckoned {
  nano: Nano | null
  lines: JsonObject | null
  marks: readonly string[]
}

/** What an answer was seen to be when it ended too early. */
export interface SeenAnswer {
  usage: Partial<Usage> | undefined
  /** UTF-8 bytes of what was generated, as far as it came. */
  textBytes: number
  /** The provider generates, and bills, the rest as well. */
  isWhole: boolean
}

/** By how much a hold is raised as an answer without a cap goes on, in tokens. */
const SLICE_TOKENS = 2_048
/** What an answer likely has where its cap allows more: caps are set far above what comes. */
const OUTPUT_TOKENS_TYPICAL = 1_000
/** Bytes of text that a token stands for on average: for rates, which are settled by what was used. */
const BYTES_PER_TOKEN = 4

/** The money of one attempt: what it may come to before it begins, and what it came to when it is over. */
export class Reckoning {
  readonly #of: Reckonable
  readonly #learned: Learned
  readonly #bound: Bound
  /** What the hold was raised by since, in tokens of output. */
  #raisedTokens = 0

  constructor(of: Reckonable, learned: Learned) {
    this.#of = of
    this.#learned = learned
    this.#bound = worstCase(of, learned)
  }

  /** What is held for it. */
  get ask(): Ask {
    const { provider, model, size } = this.#of
    const { inputTokens, outputTokens } = this.#bound
    const expectedTokens = Math.ceil(size.textBytes / BYTES_PER_TOKEN) + Math.min(outputTokens, OUTPUT_TOKENS_TYPICAL)
    const ask = {
      target: { provider, model },
      nano: this.#bound.nano,
      tokens: inputTokens + outputTokens,
      expectedTokens
    }
    return this.#of.isFree ? { ...ask, nano: nano(0), tokens: 0, expectedTokens: 0 } : ask
  }

  /** What is held for it by now. */
  get heldNano(): Nano | null {
    if (this.#of.isFree) return nano(0)
    const { outputNano } = this.#bound
    if (this.#bound.nano === null) return null
    return nano(this.#bound.nano + (this.#raisedTokens === 0 ? 0 : outputNano(this.#raisedTokens)))
  }

  get priceVersion(): string {
    return this.#of.tariff.version
  }

  /** Nobody can say beforehand what it may cost. */
  get isUnbounded(): boolean {
    return this.#bound.unbounded
  }

  /** Its answer has no cap. */
  get isOpen(): boolean {
    return this.#of.size.outputTokensMax === undefined
  }

  /** What the hold must be raised by now that so much of the answer has come; undefined: it is enough. */
  needsMore(textBytes: number): Ask | undefined {
    const beyond = this.#bound.outputBound(textBytes) + SLICE_TOKENS / 2 - this.#bound.outputTokens - this.#raisedTokens
    if (beyond < 0) return undefined
    const tokens = SLICE_TOKENS * (Math.floor(beyond / SLICE_TOKENS) + 1)
    this.#raisedTokens += tokens
    const { provider, model } = this.#of
    const raise = this.#bound.nano === null ? null : nano(this.#bound.outputNano(tokens))
    return { target: { provider, model }, nano: raise, tokens, expectedTokens: 0 }
  }

  cost(usage: Partial<Usage>): Reckoned {
    if (this.#of.isFree) return { nano: nano(0), lines: null, marks: [] }
    const { tariff, wallMs } = this.#of
    return costOf(usage, tariff, { wallMs })
  }

  /** What the provider's own cache saved, net of what writing to it cost, in nano-dollars; null: a price is unknown. */
  promptSaved(usage: Partial<Usage>): number | null {
    return this.#of.isFree ? 0 : savedByCache(usage, this.#of.tariff, this.#of)
  }

  /** The usage that an answer is charged for which ended too early for its provider to say. Never below what it was. */
  estimate(seen: SeenAnswer): Partial<Usage> {
    return estimateCut(seen, this.#bound, this.#raisedTokens)
  }

  /** Takes note of how long the answers of this model are, and its tokens. */
  learn(usage: Partial<Usage>): void {
    this.#learned.saw(this.#of, usage)
  }
}
