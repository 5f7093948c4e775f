import type { JsonObject } from '../../src/json.ts'
import { open } from '../../test/support/client.ts'
import { PROVIDERS, type ProviderName } from './providers.ts'

/** A call as its client saw it. */
export interface ClientCall {
  /** The gateway's id of it; undefined where no head came. */
  id: string | undefined
  status: number
  /** It has all of the answer, its end included. */
  finished: boolean
}

interface LedgerDoor {
  path(model: string, stream: boolean): string
  body(model: string, text: string, stream: boolean): JsonObject
  /** What is in a stream that ended well. */
  ended: RegExp
}

const DOORS: readonly LedgerDoor[] = [
  {
    path: () => '/v1/chat/completions',
    body: (model, text, stream) => ({ model, stream, messages: [{ role: 'user', content: text }] }),
    ended: /^data: \[DONE\]$/m
  },
  {
    path: () => '/v1/responses',
    body: (model, text, stream) => ({ model, stream, input: text, store: false }),
    ended: /^event: response\.completed$/m
  },
  {
    path: () => '/v1/messages',
    body: (model, text, stream) => ({
      model,
      stream,
      max_tokens: 1_000,
      messages: [{ role: 'user', content: text }]
    }),
    ended: /^event: message_stop$/m
  },
  {
    path: (model, stream) =>
      `/v1beta/models/${encodeURIComponent(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: (_model, text) => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
    ended: /"finishReason"/
  }
]

/** What only Anthropic's clients send, and the others do not mind. */
const HEADERS = { 'anthropic-version': '2023-06-01' }

const NAMES = Object.keys(PROVIDERS) as ProviderName[]
/** Every so many calls one goes by a route whose first target is busy. */
const BUSY_EVERY = 8
const WORDS_MAX = 120
const PACE_MS_MAX = 4
const TEXT_CHARS_MAX = 2_000

/** The providers, all of them one simulator's, under names that are the dialects'; and a route with a fallback. */
export function ledgerConfiguration(simUrl: string): string {
  const prices = 'prices: { input: 3, output: 15 }'
  const providers = NAMES.map(
    name =>
      `  ${name}: { ${PROVIDERS[name].address(simUrl)}, pass_request_id: true, models: [{ name: story, ${prices} }, { name: "503", ${prices} }] }`
  )
  return `
log: { level: info }
providers:
${providers.join('\n')}
routes:
  busy: { fallback: [openai-chat/503, anthropic-messages/story] }
`
}

/** So many callers at once, each with one call after the other, of random cost, until it is stopped. */
export class LedgerLoad {
  /** Those that are over. */
  readonly calls: ClientCall[] = []
  inFlight = 0
  readonly #url: string
  readonly #random: () => number
  /** Share of the calls whose client leaves in the midst of the answer. */
  readonly #leaving: number
  readonly #callers: Promise<void>[]
  #isOver = false

  constructor(url: string, callers: number, random: () => number, leaving = 0) {
    this.#url = url
    this.#leaving = leaving
    this.#random = random
    this.#callers = Array.from({ length: callers }, () => this.#callOn())
  }

  /** Begins no more calls; resolves when those under way are over. */
  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#callers)
  }

  async #callOn(): Promise<void> {
    while (!this.#isOver) {
      this.inFlight++
      this.calls.push(await this.#call())
      this.inFlight--
    }
  }

  async #call(): Promise<ClientCall> {
    const upTo = (most: number) => Math.floor(this.#random() * most)
    const door = DOORS[upTo(DOORS.length)]!
    const isBusy = upTo(BUSY_EVERY) === 0
    const model = isBusy ? 'busy' : `${NAMES[upTo(NAMES.length)]}/story`
    const stream = this.#random() < 0.5
    const directives = `[[sim:words=${1 + upTo(WORDS_MAX)} pace=${upTo(PACE_MS_MAX)}]]`
    const text = `${directives} ${'lamp '.repeat(1 + upTo(TEXT_CHARS_MAX / 5))}${upTo(1e9)}`
    const call: ClientCall = { id: undefined, status: 0, finished: false }
    try {
      const ask = { headers: HEADERS, body: door.body(model, text, stream) }
      const answer = await open(`${this.#url}${door.path(model, stream)}`, ask)
      call.status = answer.status
      call.id = answer.headers['x-gatehouse-request-id']
      if (this.#random() < this.#leaving) {
        answer.leave()
        return call
      }
      const rest = (await answer.rest()).toString()
      call.finished = answer.status === 200 && (stream ? door.ended.test(rest) : isWhole(rest))
    } catch {
      // Broken off, as it must be when the gateway is killed.
    }
    return call
  }
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
