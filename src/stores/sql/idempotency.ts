import { type Kysely, sql } from 'kysely'
import type { Claimed, FinishedClaim, IdempotencyClaim, IdempotencyStore } from '../idempotency.ts'
import type { Tables } from './tables.ts'

/** A key that is let go between the two statements of a claim is asked for again so often. */
const TRIES = 3

interface Row {
  fingerprint: string
  outcome: Uint8Array | null
}

/** In a file or a PostgreSQL. Outcomes are bytes as they came: a reply is given again as it was. */
export class SqlIdempotency implements IdempotencyStore {
  readonly #db: Kysely<Tables>
  readonly #engine: 'sqlite' | 'postgres'

  constructor(db: Kysely<Tables>, engine: 'sqlite' | 'postgres') {
    this.#db = db
    this.#engine = engine
  }

  async claim(claim: IdempotencyClaim): Promise<Claimed> {
    for (let tries = 0; tries < TRIES; tries++) {
      if (await this.#taken(claim)) return { how: 'claimed' }
      const { rows } = await sql<Row>`select fingerprint, outcome from idempotency where id = ${claim.id}`.execute(
        this.#db
      )
      const [row] = rows
      if (!row) continue
      if (row.fingerprint !== claim.fingerprint) return { how: 'mismatch' }
      return row.outcome ? { how: 'finished', outcome: asBuffer(row.outcome) } : { how: 'in_flight' }
    }
    return { how: 'in_flight' }
  }

  /**
   * One statement decides. A row is taken over where its time is over, or where the same request was being carried out
   * by who is gone: another request under the key of an unfinished one is still another request.
   */
  async #taken({ id, fingerprint, requestId, ...times }: IdempotencyClaim): Promise<boolean> {
    const { nowMs, leaseUntilMs, keptUntilMs } = times
    const { rows } = await sql`
      insert into idempotency (id, fingerprint, request_id, lease_until, kept_until, outcome)
      values (${id}, ${fingerprint}, ${requestId}, ${leaseUntilMs}, ${keptUntilMs}, null)
      on conflict (id) do update set fingerprint = excluded.fingerprint, request_id = excluded.request_id,
        lease_until = excluded.lease_until, kept_until = excluded.kept_until, outcome = null
      where idempotency.kept_until <= ${nowMs} or (idempotency.outcome is null
        and idempotency.lease_until <= ${nowMs} and idempotency.fingerprint = excluded.fingerprint)
      returning id`.execute(this.#db)
    return rows.length > 0
  }

  async renew(requestIds: readonly string[], leaseUntilMs: number): Promise<void> {
    if (requestIds.length === 0) return
    await sql`update idempotency set lease_until = ${leaseUntilMs}
      where outcome is null and request_id in (${sql.join([...requestIds])})`.execute(this.#db)
  }

  async finish({ id, requestId, outcome, keptUntilMs }: FinishedClaim): Promise<boolean> {
    // A copy of its own: a view into a larger buffer would take all of that along to another thread.
    const bytes = this.#engine === 'sqlite' ? Uint8Array.from(outcome) : outcome
    const { rows } = await sql`update idempotency set outcome = ${bytes}, kept_until = ${keptUntilMs}
      where id = ${id} and request_id = ${requestId} returning id`.execute(this.#db)
    return rows.length > 0
  }

  async release(id: string, requestId: string): Promise<void> {
    await sql`delete from idempotency where id = ${id} and request_id = ${requestId}`.execute(this.#db)
  }

  async reclaim(): Promise<void> {
    // The file has one process; a database may have replicas, whose leases tell whether they live.
    if (this.#engine === 'sqlite') await sql`delete from idempotency where outcome is null`.execute(this.#db)
  }

  async erase(requests: readonly { requestId: string }[]): Promise<void> {
    if (requests.length === 0) return
    const those = sql.join(requests.map(({ requestId }) => requestId))
    await sql`delete from idempotency where request_id in (${those})`.execute(this.#db)
  }

  async dropExpired(nowMs: number, limit: number): Promise<number> {
    // Asked for again: a row may have been claimed anew meanwhile.
    const { rows } = await sql`delete from idempotency where kept_until <= ${nowMs}
      and id in (select id from idempotency where kept_until <= ${nowMs} limit ${limit}) returning id`.execute(this.#db)
    return rows.length
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
