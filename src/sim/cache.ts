import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** A piece of the prompt in the order the provider reads it. `ttl` marks the end of a prefix to be cached. */
export interface Block {
  /** What makes the piece itself; asked for only where the prompt is long enough to be cached. */
  text(): string
  tokens: number
  ttl?: '5m' | '1h'
}

export interface CacheUse {
  readTokens: number
  write5mTokens: number
  write1hTokens: number
}

const TOKENS_MIN = 1024
const STEP_TOKENS = 128
const ENTRIES_MAX = 10_000
const TTL_MS = { '5m': 5 * 60_000, '1h': 60 * 60_000 }

/** Whose prefixes a request meets: those of its credential, without what changes with every signature. */
export function accountOf(headers: IncomingHttpHeaders): string {
  const named = headers['x-api-key'] ?? headers['api-key'] ?? headers['x-goog-api-key'] ?? headers.authorization
  const text = String(named ?? '')
  return /Credential=([^/]+)/.exec(text)?.[1] ?? text
}

/** Which prompt prefixes were seen before: what the providers' prompt caches would answer. */
export class PrefixCache {
  readonly #expiresAtMs = new Map<string, number>()

  /** OpenAI's automatic cache: the longest seen prefix of at least 1,024 tokens, in steps of 128. */
  automatic(scope: string, blocks: Block[], nowMs: number): number {
    const prefixes = prefixesOf(scope, blocks)
    const seen = prefixes.findLast(prefix => this.#has(prefix.key, nowMs))
    for (const prefix of prefixes) this.#put(prefix.key, nowMs + TTL_MS['5m'])
    return seen === undefined ? 0 : Math.floor(seen.tokens / STEP_TOKENS) * STEP_TOKENS
  }

  /** Anthropic's marked cache: read up to the longest cached prefix, write from there to the last mark. */
  marked(scope: string, blocks: Block[], nowMs: number): CacheUse {
    const use: CacheUse = { readTokens: 0, write5mTokens: 0, write1hTokens: 0 }
    const lastMark = blocks.findLastIndex(block => block.ttl !== undefined)
    if (lastMark < 0) return use
    const prefixes = prefixesOf(scope, blocks.slice(0, lastMark + 1))
    const seen = prefixes.findLast(prefix => this.#has(prefix.key, nowMs))
    use.readTokens = seen?.tokens ?? 0
    let coveredTokens = use.readTokens
    for (const prefix of prefixes) {
      const ttl = blocks[prefix.index]!.ttl
      if (ttl === undefined) continue
      this.#put(prefix.key, nowMs + TTL_MS[ttl])
      if (prefix.tokens <= coveredTokens) continue
      if (ttl === '1h') use.write1hTokens += prefix.tokens - coveredTokens
      else use.write5mTokens += prefix.tokens - coveredTokens
      coveredTokens = prefix.tokens
    }
    return use
  }

  #has(key: string, nowMs: number): boolean {
    return (this.#expiresAtMs.get(key) ?? 0) > nowMs
  }

  #put(key: string, expiresAtMs: number): void {
    this.#expiresAtMs.delete(key)
    this.#expiresAtMs.set(key, expiresAtMs)
    if (this.#expiresAtMs.size <= ENTRIES_MAX) return
    for (const oldest of this.#expiresAtMs.keys()) {
      this.#expiresAtMs.delete(oldest)
      break
    }
  }
}

interface Prefix {
  key: string
  tokens: number
  index: number
}

/** Every prefix long enough to be cached, shortest first. Short prompts cost no hash. */
function prefixesOf(scope: string, blocks: Block[]): Prefix[] {
  const totalTokens = blocks.reduce((sum, block) => sum + block.tokens, 0)
  if (totalTokens < TOKENS_MIN) return []
  const hash = createHash('sha256').update(scope)
  const prefixes: Prefix[] = []
  let tokens = 0
  blocks.forEach((block, index) => {
    hash.update('\0').update(block.text())
    tokens += block.tokens
    if (tokens >= TOKENS_MIN) prefixes.push({ key: hash.copy().digest('base64'), tokens, index })
  })
  return prefixes
}
