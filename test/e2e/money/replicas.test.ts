/** Two gateways on one database: keys, budgets, limits and revocation are of both (issue 5, point 7). */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { JsonObject } from '../../../src/json.ts'
import { Secret } from '../../../src/secret.ts'
import { send } from '../../support/client.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { postgresBinaries, startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { redisInstalled, startRedis, type TestRedis } from '../../support/redis.ts'
import { until } from '../../support/until.ts'
import { startLab } from './support.ts'

const ADMIN = 'gh_admin_of-the-replicas'
const SECRET = 'the-secret-of-all-replicas-long-enough'
const isThere = postgresBinaries() !== undefined && redisInstalled()
const skip = isThere || process.env.CI === 'true' ? false : 'PostgreSQL or Redis is not installed'

let postgres: TestPostgres | undefined
let redis: TestRedis | undefined
const directories: string[] = []

after(async () => {
  await postgres?.close()
  await redis?.close()
  for (const directory of directories) rmSync(directory, { recursive: true })
})

function replica(stores: string): Promise<TestGateway> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-replica-'))
  directories.push(directory)
  return startLab(`auth: keys\nstores: { ${stores} }`, {
    directory,
    secret: new Secret(SECRET),
    adminToken: new Secret(ADMIN)
  })
}

async function admin({ gateway }: TestGateway, method: string, path: string, body?: JsonObject): Promise<JsonObject> {
  const headers = { authorization: `Bearer ${ADMIN}` }
  const answer = await send(`${gateway.url}/admin${path}`, { method, headers, ...(body && { body }) })
  assert.ok(answer.status < 300, answer.text)
  return answer.text === '' ? {} : answer.json()
}

function chat({ gateway }: TestGateway, token: unknown) {
  return send(`${gateway.url}/v1/chat/completions`, {
    headers: { authorization: `Bearer ${token}` },
    body: { model: 'lab/assistant', messages: [{ role: 'user', content: 'tell me' }], max_tokens: 64 }
  })
}

for (const shared of ['Redis', 'PostgreSQL'] as const) {
  describe(`two gateways that count in ${shared}`, { skip }, () => {
    test('share keys, revocation, budgets and limits', async () => {
      postgres ??= await startPostgres()
      if (shared === 'Redis') redis ??= await startRedis()
      const counting = shared === 'Redis' ? `, redis_url: "${redis!.url}"` : ''
      const stores = `database_url: "${postgres.database()}"${counting}`
      const [one, other] = [await replica(stores), await replica(stores)]
      try {
        const made = await admin(one, 'POST', '/keys', { name: 'shared', models: ['lab/*'] })
        const { token } = made
        for (const each of [one, other]) assert.equal((await chat(each, token)).status, 200)

        const scope = { key: 'shared' }
        await admin(one, 'PUT', '/limits/three', { scope, requests: '3/day' })
        const isLimited = async () => (await chat(other, token)).headers['x-ratelimit-limit-requests'] === '3'
        await until(isLimited, 'the other knows of the limit')
        const statuses: number[] = []
        for (const each of [one, other, one, other]) statuses.push((await chat(each, token)).status)
        assert.deepEqual(statuses, [200, 200, 429, 429])
        await admin(other, 'DELETE', '/limits/three')

        await admin(one, 'PUT', '/budgets/tiny', { scope, limit: { usd: '0.000001' }, window: 'month' })
        await until(async () => codeOf(await chat(other, token)) === 'budget_exceeded', 'the budget holds at the other')
        await admin(other, 'DELETE', '/budgets/tiny')
        await until(async () => (await chat(one, token)).status === 200, 'and is gone from the first')

        await admin(other, 'PATCH', `/keys/${(made.key as JsonObject).id}`, { disabled: true })
        await until(async () => codeOf(await chat(one, token)) === 'key_disabled', 'the key is refused by the first')
      } finally {
        await one.close()
        await other.close()
      }
    })
  })
}

const codeOf = (answer: Awaited<ReturnType<typeof chat>>) =>
  answer.status === 200 ? 'ok' : (answer.json().error as JsonObject).code
