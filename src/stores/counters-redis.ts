import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { CounterStore, Reading, Settled, SettleRequest, Taken, TakeRequest } from './counters.ts'
import { plainNames } from './counters-names.ts'
import { SCRIPTS } from './redis/scripts.ts'

const DIGESTS = Object.fromEntries(
  Object.entries(SCRIPTS).map(([name, text]) => [name, createHash('sha1').update(text).digest('hex')])
) as Record<keyof typeof SCRIPTS, string>

/** Counters that replicas share, in Redis 7.0 or newer: each operation is one script. */
export class RedisCounters implements CounterStore {
  readonly #redis: Redis
  readonly #prefix: string

  /** `prefix` has a hash tag, so that a cluster keeps everything under it in one place. */
  constructor(redis: Redis, prefix = '{gatehouse}:') {
    this.#redis = redis
    this.#prefix = prefix
  }

  async take(request: TakeRequest): Promise<Taken> {
    const [word, ...rest] = (await this.#run('take', request)) as [string, ...string[]]
    const [nowMs = 0, ...numbers] = rest.map(Number)
    const index = numbers[0] ?? 0
    switch (word) {
      case 'missing':
        return { ok: false, nowMs, why: 'missing', indexes: numbers }
      case 'rate':
        return { ok: false, nowMs, why: 'rate', index, waitMicros: numbers[1]! }
      case 'slot':
        return { ok: false, nowMs, why: 'slot', index, inUse: numbers[1]! }
      case 'budget':
        return { ok: false, nowMs, why: 'budget', index, remaining: numbers[1]! }
      default: {
        const { rates, slots } = request
        return {
          ok: true,
          nowMs,
          aheadMicros: numbers.slice(0, rates.length),
          inUse: numbers.slice(rates.length, rates.length + slots.length),
          remaining: numbers.slice(rates.length + slots.length)
        }
      }
    }
  }

  async settle(request: SettleRequest): Promise<Settled> {
    return (await this.#run('settle', request)) as Settled
  }

  async seed(counter: { key: string; slice: number; expiresAtMs: number }, spent: number): Promise<void> {
    await this.#run('seed', { ...counter, spent })
  }

  async renew(holds: readonly string[], leaseMs: number): Promise<string[]> {
    return holds.length === 0 ? [] : ((await this.#run('renew', { holds, leaseMs })) as string[])
  }

  async sweep(limit: number): Promise<string[]> {
    return (await this.#run('sweep', { limit })) as string[]
  }

  async read(keys: readonly { key: string; slice: number; slices: number }[]): Promise<Reading[]> {
    const numbers = ((await this.#run('read', { keys })) as string[]).map(Number)
    return keys.map((_, at) => ({ spent: numbers[at * 2]!, held: numbers[at * 2 + 1]! }))
  }

  async epochMs(): Promise<number> {
    return Number(((await this.#run('clock', {})) as string[])[1])
  }

  async nowMs(): Promise<number> {
    return Number(((await this.#run('clock', {})) as string[])[0])
  }

  openHolds(): Promise<number> {
    return this.#redis.zcard(`${this.#prefix}leases`)
  }

  close(): Promise<void> {
    this.#redis.disconnect()
    return Promise.resolve()
  }

  async #run(name: keyof typeof SCRIPTS, request: object): Promise<unknown> {
    const ask = plainNames(request)
    try {
      return await this.#redis.evalsha(DIGESTS[name], 1, this.#prefix, ask)
    } catch (thrown) {
      // A server that was restarted, or was never asked before, has no scripts.
      if (!(thrown instanceof Error && thrown.message.startsWith('NOSCRIPT'))) throw thrown
      return this.#redis.eval(SCRIPTS[name], 1, this.#prefix, ask)
    }
  }
}
