import { randomBytes } from 'node:crypto'
import { NOTHING_DECLARED, type Tools } from '../../src/access/changes.ts'
import { TokenDigests } from '../../src/access/tokens.ts'
import type { Clock } from '../../src/clock.ts'
import { Failure } from '../../src/errors.ts'
import { Secret } from '../../src/secret.ts'
import type { AuditRow, KeyRow, KeySecretRow, TenantRow } from '../../src/stores/rows.ts'
import type { Page, Stores, Table } from '../../src/stores/stores.ts'

/** Hands of a clock that tests move. */
export interface Hands extends Clock {
  nowMs: number
}

export function stoppedClock(nowMs = 1_800_000_000_000): Hands {
  return {
    nowMs,
    wallMs() {
      return this.nowMs
    },
    monotonicMs() {
      return this.nowMs
    }
  }
}

export interface FakeStores extends Stores {
  /** While true nothing is answered. */
  down: boolean
  /** How often a key was looked up. */
  lookUps: number
  /** All rows of the audit log. */
  log: AuditRow[]
  secrets: KeySecretRow[]
}

/** Stores in maps, of what access needs: no transaction is undone. */
export function fakeStores(clock: Hands): FakeStores {
  let version = 0
  const tenants = new Map<string, TenantRow>()
  const keys = table<KeyRow>()
  const answer = () => {
    if (stores.down) throw new Error('the store is down')
  }
  const stores = {
    down: false,
    lookUps: 0,
    log: [] as AuditRow[],
    secrets: [] as KeySecretRow[],
    keys: {
      ...keys,
      async findBySecret(scheme, digest) {
        stores.lookUps++
        answer()
        const secret = stores.secrets.find(row => row.scheme === scheme && row.digest === digest)
        const key = secret && (await keys.find(secret.keyId))
        return key && secret && { key, secret }
      },
      secretsOf: async keyId => stores.secrets.filter(row => row.keyId === keyId),
      addSecret: async secret => void stores.secrets.push(secret),
      async expireOlderSecrets(keyId, atMs) {
        const own = stores.secrets.filter(row => row.keyId === keyId)
        const newest = own.toSorted((one, other) => other.createdAtMs - one.createdAtMs)[0]
        for (const row of own) if (row !== newest) row.expiresAtMs = Math.min(row.expiresAtMs ?? Infinity, atMs)
      },
      childrenOf: async id => (await keys.list()).filter(row => row.parent === id),
      used: async () => {}
    },
    tenants: {
      find: async (kind, id) => tenants.get(`${kind} ${id}`),
      list: async (kind, page) =>
        paged(
          [...tenants.values()].filter(row => row.kind === kind),
          page
        ),
      put: async row => void tenants.set(`${row.kind} ${row.id}`, row),
      remove: async (kind, id) => tenants.delete(`${kind} ${id}`),
      seen: async () => {}
    },
    admins: table(),
    budgets: table(),
    rateLimits: table(),
    prices: table(),
    audit: {
      last: async () => stores.log.at(-1),
      append: async row => void stores.log.push(row),
      list: async (fromSeq, limit) => stores.log.filter(row => row.seq >= fromSeq).slice(0, limit)
    },
    ledger: undefined as never,
    logs: undefined as never,
    feedback: undefined as never,
    idempotency: undefined as never,
    cachePurges: { append: async () => 1, after: async () => [], last: async () => 1, dropBefore: async () => 0 },
    views: table(),
    meta: undefined as never,
    transaction: run => run(stores),
    nowMs: async () => clock.nowMs,
    async version() {
      answer()
      return version
    },
    raiseVersion: async () => void version++,
    close: async () => {}
  } as FakeStores
  return stores
}

function table<Row extends { id: string }>(): Table<Row> {
  const rows = new Map<string, Row>()
  return {
    find: async id => rows.get(id),
    list: async page => paged([...rows.values()], page),
    put: async row => void rows.set(row.id, row),
    remove: async id => rows.delete(id)
  }
}

function paged<Row extends { id: string }>(rows: Row[], { after = '', limit }: Page = { limit: 1_000 }): Row[] {
  const sorted = rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  return sorted.filter(({ id }) => id > after).slice(0, limit)
}

export const PROCESS_SECRET = new Secret('a process secret of more than twenty characters')

export function tools(more: Partial<Tools> = {}): Tools {
  return {
    randomBytes: size => randomBytes(size),
    digests: new TokenDigests(PROCESS_SECRET),
    declared: NOTHING_DECLARED,
    address: '192.0.2.7',
    requestId: 'request-1',
    ...more
  }
}

/** The code of the Failure that this ends with; undefined where it does not fail. */
export async function codeOf(run: () => unknown): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.code
    throw thrown
  }
}
