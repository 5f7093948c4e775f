import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** Whose key a call came with. */
export type Holder = 'hard' | 'soft' | 'tight' | 'cold' | 'nobody'

/** A call as its client saw it. Times are of `performance.now()`. */
export interface Seen {
  holder: Holder
  sentMs: number
  tookMs: number
  /** 0: nothing came, or not in time. */
  status: number
  /** The error's; undefined on an answer. */
  code: string | undefined
  /** It has all of its answer. */
  isWhole: boolean
  id: string | undefined
  /** `x-gatehouse-budget-remaining-usd`. */
  remainingUsd: string | undefined
}

export interface CallOptions {
  holder: Holder
  token: string
  words?: number
  /** Between the words of a stream; without it the answer comes whole. */
  paceMs?: number
  timeoutMs?: number
}

const CALL_TIMEOUT_MS = 8_000
const OUTPUT_TOKENS_MAX = 400
const MODEL = 'lab/story'

/** What calls of this proof are made with: connections that stay, so that only the gateway takes time. */
export class Client {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true })

  constructor(url: string) {
    this.#url = url
  }

  call({ holder, token, words = 5, paceMs, timeoutMs = CALL_TIMEOUT_MS }: CallOptions): Promise<Seen> {
    const stream = paceMs !== undefined
    const content = `[[sim:words=${words}${stream ? ` pace=${paceMs}` : ''}]] tell me`
    const body = JSON.stringify({
      model: MODEL,
      stream,
      max_tokens: OUTPUT_TOKENS_MAX,
      messages: [{ role: 'user', content }]
    })
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: `Bearer ${token}`
    }
    const sentMs = performance.now()
    const seen: Seen = {
      holder,
      sentMs,
      tookMs: 0,
      status: 0,
      code: undefined,
      isWhole: false,
      id: undefined,
      remainingUsd: undefined
    }
    return new Promise(resolve => {
      const end = () => {
        clearTimeout(timer)
        seen.tookMs = performance.now() - sentMs
        resolve(seen)
      }
      const asking = request(
        `${this.#url}/v1/chat/completions`,
        { method: 'POST', headers, agent: this.#agent },
        answer => {
          let text = ''
          answer.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk
          })
          answer.on('error', () => {})
          answer.on('close', () => {
            seen.status = answer.complete ? (answer.statusCode ?? 0) : 0
            seen.id = header(answer.headers['x-gatehouse-request-id'])
            seen.remainingUsd = header(answer.headers['x-gatehouse-budget-remaining-usd'])
            seen.code = seen.status === 200 ? undefined : codeOf(text)
            seen.isWhole = seen.status === 200 && (!stream || /^data: \[DONE\]$/m.test(text))
            end()
          })
        }
      )
      const timer = setTimeout(() => asking.destroy(), timeoutMs)
      asking.on('error', end)
      asking.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

function header(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

function codeOf(text: string): string {
  try {
    return String((JSON.parse(text) as { error: { code?: unknown } }).error.code)
  } catch {
    return 'no code'
  }
}

export interface Caller {
  holder: Holder
  token: string
  /** From the end of one call to the next. */
  restMs: number
}

/** Callers with one call after the other, until they are stopped. */
export class Load {
  /** Those that are over. */
  readonly seen: Seen[] = []
  readonly #client: Client
  readonly #callers: Promise<void>[]
  #isOver = false

  constructor(client: Client, callers: readonly Caller[]) {
    this.#client = client
    this.#callers = callers.map(caller => this.#callOn(caller))
  }

  /** Calls that were begun from then on, and are over. */
  between(fromMs: number, toMs: number): Seen[] {
    return this.seen.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs)
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#callers)
  }

  async #callOn({ holder, token, restMs }: Caller): Promise<void> {
    while (!this.#isOver) {
      this.seen.push(await this.#client.call({ holder, token }))
      await sleep(restMs)
    }
  }
}
