import { randomBytes } from 'node:crypto'
import { NOTHING_DECLARED } from '../../src/access/changes.ts'
import { CheckpointSigner } from '../../src/access/checkpoints.ts'
import type { Role } from '../../src/access/permissions.ts'
import { makeToken, TokenDigests } from '../../src/access/tokens.ts'
import { type AdminHall, adminApp } from '../../src/admin/app.ts'
import type { DeclaredRows, Governance } from '../../src/admin/governance.ts'
import { JsonBody, type JsonObject } from '../../src/json.ts'
import { createLog } from '../../src/log.ts'
import type { Nano } from '../../src/nano.ts'
import { Secret } from '../../src/secret.ts'
import type { Simulation } from '../../src/simulate/report.ts'
import type { BodyStore } from '../../src/stores/bodies.ts'
import type { LogFilter, LogStore } from '../../src/stores/logs.ts'
import type { AttemptRow, KeyRow, RequestRow } from '../../src/stores/rows.ts'
import type { LedgerStore, UsageQuery } from '../../src/stores/stores.ts'
import { type FakeStores, fakeStores, PROCESS_SECRET, stoppedClock } from '../access/support.ts'
import { NO_FACTS } from '../support/rows.ts'

export const OWNER_TOKEN = 'gh_admin_of-the-owner-for-tests-only'

const NO_GUARDS: AdminHall['guards'] = {
  list: () => [],
  test: async ({ body }) => ({ after: JsonBody.from(body), paths: [], guards: [] })
}

export const NO_ROWS: DeclaredRows = { keys: [], tenants: [], budgets: [], rateLimits: [], prices: [] }

export interface AdminAnswer {
  status: number
  headers: Record<string, unknown>
  text: string
  json: JsonObject
  /** `error.code`, where it was refused. */
  code: string | undefined
}

export interface AdminApi {
  stores: FakeStores
  /** What the ledger was asked. */
  asked: UsageQuery[]
  told: string[]
  governance: Governance
  digests: TokenDigests
  /** `GET /keys`, as the owner unless headers say otherwise. */
  ask(what: string, body?: unknown, headers?: Record<string, string>): Promise<AdminAnswer>
  /** The token of an admin of this role, of one organisation or of all (null). */
  admin(role: Role, org?: string | null, name?: string): Promise<string>
  close(): Promise<void>
}

/** The admin API on stores in memory, without a socket. */
export async function adminApi(more: Partial<Governance> = {}): Promise<AdminApi> {
  const clock = stoppedClock()
  const stores = fakeStores(clock)
  const asked: UsageQuery[] = []
  const told: string[] = []
  stores.ledger = fakeLedger(asked)
  stores.logs = fakeLogs(stores.ledger)
  stores.feedback = { put: async () => {}, of: async () => [] }
  const digests = new TokenDigests(PROCESS_SECRET)
  const governance: Governance = {
    stores,
    digests,
    signer: new CheckpointSigner(PROCESS_SECRET),
    randomBytes: size => randomBytes(size),
    declared: () => ({ names: NOTHING_DECLARED, rows: NO_ROWS }),
    reading: async () => ({ spent: 250_000_000, held: 50_000_000, resetMs: clock.nowMs + 1_000 }),
    priceOf: () => ({ version: 'v1', lines: { input: { nanoUsdPerMillion: 3_000_000_000 } } }),
    bodies: FAKE_BODIES,
    cache: FAKE_CACHE,
    flush: () => Promise.resolve(),
    settle: () => Promise.resolve(),
    changed: async topic => void told.push(topic),
    wallMs: () => clock.wallMs(),
    log: createLog({ level: 'silent', format: 'json' } as never),
    ...more
  }
  const app = await adminApp(hall(governance))
  return {
    stores,
    asked,
    told,
    governance,
    digests,
    async ask(what, body, headers = { authorization: `Bearer ${OWNER_TOKEN}` }) {
      const [method, path] = what.split(' ', 2) as ['GET', string]
      const payload = body === undefined ? {} : { payload: body as object }
      const answer = await app.inject({ method, url: `/admin${path}`, headers, ...payload })
      const isJson = String(answer.headers['content-type']).startsWith('application/json')
      const json = isJson ? (answer.json() as JsonObject) : {}
      const code = (json.error as JsonObject | undefined)?.code as string | undefined
      return { status: answer.statusCode, headers: answer.headers, text: answer.body, json, code }
    },
    async admin(role, org = null, name = role) {
      const { id, token, hint } = makeToken('admin', size => randomBytes(size))
      const digest = digests.ofAdmin(token.reveal())
      const facts = { createdAtMs: clock.nowMs, expiresAtMs: null, disabled: false }
      await stores.admins.put({ id, name, role, org, digest, hint, ...facts })
      return token.reveal()
    },
    close: () => app.close()
  }
}

const NOTHING_SIMULATED: Simulation = {
  calls: 0,
  leftAlone: {},
  truncated: false,
  moved: 0,
  moves: [],
  targets: [],
  refused: [],
  failing: 0,
  cost: { beforeNano: 0, afterNano: 0, unknownBefore: 0, unknownAfter: 0 },
  latency: { before: null, after: null, unknownAfter: 0 },
  unknown: { calls: 0, facts: {} },
  drawn: 0
}

/** What the app needs beside governance, which it can do without. */
export function hall(governance?: Governance): AdminHall {
  let ids = 0
  return {
    home: () => ({ url: '', found: [], missing: [], model: 'm', keys: true, recent: undefined, version: '0' }),
    ready: () => true,
    refuse: () => undefined,
    newId: () => `request-${++ids}`,
    adminToken: new Secret(OWNER_TOKEN),
    explain: { explain: () => ({ model: 'm', rule: 'name' }) as never, monotonicMs: () => 0 },
    guards: NO_GUARDS,
    simulator: { simulate: () => Promise.resolve(NOTHING_SIMULATED) },
    replayer: { replay: ({ row }) => Promise.resolve({ id: row.id, outcome: {} }) },
    governance,
    doorMethods: () => []
  }
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

const DOLLAR = 1_000_000_000 as Nano

export function attemptRow(id: string, org: string, more: Partial<AttemptRow> = {}): AttemptRow {
  return {
    id: `${id}-1`,
    requestId: id,
    number: 1,
    state: 'finished',
    startedAtMs: 1_799_999_000_000,
    finishedAtMs: 1_799_999_001_000,
    provider: 'openai',
    model: 'gpt-5.5',
    payers: { org, user: 'ada', key: 'app' },
    heldNano: DOLLAR,
    costNano: 1_500_000 as Nano,
    lines: { input: { units: 10, nano: 1_500_000 } },
    priceVersion: 'v1',
    usage: { inputTokens: 10, outputTokens: 5, rest: { maker: 'openai', value: { private: 'stays here' } } },
    usageSource: 'provider',
    outcome: 'done',
    failure: null,
    marks: [],
    firstTokenMs: null,
    ...more
  }
}

export function requestRow(id: string, org: string, more: Partial<RequestRow> = {}): RequestRow {
  const { startedAtMs, payers, provider, model, costNano, usage } = attemptRow(id, org)
  return {
    id,
    startedAtMs,
    finishedAtMs: startedAtMs + 1_000,
    dialect: 'openai-chat',
    operation: 'chat',
    stream: false,
    modelAsked: 'smart',
    provider,
    model,
    payers,
    attempts: 1,
    status: 200,
    outcome: 'done',
    code: null,
    costNano,
    usage,
    firstTokenMs: 12,
    totalMs: 1_000,
    configDigest: 'digest',
    ...NO_FACTS,
    ...more
  }
}

export function keyRow(id: string, more: Partial<KeyRow> = {}): KeyRow {
  return {
    id,
    name: id,
    parent: null,
    org: null,
    team: null,
    user: null,
    scopes: {},
    tags: [],
    metadata: {},
    disabled: false,
    expiresAtMs: null,
    createdAtMs: 1,
    lastUsedAtMs: null,
    ...more
  }
}

function fakeLedger(asked: UsageQuery[]): FakeStores['ledger'] {
  const attempts = new Map<string, AttemptRow>()
  const requests = new Map<string, RequestRow>()
  const paged = <Row extends { id: string }>(rows: Map<string, Row>, after = '') =>
    [...rows.values()].filter(({ id }) => id > after).sort((one, other) => (one.id < other.id ? -1 : 1))
  return {
    async ingest(batch) {
      for (const row of batch.attempts) attempts.set(row.id, row)
      for (const row of batch.requests) requests.set(row.id, row)
    },
    spent: async () => 0n,
    attempt: async id => attempts.get(id),
    request: async id => ({
      request: requests.get(id),
      attempts: [...attempts.values()].filter(row => row.requestId === id)
    }),
    started: async () => [],
    attempts: async ({ after, limit }) => paged(attempts, after).slice(0, limit),
    requests: async ({ after, limit }) => paged(requests, after).slice(0, limit),
    callsOf: async () => 0,
    placesOf: async () => [],
    erase: async () => {},
    settle: async () => {},
    dropBefore: async () => 0,
    async usage(query) {
      asked.push(query)
      const group = Object.fromEntries(query.groupBy.map(name => [name, 'x']))
      const tokens = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
      const rest = {
        estimated: 0,
        failed: 0,
        cached: 0,
        savedNano: 0n,
        savedMs: 0,
        promptSavedNano: 0n,
        wasteNano: 0n,
        generationMs: 0,
        generatedTokens: 0,
        scores: 0,
        scoreSum: 0
      }
      return [{ group, count: 2, ...tokens, costNano: 1_500_000n, unpriced: 1, ...rest }]
    }
  }
}

/** The log over such a ledger: of filters it knows the organisation, and that nothing was made for another call. */
function fakeLogs(ledger: LedgerStore): LogStore {
  const rows = async ({ is = {} }: LogFilter) => {
    const all = await ledger.requests({ limit: 1_000 })
    return is.parent ? [] : all.filter(({ payers }) => !is.org || is.org.includes(payers.org ?? ''))
  }
  return { search: rows, since: rows, sessions: async () => [], guardRates: async () => [] }
}

const FAKE_CACHE: Governance['cache'] = {
  stats: async () => ({
    memory: { answers: 1, bytes: 2_000 },
    store: { kind: 'sqlite', answers: 2, bytes: 4_000 },
    sinceStart: {
      hits: 3,
      semantic: 0,
      coalesced: 1,
      misses: 4,
      bypass: 0,
      stored: 4,
      savedNano: 1_500_000,
      savedMs: 12
    }
  }),
  purged: async () => 2
}

/** One call of which something was kept. */
const FAKE_BODIES: BodyStore = {
  put: async () => {},
  find: async (requestId, atMs) => ({
    requestId,
    atMs,
    session: undefined,
    org: undefined,
    level: 'full',
    dialect: 'openai-chat',
    received: '{"model":"smart","messages":[]}',
    sent: [],
    answered: '{}'
  }),
  search: async () => [],
  dropBefore: async () => 0,
  erase: async () => {},
  stats: async () => ({ partitions: [] }),
  close: async () => {}
}
