import type { Kysely } from 'kysely'
import type { FeedbackRow } from '../rows.ts'
import type { FeedbackStore } from '../stores.ts'
import type { Tables } from './tables.ts'

export class SqlFeedback implements FeedbackStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async put({ id, requestId, atMs, score, label, comment, key }: FeedbackRow): Promise<void> {
    const columns = { request_id: requestId, at: atMs, score, label, comment, key_name: key }
    await this.#db
      .insertInto('feedback')
      .values({ id, ...columns })
      .onConflict(conflict => conflict.column('id').doUpdateSet(columns))
      .execute()
  }

  async of(requestId: string): Promise<FeedbackRow[]> {
    const query = this.#db.selectFrom('feedback').selectAll().where('request_id', '=', requestId)
    const rows = await query.orderBy('at').orderBy('id').execute()
    return rows.map(({ request_id, at, key_name: key, ...row }) => ({ ...row, requestId: request_id, atMs: at, key }))
  }
}
