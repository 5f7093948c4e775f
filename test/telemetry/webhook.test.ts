import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { after } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { createLog } from '../../src/log.ts'
import { Secret } from '../../src/secret.ts'
import { tellWebhook, type WebhookSettings } from '../../src/telemetry/webhook.ts'
import { createUpstream } from '../../src/wire/upstream-undici.ts'

interface Told {
  headers: IncomingMessage['headers']
  body: string
}

const told: Told[] = []
const statuses: number[] = []
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  told.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
  response.writeHead(statuses.shift() ?? 204).end()
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=canary-of-the-address`

const lines: string[] = []
const upstream = createUpstream({ clock: systemClock })
const rooms = {
  upstream,
  clock: systemClock,
  log: createLog({ level: 'info', format: 'json', to: { write: line => void lines.push(line) } }),
  userAgent: 'gatehouse/test',
  retryMs: [1, 1]
}
const loopback: WebhookSettings = { allowPrivate: ['127.0.0.0/8'], secret: new Secret('a secret of the hook') }

after(async () => {
  await upstream.close()
  server.close()
})

test('the message comes signed, and its signature is of the body and the time', async () => {
  await tellWebhook(url, { event: 'budget.reached', share: 0.8 }, loopback, rooms)
  const [{ headers, body }] = told.splice(0) as [Told]
  assert.deepEqual(JSON.parse(body), { event: 'budget.reached', share: 0.8 })
  const [, seconds, mac] = /^t=(\d+),v1=([\da-f]{64})$/.exec(String(headers['x-gatehouse-signature'])) ?? []
  assert.equal(mac, createHmac('sha256', 'a secret of the hook').update(`${seconds}.${body}`).digest('hex'))
  assert.ok(Math.abs(Number(seconds) * 1000 - Date.now()) < 60_000)
})

test('an answer that is no success is tried again', async () => {
  statuses.push(500)
  await tellWebhook(url, { event: 'again' }, { ...loopback, secret: undefined }, rooms)
  assert.equal(told.splice(0).length, 2)
})

test('a private address is not told unless it may be, and the log does not say what its address holds', async () => {
  lines.splice(0)
  await tellWebhook(url, { event: 'never' }, { allowPrivate: [], secret: undefined }, rooms)
  assert.equal(told.length, 0)
  assert.equal(lines.filter(line => line.includes('a webhook was not told')).length, 3)
  assert.doesNotMatch(lines.join(''), /canary/)
})
