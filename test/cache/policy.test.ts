import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cachePolicy } from '../../src/cache/policy.ts'
import { cacheSchema } from '../../src/cache/settings.ts'
import { TTL_MAX_MS } from '../../src/cache-rules.ts'

const gateway = cacheSchema.parse({})

describe('what a call may say of the cache', () => {
  test('nothing is kept for longer than purges are remembered, however long a call would take it', () => {
    const headers = { 'x-gatehouse-cache': 'on', 'cache-control': 'stale-while-revalidate=999999999' }
    const policy = cachePolicy(headers, { gateway, route: undefined, keys: [] })
    assert.ok(typeof policy === 'object')
    assert.equal(policy.staleMs, TTL_MAX_MS)
    assert.ok(policy.ttlMs + policy.staleMs <= 2 * TTL_MAX_MS)
  })

  test('the last word is that of a route or key which says off; a default is none', () => {
    const on = { 'x-gatehouse-cache': 'on' }
    assert.equal(cachePolicy(on, { gateway, route: { mode: 'off' }, keys: [] }), 'bypass')
    assert.equal(cachePolicy(on, { gateway, route: { mode: 'exact' }, keys: ['exact', 'off'] }), 'bypass')
    assert.equal(cachePolicy({}, { gateway, route: undefined, keys: [] }), undefined)
    assert.equal(cachePolicy({ 'cache-control': 'no-store' }, { gateway, route: undefined, keys: [] }), undefined)
    const policy = cachePolicy({}, { gateway, route: { mode: 'exact' }, keys: ['semantic'] })
    assert.ok(typeof policy === 'object' && policy.mode === 'semantic')
  })
})
