import assert from 'node:assert/strict'
import { test } from 'node:test'
import { welcomeLines } from '../../src/admin/welcome.ts'
import { ANTHROPIC, OPENAI, parseAnswer, send } from '../support/client.ts'
import { startTestGateway } from '../support/gateway.ts'
import { RawClient } from '../wire/kit.ts'

/** What a browser shows of it. */
const unescaped = (html: string) => html.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))

test('GET /: the lines of the banner, a command for each door, providers found and not found', async t => {
  const { gateway, close } = await startTestGateway()
  t.after(close)
  const page = await send(`${gateway.url}/`)
  assert.equal(page.status, 200)
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  const shown = unescaped(page.text)
  const [where, , attempt] = welcomeLines(gateway.welcome())
  assert.ok(shown.includes(where))
  assert.ok(shown.includes(attempt.replace('Try: ', '')))
  for (const path of ['/v1/chat/completions', '/v1/messages', '/v1/messages/count_tokens', '/v1/models']) {
    assert.ok(shown.includes(`curl ${gateway.url}${path}`), path)
  }
  const rows = [...page.text.matchAll(/class="(found|missing)">[^<]*<\/td><td>([^<]*)/g)].map(row => [row[1], row[2]])
  const { found, missing } = gateway.welcome()
  assert.deepEqual(rows, [...found.map(name => ['found', name]), ...missing.map(({ name }) => ['missing', name])])
  assert.deepEqual(found, ['openai', 'anthropic'])
  assert.match(shown, /groq<\/td><td>set <code>GROQ_API_KEY/)
})

test('GET /: may load nothing, run nothing, be framed by nobody', async t => {
  const { gateway, close } = await startTestGateway()
  t.after(close)
  const { headers, text } = await send(`${gateway.url}/`)
  const policy = Object.fromEntries(
    (headers['content-security-policy'] ?? '').split('; ').map(rule => [rule.split(' ')[0], rule.split(' ').slice(1)])
  )
  assert.deepEqual(policy['default-src'], ["'none'"])
  assert.deepEqual(policy['frame-ancestors'], ["'none'"])
  assert.deepEqual(policy['form-action'], ["'none'"])
  assert.equal(policy['script-src'], undefined)
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(headers['referrer-policy'], 'no-referrer')
  assert.doesNotMatch(text, /<script|<img|<link|<iframe|\son\w+=|src=|href=/i)
})

test('GET /: the last calls, with names of strangers as text', async t => {
  const { gateway, close } = await startTestGateway()
  t.after(close)
  const hostile = [
    'openai/<script>alert(1)</script>',
    'groq/"><img src=x onerror=alert(1)>',
    "openai/'&amp;`</td></table>",
    'openai/\u202egpj.exe\u0000'
  ]
  for (const model of hostile) await send(gateway.url + OPENAI.path, { body: OPENAI.body(model, 'hi') })
  const stream = { body: ANTHROPIC.body('openai/assistant', 'hi', { stream: true }) }
  await send(gateway.url + ANTHROPIC.path, stream)
  const { text } = await send(`${gateway.url}/`)
  assert.doesNotMatch(text, /<script>|<img/)
  const rows = [...text.slice(text.indexOf('Last calls')).matchAll(/<tr>(.*?)<\/tr>/gs)].map(row =>
    [...(row[1] ?? '').matchAll(/<td>(.*?)<\/td>/gs)].map(cell => unescaped(cell[1] ?? ''))
  )
  // Newest first.
  assert.deepEqual(
    rows.map(row => row[2]),
    ['openai/assistant', ...hostile.toReversed()]
  )
  assert.deepEqual(rows[0]?.slice(1, 5), ['200', 'openai/assistant', 'openai/assistant', 'stream'])
  assert.match(rows[0]?.[6] ?? '', /^\d+ → \d+ tokens$/)
  assert.deepEqual(rows[3]?.slice(1, 4), ['404', hostile[1], 'unknown_model'])
})

test('GET /: twenty calls and no more', async t => {
  const { gateway, close } = await startTestGateway()
  t.after(close)
  for (let n = 0; n < 25; n++) await send(gateway.url + OPENAI.path, { body: OPENAI.body(`openai/model-${n}`, 'hi') })
  const { text } = await send(`${gateway.url}/`)
  const asked = [
    ...text.matchAll(/<td>openai&#47;model-(\d+)<\/td><td>openai|<td>openai\/model-(\d+)<\/td><td>openai/g)
  ]
  assert.deepEqual(
    asked.map(match => Number(match[1] ?? match[2])),
    Array.from({ length: 20 }, (_, n) => 24 - n)
  )
})

test('probes and HEAD', async t => {
  const { gateway, close } = await startTestGateway()
  t.after(close)
  for (const path of ['/livez', '/readyz']) {
    const answer = await send(gateway.url + path)
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.json(), { status: 'ok' })
  }
  for (const path of ['/', '/livez', '/readyz']) {
    const [head, got] = [await send(gateway.url + path, { method: 'HEAD' }), await send(gateway.url + path)]
    assert.deepEqual([head.status, head.text], [200, ''])
    assert.equal(head.headers['content-type'], got.headers['content-type'])
  }
  assert.equal((await send(`${gateway.url}/nowhere`, { method: 'HEAD' })).status, 404)
  const nowhere = await send(`${gateway.url}/nowhere`)
  assert.equal(OPENAI.error(nowhere.json()).code, 'unknown_endpoint')
})

test('/readyz says 503 while calls are still finished, /livez does not', async t => {
  for (const [path, status] of [
    ['/readyz', 503],
    ['/livez', 200]
  ] as const) {
    const again = await startTestGateway({ paceMs: 5 })
    t.after(again.close)
    const host = `host: 127.0.0.1:${again.gateway.port}\r\n`
    const body = JSON.stringify(OPENAI.body('openai/story', 'go', { stream: true }))
    const client = new RawClient(again.gateway.port)
    client.send(`POST ${OPENAI.path} HTTP/1.1\r\n${host}content-type: application/json\r\n`)
    client.send(`content-length: ${body.length}\r\n\r\n${body}`)
    await client.untilText(/data: /)
    const drained = again.gateway.drain(10_000)
    client.send(`GET ${path} HTTP/1.1\r\n${host}\r\n`)
    await client.untilClosed()
    const answer = parseAnswer(Buffer.from(client.text.slice(client.text.lastIndexOf('HTTP/1.1 '))))
    assert.equal(answer.status, status)
    assert.deepEqual(answer.json(), { status: status === 200 ? 'ok' : 'draining' })
    await drained
  }
})
