/** `gatehouse cache`: against a gateway that runs. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { runCommand } from '../support/cli.ts'
import { OPENAI, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const TOKEN = 'gh_admin_for-these-tests-only'

const cli = (...argv: string[]) => runCommand('cache', ...argv)

describe('gatehouse cache', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-cli-cache-'))
  let gateway: TestGateway
  let reach: string[]
  before(async () => {
    gateway = await startTestGateway({
      directory,
      secret: new Secret('a-secret-for-tests-that-is-long-enough'),
      adminToken: new Secret(TOKEN),
      yaml: 'routes: { kept: { to: openai/assistant, cache: { mode: exact, tags: [news] } } }'
    })
    reach = ['--url', gateway.gateway.url, '--token', TOKEN]
  })
  after(async () => {
    await gateway.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const ask = async (text: string) => {
    const answer = await send(`${gateway.gateway.url}${OPENAI.path}`, { body: OPENAI.body('kept', text) })
    return answer.headers['x-gatehouse-cache']
  }

  test('stats and purge', async () => {
    assert.deepEqual([await ask('one'), await ask('one'), await ask('two')], ['miss', 'hit', 'miss'])
    const stats = JSON.parse((await cli('stats', '--json', ...reach)).out) as Record<string, JsonObject>
    assert.equal(stats.memory!.answers, 2)
    assert.deepEqual([stats.store!.kind, stats.store!.answers], ['sqlite', 2])
    assert.deepEqual([stats.since_start!.hits, stats.since_start!.misses, stats.since_start!.stored], [1, 2, 2])
    assert.match((await cli('stats', ...reach)).out, /memory_answers\s+2/)
    assert.match((await cli('purge', '--tag', 'news', ...reach)).out, /answers\s+2/)
    assert.equal(await ask('one'), 'miss')
    for (const words of [[], ['--all', '--tag', 'news']]) {
      const { code, err } = await cli('purge', ...words, ...reach)
      assert.equal(code, 2)
      assert.match(err, /say which answers, or --all/)
    }
    assert.match((await cli('purge', '--all', ...reach)).out, /answers\s+1/)
  })

  test('eval proposes a threshold, and says where it cannot', async () => {
    const file = join(directory, 'pairs.jsonl')
    const lines = [
      ...['bread', 'soup', 'cake'].map(dish => ({
        a: `how do I make ${dish} at home`,
        b: `how do I make ${dish} at my home`,
        same: true
      })),
      ...['sun', 'rain', 'snow'].map(sky => ({
        a: `how do I make bread at home`,
        b: `why is there ${sky} over the sea`,
        same: false
      }))
    ]
    writeFileSync(file, lines.map(line => JSON.stringify(line)).join('\n'))
    const told = await cli('eval', file, '--model', 'openai/text-embedding-3-small', '--url', gateway.gateway.url)
    assert.equal(told.code, 0, told.err)
    assert.match(told.out, /3 pairs with one answer, 3 with two/)
    assert.match(told.out, /Proposed: threshold 0\.\d\d/)
    assert.match(told.out, /it takes \d+ pairs with two answers/)
    writeFileSync(file, '{"a": "x", "b": "y", "same": true}\n{"a": 1}\n')
    const wrong = await cli('eval', file, '--model', 'openai/text-embedding-3-small', '--url', gateway.gateway.url)
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /pairs\.jsonl:2: expected/)
    assert.equal((await cli('eval', file)).code, 2)
  })
})
