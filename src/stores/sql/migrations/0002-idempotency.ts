import { type Kysely, sql } from 'kysely'

/** What calls with an `Idempotency-Key` came to. */
export const idempotency = {
  number: 2,
  async up(db: Kysely<never>, engine: 'sqlite' | 'postgres'): Promise<void> {
    const text = engine === 'postgres' ? 'text collate "C"' : 'text'
    const bytes = engine === 'postgres' ? 'bytea' : 'blob'
    const statements = [
      `create table idempotency (id ${text} primary key, fingerprint ${text} not null, request_id ${text} not null,
        lease_until bigint not null, kept_until bigint not null, outcome ${bytes})`,
      'create index idempotency_by_request on idempotency (request_id)',
      'create index idempotency_by_time on idempotency (kept_until)'
    ]
    for (const statement of statements) await sql.raw(statement).execute(db)
  }
}
