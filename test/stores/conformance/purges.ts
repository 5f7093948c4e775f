import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuditRow } from '../../../src/stores/rows.ts'
import type { Stores } from '../../../src/stores/stores.ts'

/** What every implementation of the durable stores does with the list of purges. */
export function purgeLogs(name: string, open: () => Promise<Stores>): void {
  const fact = (what: string, run: (stores: Stores) => Promise<void>) =>
    it(what, async () => {
      const stores = await open()
      try {
        await run(stores)
      } finally {
        await stores.close()
      }
    })

  describe(`${name}: the list of purges`, () => {
    fact('keeps what was said, in order, and gives it by pages', async ({ cachePurges }) => {
      assert.equal(await cachePurges.last(), 0)
      const said = [{}, { tag: `o'hara "x" 🙂` }, { team: 'blue', requestIds: ['a', 'b'] }]
      for (const [at, what] of said.entries()) assert.equal(await cachePurges.append(what, 100 + at), at + 1)
      const all = said.map((what, at) => ({ seq: at + 1, atMs: 100 + at, what }))
      assert.deepEqual(await cachePurges.after(0, 10), all)
      assert.deepEqual(await cachePurges.after(1, 1), [all[1]])
      assert.deepEqual(await cachePurges.after(3, 10), [])
    })

    fact('gives no number twice, though what is old was dropped', async ({ cachePurges }) => {
      await cachePurges.append({ tag: 'a' }, 100)
      await cachePurges.append({ tag: 'b' }, 200)
      assert.equal(await cachePurges.dropBefore(200), 1)
      assert.deepEqual(
        (await cachePurges.after(0, 10)).map(({ seq }) => seq),
        [2]
      )
      assert.equal(await cachePurges.dropBefore(1_000), 1)
      assert.equal(await cachePurges.last(), 2)
      assert.equal(await cachePurges.append({}, 300), 3)
    })

    fact('is written with the audit row, or not at all', async stores => {
      const purge = (fails: boolean) =>
        stores.transaction(async tx => {
          const seq = ((await tx.audit.last())?.seq ?? 0) + 1
          await tx.audit.append({ seq, hash: `h${seq}` } as AuditRow)
          await tx.cachePurges.append({ tag: `${seq}` }, seq)
          if (fails) throw new Error('no')
        })
      await purge(false)
      await assert.rejects(purge(true), /no/)
      assert.equal(await stores.cachePurges.last(), 1)
      await purge(false)
      const what = await stores.cachePurges.after(0, 10)
      assert.deepEqual(
        what.map(({ seq, what: { tag } }) => [seq, tag]),
        [
          [1, '1'],
          [2, '2']
        ]
      )
      assert.equal((await stores.audit.list(1, 10)).length, 2)
    })

    fact('has no gap, and nothing comes late, however many write', async stores => {
      const append = (n: number) =>
        n % 2
          ? stores.cachePurges.append({ tag: `${n}` }, n)
          : stores.transaction(tx => tx.cachePurges.append({ tag: `${n}` }, n))
      let seen = 0
      let isOver = false
      const reading = (async () => {
        while (!isOver) {
          for (const { seq } of await stores.cachePurges.after(seen, 3)) assert.equal(seq, ++seen)
        }
      })()
      const given = await Promise.all(Array.from({ length: 20 }, (_, n) => append(n)))
      isOver = true
      await reading
      assert.deepEqual(
        given.sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, at) => at + 1)
      )
    })
  })
}
