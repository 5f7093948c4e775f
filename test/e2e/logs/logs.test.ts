import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import type { JsonObject } from '../../../src/json.ts'
import { Secret } from '../../../src/secret.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'
import { startLab } from '../money/support.ts'

const ADMIN = new Secret('gh_admin_test-of-the-log')
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const EMAIL = 'ada.lovelace@example.com'

let directory: string
let lab: TestGateway

before(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-logs-'))
  lab = await startLab(
    `
auth: keys
keys:
  - { name: whole, key: key-that-keeps-it-all, bodies: full }
  - { name: careful, key: key-that-masks, bodies: redacted }
  - { name: shape, key: key-that-measures, bodies: metadata }
  - { name: silent, key: key-that-keeps-nothing }
guards:
  pii: { check: pii, on: [request], action: flag, always: true }
routes:
  smart: { to: { fallback: ["lab/sim/503", lab/gpt-5.5] } }`,
    { directory, secret: new Secret('s'.repeat(40)), adminToken: ADMIN }
  )
})

after(async () => {
  await lab.close()
  rmSync(directory, { recursive: true, force: true })
})

async function admin(
  where: string,
  init: RequestInit = {}
): Promise<{ status: number; json: JsonObject; text: string }> {
  const authorization = `Bearer ${ADMIN.reveal()}`
  const headers = { authorization, ...(init.body != null && { 'content-type': 'application/json' }) }
  const answer = await fetch(`${lab.gateway.url}/admin${where}`, { ...init, headers })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.startsWith('application/json')
  return { status: answer.status, text, json: isJson ? (JSON.parse(text) as JsonObject) : {} }
}

async function logs(query: string): Promise<JsonObject[]> {
  const { status, json, text } = await admin(`/logs?${query}`)
  assert.equal(status, 200, text)
  return json.data as JsonObject[]
}

function client(key: string, headers: Record<string, string> = {}) {
  return new OpenAI({ apiKey: key, baseURL: `${lab.gateway.url}/v1`, maxRetries: 0, defaultHeaders: headers })
}

test('a call is found by all that it says of itself, with every attempt, and what was said as it was said', async () => {
  const openai = client('key-that-keeps-it-all', {
    'x-gatehouse-session': 'session-7',
    traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
    'user-agent': 'claude-cli/2.0.14 (external, cli)'
  })
  const messages = [{ role: 'user' as const, content: `Write to ${EMAIL} about the zeppelin.` }]
  const stream = await openai.chat.completions.create({ model: 'smart', messages, stream: true, user: 'customer-3' })
  let said = ''
  for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? ''
  const [row, ...others] = await logs('session=session-7')
  assert.deepEqual(others, [])
  const { trace, app, parent, model_asked, provider, model, attempts, stream: streamed, finish, status } = row!
  assert.deepEqual(
    { trace, app, parent, model_asked, provider, model, attempts, streamed, finish, status },
    {
      trace: TRACE,
      app: 'claude-code',
      parent: '00f067aa0ba902b7',
      model_asked: 'smart',
      provider: 'lab',
      model: 'gpt-5.5',
      attempts: 3,
      streamed: true,
      finish: 'stop',
      status: 200
    }
  )
  assert.deepEqual((row!.payers as JsonObject).customer, 'customer-3')
  assert.ok(Number(row!.first_token_ms) <= Number(row!.total_ms) && Number(row!.guard_ms) >= 0)
  const verdicts = row!.verdicts as JsonObject[]
  assert.deepEqual(
    verdicts.map(({ guard, rule, action }) => [guard, rule, action]),
    [['pii', 'pii.email', 'flag']]
  )
  const details = row!.details as JsonObject
  assert.equal(details.route, 'smart')
  assert.deepEqual(
    (details.failures as JsonObject[]).map(({ kind }) => kind),
    ['overloaded', 'overloaded']
  )

  const { json } = await admin(`/logs/${row!.id}`)
  const tries = json.attempts as JsonObject[]
  assert.deepEqual(
    tries.map(({ outcome }) => outcome),
    ['failed', 'failed', 'done']
  )
  assert.ok(Number(tries[2]!.first_token_ms) >= 0)

  const content = (await admin(`/logs/${row!.id}/content`)).json
  const received = JSON.parse(content.received as string) as JsonObject
  assert.deepEqual(received.messages, messages)
  assert.equal((content.sent as JsonObject[]).length, 3)
  const answered = JSON.parse(content.answered as string) as { choices: { message: { content: string } }[] }
  assert.equal(answered.choices[0]!.message.content, said)
})

test('how often guards looked, and found', async () => {
  const { json } = await admin('/guards/rates')
  const [rate] = json.data as JsonObject[]
  assert.deepEqual([rate?.guard, rate?.calls, rate?.hits, rate?.rate, rate?.errors], ['pii', 1, 1, 1, 0])
})

test('by every kind of filter, and by no other', async () => {
  const has = async (query: string) =>
    (await logs(query)).some(row => (row.payers as JsonObject).session === 'session-7')
  const yes = [
    `trace=${TRACE}`,
    'app=claude-code&app=codex',
    'min_attempts=3&max_attempts=3',
    'guard=pii&rule=pii.email',
    'action=flag',
    'q=ZEPPELIN%20write',
    'stream=true&unpriced=false&min_cost_usd=0.000000001',
    'model=gpt-5.5&provider=lab&outcome=done&customer=customer-3&key=whole&min_total_ms=0'
  ]
  const no = ['app=codex', 'min_attempts=4', 'rule=pii.iban', 'q=airship', 'stream=false', 'team=', 'key=silent']
  for (const query of yes) assert.ok(await has(query), query)
  for (const query of no.filter(query => query !== 'team=')) assert.equal(await has(query), false, query)
  for (const [query, param] of [
    ['sesion=x', 'sesion'],
    ['min_cost_usd=much', 'min_cost_usd'],
    ['from=yesterday', 'from'],
    ['before=x', 'before']
  ]) {
    const { status, json } = await admin(`/logs?${query}`)
    assert.deepEqual([status, (json.error as JsonObject).param], [400, param], query)
  }
})

test('of a key that masks, no address of a person is kept; of one that measures, no word; of one that says nothing, nothing', async () => {
  const ask = async (key: string, headers = {}) => {
    const openai = client(key, { ...headers, 'x-gatehouse-session': `of ${key}` })
    await openai.chat.completions.create({
      model: 'lab/gpt-5.5',
      messages: [{ role: 'user', content: `Say parsnip to ${EMAIL}.` }]
    })
    const [row] = await logs(`session=of%20${key}`)
    return admin(`/logs/${row!.id}/content`)
  }
  const masked = (await ask('key-that-masks')).json
  assert.match(masked.received as string, /Say parsnip to \[\[EMAIL\]\]\./)
  assert.equal(masked.level, 'redacted')
  const measured = (await ask('key-that-measures')).json
  assert.match(measured.received as string, /"role":"user","content":"\[\[\d+\]\]"/)
  assert.doesNotMatch(`${measured.received}${measured.answered}`, /parsnip/)
  assert.equal((await ask('key-that-keeps-nothing')).status, 404)
  assert.equal((await ask('key-that-keeps-nothing', { 'x-gatehouse-log': 'full' })).status, 404)
  const less = (await ask('key-that-masks', { 'x-gatehouse-log': 'metadata' })).json
  assert.ok(less.level === 'redacted' || less.level === 'metadata')
  await assert.rejects(
    client('key-that-masks', { 'x-gatehouse-log': 'all' }).chat.completions.create({
      model: 'lab/gpt-5.5',
      messages: []
    }),
    { status: 400, code: 'invalid_header' }
  )
})

test('sessions and traces are trees, with what they came to', async () => {
  const { json } = await admin('/sessions')
  const session = (json.data as JsonObject[]).find(row => row.session === 'session-7')
  assert.equal(session?.calls, 1)
  assert.equal(session?.app, 'claude-code')
  const tree = (await admin(`/traces/${TRACE}`)).json
  assert.equal((tree.calls as JsonObject[]).length, 1)
  assert.equal(tree.cost_usd, session?.cost_usd)
  assert.equal((await admin('/sessions/nobody')).status, 404)
})

test('who follows the log sees calls as they end', async () => {
  const leaving = new AbortController()
  const answer = await fetch(`${lab.gateway.url}/admin/logs/tail?key=silent`, {
    headers: { authorization: `Bearer ${ADMIN.reveal()}` },
    signal: leaving.signal
  })
  assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/)
  let text = ''
  const reading = (async () => {
    for await (const piece of answer.body!) text += Buffer.from(piece).toString('utf8')
  })().catch(() => {})
  await until(() => text.startsWith(': following'), 'a first line')
  const messages = [{ role: 'user' as const, content: 'Hello.' }]
  await client('key-that-masks').chat.completions.create({ model: 'lab/gpt-5.5', messages })
  await client('key-that-keeps-nothing').chat.completions.create({ model: 'lab/gpt-5.5', messages })
  await until(() => text.includes('event: call'), 'a call')
  assert.equal(text.match(/event: call/g)?.length, 1)
  assert.match(text, /"key":"silent"/)
  leaving.abort()
  await reading
})

test('exports hold what the filter finds, and no formula', async () => {
  const lines = (await admin('/logs/export?key=whole')).text.trim().split('\n')
  assert.equal(lines.length, (await logs('key=whole')).length)
  const csv = (await admin('/logs/export?format=csv&key=whole')).text.split('\r\n')
  assert.match(csv[0]!, /^id,started_at,/)
  assert.equal(csv.length, lines.length + 2)
})

test('a filter gets a name, is listed, and is forgotten', async () => {
  const body = JSON.stringify({ name: 'Failures', query: { outcome: 'failed', team: ['a', 'b'] } })
  const made = await admin('/views', { method: 'POST', body })
  assert.equal(made.status, 201, made.text)
  assert.deepEqual(
    ((await admin('/views')).json.data as JsonObject[]).map(({ name }) => name),
    ['Failures']
  )
  assert.equal((await admin(`/views/${made.json.id}`, { method: 'DELETE' })).status, 204)
  const wrong = await admin('/views', {
    method: 'POST',
    body: JSON.stringify({ name: 'x', query: { min_status: 'y' } })
  })
  assert.equal(wrong.status, 400)
})

test('usage says how long it took, what was in vain, and what another model would have cost', async () => {
  const { json } = await admin('/usage?of=requests&group_by=app&percentiles=true')
  const line = (json.data as JsonObject[]).find(({ group }) => (group as JsonObject).app === 'claude-code')!
  assert.ok(Number((line.total_ms as JsonObject).p95) > 0)
  const outcomes = (await admin('/usage/outcomes')).json.data as JsonObject[]
  const failing = outcomes.find(({ model }) => model === 'sim/503')
  assert.equal(failing?.attempts_failed, 2)
  assert.equal(failing?.calls_failed, 0)
  const what = (await admin('/usage/what-if?instead=dear/gpt-5.5')).json
  assert.ok(Math.abs(Number(what.instead_usd) / Number(what.cost_usd) - 10) < 1e-6, JSON.stringify(what))
  assert.equal((await admin('/usage?of=attempts&group_by=app')).status, 400)
  assert.equal((await admin('/usage/what-if?instead=nobody/knows')).status, 400)
})

test('who was answered says what they think of it, and others cannot', async () => {
  const [row] = await logs('session=session-7')
  const tell = async (key: string, body: JsonObject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const answer = await fetch(`${lab.gateway.url}/v1/feedback`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body)
    })
    const json = (await answer.json()) as { error?: { code: string; param: string | null } }
    return { status: answer.status, code: json.error?.code, param: json.error?.param }
  }
  const request_id = row!.id as string
  const good = { request_id, score: 0.5, label: 'helpful', comment: 'It knew the zeppelin.' }
  assert.equal((await tell('key-that-keeps-it-all', good)).status, 201)
  assert.equal((await tell('key-that-keeps-it-all', { request_id, score: 1 })).status, 201)
  assert.deepEqual(await tell('key-that-masks', good), { status: 404, code: 'not_found', param: 'request_id' })
  assert.equal((await tell('no-key', good)).status, 401)
  assert.deepEqual(await tell('key-that-keeps-it-all', { request_id, score: 2 }), {
    status: 400,
    code: 'wrong_type',
    param: 'score'
  })
  assert.equal((await tell('key-that-keeps-it-all', { request_id })).status, 400)
  const { json } = await admin(`/logs/${request_id}`)
  assert.deepEqual(
    (json.feedback as JsonObject[]).map(({ score, label }) => [score, label]),
    [
      [0.5, 'helpful'],
      [1, null]
    ]
  )
  const usage = (await admin('/usage?of=requests&group_by=session,label')).json.data as JsonObject[]
  const line = usage.find(({ group }) => (group as JsonObject).label === 'helpful')
  assert.deepEqual([line?.score, line?.scores], [0.75, 2])
})
