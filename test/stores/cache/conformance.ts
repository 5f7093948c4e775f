import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cosine } from '../../../src/stores/cache/similarity.ts'
import {
  type CachedAnswer,
  type CachedQuestion,
  type CachePurge,
  type CacheStore,
  isPurged
} from '../../../src/stores/cache.ts'

export const START_MS = Date.UTC(2026, 10, 23, 12)

/** A store, and the hands of the clock that it was opened with. */
export interface Opened {
  store: CacheStore
  clock: { ms: number }
}

export function answer(over: Partial<CachedAnswer> & { key: string }): CachedAnswer {
  return {
    form: 'stream',
    framing: 'sse',
    provider: 'openai',
    model: 'gpt',
    losses: ['top_k'],
    touches: ['model'],
    simulated: false,
    holder: { provider: 'openai', credential: 'c1' },
    usage: { inputTokens: 10, outputTokens: 5, rest: { maker: 'openai', value: { a: [1, null] } } },
    finish: 'stop',
    costNano: 1_000,
    tookMs: 812.5,
    marks: [
      [3, 0],
      [7, 12.5]
    ],
    storedAtMs: START_MS,
    freshUntilMs: START_MS + 1_000,
    keptUntilMs: START_MS + 60_000,
    namespace: 'n',
    route: 'gpt',
    tags: ['t'],
    requestId: `request-${over.key}`,
    org: 'acme',
    team: 'blue',
    user: null,
    customer: null,
    keyName: 'ci',
    body: Buffer.from(`answer ${over.key}`),
    ...over
  }
}

export function question(over: Partial<CachedQuestion> & { key: string; vector: Float32Array }): CachedQuestion {
  return { fingerprint: 'f', text: `question ${over.key}`, keptUntilMs: START_MS + 60_000, ...over }
}

/** Of length one, in a plane. */
export function towards(degrees: number, dimension = 4): Float32Array {
  const vector = new Float32Array(dimension)
  vector[0] = Math.cos((degrees / 180) * Math.PI)
  vector[1] = Math.sin((degrees / 180) * Math.PI)
  return vector
}

const HOSTILE = [`o'hara "x"; drop table answers; --`, 'ünï©ödé 🙂', '%_\\*?[a]', '{a}:b', 'a\0b\n']

/** What every store of kept answers does. `open` gives one that is empty. */
export function cacheStores(name: string, open: () => Promise<Opened>): void {
  const fact = (what: string, run: (opened: Opened) => Promise<void>) =>
    it(what, async () => {
      const opened = await open()
      try {
        await run(opened)
      } finally {
        await opened.store.close()
      }
    })

  describe(name, () => {
    fact('gives back every field and byte of what was put', async ({ store }) => {
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7) % 256))
      const all = [
        answer({ key: 'a', body: bytes, tags: HOSTILE, user: HOSTILE[0]!, customer: HOSTILE[4]! }),
        answer({ key: 'b', body: Buffer.alloc(0), tags: [], marks: [], usage: null, costNano: null, finish: null }),
        answer({ key: 'c', form: 'whole', holder: null, org: null, team: null, keyName: null, simulated: true })
      ]
      for (const each of all) await store.put(each)
      for (const each of all) assert.deepEqual(await store.get(each.key), each)
      assert.equal(await store.get('no such'), undefined)
      assert.equal((await store.size()).answers, 3)
      assert.ok((await store.size()).bytes >= 70_000)
    })

    fact('replaces an answer, with its question and what it is purged by', async ({ store }) => {
      await store.put(answer({ key: 'a', tags: ['old'] }), question({ key: 'a', vector: towards(0) }))
      const newer = answer({ key: 'a', tags: ['new'], body: Buffer.from('newer') })
      await store.put(newer, question({ key: 'a', fingerprint: 'g', vector: towards(0) }))
      assert.deepEqual(await store.get('a'), newer)
      assert.equal((await store.size()).answers, 1)
      assert.deepEqual(await store.nearest('f', towards(0), 5), [])
      assert.equal((await store.nearest('g', towards(0), 5)).length, 1)
      assert.equal(await store.purge({ tag: 'old' }), 0)
      assert.equal(await store.purge({ tag: 'new' }), 1)
      assert.equal(await store.get('a'), undefined)
    })

    fact('gives nothing whose time is over, by the clock it was given', async ({ store, clock }) => {
      const vector = towards(0)
      await store.put(answer({ key: 'a', keptUntilMs: START_MS + 60_000 }), question({ key: 'a', vector }))
      await store.put(answer({ key: 'b' }), question({ key: 'b', vector, keptUntilMs: START_MS + 10_000 }))
      clock.ms = START_MS + 59_999
      assert.notEqual(await store.get('a'), undefined)
      assert.deepEqual(
        (await store.nearest('f', vector, 5)).map(({ key }) => key),
        ['a']
      )
      clock.ms = START_MS + 60_000
      assert.equal(await store.get('a'), undefined)
      assert.deepEqual(await store.nearest('f', vector, 5), [])
      await store.put(answer({ key: 'late' }))
      assert.equal(await store.get('late'), undefined)
    })

    const members = ['key', 'tag', 'route', 'namespace', 'org', 'team', 'user', 'customer', 'keyName'] as const

    fact('purges what fits all that is said, and nothing else', async ({ store }) => {
      const word = fc.constantFrom('x', 'y', HOSTILE[0]!)
      const maybe = fc.option(word)
      const kept = fc.record({
        tags: fc.uniqueArray(word),
        route: word,
        namespace: word,
        org: maybe,
        team: maybe,
        user: maybe,
        customer: maybe,
        keyName: maybe
      })
      const what = fc.record(
        { ...Object.fromEntries(members.map(member => [member, word])), requestIds: fc.uniqueArray(fc.nat(11)) },
        { requiredKeys: [] }
      )
      await fc.assert(
        fc.asyncProperty(fc.array(kept, { minLength: 6, maxLength: 12 }), what, async (those, asked) => {
          await store.purge({})
          const answers = those.map((each, at) =>
            answer({ ...each, key: at === 0 ? 'x' : `k${at}`, requestId: `r${at}` })
          )
          for (const each of answers) await store.put(each, question({ key: each.key, vector: towards(0) }))
          const { requestIds, ...rest } = asked
          const purge: CachePurge = { ...rest, ...(requestIds && { requestIds: requestIds.map(at => `r${at}`) }) }
          const stay = answers.filter(each => !isPurged(each, purge)).map(({ key }) => key)
          assert.equal(await store.purge(purge), answers.length - stay.length)
          for (const { key } of answers) assert.equal((await store.get(key)) !== undefined, stay.includes(key), key)
          const found = await store.nearest('f', towards(0), 100)
          assert.deepEqual(found.map(({ key }) => key).sort(), stay.sort())
          assert.equal((await store.size()).answers, stay.length)
        }),
        { numRuns: 20 }
      )
    })

    fact('purges by each member alone', async ({ store }) => {
      const other = {
        tags: [],
        route: 'o',
        namespace: 'o',
        org: 'o',
        team: 'o',
        user: 'o',
        customer: 'o',
        keyName: 'o'
      }
      const mine = { tag: 'p', route: 'p', namespace: 'p', org: 'p', team: 'p', user: 'p', customer: 'p', keyName: 'p' }
      for (const [member, value] of Object.entries({ ...mine, key: 'a' }) as [keyof CachePurge, string][]) {
        await store.put(answer({ ...other, ...mine, tags: ['p', 'q'], key: 'a' }))
        await store.put(answer({ ...other, key: 'b' }))
        assert.equal(await store.purge({ [member]: value }), 1, member)
        assert.equal(await store.get('a'), undefined)
        assert.notEqual(await store.get('b'), undefined)
      }
      assert.equal(await store.purge({ requestIds: [] }), 0)
      assert.equal(await store.purge({ requestIds: ['request-b', 'none'] }), 1)
    })

    fact('purges more than goes at a time', async ({ store }) => {
      const keys = Array.from({ length: 700 }, (_, at) => `k${at}`)
      await Promise.all(keys.map((key, at) => store.put(answer({ key, tags: at % 10 ? ['many'] : [] }))))
      assert.equal(await store.purge({ tag: 'many', team: 'blue' }), 630)
      assert.equal((await store.size()).answers, 70)
      assert.equal(await store.purge({}), 70)
      assert.deepEqual(await store.size(), { answers: 0, bytes: 0 })
    })

    fact('finds the questions nearest to a vector, of one fingerprint and one dimension', async ({ store }) => {
      const put = (key: string, vector: Float32Array, fingerprint = 'f') =>
        store.put(answer({ key }), question({ key, vector, fingerprint }))
      for (const degrees of [40, 10, 90, 25, 180]) await put(`at ${degrees}`, towards(degrees))
      await put('elsewhere', towards(0), 'g')
      await put('other dimension', towards(0, 8))
      await put('nowhere', new Float32Array(4))
      await store.put(answer({ key: 'no question' }))
      const found = await store.nearest('f', towards(0), 10)
      assert.deepEqual(
        found.map(({ key }) => key),
        [10, 25, 40, 90, 180].map(degrees => `at ${degrees}`)
      )
      for (const { key, score, text } of found) {
        assert.equal(text, `question ${key}`)
        assert.ok(Math.abs(score - Math.cos((Number(key.slice(3)) / 180) * Math.PI)) < 1e-5, `${key}: ${score}`)
      }
      assert.equal((await store.nearest('f', towards(0), 2)).length, 2)
      assert.deepEqual(await store.nearest('f', new Float32Array(4), 5), [])
      assert.deepEqual(
        (await store.nearest('f', towards(0, 8), 5)).map(({ key }) => key),
        ['other dimension']
      )
      assert.deepEqual(await store.nearest('none', towards(0), 5), [])
      // What was asked before has changed since: some came, some went.
      await put('at 5', towards(5))
      assert.equal(await store.purge({ key: 'at 10' }), 1)
      assert.deepEqual(
        (await store.nearest('f', towards(0), 2)).map(({ key }) => key),
        ['at 5', 'at 25']
      )
    })

    fact('finds what a comparison with each would find', async ({ store }) => {
      // Of any length: whoever asks may not have made them of length one.
      const vector = fc
        .array(fc.integer({ min: -50, max: 50 }), { minLength: 7, maxLength: 7 })
        .map(each => Float32Array.from(each))
      await fc.assert(
        fc.asyncProperty(fc.array(vector, { minLength: 1, maxLength: 12 }), vector, async (those, asked) => {
          await store.purge({})
          await Promise.all(
            those.map((each, at) => store.put(answer({ key: `${at}` }), question({ key: `${at}`, vector: each })))
          )
          const scores = those.map(each => cosine(each, asked)).filter(score => score !== undefined)
          const found = await store.nearest('f', asked, 5)
          const wanted = scores.sort((a, b) => b - a).slice(0, 5)
          assert.equal(found.length, wanted.length)
          for (const [at, { score }] of found.entries()) assert.ok(Math.abs(score - wanted[at]!) < 1e-4)
        }),
        { numRuns: 20 }
      )
    })

    fact('takes two hundred at once', async ({ store }) => {
      const keys = Array.from({ length: 200 }, (_, at) => `k${at}`)
      const body = (key: string) => Buffer.from(key.repeat(500))
      await Promise.all(
        keys.flatMap(key => [
          store.put(answer({ key, body: body(key) }), question({ key, vector: towards(0) })),
          // Nothing yet, all of it, or too late to be of use.
          store.get(key).then(
            found => assert.ok(!found || found.body.equals(body(key))),
            (error: Error) => assert.match(error.message, /did not answer within/)
          )
        ])
      )
      for (const key of keys) {
        assert.deepEqual((await store.get(key))?.body, body(key))
        store.used(key)
      }
    })

    fact('remembers how far in the list of purges it is', async ({ store }) => {
      assert.equal(await store.purgedUpTo(), undefined)
      await store.setPurgedUpTo(7)
      await store.put(answer({ key: 'a' }))
      await store.purge({})
      assert.equal(await store.purgedUpTo(), 7)
    })
  })
}
