import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { madeRows } from '../../../bench/rig/log-rows.ts'
import type { Stores, Subject } from '../../../src/stores/stores.ts'

const END = Date.UTC(2026, 10, 23)
const DAY_MS = 86_400_000
const ALL = { fromMs: 0, toMs: END + DAY_MS }
const HOSTILE = `o'hara "x"; drop table requests; --`

/** What every implementation does when somebody is to be forgotten, or rows have become too old. */
export function erasingStores(name: string, open: () => Promise<Stores>): void {
  const withRows = async (run: (stores: Stores, rows: ReturnType<typeof madeRows>) => Promise<void>) => {
    const stores = await open()
    try {
      const rows = madeRows(0, 300, { total: 300, endMs: END })
      for (const [at, row] of rows.requests.entries()) {
        const payers = { ...row.payers, customer: at % 3 === 0 ? HOSTILE : 'other', tags: ['nightly', `of ${at % 3}`] }
        Object.assign(row, { payers, details: { failures: [`about ${at % 3}`] }, trace: `t${at % 3}` })
        Object.assign(rows.attempts[at]!, { payers })
      }
      await stores.ledger.ingest(rows)
      await run(stores, rows)
    } finally {
      await stores.close()
    }
  }

  describe(`${name}: erasing`, () => {
    it('takes a name out of all its rows, and leaves what they cost and everybody else’s as they were', () =>
      withRows(async ({ ledger, logs, feedback, transaction }, { requests, attempts }) => {
        const subject: Subject = { kind: 'customer', id: HOSTILE }
        const first = requests[0]!
        await feedback.put({ id: 'f', requestId: first.id, atMs: 1, score: 1, label: 'l', comment: 'c', key: 'k' })
        const costs = () => ledger.usage({ of: 'attempts', ...ALL, groupBy: ['team'], where: {}, limit: 100 })
        const before = await costs()
        assert.equal(await ledger.callsOf(subject), 100)
        for (;;) {
          const places = await ledger.placesOf(subject, 30)
          if (places.length === 0) break
          assert.ok(places.every(({ requestId }) => requests.some(({ id }) => id === requestId)))
          await transaction(tx =>
            tx.ledger.erase(
              subject,
              places.map(({ requestId }) => requestId)
            )
          )
        }
        await ledger.settle()
        assert.equal(await ledger.callsOf(subject), 0)
        assert.deepEqual(await costs(), before)
        const { request } = await ledger.request(first.id)
        const { team, key, org } = first.payers
        assert.deepEqual(request?.payers, { org, team, key, customer: 'erased' })
        assert.deepEqual(
          [request.details, request.trace, request.app, request.costNano],
          [null, null, null, first.costNano]
        )
        assert.deepEqual(await feedback.of(first.id), [
          { id: 'f', requestId: first.id, atMs: 1, score: 1, label: null, comment: null, key: null }
        ])
        assert.deepEqual(await logs.search({ tag: 'of 0' }, { limit: 10 }), [])
        const other = (await ledger.request(requests[1]!.id)).request
        assert.deepEqual(other, requests[1])
        assert.deepEqual(await ledger.attempt(attempts[1]!.id), attempts[1])
      }))

    it('removes what began before a day, in bits, and what belongs to it', () =>
      withRows(async ({ ledger, logs }, { requests }) => {
        const beforeMs = END - 10 * DAY_MS
        let removed = 0
        for (let count = 1; count > 0; removed += count) count = await ledger.dropBefore(beforeMs, 70)
        const left = requests.filter(({ startedAtMs }) => startedAtMs >= beforeMs)
        assert.equal(removed, 2 * (requests.length - left.length))
        assert.equal((await logs.search({}, { limit: 1_000 })).length, left.length)
        const [line] = await ledger.usage({ of: 'attempts', ...ALL, groupBy: [], where: {}, limit: 1 })
        assert.equal(line?.count, left.length)
        assert.equal((await logs.search({ tag: 'nightly' }, { limit: 1_000 })).length, left.length)
      }))
  })
}
