import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { Secret } from '../../../src/secret.ts'
import { OPENAI, send } from '../../support/client.ts'
import { startLab } from '../money/support.ts'

test('a session that has cost as much as it may gets no further, here and after a restart; others go on', async t => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-session-cost-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const start = () =>
    startLab(
      `
auth: keys
keys: [{ name: one, key: key-one }, { name: two, key: key-two }]
guards:
  ceiling: { check: session-cost, usd_max: 0.0001, always: true }`,
      { directory, secret: new Secret('s'.repeat(40)) }
    )
  let lab = await start()
  const ask = async (key: string, session: string | undefined) => {
    const headers = { authorization: `Bearer ${key}`, 'x-gatehouse-session': session }
    // A few calls at 3 and 15 dollars a million tokens are the hundredth of a cent.
    const body = OPENAI.body('lab/echo', 'word '.repeat(20))
    const answer = await send(`${lab.gateway.url}${OPENAI.path}`, { headers, body })
    return { status: answer.status, text: answer.text }
  }
  let calls = 0
  let last = await ask('key-one', 'agent')
  while (last.status === 200 && calls++ < 50) last = await ask('key-one', 'agent')
  assert.ok(calls > 0, last.text)
  assert.equal(last.status, 400, last.text)
  assert.match(last.text, /guardrail_blocked/)
  assert.match(last.text, /ceiling of 0\.0001 USD/)
  assert.equal((await ask('key-two', 'agent')).status, 200, 'a session of that name of another key')
  assert.equal((await ask('key-one', 'another')).status, 200)
  assert.equal((await ask('key-one', undefined)).status, 200)
  await lab.close()
  lab = await start()
  t.after(() => lab.close())
  assert.equal((await ask('key-one', 'agent')).status, 400)
})
