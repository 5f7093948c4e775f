import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IdempotencyClaim, IdempotencyStore } from '../../../src/stores/idempotency.ts'

const NOW_MS = Date.UTC(2026, 10, 23, 12)
const LEASE_MS = 45_000
const DAY_MS = 86_400_000

let made = 0

/** What every store of idempotency keys does. Each test has keys of its own in the one that is opened. */
export function idempotencyStores(name: string, open: () => Promise<IdempotencyStore>): void {
  let opened: Promise<IdempotencyStore> | undefined

  function check(what: string, work: (store: IdempotencyStore) => Promise<void>): void {
    it(what, async () => {
      opened ??= open()
      await work(await opened)
    })
  }

  describe(`idempotency keys: ${name}`, () => {
    check('of 200 that claim at once exactly one has it', async store => {
      const first = claimOf()
      const claims = Array.from({ length: 200 }, () => ({ ...claimOf(), id: first.id }))
      const all = await Promise.all(claims.map(each => store.claim(each)))
      assert.deepEqual(tally(all.map(({ how }) => how)), { claimed: 1, in_flight: 199 })
      const winner = claims[all.findIndex(({ how }) => how === 'claimed')]!
      assert.equal(await finish(store, winner, 'the answer'), true)
      const later = await Promise.all(
        claims.map(each => store.claim({ ...each, requestId: `again ${each.requestId}` }))
      )
      for (const each of later) assert.deepEqual(each, { how: 'finished', outcome: Buffer.from('the answer') })
    })

    check('of 100 keys, each claimed by two at once, each has one', async store => {
      const firsts = Array.from({ length: 100 }, () => claimOf())
      const pairs = firsts.flatMap(first => [first, { ...claimOf(), id: first.id }])
      const all = await Promise.all(pairs.map(each => store.claim(each)))
      assert.deepEqual(tally(all.map(({ how }) => how)), { claimed: 100, in_flight: 100 })
    })

    check('another request under the key is a mismatch, whatever became of the first', async store => {
      const first = claimOf()
      const other = { ...claimOf(), id: first.id, fingerprint: 'another' }
      await store.claim(first)
      const mismatch = { how: 'mismatch' } as const
      assert.deepEqual(await store.claim(other), mismatch, 'under way')
      assert.deepEqual(await store.claim(atMs(other, NOW_MS + LEASE_MS)), mismatch, 'left unfinished')
      await finish(store, first)
      assert.deepEqual(await store.claim(other), mismatch, 'finished')
      assert.deepEqual(await store.claim(atMs(other, first.keptUntilMs)), { how: 'claimed' }, 'forgotten')
    })

    check('what is let go is as new', async store => {
      const first = claimOf()
      await store.claim(first)
      await store.release(first.id, first.requestId)
      const second = { ...claimOf(), id: first.id, fingerprint: 'another' }
      assert.deepEqual(await store.claim(second), { how: 'claimed' })
      await finish(store, second)
      await store.release(second.id, second.requestId)
      assert.deepEqual(await store.claim({ ...claimOf(), id: first.id }), { how: 'claimed' }, 'finished ones too')
    })

    check('whoever is gone loses its claim when the lease is over, and then can do nothing with it', async store => {
      const gone = claimOf()
      const next = { ...claimOf(), id: gone.id }
      await store.claim(gone)
      assert.deepEqual(await store.claim(atMs(next, NOW_MS + LEASE_MS - 1)), { how: 'in_flight' })
      assert.deepEqual(await store.claim(atMs(next, NOW_MS + LEASE_MS)), { how: 'claimed' })
      assert.equal(await finish(store, gone, 'late'), false)
      await store.release(gone.id, gone.requestId)
      await store.renew([gone.requestId], NOW_MS + DAY_MS)
      assert.equal(await finish(store, next, 'in time'), true)
      assert.deepEqual(await store.claim({ ...claimOf(), id: gone.id }), {
        how: 'finished',
        outcome: Buffer.from('in time')
      })
    })

    check('a lease that is renewed holds on', async store => {
      const [held, left] = [claimOf(), claimOf()]
      for (const each of [held, left]) await store.claim(each)
      await store.renew([], NOW_MS + 2 * LEASE_MS)
      await store.renew([held.requestId, 'nobody'], NOW_MS + 2 * LEASE_MS)
      const again = async ({ id }: IdempotencyClaim) =>
        (await store.claim(atMs({ ...claimOf(), id }, NOW_MS + LEASE_MS))).how
      assert.deepEqual([await again(held), await again(left)], ['in_flight', 'claimed'])
    })

    check('outcomes come back byte for byte, however large', async store => {
      const bytes = Buffer.from(Array.from({ length: 1_048_576 }, (_, at) => (at * 31 + (at >> 8)) % 256))
      const outcomes = [bytes, bytes.subarray(5, 261), Buffer.alloc(0), Buffer.from('null\0 and "ünï©ödé 🙂"')]
      for (const outcome of outcomes) {
        const claim = claimOf()
        await store.claim(claim)
        await store.finish({ ...claim, outcome })
        const found = await store.claim({ ...claimOf(), id: claim.id })
        assert.ok(found.how === 'finished' && Buffer.isBuffer(found.outcome) && found.outcome.equals(outcome))
      }
    })

    check('an outcome is kept as long as was said when it was finished', async store => {
      const claim = claimOf()
      await store.claim(claim)
      const { id } = claim
      await store.finish({ ...claim, outcome: Buffer.from('a'), keptUntilMs: claim.keptUntilMs + 1 })
      const again = async (ms: number) => (await store.claim(atMs({ ...claimOf(), id }, ms))).how
      assert.equal(await again(claim.keptUntilMs), 'finished')
      assert.equal(await again(claim.keptUntilMs + 1), 'claimed')
    })

    check('calls that are erased leave nothing behind', async store => {
      const claims = [claimOf(), claimOf(), claimOf()] as const
      for (const each of claims) {
        await store.claim(each)
        await finish(store, each)
      }
      await store.erase([])
      await store.erase([claims[0], claims[2]])
      const again = await Promise.all(claims.map(({ id }) => store.claim({ ...claimOf(), id })))
      assert.deepEqual(
        again.map(({ how }) => how),
        ['claimed', 'finished', 'claimed']
      )
    })

    check('what is over is removed, a few at a time, and nothing else', async store => {
      await store.dropExpired(NOW_MS + 10 * DAY_MS, 10_000)
      const old = Array.from({ length: 5 }, () => claimOf())
      const young = { ...claimOf(), keptUntilMs: NOW_MS + 2 * DAY_MS }
      for (const each of [...old, young]) await store.claim(each)
      const dropped: number[] = []
      for (let round = 0; round < 3; round++) dropped.push(await store.dropExpired(NOW_MS + DAY_MS, 3))
      assert.deepEqual(dropped, [3, 2, 0])
      assert.equal((await store.claim({ ...claimOf(), id: young.id })).how, 'in_flight')
    })
  })
}

export function claimOf(): IdempotencyClaim {
  const at = ++made
  const times = { nowMs: NOW_MS, leaseUntilMs: NOW_MS + LEASE_MS, keptUntilMs: NOW_MS + DAY_MS }
  return { id: `key ${at}`, fingerprint: 'request', requestId: `req ${at}`, ...times }
}

/** The same claim at another time. */
function atMs(claim: IdempotencyClaim, nowMs: number): IdempotencyClaim {
  return { ...claim, nowMs, leaseUntilMs: nowMs + LEASE_MS, keptUntilMs: nowMs + DAY_MS }
}

function finish(store: IdempotencyStore, claim: IdempotencyClaim, answer = 'answer'): Promise<boolean> {
  return store.finish({ ...claim, outcome: Buffer.from(answer) })
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
