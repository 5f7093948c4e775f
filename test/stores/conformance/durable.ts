import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Nano, nano } from '../../../src/nano.ts'
import {
  type AttemptRow,
  type AuditRow,
  type BudgetRow,
  type KeyRow,
  type RequestRow,
  rowsOfRepeats,
  type TenantRow
} from '../../../src/stores/rows.ts'
import type { Stores } from '../../../src/stores/stores.ts'
import { NO_FACTS } from '../../support/rows.ts'

/** One place where stores are kept. */
export interface Place {
  open(): Promise<Stores>
  /** What is written is there when it is opened again. */
  lasts: boolean
}

const HOSTILE = [`o'hara "x"; drop table keys; --`, 'ünï©ödé 🙂', '%_\\', '${x} {{y}}', 'a\nb']
const AT = Date.UTC(2026, 10, 23, 12)

export function attempt(over: Partial<AttemptRow> & { id: string }): AttemptRow {
  return {
    requestId: `r-${over.id}`,
    number: 1,
    state: 'finished',
    startedAtMs: AT,
    finishedAtMs: AT + 5,
    provider: 'openai',
    model: 'gpt',
    payers: { team: 'blue', key: 'ci', tags: ['nightly', 'a'] },
    heldNano: nano(100),
    costNano: nano(42),
    lines: { input: { units: 1, nano: 42 } },
    priceVersion: 'v1',
    usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 2, tier: 'default' },
    usageSource: 'provider',
    outcome: 'done',
    failure: null,
    marks: [],
    firstTokenMs: null,
    ...over
  }
}

export function started(over: Partial<AttemptRow> & { id: string }): AttemptRow {
  return attempt({
    state: 'started',
    finishedAtMs: null,
    costNano: nano(100),
    lines: null,
    usage: null,
    usageSource: 'estimated',
    outcome: null,
    ...over
  })
}

function request(over: Partial<RequestRow> & { id: string }): RequestRow {
  return {
    startedAtMs: AT,
    finishedAtMs: AT + 9,
    dialect: 'openai-chat',
    operation: 'chat',
    stream: false,
    modelAsked: 'gpt',
    provider: 'openai',
    model: 'gpt',
    payers: { team: 'blue' },
    attempts: 1,
    status: 200,
    outcome: 'done',
    code: null,
    costNano: nano(42),
    usage: { inputTokens: 10, outputTokens: 5 },
    firstTokenMs: 3.25,
    totalMs: 9.5,
    configDigest: 'd',
    ...NO_FACTS,
    ...over
  }
}

function key(id: string, over: Partial<KeyRow> = {}): KeyRow {
  return {
    id,
    name: id,
    parent: null,
    org: null,
    team: 'blue',
    user: null,
    scopes: { models: ['gpt-*'] },
    tags: ['t'],
    metadata: { cost_center: 7 },
    disabled: false,
    expiresAtMs: null,
    createdAtMs: AT,
    lastUsedAtMs: null,
    ...over
  }
}

const BUDGET: BudgetRow = {
  id: 'b',
  scope: { kind: 'team', match: 'blue' },
  unit: 'usd',
  limit: 5,
  window: { every: 'month', timeZone: 'UTC' },
  mode: 'hard',
  thresholds: [0.5],
  webhook: null,
  createdAtMs: AT
}

/** What every implementation of the durable stores does. */
export function durableStores(name: string, place: () => Promise<Place>): void {
  const withStores = async (run: (stores: Stores, place: Place) => Promise<void>) => {
    const where = await place()
    const stores = await where.open()
    try {
      await run(stores, where)
    } finally {
      await stores.close()
    }
  }
  const fact = (what: string, run: (stores: Stores, place: Place) => Promise<void>) => it(what, () => withStores(run))

  describe(name, () => {
    fact('tables keep rows by id, replace them, list them by pages and remove them', async ({ budgets }) => {
      for (const id of ['c', 'a', 'b', ...HOSTILE]) await budgets.put({ ...BUDGET, id })
      await budgets.put({ ...BUDGET, id: 'a', limit: 9 })
      assert.deepEqual(await budgets.find('a'), { ...BUDGET, id: 'a', limit: 9 })
      for (const id of HOSTILE) assert.deepEqual(await budgets.find(id), { ...BUDGET, id })
      assert.equal(await budgets.find('no such'), undefined)
      const all: string[] = []
      for (let after: string | undefined; ; after = all.at(-1)) {
        const page = await budgets.list({ after, limit: 3 })
        all.push(...page.map(({ id }) => id))
        if (page.length < 3) break
      }
      assert.equal(new Set(all).size, 3 + HOSTILE.length)
      assert.equal(all.length, 3 + HOSTILE.length)
      assert.equal(await budgets.remove('a'), true)
      assert.equal(await budgets.remove('a'), false)
    })

    fact('keys are found by the digest of any of their tokens, and use never moves back', async ({ keys }) => {
      await keys.put(key('k1'))
      await keys.put(key('k2', { parent: 'k1' }))
      const secret = { keyId: 'k1', scheme: 'hmac-v1' as const, hint: 'abcd', createdAtMs: AT, expiresAtMs: null }
      await keys.addSecret({ ...secret, digest: 'd1' })
      await keys.addSecret({ ...secret, digest: 'd2', createdAtMs: AT + 1 })
      assert.deepEqual((await keys.findBySecret('hmac-v1', 'd1'))?.key, key('k1'))
      assert.equal(await keys.findBySecret('sha256', 'd1'), undefined)
      await keys.expireOlderSecrets('k1', AT + 50)
      assert.deepEqual(
        (await keys.secretsOf('k1')).map(({ digest, expiresAtMs }) => [digest, expiresAtMs]),
        [
          ['d1', AT + 50],
          ['d2', null]
        ]
      )
      assert.deepEqual(
        (await keys.childrenOf('k1')).map(({ id }) => id),
        ['k2']
      )
      await keys.used([{ id: 'k1', atMs: AT + 9 }])
      await keys.used([{ id: 'k1', atMs: AT + 3 }])
      // A change of the key does not forget when it was used.
      await keys.put(key('k1', { disabled: true }))
      assert.deepEqual(await keys.find('k1'), key('k1', { disabled: true, lastUsedAtMs: AT + 9 }))
      assert.equal(await keys.remove('k1'), true)
      assert.equal(await keys.findBySecret('hmac-v1', 'd2'), undefined)
    })

    fact('tenants that were seen never replace those that somebody made', async ({ tenants }) => {
      const made: TenantRow = {
        kind: 'customer',
        id: 'x',
        name: 'X',
        org: null,
        metadata: {},
        disabled: true,
        createdAtMs: AT,
        asSeen: false
      }
      await tenants.put(made)
      await tenants.seen([
        { kind: 'customer', id: 'x', org: null, atMs: AT },
        { kind: 'customer', id: 'y', org: null, atMs: AT },
        { kind: 'agent', id: 'x', org: null, atMs: AT }
      ])
      assert.deepEqual(await tenants.find('customer', 'x'), made)
      assert.equal((await tenants.find('agent', 'x'))?.asSeen, true)
      assert.deepEqual(
        (await tenants.list('customer')).map(({ id }) => id),
        ['x', 'y']
      )
    })

    fact('a transaction is all or nothing, and alone', async stores => {
      await assert.rejects(
        stores.transaction(async tx => {
          await tx.budgets.put(BUDGET)
          await tx.raiseVersion()
          throw new Error('no')
        }),
        /no/
      )
      assert.equal(await stores.budgets.find('b'), undefined)
      assert.equal(await stores.version(), 0)
      await Promise.all(Array.from({ length: 20 }, () => stores.transaction(tx => tx.raiseVersion())))
      assert.equal(await stores.version(), 20)
    })

    fact('the audit log only grows, one row after another however many write', async stores => {
      const append = () =>
        stores.transaction(async tx => {
          const last = await tx.audit.last()
          const seq = (last?.seq ?? 0) + 1
          await tx.audit.append({ seq, hash: `${last?.hash ?? ''}.${seq}`, object: HOSTILE[0]! } as AuditRow)
        })
      await Promise.all(Array.from({ length: 12 }, append))
      const rows = await stores.audit.list(1, 100)
      assert.deepEqual(
        rows.map(({ seq }) => seq),
        Array.from({ length: 12 }, (_, at) => at + 1)
      )
      for (const [at, { hash }] of rows.entries()) assert.equal(hash, `${rows[at - 1]?.hash ?? ''}.${at + 1}`)
    })

    fact('the ledger gives back what it was given', async ({ ledger }) => {
      const row = attempt({ id: 'a1', payers: { customer: HOSTILE[0]!, tags: HOSTILE }, model: HOSTILE[1]! })
      await ledger.ingest({ attempts: [row, started({ id: 'a2' })], requests: [request({ id: 'r-a1' })] })
      assert.deepEqual(await ledger.attempt('a1'), row)
      assert.deepEqual(await ledger.request('r-a1'), { request: request({ id: 'r-a1' }), attempts: [row] })
      assert.deepEqual(
        (await ledger.started(AT + 1, 10)).map(({ id }) => id),
        ['a2']
      )
      assert.deepEqual(
        (await ledger.attempts({ limit: 1, after: 'a1' })).map(({ id }) => id),
        ['a2']
      )
    })

    fact('columns that no row had a value in before come back too', async ({ ledger }) => {
      const bare = request({ id: 'r-bare', provider: null, model: null, payers: {}, details: null })
      const rich = request({
        id: 'r-rich',
        payers: { team: 'blue', session: 's1', agent: 'helper', tags: ['x'] },
        trace: '0af7651916cd43dd8448eb211c80319c',
        parent: 'above',
        savedMs: 7,
        savedNano: nano(5),
        promptSavedNano: -3,
        details: { route: 'fast' }
      })
      for (const requests of [[bare], [rich], [{ ...bare, id: 'r-last' }]])
        await ledger.ingest({ attempts: [], requests })
      for (const row of [bare, rich, { ...bare, id: 'r-last' }]) {
        assert.deepEqual((await ledger.request(row.id)).request, row)
      }
    })

    fact('rows of calls that repeat another are those of each by itself', async ({ ledger }) => {
      const hit = request({
        id: 'r-hit',
        attempts: 0,
        modelAsked: HOSTILE[0]!,
        payers: { team: 'blue', key: 'k', customer: HOSTILE[1]! },
        cache: 'hit',
        savedNano: nano(7),
        details: { cache: { of: 'r-first', repeats: 'r-hit' } }
      })
      const tagged = { ...hit, payers: { ...hit.payers, tags: ['nightly'] } }
      const callsOf = (name: string, count: number) =>
        Array.from({ length: count }, (_, at) => [`${name}-${at}`, AT + at, (at % 700) / 100] as const)
      const all = [
        { request: hit, calls: callsOf('many', 2_500) },
        { request: hit, calls: [['say "it\'s, ]"', AT + 1, 12_345.67]] as const },
        { request: tagged, calls: callsOf('tagged', 3) }
      ]
      // Twice is once.
      for (let time = 0; time < 2; time++) await ledger.ingest({ attempts: [], requests: [], repeats: all })
      const rows = all.flatMap(rowsOfRepeats)
      for (const row of [rows[0]!, rows[1]!, rows[2_499]!, ...rows.slice(2_500)]) {
        assert.deepEqual((await ledger.request(row.id)).request, row)
      }
      const found = (await ledger.requests({ limit: 10_000 })).map(({ id }) => id)
      assert.deepEqual(found.toSorted(), rows.map(({ id }) => id).toSorted())
    })

    it('whatever is ingested in whatever order and however often, a finished row stays', async () => {
      const entry = fc.record({ id: fc.constantFrom('a', 'b', 'c'), finished: fc.boolean(), cost: fc.nat(99) })
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(entry, { maxLength: 4 }), { maxLength: 4 }), batches =>
          withStores(async ({ ledger }) => {
            const known = new Map<string, AttemptRow>()
            for (const [at, batch] of batches.entries()) {
              const attempts = batch.map(({ id, finished, cost }) => {
                const name = `${id}-${batches.length}`
                return (finished ? attempt : started)({ id: name, costNano: nano(cost), number: at + 1 })
              })
              await ledger.ingest({ attempts, requests: [] })
              for (const row of attempts) if (known.get(row.id)?.state !== 'finished') known.set(row.id, row)
            }
            for (const [id, row] of known) assert.deepEqual(await ledger.attempt(id), row)
          })
        ),
        { numRuns: 12 }
      )
    })

    fact('what was spent is exact beyond 2^53, by every scope, in the time asked for', async ({ ledger }) => {
      const dear = 9_007_199_254_740_991 as Nano
      const rows = Array.from({ length: 3 }, (_, at) => attempt({ id: `d${at}`, requestId: 'same', costNano: dear }))
      const other = attempt({ id: 'other', startedAtMs: AT + 1_000, payers: { team: 'red' }, costNano: null })
      await ledger.ingest({ attempts: [...rows, other, started({ id: 'open' })], requests: [] })
      const spent = (kind: 'team' | 'tag' | 'model' | 'key', value: string, unit: 'usd' | 'tokens' | 'requests') =>
        ledger.spent({ kind, value }, unit, AT, AT + 1_000)
      const sum = 3n * BigInt(dear) + 100n
      assert.equal(await spent('team', 'blue', 'usd'), sum)
      assert.equal(await spent('tag', 'nightly', 'usd'), sum)
      assert.equal(await spent('model', 'gpt', 'usd'), sum)
      assert.equal(await spent('team', 'blue', 'tokens'), 45n)
      assert.equal(await spent('team', 'blue', 'requests'), 2n)
      assert.equal(await spent('team', 'red', 'usd'), 0n)
      assert.equal(await ledger.spent({ kind: 'team', value: 'red' }, 'requests', AT, AT + 1_001), 1n)
    })

    fact('usage is grouped, and never mixes requests with attempts', async ({ ledger }) => {
      await ledger.ingest({
        attempts: [
          attempt({ id: 'u1', requestId: 'q1' }),
          attempt({
            id: 'u2',
            requestId: 'q1',
            outcome: 'failed',
            costNano: nano(0),
            usage: null,
            usageSource: 'none'
          }),
          attempt({ id: 'u3', requestId: 'q2', payers: { team: 'red' }, costNano: null })
        ],
        requests: [request({ id: 'q1', attempts: 2 }), request({ id: 'q2', payers: { team: 'red' } })]
      })
      const asked = { fromMs: AT - 1, toMs: AT + 1, where: {}, limit: 10 }
      const lines = await ledger.usage({ ...asked, of: 'attempts', groupBy: ['team', 'day'] })
      assert.deepEqual(
        lines.map(({ group, count, costNano, unpriced, failed }) => [group.team, count, costNano, unpriced, failed]),
        [
          ['blue', 2, 42n, 0, 1],
          ['red', 1, 0n, 1, 0]
        ]
      )
      assert.equal(lines[0]?.group.day, '2026-11-23T00:00:00.000Z')
      const requests = await ledger.usage({ ...asked, of: 'requests', groupBy: [] })
      assert.deepEqual(
        requests.map(({ count, inputTokens, costNano }) => [count, inputTokens, costNano]),
        [[2, 20, 84n]]
      )
      const tagged = await ledger.usage({ ...asked, of: 'attempts', groupBy: ['tag'], where: { team: 'blue' } })
      assert.deepEqual(tagged.map(({ group, count }) => [group.tag, count]).sort(), [
        ['a', 2],
        ['nightly', 2]
      ])
    })

    fact('small facts stay with who was first', async ({ meta }) => {
      assert.equal(await meta.get('check'), undefined)
      await meta.putIfAbsent('check', 'one')
      await meta.putIfAbsent('check', 'two')
      assert.equal(await meta.get('check'), 'one')
    })

    it('what was written is there when it is opened again, and nothing is made twice', async () => {
      const where = await place()
      if (!where.lasts) return
      const first = await where.open()
      await first.budgets.put(BUDGET)
      await first.close()
      const again = await where.open()
      assert.deepEqual(await again.budgets.find('b'), BUDGET)
      assert.ok(Math.abs((await again.nowMs()) - Date.now()) < 60_000)
      await again.close()
    })
  })
}
