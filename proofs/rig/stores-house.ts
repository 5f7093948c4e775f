import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { loadProcessSecret } from '../../src/access/process-secret.ts'
import { makeToken, TokenDigests } from '../../src/access/tokens.ts'
import { openEngines } from '../../src/build/engines.ts'
import { systemClock } from '../../src/clock.ts'
import type { StoreSettings } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import { Secret } from '../../src/secret.ts'
import { type Sim, startSim } from '../../src/sim/index.ts'
import type { BudgetRow, RateLimitRow } from '../../src/stores/rows.ts'
import type { Stores } from '../../src/stores/stores.ts'
import { LedgerGateway } from './ledger-gateway.ts'
import { Client, type Holder } from './stores-load.ts'
import { postgresServer, redisServer, type StoreServer } from './stores-servers.ts'

export type KeyHolder = Exclude<Holder, 'nobody'>

/** Of the budgets, in nano-dollars: never reached. */
export const LIMIT_NANO = 1e12
/** Calls that the `tight` key may make in ten minutes. */
export const TIGHT_CALLS = 4
const TEN_MINUTES_MS = 600_000
const PRICES = 'prices: { input: 3, output: 15 }'

/** A gateway with its stores, its provider, and keys that were made before it began. */
export interface House {
  client: Client
  sim: Sim
  tokens: Readonly<Record<KeyHolder, string>>
  /** Only where the gateway has them. */
  redis: StoreServer | undefined
  postgres: StoreServer | undefined
  /** The last words of the gateway, where it is over. */
  died(): string | undefined
  /** The gateway is asked to go, and brings what it has written down into the ledger. */
  leave(): Promise<void>
  close(): Promise<void>
}

interface HouseOptions {
  /** Of everything kept. */
  data: string
  isBroken: boolean
  redis?: StoreServer
  postgres?: StoreServer
}

/** On a Redis and a PostgreSQL of its own. */
export async function openHouse(isBroken: boolean): Promise<House> {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-stores-'))
  const [redis, postgres] = await Promise.all([redisServer(), postgresServer()])
  const close = async () => {
    await Promise.all([redis.close(), postgres.close()])
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await Promise.all([redis.start(), postgres.start()])
    const house = await startHouse({ data: path.join(directory, 'data'), isBroken, redis, postgres })
    return {
      ...house,
      async close() {
        await house.close()
        await close()
      }
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

export async function startHouse({ data, isBroken, redis, postgres }: HouseOptions): Promise<House> {
  mkdirSync(data, { recursive: true })
  const secret = loadProcessSecret({ given: undefined, directory: data, randomBytes })
  const settings: StoreSettings = {
    data,
    databaseUrl: postgres && new Secret(postgres.url),
    redisUrl: undefined,
    durable: 'kernel'
  }
  const log = createLog({ level: 'error', format: 'text' })
  const engines = await openEngines({ directory: data, settings }, { clock: systemClock, log })
  const tokens = await fill(engines.stores, new TokenDigests(secret)).finally(() => engines.close())
  const sim = await startSim({ paceMs: 1 })
  // Not in `data`, which may be too small.
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-stores-'))
  const config = path.join(directory, 'gatehouse.yaml')
  const urls = `${postgres ? `, database_url: "${postgres.url}"` : ''}${redis ? `, redis_url: "${redis.url}"` : ''}`
  writeFileSync(
    config,
    `keys: [{ name: of-the-file, key: a-key-that-nobody-uses-here }]
log: { level: warn }
overload: { loop_lag: 60s, memory: 99% }
stores: { data: ${JSON.stringify(data)}${urls} }
providers:
  lab: { base_url: "${sim.url}/v1", dialect: openai-chat, quirks: {}, allow_private: ["127.0.0.0/8"], keys: [a-credential], pass_request_id: true, models: [{ name: story, ${PRICES} }] }
`
  )
  const main = path.join(import.meta.dirname, 'stores-main.ts')
  const gateway = new LedgerGateway({ directory, config, isBroken, brokenMain: main })
  const close = async () => {
    await gateway.end('SIGKILL')
    await sim.close()
    rmSync(directory, { recursive: true, force: true })
  }
  const url = await gateway.url().catch(async thrown => {
    await close()
    throw thrown
  })
  const client = new Client(url)
  return {
    client,
    sim,
    tokens,
    redis,
    postgres,
    died: () => gateway.died,
    leave: () => gateway.end('SIGINT'),
    async close() {
      client.close()
      await close()
    }
  }
}

/** A key for each holder, a hard and a soft budget, and a rate limit on the key that has the soft one, and a narrow one. */
async function fill(stores: Stores, digests: TokenDigests): Promise<Record<KeyHolder, string>> {
  const createdAtMs = await stores.nowMs()
  const tokens: Partial<Record<KeyHolder, string>> = {}
  for (const name of ['hard', 'soft', 'tight', 'cold'] as const) {
    const { id, token, hint } = makeToken('live', randomBytes)
    const none = { parent: null, org: null, team: null, user: null, expiresAtMs: null, lastUsedAtMs: null }
    await stores.keys.put({ id, name, ...none, scopes: {}, tags: [], metadata: {}, disabled: false, createdAtMs })
    const digest = digests.ofKey(token.reveal())!
    await stores.keys.addSecret({ keyId: id, ...digest, hint, createdAtMs, expiresAtMs: null })
    tokens[name] = token.reveal()
  }
  const onKey = (match: string) => ({ kind: 'key' as const, match })
  for (const mode of ['hard', 'soft'] as const) {
    const window: BudgetRow['window'] = { every: 'month', timeZone: 'UTC' }
    const told = { thresholds: [], webhook: null, createdAtMs }
    await stores.budgets.put({ id: mode, scope: onKey(mode), unit: 'usd', limit: LIMIT_NANO, window, mode, ...told })
  }
  const limit = (match: string, amount: number): RateLimitRow => {
    return {
      id: match,
      scope: onKey(match),
      unit: 'requests',
      amount,
      perMs: TEN_MINUTES_MS,
      burst: amount,
      createdAtMs
    }
  }
  await stores.rateLimits.put(limit('soft', 1e6))
  await stores.rateLimits.put(limit('tight', TIGHT_CALLS))
  return tokens as Record<KeyHolder, string>
}

/** What PostgreSQL says of itself, and of the ledger. */
export class Witness {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  /** Transactions in the gateway's database, from its own beginning on; those of this question are in another one. */
  async transactions(): Promise<number> {
    const statement = "select xact_commit + xact_rollback as sum from pg_stat_database where datname = 'postgres'"
    const [row] = await this.#ask<{ sum: string }>(statement, [], new URL('/template1', this.#url).href)
    return Number(row?.sum)
  }

  /** Of these calls: how many are in the ledger, how many attempts they have, and how many of those are over. */
  async rowsOf(ids: readonly string[]): Promise<{ requests: number; attempts: number; finished: number }> {
    const [row] = await this.#ask<Record<'requests' | 'attempts' | 'finished', number>>(
      `select (select count(*)::int from requests where id = any($1)) as requests,
        (select count(*)::int from attempts where request_id = any($1)) as attempts,
        (select count(*)::int from attempts where request_id = any($1) and state = 'finished') as finished`,
      [ids]
    )
    return row!
  }

  /** What all attempts of a key but those of one call came to, and what that call held; in nano-dollars. */
  async spentBy(key: string, but: string): Promise<{ spentNano: number; heldNano: number }> {
    const [row] = await this.#ask<Record<'spent' | 'held', string>>(
      `select coalesce(sum(cost_nano) filter (where request_id <> $2), 0) as spent,
        coalesce(sum(held_nano) filter (where request_id = $2), 0) as held from attempts where key_name = $1`,
      [key, but]
    )
    return { spentNano: Number(row!.spent), heldNano: Number(row!.held) }
  }

  async #ask<Row extends pg.QueryResultRow>(statement: string, values: unknown[], url = this.#url): Promise<Row[]> {
    const client = new pg.Client({ connectionString: url, query_timeout: 5_000, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<Row>(statement, values)).rows
    } finally {
      await client.end()
    }
  }
}

/** Waits until it is so; false: it was not in time. What is thrown meanwhile counts as no. */
export async function waitFor(isSo: () => Promise<boolean>, withinMs: number, everyMs = 100): Promise<boolean> {
  const untilMs = performance.now() + withinMs
  for (;;) {
    if (await isSo().catch(() => false)) return true
    if (performance.now() > untilMs) return false
    await sleep(everyMs)
  }
}
