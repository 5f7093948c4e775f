/** `POST /admin/logs/{id}/replay` and `gatehouse replay`: a call of the log made again, and both answers compared. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { run } from '../../src/cli/replay.ts'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { DOORS, type Door, OPENAI, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const TOKEN = 'gh_admin_for-these-tests-only'
const YAML = `
overload: { loop_lag: 60s, memory: 99% }
bodies: { level: full }
keys:
  - { name: web, key: a-key-of-the-web-1234, models: [chat, safe, keeping, "openai/echo"], tags: [own] }
  - { name: quiet, key: a-key-of-the-quiet-1234, bodies: none }
  - { name: masked, key: a-key-of-the-masked-1234, bodies: redacted }
prices: [{ provider: openai, model: "*", usd: { input_mtok: 1, output_mtok: 1 } }]
guards: { no-plans: { check: words, words: ["secret plan"], on: [request], action: block } }
routes:
  chat: { to: openai/echo }
  other: { to: openai/assistant }
  keeping: { to: kept/echo }
  safe: { to: openai/echo, guards: [no-plans] }
`

describe('replay', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-replay-'))
  let at: TestGateway
  before(async () => {
    const secret = new Secret('a secret of the process, long enough')
    const providers =
      '  kept: { like: openai, base_url: "SIM/v1", keys: [k], allow_private: ["127.0.0.0/8"], data: { retention_days: 0 } }'
    at = await startTestGateway({ yaml: YAML, providers, adminToken: new Secret(TOKEN), secret, directory })
    writeFileSync(join(directory, 'admin-token'), `${TOKEN}\n`)
  })
  after(async () => {
    await at?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const call = async (
    model: string,
    text: string,
    { key = 'web', more = {}, door = OPENAI as Door, status = 200 } = {}
  ) => {
    const answer = await send(`${at.gateway.url}${door.path}`, {
      headers: {
        authorization: `Bearer a-key-of-the-${key}-1234`,
        'x-gatehouse-metadata': JSON.stringify({ customer: 'acme', session: 's-1', tags: ['blue'] })
      },
      body: door.body(model, text, more)
    })
    assert.equal(answer.status, status, answer.text)
    return answer.headers['x-gatehouse-request-id']!
  }
  const admin = (path: string, body?: JsonObject, token = TOKEN) =>
    send(`${at.gateway.url}/admin${path}`, {
      headers: { authorization: `Bearer ${token}` },
      ...(body && { body })
    })
  const replay = async (id: string, body: JsonObject = {}) => {
    const answer = await admin(`/logs/${id}/replay`, body)
    assert.equal(answer.status, 200, answer.text)
    const { first, again, ...rest } = answer.json()
    const [one, other] = [first, again] as { request: JsonObject; text: string; error?: JsonObject }[]
    return { first: one!, again: other!, ...(rest as { same: boolean | null; diff: JsonObject[] | null }) }
  }

  for (const door of DOORS) {
    for (const stream of [false, true]) {
      test(`the same again, ${door.name}, ${stream ? 'a stream' : 'whole'}`, async () => {
        const id = await call('chat', 'one two three', { more: { stream }, door })
        const { first, again, same, diff } = await replay(id)
        assert.deepEqual([first.text, again.text, same], ['one two three', 'one two three', true])
        assert.deepEqual(diff, [{ is: 'same', text: 'one two three' }])
        assert.deepEqual([first.request.id, again.request.parent, again.request.stream], [id, id, false])
        assert.deepEqual(outputTokens(again.request), outputTokens(first.request))
        assert.equal(again.request.cost_usd, first.request.cost_usd)
      })
    }
  }

  test('another model, for which neither the scopes nor the tags of the key are in the way', async () => {
    const { first, again, same, diff } = await replay(await call('chat', 'one two three'), {
      model: 'openai/assistant'
    })
    assert.equal(again.request.model, 'assistant')
    assert.equal(same, false)
    const without = (is: string) => diff!.filter(part => part.is !== is).map(part => part.text)
    assert.equal(without('added').join(''), first.text)
    assert.equal(without('removed').join(''), again.text)
    const { tags, ...payers } = first.request.payers as JsonObject
    assert.deepEqual(again.request.payers, { ...payers, tags: [...(tags as string[]), 'purpose:replay'] })
  })

  test('another route, and what its answer cost in the books of the same key', async () => {
    const { again } = await replay(await call('chat', 'one'), { route: 'other' })
    assert.deepEqual([again.request.model, (again.request.details as JsonObject).route], ['assistant', 'other'])
    const usage = (await admin('/usage?of=requests&group_by=key&tag=purpose:replay')).json().data as JsonObject[]
    assert.deepEqual(
      usage.map(({ group }) => group),
      [{ key: 'web' }]
    )
  })

  test('an error is shown beside the answer, and unknown models are errors', async () => {
    const { again, same, diff } = await replay(await call('chat', 'one'), { model: 'openai/503' })
    assert.deepEqual([again.text, same, diff], [null, null, null])
    assert.deepEqual([again.error!.code, again.request.outcome], ['provider_overloaded', 'failed'])
    assert.equal((await replay(await call('chat', 'one'), { model: 'groq/none' })).again.error!.code, 'unknown_model')
  })

  test('guards of the first route look at the text also where another model gets it', async () => {
    const open = await call('chat', 'our secret plan')
    const blocked = await call('safe', 'our secret plan', { status: 400 })
    at.seen()
    assert.equal((await replay(open, { route: 'safe' })).again.error!.code, 'guardrail_blocked')
    assert.equal((await replay(blocked)).again.error!.code, 'guardrail_blocked')
    assert.equal((await replay(blocked, { model: 'openai/assistant' })).again.error!.code, 'guardrail_blocked')
    assert.deepEqual(at.seen(), [])
    assert.equal((await replay(open, { model: 'openai/assistant' })).again.error, null)
  })

  test('what the call demanded of its providers holds of it again', async () => {
    const answer = await send(`${at.gateway.url}${OPENAI.path}`, {
      headers: { authorization: 'Bearer a-key-of-the-web-1234', 'x-gatehouse-require': 'zero-retention' },
      body: OPENAI.body('keeping', 'one')
    })
    assert.equal(answer.status, 200, answer.text)
    const id = answer.headers['x-gatehouse-request-id']!
    assert.equal((await replay(id)).again.error, null)
    assert.equal((await replay(id, { model: 'anthropic/echo' })).again.error!.code, 'residency_refused')
  })

  test('what was not kept, or not as it was, is not made again', async () => {
    const quiet = await admin(`/logs/${await call('openai/echo', 'one', { key: 'quiet' })}/replay`, {})
    assert.deepEqual([quiet.status, (quiet.json().error as JsonObject).code], [409, 'no_stored_body'])
    const masked = await call('openai/echo', 'write to jane@example.com', { key: 'masked' })
    const refused = await admin(`/logs/${masked}/replay`, {})
    assert.deepEqual([refused.status, (refused.json().error as JsonObject).code], [409, 'redacted_body'])
    const { again } = await replay(masked, { allow_redacted: true })
    assert.match(again.text, /^write to /)
    assert.doesNotMatch(again.text, /jane/)
    assert.equal((await admin('/logs/no-such-call/replay', {})).status, 404)
    assert.equal((await admin(`/logs/${masked}/replay`, { model: 'a', route: 'b' })).status, 400)
  })

  test('who may read what is said may replay, and the audit log says who did', async () => {
    const id = await call('chat', 'one')
    const { token } = (await admin('/admins', { name: 'ops', role: 'admin' })).json()
    assert.equal((await admin(`/logs/${id}/replay`, {}, String(token))).status, 403)
    await replay(id)
    const rows = (await admin('/audit?limit=1000')).json().data as JsonObject[]
    const found = rows.filter(({ action, object }) => action === 'logs:replay' && object === id)
    assert.deepEqual(
      found.map(({ actor }) => actor),
      ['owner']
    )
  })

  test('the command shows both beside each other', async () => {
    const id = await call('chat', 'one two')
    const reach = ['--url', at.gateway.url, '--data', directory]
    const told = await cli([id, '--model', 'openai/assistant', ...reach])
    assert.equal(told.code, 0, told.err)
    assert.match(told.out, /^answered by +openai\/echo {2}→ {2}openai\/assistant$/m)
    assert.match(told.out, /\{\+.+\+\}/)
    assert.match((await cli([id, ...reach])).out, /the same/)
    assert.equal(JSON.parse((await cli([id, '--json', ...reach])).out).same, true)
    assert.equal((await cli(['--json', ...reach])).code, 2)
  })
})

function outputTokens({ usage }: JsonObject): unknown {
  return (usage as JsonObject).output_tokens
}

async function cli(argv: string[]): Promise<{ out: string; err: string; code: number }> {
  const ended = { out: '', err: '', code: 0 }
  await run(argv, {
    env: {},
    async out(text) {
      ended.out += text
    },
    err: text => {
      ended.err += text
    },
    endWith: code => {
      ended.code = code
    }
  })
  return ended
}
