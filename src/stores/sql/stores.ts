import { type Kysely, sql } from 'kysely'
import type { JsonObject } from '../../json.ts'
import type { AuditRow, KeyRow, KeySecretRow, TenantKind, TenantRow } from '../rows.ts'
import type { AuditStore, KeyStore, MetaStore, Page, Stores, Table, TenantStore } from '../stores.ts'
import { SqlPurgeLog } from './cache-purges.ts'
import { SqlFeedback } from './feedback.ts'
import { SqlIdempotency } from './idempotency.ts'
import { SqlLedger } from './ledger.ts'
import { SqlLogs } from './logs.ts'
import type { RowTable, Tables } from './tables.ts'

/** What the engines do each in its own way. */
export interface Engine {
  name: 'sqlite' | 'postgres'
  /** Milliseconds since 1970. */
  nowMs(db: Kysely<Tables>): Promise<number>
  /** Until the transaction is over, nobody else appends to the audit log. */
  lockAudit(db: Kysely<Tables>): Promise<void>
}

/** The stores over one connection, or one transaction. What may take long is asked of `patient`. */
export function sqlStores(db: Kysely<Tables>, engine: Engine, patient = db): Stores {
  return {
    keys: new SqlKeys(db),
    tenants: new SqlTenants(db),
    admins: new SqlTable(db, 'admins'),
    budgets: new SqlTable(db, 'budgets'),
    rateLimits: new SqlTable(db, 'rate_limits'),
    prices: new SqlTable(db, 'prices'),
    audit: new SqlAudit(db, engine),
    ledger: new SqlLedger(db, engine.name, patient),
    logs: new SqlLogs(patient),
    views: new SqlTable(db, 'views'),
    feedback: new SqlFeedback(db),
    idempotency: new SqlIdempotency(db, engine.name),
    cachePurges: new SqlPurgeLog(db),
    meta: new SqlMeta(db),
    transaction: run => db.transaction().execute(tx => run(sqlStores(tx, engine))),
    nowMs: () => engine.nowMs(db),
    async version() {
      const { value } = await db
        .selectFrom('meta')
        .select('value')
        .where('name', '=', VERSION)
        .executeTakeFirstOrThrow()
      return Number(value)
    },
    async raiseVersion() {
      const raised = sql<string>`cast(cast(value as bigint) + 1 as text)`
      await db.updateTable('meta').set({ value: raised }).where('name', '=', VERSION).execute()
    },
    close: () => db.destroy()
  }
}

const VERSION = 'version'

/** Rows as JSON under their id. */
class SqlTable<Row extends { id: string }> implements Table<Row> {
  readonly #db: Kysely<Record<string, RowTable>>
  readonly #table: string

  constructor(db: Kysely<Tables>, table: 'admins' | 'budgets' | 'rate_limits' | 'prices' | 'views') {
    this.#db = db as unknown as Kysely<Record<string, RowTable>>
    this.#table = table
  }

  async find(id: string): Promise<Row | undefined> {
    const found = await this.#db.selectFrom(this.#table).select('row').where('id', '=', id).executeTakeFirst()
    return found && (JSON.parse(found.row) as Row)
  }

  async list({ after = '', limit }: Page = { limit: 1_000 }): Promise<Row[]> {
    const query = this.#db.selectFrom(this.#table).select('row').where('id', '>', after)
    return (await query.orderBy('id').limit(limit).execute()).map(({ row }) => JSON.parse(row) as Row)
  }

  async put(row: Row): Promise<void> {
    const text = JSON.stringify(row)
    await this.#db
      .insertInto(this.#table)
      .values({ id: row.id, row: text })
      .onConflict(conflict => conflict.column('id').doUpdateSet({ row: text }))
      .execute()
  }

  async remove(id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db.deleteFrom(this.#table).where('id', '=', id).executeTakeFirstOrThrow()
    return numDeletedRows > 0n
  }
}

class SqlKeys implements KeyStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async find(id: string): Promise<KeyRow | undefined> {
    const found = await this.#rows().where('id', '=', id).executeTakeFirst()
    return found && keyRow(found)
  }

  async list({ after = '', limit }: Page = { limit: 1_000 }): Promise<KeyRow[]> {
    return (await this.#rows().where('id', '>', after).orderBy('id').limit(limit).execute()).map(keyRow)
  }

  async put(row: KeyRow): Promise<void> {
    const { lastUsedAtMs, ...kept } = row
    const columns = { name: row.name, parent: row.parent, row: JSON.stringify(kept) }
    await this.#db
      .insertInto('keys')
      .values({ id: row.id, last_used_at: lastUsedAtMs, ...columns })
      .onConflict(conflict => conflict.column('id').doUpdateSet(columns))
      .execute()
  }

  async remove(id: string): Promise<boolean> {
    await this.#db.deleteFrom('key_secrets').where('key_id', '=', id).execute()
    const { numDeletedRows } = await this.#db.deleteFrom('keys').where('id', '=', id).executeTakeFirstOrThrow()
    return numDeletedRows > 0n
  }

  async findBySecret(scheme: KeySecretRow['scheme'], digest: string) {
    const found = await this.#db
      .selectFrom('key_secrets as s')
      .innerJoin('keys as k', 'k.id', 's.key_id')
      .selectAll('s')
      .select(['k.row', 'k.last_used_at'])
      .where('s.scheme', '=', scheme)
      .where('s.digest', '=', digest)
      .executeTakeFirst()
    return found && { key: keyRow(found), secret: secretRow(found) }
  }

  async secretsOf(keyId: string): Promise<KeySecretRow[]> {
    const query = this.#db.selectFrom('key_secrets').selectAll().where('key_id', '=', keyId)
    return (await query.orderBy('created_at').orderBy('digest').execute()).map(secretRow)
  }

  async addSecret(secret: KeySecretRow): Promise<void> {
    const { scheme, digest, keyId, hint, createdAtMs, expiresAtMs } = secret
    const columns = { scheme, digest, key_id: keyId, hint, created_at: createdAtMs, expires_at: expiresAtMs }
    await this.#db.insertInto('key_secrets').values(columns).execute()
  }

  async expireOlderSecrets(keyId: string, atMs: number): Promise<void> {
    const secrets = await this.secretsOf(keyId)
    for (const { scheme, digest, expiresAtMs } of secrets.slice(0, -1)) {
      if (expiresAtMs !== null && expiresAtMs <= atMs) continue
      const query = this.#db.updateTable('key_secrets').set({ expires_at: atMs })
      await query.where('scheme', '=', scheme).where('digest', '=', digest).execute()
    }
  }

  async childrenOf(keyId: string): Promise<KeyRow[]> {
    return (await this.#rows().where('parent', '=', keyId).orderBy('id').execute()).map(keyRow)
  }

  async used(marks: readonly { id: string; atMs: number }[]): Promise<void> {
    for (const { id, atMs } of marks) {
      const query = this.#db.updateTable('keys').set({ last_used_at: atMs }).where('id', '=', id)
      await query.where(at => at.or([at('last_used_at', 'is', null), at('last_used_at', '<', atMs)])).execute()
    }
  }

  #rows() {
    return this.#db.selectFrom('keys').select(['row', 'last_used_at'])
  }
}

function keyRow({ row, last_used_at: lastUsedAtMs }: { row: string; last_used_at: number | null }): KeyRow {
  return { ...(JSON.parse(row) as Omit<KeyRow, 'lastUsedAtMs'>), lastUsedAtMs }
}

function secretRow(found: Tables['key_secrets']): KeySecretRow {
  const { key_id: keyId, scheme, digest, hint, created_at: createdAtMs, expires_at: expiresAtMs } = found
  return { keyId, scheme: scheme as KeySecretRow['scheme'], digest, hint, createdAtMs, expiresAtMs }
}

class SqlTenants implements TenantStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async find(kind: TenantKind, id: string): Promise<TenantRow | undefined> {
    const query = this.#db.selectFrom('tenants').select('row').where('kind', '=', kind)
    const found = await query.where('id', '=', id).executeTakeFirst()
    return found && (JSON.parse(found.row) as TenantRow)
  }

  async list(kind: TenantKind, { after = '', limit }: Page = { limit: 1_000 }): Promise<TenantRow[]> {
    const query = this.#db.selectFrom('tenants').select('row').where('kind', '=', kind).where('id', '>', after)
    return (await query.orderBy('id').limit(limit).execute()).map(({ row }) => JSON.parse(row) as TenantRow)
  }

  async put(row: TenantRow): Promise<void> {
    const text = JSON.stringify(row)
    await this.#db
      .insertInto('tenants')
      .values({ kind: row.kind, id: row.id, row: text })
      .onConflict(conflict => conflict.columns(['kind', 'id']).doUpdateSet({ row: text }))
      .execute()
  }

  async remove(kind: TenantKind, id: string): Promise<boolean> {
    const query = this.#db.deleteFrom('tenants').where('kind', '=', kind).where('id', '=', id)
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n
  }

  async seen(found: readonly { kind: TenantKind; id: string; org: string | null; atMs: number }[]): Promise<void> {
    if (found.length === 0) return
    const rows = found.map(({ kind, id, org, atMs }) => {
      const row: TenantRow = { kind, id, name: id, org, metadata: {}, disabled: false, createdAtMs: atMs, asSeen: true }
      return { kind, id, row: JSON.stringify(row) }
    })
    await this.#db
      .insertInto('tenants')
      .values(rows)
      .onConflict(conflict => conflict.doNothing())
      .execute()
  }
}

class SqlAudit implements AuditStore {
  readonly #db: Kysely<Tables>
  readonly #engine: Engine

  constructor(db: Kysely<Tables>, engine: Engine) {
    this.#db = db
    this.#engine = engine
  }

  async last(): Promise<AuditRow | undefined> {
    if (this.#db.isTransaction) await this.#engine.lockAudit(this.#db)
    const found = await this.#db.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(1).executeTakeFirst()
    return found && auditRow(found)
  }

  async append(row: AuditRow): Promise<void> {
    const { seq, ...rest } = row
    await this.#db
      .insertInto('audit')
      .values({ seq, row: JSON.stringify(rest) })
      .execute()
  }

  async list(fromSeq: number, limit: number): Promise<AuditRow[]> {
    const query = this.#db.selectFrom('audit').selectAll().where('seq', '>=', fromSeq)
    return (await query.orderBy('seq').limit(limit).execute()).map(auditRow)
  }
}

function auditRow({ seq, row }: Tables['audit']): AuditRow {
  return { seq, ...(JSON.parse(row) as JsonObject) } as unknown as AuditRow
}

class SqlMeta implements MetaStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async get(name: string): Promise<string | undefined> {
    return (await this.#db.selectFrom('meta').select('value').where('name', '=', name).executeTakeFirst())?.value
  }

  async putIfAbsent(name: string, value: string): Promise<void> {
    await this.#db
      .insertInto('meta')
      .values({ name, value })
      .onConflict(conflict => conflict.doNothing())
      .execute()
  }
}
