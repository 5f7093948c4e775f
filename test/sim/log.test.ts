import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { type Any, ask, entryWhere, post, requestOf, SIDES, type Side, send, simForTests } from './helpers.ts'

const sim = await simForTests()
const JSON_TYPE = { 'content-type': 'application/json' }
const VERSION = { 'anthropic-version': '2023-06-01' }
const DIALECTS: Record<Side, string> = {
  openai: 'openai-chat',
  anthropic: 'anthropic-messages',
  responses: 'openai-responses',
  gemini: 'gemini'
}

for (const side of SIDES) {
  test(`${side}: the log tells what was asked and what went out`, async () => {
    sim.reset()
    const { path: target, headers, payload } = requestOf(side, ask(side, 'sim/echo', 'héllo'))
    const body = JSON.stringify(payload)
    const secrets = { authorization: 'Bearer sk-secret-1234', 'x-goog-api-key': 'secret-5678', 'X-Extra': 'yes' }
    const answer = await send(sim, 'POST', target, body, { ...headers, ...secrets })
    const [entry, ...more] = sim.log()
    assert.ok(entry && more.length === 0)
    assert.deepEqual(
      [entry.dialect, entry.path, entry.model, entry.stream, entry.behaviour, entry.status, entry.finish],
      [DIALECTS[side], target, 'sim/echo', false, 'echo', 200, 'ended']
    )
    assert.deepEqual([entry.headers.authorization, entry.headers['x-extra']], ['Bearer …1234', 'yes'])
    assert.equal(entry.headers['x-goog-api-key'], '…5678')
    assert.ok(!JSON.stringify(entry).includes('secret'))
    assert.deepEqual(entry.body, JSON.parse(body))
    assert.equal(entry.bodyBytes, Buffer.byteLength(body))
    assert.equal(entry.bodySha256, createHash('sha256').update(body).digest('hex'))
    assert.equal(entry.responseBytes, Buffer.byteLength(answer.text))
    // Google tells no id of a request
    if (side !== 'gemini') {
      assert.equal(entry.requestId, answer.headers[side === 'anthropic' ? 'request-id' : 'x-request-id'])
    }
    const { usage, usageMetadata } = answer.json()
    assert.deepEqual([entry.usage, entry.usageSent, entry.generated], [usage ?? usageMetadata, true, 1])
  })

  test(`${side}: a client that leaves a stream is noticed, and nothing more is written`, async () => {
    const body = ask(side, 'm', '[[sim:words=500 pace=20]]', { stream: true })
    const { path: target, headers, payload } = requestOf(side, body)
    const abort = new AbortController()
    const response = await fetch(sim.url + target, {
      method: 'POST',
      signal: abort.signal,
      headers,
      body: JSON.stringify(payload)
    })
    await response.body!.getReader().read()
    const open = await entryWhere(sim, entry => entry.responseBytes > 0)
    assert.deepEqual([open.finish, open.stream], ['open', true])
    assert.ok(open.generated < 0.5, 'a stream is generated as it is sent')
    abort.abort()
    const entry = await entryWhere(sim, one => one.finish === 'aborted-by-client')
    assert.ok(entry.abortedAfterMs! > 0)
    const bytes = entry.responseBytes
    await new Promise(resolve => setTimeout(resolve, 60))
    assert.deepEqual([entry.responseBytes, entry.bytesAfterClientClose], [bytes, 0])
  })

  test(`${side}: one credential is asked for in strict mode`, async () => {
    const strict = await simForTests({ keys: ['good-key'] })
    const body = ask(side, 'echo', 'x')
    const names = {
      openai: 'authorization',
      anthropic: 'x-api-key',
      responses: 'authorization',
      gemini: 'x-goog-api-key'
    }
    const name = names[side]
    const header = (key: string): Any => ({ [name]: name === 'authorization' ? `Bearer ${key}` : key })
    assert.equal((await post(strict, side, body, header('good-key'))).status, 200)
    const wrong = await post(strict, side, body, header('bad-key-5678'))
    const { error } = wrong.json()
    const reason = error.details?.[0].reason ?? error.code ?? error.type
    const refusals: Record<Side, [number, string]> = {
      openai: [401, 'invalid_api_key'],
      anthropic: [401, 'authentication_error'],
      responses: [401, 'invalid_api_key'],
      gemini: [400, 'API_KEY_INVALID']
    }
    assert.deepEqual([wrong.status, reason], refusals[side])
    assert.equal((await post(strict, side, body)).status, side === 'gemini' ? 403 : 401)
  })

  test(`${side}: broken JSON, a wrong content type and a wrong method`, async () => {
    const broken = await post(sim, side, '{"model": ')
    assert.equal(broken.status, 400)
    const words: Record<Side, RegExp> = {
      openai: /could not parse the JSON body/,
      anthropic: /not valid JSON/,
      responses: /could not parse the JSON body/,
      gemini: /^Invalid JSON payload received/
    }
    assert.match(broken.json().error.message, words[side])
    const body = ask(side, 'echo', 'x')
    const typed = await post(sim, side, body, { 'content-type': 'text/plain' })
    // Google reads any body as JSON
    if (side === 'gemini') assert.equal(typed.status, 200)
    else assert.deepEqual([typed.status, typed.json().error.type], [400, 'invalid_request_error'])
    const { path: target } = requestOf(side, body)
    assert.equal((await send(sim, 'PUT', target, undefined, VERSION)).status, side === 'gemini' ? 404 : 405)
  })

  test(`${side}: headers as the real ones`, async () => {
    const { headers } = await post(sim, side, ask(side, 'echo', 'x'))
    assert.match(headers['content-type']!, /^application\/json/)
    const names = Object.keys(headers)
    const openai = ['x-request-id', 'openai-processing-ms', 'openai-version', 'x-ratelimit-remaining-tokens']
    const expected = {
      openai,
      responses: openai,
      anthropic: ['request-id', 'anthropic-ratelimit-requests-limit', 'anthropic-ratelimit-input-tokens-reset'],
      gemini: ['server-timing', 'x-gemini-service-tier']
    }[side]
    assert.deepEqual(
      expected.filter(name => !names.includes(name)),
      []
    )
  })
}

test('Anthropic wants its version header; beta calls and token counts have their doors', async () => {
  const body = ask('anthropic', 'echo', 'one two')
  const bare = await send(sim, 'POST', '/v1/messages', body, JSON_TYPE)
  assert.deepEqual([bare.status, bare.json().error.message], [400, 'anthropic-version: header is required'])
  const headers = { ...JSON_TYPE, ...VERSION }
  assert.equal((await send(sim, 'POST', '/v1/messages?beta=true', { ...body, mcp_servers: [] }, headers)).status, 200)
  const { max_tokens: _, ...countable } = body
  const counted = await send(sim, 'POST', '/v1/messages/count_tokens?beta=true', countable, headers)
  assert.deepEqual(counted.json(), { input_tokens: 5 })
  const strict = await send(sim, 'POST', '/v1/messages/count_tokens', body, headers)
  assert.equal(strict.json().error.message, 'max_tokens: Extra inputs are not permitted')
})

test('models are listed in the shape of the caller', async () => {
  const openai = (await send(sim, 'GET', '/v1/models')).json()
  assert.equal(openai.object, 'list')
  assert.ok(openai.data.some((model: Any) => model.id === 'cut-after-3' && model.object === 'model'))
  const anthropic = (await send(sim, 'GET', '/v1/models', undefined, VERSION)).json()
  assert.deepEqual([anthropic.has_more, anthropic.first_id, anthropic.data[0].type], [false, 'assistant', 'model'])
  assert.equal((await send(sim, 'GET', '/v1/models/story')).json().id, 'story')
  assert.equal((await send(sim, 'GET', '/v1/models/none')).json().error.code, 'model_not_found')
  assert.equal((await send(sim, 'GET', '/v1/models/none', undefined, VERSION)).json().error.type, 'not_found_error')
  const gemini = (await send(sim, 'GET', '/v1beta/models')).json()
  assert.ok(gemini.models.some((model: Any) => model.name === 'models/cut-after-3'))
  assert.equal((await send(sim, 'GET', '/v1beta/models/story')).json().name, 'models/story')
  assert.equal((await send(sim, 'GET', '/v1beta/models/none')).json().error.status, 'NOT_FOUND')
  for (const nowhere of ['/v1/nothing', '/v1beta/nothing']) {
    assert.equal((await send(sim, 'POST', nowhere, {}, JSON_TYPE)).status, 404)
  }
})

test('the control door shows the log, and forgets', async () => {
  sim.reset()
  await post(sim, 'openai', ask('openai', 'echo', 'a'))
  await post(sim, 'openai', ask('openai', 'echo', 'b'))
  const all = (await send(sim, 'GET', '/control/log')).json()
  assert.deepEqual(
    all.map((entry: Any) => entry.body.messages[0].content),
    ['a', 'b']
  )
  assert.equal((await send(sim, 'GET', `/control/log?since=${all[0].seq}`)).json().length, 1)
  assert.equal((await send(sim, 'POST', '/control/reset')).status, 200)
  assert.deepEqual(sim.log(), [])
})

test('a client that stops in its body leaves no entry and no trouble', async () => {
  sim.reset()
  const socket = connect(sim.port, '127.0.0.1')
  socket.write(
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"mod'
  )
  await new Promise(resolve => setTimeout(resolve, 30))
  socket.destroy()
  await post(sim, 'openai', ask('openai', 'echo', 'after'))
  assert.equal(sim.log().length, 1)
})

test('closing breaks off what is running', async () => {
  const other = await simForTests()
  const silent = post(other, 'openai', ask('openai', 'silent', 'x')).then(
    () => 'answered',
    () => 'broken'
  )
  await entryWhere(other, entry => entry.behaviour === 'silent')
  await other.close()
  assert.equal(await silent, 'broken')
  assert.equal(other.log()[0]?.finish, 'closed')
})

test('gatehouse sim prints its address and stops on SIGTERM with 0', async () => {
  const command = `import('./src/cli/sim.ts').then(cli => cli.run(['--port', '0', '--pace-ms', '0']))`
  const root = path.resolve(import.meta.dirname, '../..')
  const child = spawn(process.execPath, ['-e', command], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`ended with ${code}: ${printed}`)))
    child.stdout.on('data', chunk => {
      printed += chunk
      const match = /on (http:\S+)/.exec(printed)
      if (match && printed.includes('Ctrl-C')) resolve(match[1]!)
    })
  })
  assert.match(printed, /POST \/v1\/messages/)
  assert.match(printed, /cut-after-N/)
  assert.equal((await fetch(`${url}/v1/models`)).status, 200)
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  assert.equal(await exited, 0)
})
