/** `gatehouse logs`, against a gateway that runs, with its stores on disk. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { commands } from '../../src/cli/index.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const TOKEN = 'gh_admin_for-the-log'

describe('gatehouse logs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-cli-logs-'))
  let at: TestGateway
  before(async () => {
    const secret = new Secret('a secret of the process, long enough')
    const yaml = 'bodies: { level: full }'
    at = await startTestGateway({ yaml, adminToken: new Secret(TOKEN), secret, directory })
    writeFileSync(join(directory, 'admin-token'), `${TOKEN}\n`)
    for (const [session, text] of [
      ['one', 'a walrus'],
      ['one', 'a walrus and a seal'],
      ['two', 'an otter']
    ]) {
      const answer = await send(`${at.gateway.url}/v1/chat/completions`, {
        headers: { 'x-gatehouse-session': session },
        body: { model: 'openai/assistant', messages: [{ role: 'user', content: text }] }
      })
      assert.equal(answer.status, 200)
    }
  })
  after(async () => {
    await at?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  /** Runs it; `enough` says when a command that would go on for ever has said enough. */
  async function cli(...argv: string[]): Promise<{ out: string; err: string; code: number }> {
    const said = { out: '', err: '', code: 0 }
    const io: Terminal = {
      env: {},
      out: async text => {
        said.out += typeof text === 'string' ? text : Buffer.from(text).toString('utf8')
      },
      err: text => {
        said.err += text
      },
      endWith: code => {
        said.code = code
      }
    }
    const { run } = await commands.logs()
    await run([...argv, '--url', at.gateway.url, '--data', directory], io)
    return said
  }
  const asJson = async (...argv: string[]) => {
    const { out, err, code } = await cli(...argv, '--json')
    assert.equal(code, 0, err)
    return JSON.parse(out) as JsonObject
  }

  test('finds calls by their fields, by what they said and by when they were', async () => {
    const found = async (...argv: string[]) => ((await asJson('query', ...argv)).data as JsonObject[]).length
    assert.equal(await found('--where', 'session=one'), 2)
    assert.equal(await found('--where', 'session=one', '--where', 'session=two', '--last', '1h'), 3)
    assert.equal(await found('--q', 'walrus'), 2)
    assert.equal(await found('--where', 'session=two', '--q', 'walrus'), 0)
    assert.equal(await found('--to', '2020-01-01'), 0)
    assert.match((await cli('query', '--where', 'session=two')).out, /STARTED_AT.*MODEL_ASKED.*\n.*openai\/assistant/)
    assert.match((await cli('query', '--where', 'colour=red')).err, /"colour": there is no such member/)
    assert.equal((await cli('query', '--last', 'soon')).code, 2)
  })

  test('shows a call, what was said in it, and its session', async () => {
    const [row] = (await asJson('query', '--where', 'session=two')).data as JsonObject[]
    const id = row!.id as string
    assert.match((await cli('show', id)).out, /model_asked +openai\/assistant[\s\S]*NUMBER +PROVIDER/)
    assert.match(((await asJson('content', id)).received as string) ?? '', /an otter/)
    assert.match((await cli('sessions')).out, /SESSION[\s\S]*one +.* 2 /)
    assert.equal(((await asJson('session', 'one')).calls as JsonObject[]).length, 2)
    assert.match((await cli('show', 'nobody')).err, /no such call/)
  })

  test('writes all of them to a file, and follows along', async () => {
    const { out } = await cli('export', '--format', 'csv')
    assert.equal(out.trim().split('\r\n').length, 4)
    const following = cli('tail', '--where', 'session=three', '--limit', '1')
    let isOver = false
    const over = following.finally(() => {
      isOver = true
    })
    // Whoever follows sees what comes after; so there is always one more to come.
    while (!isOver) {
      await send(`${at.gateway.url}/v1/chat/completions`, {
        headers: { 'x-gatehouse-session': 'three' },
        body: { model: 'openai/assistant', messages: [{ role: 'user', content: 'hello' }] }
      })
    }
    assert.match((await over).out, /^\S+ {2}200 {2}.*openai\/assistant/)
  })
})
