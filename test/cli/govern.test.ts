/** The commands that govern a running gateway: against a real one, with its stores on disk. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { commands } from '../../src/cli/index.ts'
import { jsonText, record, table } from '../../src/cli/show.ts'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const TOKEN = 'gh_admin_for-these-tests-only'
const YAML = `
keys: [{ name: of-the-file, key: a-key-of-the-file-1234 }]
teams: [{ id: declared }]
budgets: [{ scope: { team: declared }, limit: { usd: "5" }, window: day }]
`

type Governing = 'admins' | 'audit' | 'budgets' | 'keys' | 'limits' | 'prices' | 'teams' | 'usage'

describe('the commands that govern', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'))
  let at: TestGateway
  before(async () => {
    const secret = new Secret('a secret of the process, long enough')
    at = await startTestGateway({ yaml: YAML, adminToken: new Secret(TOKEN), secret, directory })
    writeFileSync(join(directory, 'admin-token'), `${TOKEN}\n`)
  })
  after(async () => {
    await at?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const cli = (command: Governing, ...argv: string[]) =>
    run(command, [...argv, '--url', at.gateway.url, '--data', directory])
  const asJson = async (command: Governing, ...argv: string[]) => {
    const { out, err, code } = await cli(command, ...argv, '--json')
    assert.equal(code, 0, err)
    return JSON.parse(out)
  }
  const call = (key: string) =>
    send(`${at.gateway.url}/v1/chat/completions`, {
      headers: { authorization: `Bearer ${key}` },
      body: { model: 'openai/assistant', messages: [{ role: 'user', content: 'hello' }] }
    })

  test('a key that was made opens a door at once, and shuts it when it is disabled', async () => {
    const { key, token } = await asJson(
      'keys',
      'create',
      'app',
      '--model',
      'openai/*',
      '--tag',
      'blue',
      '--expires',
      '2099-01-01'
    )
    assert.deepEqual([key.models, key.tags], [['openai/*'], ['blue']])
    assert.equal((await call(token)).status, 200)
    const { token: second } = await asJson('keys', 'rotate', 'app', '--overlap', '1h')
    assert.equal((await call(token)).status, 200)
    assert.equal((await call(second)).status, 200)
    assert.equal((await asJson('keys', 'disable', 'app')).disabled, true)
    for (const each of [token, second]) assert.equal((await call(each)).status, 401)
    assert.equal((await asJson('keys', 'update', key.id, '--enable', '--expires', 'none')).expires, null)
    assert.equal((await asJson('keys', 'show', 'app')).tokens.length, 2)
    const { out } = await cli('keys', 'list')
    assert.match(out, /^ID .*\nof-the-file .*file\n.* app .*api\n$/)
    assert.equal((await cli('keys', 'remove', 'app')).code, 0)
    assert.equal((await call(second)).status, 401)
  })

  test('a budget that was made holds within a second, and shows what is spent', async () => {
    const { token } = await asJson('keys', 'create', 'spender')
    assert.equal((await call(token)).status, 200)
    await asJson('budgets', 'set', 'spenders', '--scope', 'key:spender', '--limit', '1-requests', '--window', 'day')
    const { now } = await asJson('budgets', 'show', 'spenders')
    assert.deepEqual([now.of, now.spent, now.remaining], ['spender', 1, 0])
    const { out } = await cli('budgets', 'list')
    assert.match(out, /team: declared .*usd: 5 .*\$0 .*file/)
    assert.match(out, /spenders/)
    assert.equal((await cli('budgets', 'remove', 'spenders')).code, 0)
    const usage = await asJson('usage', '--by', 'key', '--where', 'key=spender', '--of', 'requests')
    assert.deepEqual([usage.of, usage.data[0].group, usage.data[0].count], ['requests', { key: 'spender' }, 1])
    assert.match((await cli('usage', '--by', 'key')).out, /^KEY +ATTEMPTS/)
  })

  test('teams, limits, prices and admins', async () => {
    await asJson('teams', 'create', 'acme', '--kind', 'org')
    assert.equal((await asJson('teams', 'create', 'red', '--org', 'acme', '--metadata', 'floor=2')).org, 'acme')
    const held = ['--guard', 'pii', '--require', 'region=eu|ch; no-training']
    const { guards, require } = await asJson('teams', 'update', 'red', ...held)
    assert.deepEqual([guards, require], [['pii'], { region: ['eu', 'ch'], no_training: true }])
    const key = await asJson('keys', 'create', 'held', '--team', 'red', '--require', 'zero-retention')
    assert.deepEqual(key.key.require, { zero_retention: true })
    assert.equal((await asJson('keys', 'update', 'held', '--require', 'none')).require, null)
    assert.equal((await asJson('teams', 'update', 'red', '--guard', 'none', '--require', 'none')).require, null)
    assert.match((await cli('keys', 'update', 'held', '--require', 'region=eu,ch')).err, /--require takes "region=eu/)
    assert.match((await cli('keys', 'update', 'held', '--require', 'region=eu;region=ch')).err, /--require takes/)
    assert.equal((await asJson('teams', 'update', 'red', '--disable')).disabled, true)
    assert.deepEqual(
      (await asJson('teams', 'list')).map((row: JsonObject) => row.id),
      ['declared', 'red']
    )
    assert.equal(
      (await asJson('limits', 'create', '--scope', 'team:red', '--tokens', '100k/minute')).tokens,
      '100000/minute'
    )
    assert.equal(
      (await asJson('prices', 'set', 'ours', 'openai/own-*', '--usd', 'input_mtok=3', '--from', '2026-01-01')).model,
      'own-*'
    )
    const price = await until(async () => (await asJson('prices', 'show', 'openai/own-1')).lines)
    assert.deepEqual(price, { input: { usd_per_million: '3' } })
    const { admin, token } = await asJson('admins', 'create', 'ops', '--role', 'auditor', '--org', 'acme')
    assert.equal(admin.role, 'auditor')
    const { code, err } = await cli('keys', 'create', 'no', '--token', token)
    assert.equal(code, 1)
    assert.match(err, /not_allowed/)
    assert.equal((await cli('admins', 'remove', admin.id)).code, 0)
    assert.match((await cli('teams', 'update', 'declared', '--disable')).err, /declared_in_file/)
  })

  test('the audit log is verified without a gateway, and its first wrong row is named', async () => {
    const file = join(directory, 'audit.jsonl')
    const checkpoints = join(directory, 'checkpoints.jsonl')
    const key = join(directory, 'audit.pem')
    writeFileSync(checkpoints, (await cli('audit', 'checkpoint')).out)
    writeFileSync(key, (await cli('audit', 'public-key')).out)
    writeFileSync(file, (await cli('audit', 'export')).out)
    const offline = ['audit', 'verify', file] as const
    assert.match((await run(...split(offline, '--checkpoints', checkpoints, '--public-key', key))).out, /^ok +true/)
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    assert.ok(lines.length > 10)
    writeFileSync(file, lines.with(4, lines[4]!.replace('"actor":"owner"', '"actor":"nobody"')).join('\n'))
    const edited = await run(...split(offline))
    assert.equal(edited.code, 1)
    assert.match(edited.err, /row 5 is the first that is wrong/)
    writeFileSync(file, lines.toSpliced(6, 1).join('\n'))
    assert.match((await run(...split(offline))).err, /row 7 is the first that is wrong: it is missing/)
    writeFileSync(file, lines.slice(0, 5).join('\n'))
    assert.equal((await run(...split(offline))).code, 0, 'a shortened log is whole in itself')
    const shortened = await run(...split(offline, '--checkpoints', checkpoints, '--public-key', key))
    assert.match(shortened.err, /row 6 is the first that is wrong: it and all after it are gone/)
    writeFileSync(file, 'no row\n')
    assert.equal((await run(...split(offline))).code, 1)
  })

  test('what a stranger named moves no cursor', async () => {
    const evil = 'c\u001b]0;owned\u0007\u202egnp'
    const { token } = await asJson('keys', 'create', 'for-strangers')
    const messages = [{ role: 'user', content: 'hello' }]
    const body = { model: 'openai/assistant', messages, user: evil }
    await send(`${at.gateway.url}/v1/chat/completions`, { headers: { authorization: `Bearer ${token}` }, body })
    for (const argv of [
      ['--by', 'customer'],
      ['--by', 'customer', '--json']
    ]) {
      const { out, code } = await cli('usage', ...argv)
      assert.equal(code, 0)
      assert.doesNotMatch(out.replaceAll('\n', ''), /\p{C}/u)
    }
    const shown = table([{ name: evil, list: [evil, null], nested: { [evil]: 'é𝒳' } }], ['name', 'list', 'nested'])
    const safe = 'c\\u001b]0;owned\\u0007\\u202egnp'
    assert.equal(shown.split('\n')[1], `${safe}  ${safe}, -  ${safe}: é𝒳`)
    assert.deepEqual(JSON.parse(jsonText({ evil })), { evil })
    assert.doesNotMatch(jsonText({ evil, more: '\u{e0041}\u0085\u2028' }).replaceAll('\n', ''), /[\p{C}\p{Zl}]/u)
    assert.equal(record({ a: 1, long: null }), 'a     1\nlong  -\n')
  })

  test('mistyped: 2; refused or not there: 1; and why', async () => {
    const codes = async (command: Governing, ...argv: string[]) => {
      const { code, err } = await cli(command, ...argv)
      assert.match(err, new RegExp(`^gatehouse ${command}: .+\n$`))
      return code
    }
    assert.equal(await codes('keys', 'lst'), 2)
    assert.equal(await codes('keys', 'create'), 2)
    assert.equal(await codes('keys', 'list', '--nonsense'), 2)
    assert.equal(await codes('budgets', 'create', '--scope', 'team', '--limit', '$1'), 2)
    assert.equal(await codes('budgets', 'create', '--scope', 'team:x', '--limit', '1'), 2)
    assert.equal(await codes('prices', 'show', 'gpt'), 2)
    assert.equal(await codes('keys', 'show', 'nobody'), 1)
    assert.equal(await codes('keys', 'list', '--token', 'gh_admin_wrong'), 1)
    assert.equal((await run('keys', ['list', '--url', 'http://127.0.0.1:9', '--data', directory])).code, 1)
    assert.equal((await run('keys', ['list', '--data', join(directory, 'none')])).code, 2)
    assert.match((await run('keys', ['--help'])).out, /gatehouse keys rotate KEY/)
  })
})

function split([command, ...argv]: readonly ['audit', ...string[]], ...more: string[]): ['audit', string[]] {
  return [command, [...argv, ...more]]
}

/** Runs a command in this process, and gives what it wrote and its exit code. */
async function run(command: Governing, argv: string[]): Promise<{ out: string; err: string; code: number }> {
  const said = { out: '', err: '', code: 0 }
  await (await commands[command]()).run(argv, {
    async out(text) {
      said.out += Buffer.from(text).toString()
    },
    err(text) {
      said.err += text
    },
    endWith(code) {
      said.code = code
    },
    env: {}
  })
  return said
}

async function until(look: () => Promise<unknown>): Promise<unknown> {
  for (let times = 0; times < 40; times++) {
    const found = await look()
    if (found) return found
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return undefined
}
