import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ListedModel } from '../../src/build.ts'
import type { Hall } from '../../src/endpoints/endpoint.ts'
import { endpoint } from '../../src/endpoints/models.ts'
import type { JsonObject } from '../../src/json.ts'
import type { Exchange } from '../../src/wire/exchange.ts'

const listed = (count: number): ListedModel[] =>
  Array.from({ length: count }, (_, n) => ({ id: `lab/m-${n}`, owner: 'lab', created: n * 86_400, title: `M ${n}` }))

/** What the door answers, without a socket. */
async function get(path: string, models: readonly ListedModel[], headers: Record<string, string> = {}) {
  const [at = '', query = ''] = path.split('?')
  const sent: { status: number; body: JsonObject }[] = []
  const exchange = {
    method: 'GET',
    path: at,
    query,
    headers,
    headSent: false,
    send: (status: number, _: unknown, body: string) => void sent.push({ status, body: JSON.parse(body) })
  } as unknown as Exchange
  const hall = { authenticate() {}, models: () => models, newId: () => 'id', refused() {} } as unknown as Hall
  await endpoint.serve(exchange, hall, endpoint.path.exec(at)!)
  assert.equal(sent.length, 1)
  return sent[0]!
}

const ANTHROPIC = { 'anthropic-version': '2023-06-01' }
const idsOf = (body: JsonObject) => (body.data as { id: string }[]).map(({ id }) => id)

test('models: OpenAI has the whole list at once, and one by its name, slashes and all', async () => {
  const models = listed(30)
  const { status, body } = await get('/v1/models', models)
  assert.equal(status, 200)
  assert.equal(body.object, 'list')
  assert.equal(idsOf(body).length, 30)
  assert.deepEqual((body.data as JsonObject[])[1], { id: 'lab/m-1', object: 'model', created: 86_400, owned_by: 'lab' })
  for (const path of ['/v1/models/lab/m-1', '/v1/models/lab%2Fm-1']) {
    assert.equal((await get(path, models)).body.id, 'lab/m-1')
  }
  const gone = await get('/v1/models/lab/none', models)
  assert.deepEqual([gone.status, (gone.body.error as JsonObject).code], [404, 'unknown_model'])
})

test('models: Anthropic has them page by page: each model once, in order, forwards and backwards', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 25 }), async (count, limit) => {
      const models = listed(count)
      const all = models.map(({ id }) => id)
      const page = async (query: string) => {
        const { status, body } = await get(`/v1/models?limit=${limit}${query}`, models, ANTHROPIC)
        assert.equal(status, 200)
        const ids = idsOf(body)
        assert.ok(ids.length <= limit)
        assert.deepEqual([body.first_id, body.last_id], [ids[0] ?? null, ids.at(-1) ?? null])
        return { ids, more: body.has_more === true }
      }
      const forwards: string[] = []
      for (let more = true; more; ) {
        const last = forwards.at(-1)
        const next = await page(last === undefined ? '' : `&after_id=${encodeURIComponent(last)}`)
        assert.ok(next.ids.length > 0 || !next.more, 'a page that says there is more is a step')
        forwards.push(...next.ids)
        more = next.more
      }
      assert.deepEqual(forwards, all)
      const backwards = all.slice(-1)
      for (let more = count > 1; more; ) {
        const next = await page(`&before_id=${encodeURIComponent(backwards[0]!)}`)
        assert.ok(next.ids.length > 0)
        backwards.unshift(...next.ids)
        more = next.more
      }
      assert.deepEqual(backwards, all)
    }),
    { numRuns: 40 }
  )
})

test('models: what Anthropic says of one, and limits that are none', async () => {
  const models = listed(30)
  const one = await get('/v1/models/lab/m-2', models, ANTHROPIC)
  assert.deepEqual(one.body, {
    type: 'model',
    id: 'lab/m-2',
    display_name: 'M 2',
    created_at: '1970-01-03T00:00:00.000Z'
  })
  const lengths = await Promise.all(
    ['', '?limit=0', '?limit=x', '?limit=-3', '?limit=1e9', '?limit=7'].map(
      async query => idsOf((await get(`/v1/models${query}`, models, ANTHROPIC)).body).length
    )
  )
  assert.deepEqual(lengths, [20, 20, 20, 1, 30, 7])
  for (const cursor of ['after_id', 'before_id']) {
    const gone = await get(`/v1/models?${cursor}=gone`, models, ANTHROPIC)
    const { type, code, param } = gone.body.error as JsonObject
    assert.deepEqual([gone.status, type, code, param], [400, 'invalid_request_error', 'wrong_type', cursor])
  }
})
