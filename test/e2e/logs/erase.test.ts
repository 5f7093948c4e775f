/** Somebody is forgotten: in rows, in bodies, on the disk; and the books are as they were. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../../../src/cli/index.ts'
import type { JsonObject } from '../../../src/json.ts'
import { Secret } from '../../../src/secret.ts'
import { OPENAI, send } from '../../support/client.ts'
import { startLab } from '../money/support.ts'

const ADMIN = 'gh_admin_who-erases'
const PERSON = 'grace.hopper@example.com'
const SAID = 'the moth in relay seventy'

/** Every file below that holds a text, in any encoding that the stores use for it. */
function filesWith(directory: string, text: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(name => {
    const path = join(directory, name)
    return statSync(path).isFile() && readFileSync(path).includes(text)
  })
}

test('a customer is erased from everything, on the disk too; what it cost and what others said stays', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-erase-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const lab = await startLab(
    `
auth: keys
bodies: { level: full }
keys: [{ name: app, key: key-of-the-app, team: crew }]`,
    { directory, secret: new Secret('s'.repeat(40)), adminToken: new Secret(ADMIN) }
  )
  const admin = async (method: string, path: string, body?: JsonObject) => {
    const headers = { authorization: `Bearer ${ADMIN}`, ...(body && { 'content-type': 'application/json' }) }
    const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const answer = await fetch(`${lab.gateway.url}/admin${path}`, sent)
    return { status: answer.status, json: (await answer.json()) as JsonObject }
  }
  const ask = (customer: string, text: string, session: string) =>
    send(`${lab.gateway.url}${OPENAI.path}`, {
      headers: { authorization: 'Bearer key-of-the-app', 'x-gatehouse-session': session },
      body: { ...OPENAI.body('lab/assistant', text), user: customer }
    })
  for (let turn = 0; turn < 3; turn++) {
    assert.equal((await ask(PERSON, `${SAID}, ${turn}`, `of ${PERSON}`)).status, 200)
    assert.equal((await ask('another', `an ordinary question, ${turn}`, 'another session')).status, 200)
  }
  const [row] = (await admin('GET', `/logs?customer=${PERSON}`)).json.data as JsonObject[]
  const opinion = { request_id: row!.id as string, score: 1, comment: `said ${PERSON}` }
  const told = await send(`${lab.gateway.url}/v1/feedback`, {
    headers: { authorization: 'Bearer key-of-the-app' },
    body: opinion
  })
  assert.equal(told.status, 201, told.text)
  const spent = async () => ((await admin('GET', '/usage?group_by=team')).json.data as JsonObject[])[0]!.cost_usd
  const before = await spent()

  const subject = { customer: PERSON }
  const dry = (await admin('POST', '/erase', { subject, dry_run: true })).json
  assert.deepEqual([dry.calls, dry.entries, dry.dry_run], [3, 1, true])
  assert.equal(((await admin('GET', `/logs?customer=${PERSON}`)).json.data as JsonObject[]).length, 3)

  const { run } = await commands.erase()
  let out = ''
  await run(['--customer', PERSON, '--url', lab.gateway.url, '--token', ADMIN], {
    env: {},
    out: async text => {
      out += text
    },
    err: text => assert.fail(String(text)),
    endWith: () => {}
  })
  assert.match(out, /calls +3/)
  assert.deepEqual((await admin('POST', '/erase', { subject })).json.calls, 0)
  assert.equal(await spent(), before)
  assert.equal(((await admin('GET', '/logs?customer=another&q=ordinary')).json.data as JsonObject[]).length, 3)
  assert.equal(((await admin('GET', '/logs?q=moth')).json.data as JsonObject[]).length, 0)
  assert.equal((await admin('GET', `/logs/${row!.id}/content`)).status, 404)
  assert.equal((await admin('GET', '/audit/verify')).json.ok, true)
  const audit = JSON.stringify((await admin('GET', '/audit')).json)
  assert.match(audit, /records:erase/)
  assert.doesNotMatch(audit, /hopper/)
  assert.deepEqual((await admin('POST', '/erase', { subject: { user: 'a', key: 'b' } })).status, 400)
  await lab.close()
  for (const text of [PERSON, 'moth']) assert.deepEqual(filesWith(directory, text), [], text)
  assert.notDeepEqual(filesWith(directory, 'another session'), [])
})
