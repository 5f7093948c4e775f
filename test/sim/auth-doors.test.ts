import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startCloud } from '../../src/sim/auth/index.ts'
import { type Answer, type Any, ask, send, simForTests } from './helpers.ts'

/** The places of Azure and Vertex AI: shapes of their own around dialects that others made, and who is let in. */
const cloud = await startCloud()
after(() => cloud.close())
const KEY = 'key-of-the-resource'
const guarded = await simForTests({ checks: cloud.checks, keys: [KEY] })
const open = await simForTests()
const JSON_TYPE = { 'content-type': 'application/json' }

const DATED = '/openai/deployments/echo/chat/completions'
const PROJECT = '/v1/projects/p/locations/us-central1/publishers'
const GEMINI = `${PROJECT}/google/models/gemini-2.5-flash`
const CLAUDE = `${PROJECT}/anthropic/models/claude-sonnet-4-5`

const chat = ask('openai', 'echo', 'hello')
const { model: _, ...claude } = ask('anthropic', '', 'hello', { anthropic_version: 'vertex-2023-10-16' })
const { model: __, ...gemini } = ask('gemini', '', 'hello')

const post = (path: string, body: Any, headers: Record<string, string> = {}, sim = open): Promise<Answer> =>
  send(sim, 'POST', path, body, { ...JSON_TYPE, ...headers })

async function tokenOf(form: Record<string, string>, path: string): Promise<string> {
  const body = new URLSearchParams(form)
  const answer = await fetch(cloud.url + path, { method: 'POST', body })
  return ((await answer.json()) as Any).access_token
}

async function entraToken(scope: string): Promise<string> {
  const { tenantId, clientId: client_id, clientSecret: client_secret } = cloud.application()
  const form = { grant_type: 'client_credentials', client_id, client_secret, scope }
  return tokenOf(form, `/${tenantId}/oauth2/v2.0/token`)
}

async function googleToken(): Promise<string> {
  const { client_id, client_secret, refresh_token } = JSON.parse(cloud.authorizedUser())
  return tokenOf({ grant_type: 'refresh_token', client_id, client_secret, refresh_token }, '/token')
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('azure: a deployment stands in the path, a date in the query, and the body’s model does not matter', async () => {
  const good = await post(`${DATED}?api-version=2024-10-21`, { ...chat, model: 'whatever' })
  assert.equal(good.status, 200, good.text)
  assert.equal(good.json().choices[0].message.content, 'hello')
  assert.equal(good.json().prompt_filter_results[0].content_filter_results.hate.filtered, false)
  const undated = await post(DATED, chat)
  assert.equal(undated.status, 404)
  assert.deepEqual(undated.json(), { error: { code: '404', message: 'Resource not found' } })
  const missing = await post('/openai/deployments/missing-one/chat/completions?api-version=2024-10-21', chat)
  assert.equal(missing.status, 404)
  assert.equal(missing.json().error.code, 'DeploymentNotFound')
  const vectors = await post('/openai/deployments/any/embeddings?api-version=2024-10-21', { input: 'a' })
  assert.equal(vectors.json().data.length, 1)
})

test('azure: version 1 takes the deployment in the body; a stream begins with what the filters say', async () => {
  for (const path of ['/openai/v1/chat/completions', '/openai/v1/responses', '/openai/v1/embeddings']) {
    const body = path.endsWith('completions') ? chat : { model: 'echo', input: 'hello' }
    assert.equal((await post(path, body)).status, 200, path)
    const missing = await post(path, { ...body, model: 'missing-one' })
    assert.equal(missing.json().error.code, 'DeploymentNotFound', path)
  }
  assert.equal((await post('/openai/responses', { model: 'echo', input: 'a' })).status, 404)
  assert.equal((await post('/openai/responses?api-version=2025-03-01', { model: 'echo', input: 'a' })).status, 200)
  const [first] = (await post('/openai/v1/chat/completions', { ...chat, stream: true })).events()
  assert.deepEqual(first!.data.choices, [])
  assert.ok(first!.data.prompt_filter_results)
  const filtered = await post('/openai/v1/chat/completions', { ...chat, model: 'content-filter' })
  assert.equal(filtered.status, 400)
  assert.equal(filtered.json().error.innererror.code, 'ResponsibleAIPolicyViolation')
})

test('azure: a key, or a token that lives and is for this resource', async () => {
  const v1 = '/openai/v1/chat/completions'
  const dated = `${DATED}?api-version=2024-10-21`
  const ai = await entraToken('https://ai.azure.com/.default')
  const cognitive = await entraToken('https://cognitiveservices.azure.com/.default')
  const rows: [path: string, headers: Record<string, string>, status: number][] = [
    [v1, { 'api-key': KEY }, 200],
    [dated, { 'api-key': KEY }, 200],
    [v1, bearer(ai), 200],
    [v1, bearer(cognitive), 200],
    [dated, bearer(cognitive), 200],
    [dated, bearer(ai), 401],
    [v1, bearer(await entraToken('https://graph.microsoft.com/.default')), 401],
    [v1, bearer(await googleToken()), 401],
    [v1, { 'api-key': 'another' }, 401],
    [v1, bearer(KEY), 401],
    [v1, {}, 401]
  ]
  for (const [path, headers, status] of rows) {
    const answer = await post(path, chat, headers, guarded)
    assert.equal(answer.status, status, `${path} ${JSON.stringify(headers)} ${answer.text}`)
    // Tokens are looked at by another layer of Azure's, which says it in another shape.
    if (status === 401) assert.equal(Number(answer.json().error?.code ?? answer.json().statusCode), 401)
  }
  cloud.revoke(ai)
  assert.equal((await post(v1, chat, bearer(ai), guarded)).status, 401)
})

test('vertex: Gemini and Claude, whole, streamed and counted', async () => {
  const whole = await post(`${GEMINI}:generateContent`, gemini)
  assert.equal(whole.status, 200, whole.text)
  const streamed = await post(`${GEMINI}:streamGenerateContent?alt=sse`, gemini)
  assert.ok(streamed.events().length > 0)
  assert.ok((await post(`${GEMINI}:countTokens`, gemini)).json().totalTokens > 0)
  const said = await post(`${CLAUDE}:rawPredict`, claude)
  assert.equal(said.status, 200, said.text)
  assert.equal(said.json().model, 'claude-sonnet-4-5')
  const events = (await post(`${CLAUDE}:streamRawPredict`, { ...claude, stream: true })).events()
  assert.equal(events.at(-1)?.event, 'message_stop')
  const { max_tokens: _, ...counted } = claude
  const count = await post(`${PROJECT}/anthropic/models/count-tokens:rawPredict`, { ...counted, model: 'claude-x' })
  assert.ok(count.json().input_tokens > 0, count.text)
})

test('vertex: Claude’s body has a version and no model, and its address agrees with its stream', async () => {
  const { anthropic_version: _, ...unversioned } = claude
  const rows: [path: string, body: Any, message: RegExp][] = [
    [':rawPredict', unversioned, /anthropic_version: Field required/],
    [':rawPredict', { ...claude, anthropic_version: '2023-06-01' }, /'vertex-2023-10-16'/],
    [':rawPredict', { ...claude, model: 'claude-x' }, /model: Extra inputs/],
    [':rawPredict', { ...claude, stream: true }, /stream/],
    [':streamRawPredict', claude, /stream/],
    [':rawPredict', { ...claude, top: 1 }, /top: Extra inputs/]
  ]
  for (const [path, body, message] of rows) {
    const answer = await post(CLAUDE + path, body)
    assert.equal(answer.status, 400, answer.text)
    assert.equal(answer.json().error.type, 'invalid_request_error')
    assert.match(answer.json().error.message, message)
  }
})

test('vertex: only a token of Google’s that lives', async () => {
  const token = await googleToken()
  for (const [path, body] of [
    [`${GEMINI}:generateContent`, gemini],
    [`${CLAUDE}:rawPredict`, claude]
  ] as const) {
    assert.equal((await post(path, body, bearer(token), guarded)).status, 200)
    const entra = await entraToken('https://ai.azure.com/.default')
    for (const headers of [{}, { 'x-goog-api-key': KEY }, bearer(KEY), bearer(entra)]) {
      const answer = await post(path, body, headers, guarded)
      assert.equal(answer.status, 401, answer.text)
      assert.equal(answer.json().error.status, 'UNAUTHENTICATED')
    }
  }
  cloud.revoke(token)
  assert.equal((await post(`${GEMINI}:generateContent`, gemini, bearer(token), guarded)).status, 401)
})
