/** The reference of the admin API is what the gateway serves, and what it serves is in the reference. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import fastify from 'fastify'
import { checkDeclared } from '../../src/admin/api.ts'
import { openApi } from '../../src/admin/openapi.ts'
import { routes } from '../../src/admin/routes.ts'
import type { JsonObject } from '../../src/json.ts'
import { adminApi } from './support.ts'

const FILE = path.resolve(import.meta.dirname, '../../docs/reference/openapi.json')
const MADE = `${JSON.stringify(openApi(routes), null, 2)}\n`

test('docs/reference/openapi.json is fresh (UPDATE_GOLDENS=1 writes it)', () => {
  if (process.env.UPDATE_GOLDENS === '1') writeFileSync(FILE, MADE)
  assert.equal(readFileSync(FILE, 'utf8'), MADE)
})

test('it is what /admin/openapi.json serves', async () => {
  const api = await adminApi()
  try {
    const { status, json } = await api.ask('GET /openapi.json')
    assert.equal(status, 200)
    assert.deepEqual(json, JSON.parse(MADE))
  } finally {
    await api.close()
  }
})

test('each operation has a name of its own, says who may use it and what it answers', () => {
  const { paths } = JSON.parse(MADE) as { paths: Record<string, Record<string, JsonObject>> }
  const operations = Object.values(paths).flatMap(path => Object.values(path))
  assert.equal(operations.length, routes.length)
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, routes.length)
  for (const { operationId, description, responses } of operations) {
    assert.match(String(description), /permission|every admin token/, String(operationId))
    assert.ok(
      Object.keys(responses as JsonObject).some(status => /^20[014]$/.test(status)),
      String(operationId)
    )
  }
})

test('what is pointed at is there', () => {
  const { components } = JSON.parse(MADE) as { components: { schemas: JsonObject } }
  const names = [...MADE.matchAll(/"\$ref": "#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!)
  assert.deepEqual([...new Set(names)].sort(), Object.keys(components.schemas).sort())
  assert.doesNotMatch(MADE, /\$defs/)
})

test('no schema speaks of what must not leave', () => {
  const { paths, components } = JSON.parse(MADE) as { paths: JsonObject; components: JsonObject }
  assert.doesNotMatch(JSON.stringify([paths, components.schemas]), /"digest"|"scheme"|"secret"|Nano"/)
})

test('a route without a permission cannot be registered, nor one under /admin that is open to everybody', () => {
  assert.throws(() => checkDeclared({ url: '/admin/new' }), /declares no permission/)
  assert.throws(() => checkDeclared({ url: '/admin/new', config: { permission: 'public' } }), /open to everybody/)
  const app = fastify()
  app.addHook('onRoute', checkDeclared)
  assert.throws(() => app.get('/admin/new', () => 'open'), /declares no permission/)
  checkDeclared({ url: '/livez', config: { permission: 'public' } })
  checkDeclared({ url: '/admin/new', config: { permission: 'keys:read' } })
})
