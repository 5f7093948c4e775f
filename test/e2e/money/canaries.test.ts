/**
 * No secret and no prompt leaves by a side door (invariant S11): each of them is a word that is nowhere else, and after
 * calls of all kinds everything that the gateway wrote, said and kept is searched for them.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '../../../src/json.ts'
import { Secret } from '../../../src/secret.ts'
import { type Answer, begin, type Given, open, send } from '../../support/client.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { type Scripted, scriptedAs, startScripted } from '../../support/scripted.ts'
import { until } from '../../support/until.ts'
import { enter, simAs, startLab, WAYS } from './support.ts'

/** Each told to somebody who must know it, and to nobody else. */
const CANARIES = {
  'a key of a provider': 'canary:of/the-provider+6fb1',
  'a virtual key': 'canary-virtual-key-27c4',
  'a disabled key': 'canary-disabled-key-9a31',
  'a key that nobody knows': 'canary-unknown-key-c18e',
  'the admin token': 'gh_admin_canary-of-the-owner-77d0',
  'the secret of the process': 'canary-secret-of-the-process-0d9f-long-enough',
  'a prompt': 'canary-prompt-b34a',
  'a system prompt': 'canary-system-prompt-5e02',
  'an argument of a tool': 'canary-tool-argument-41d7',
  'a value of metadata': 'canary-metadata-8c55'
} as const

const KEY = CANARIES['a virtual key']

const YAML = `
keys:
  - { name: team, key: ${KEY}, models: ["lab/*", "dear/*", "odd/*", both] }
  - { name: off, key: ${CANARIES['a disabled key']}, disabled: true }
routes: { both: { fallback: [lab/503, dear/assistant] } }
timeouts: { head: 300ms, first_token: 300ms, idle: 300ms, idle_content: 300ms, attempt: 300ms }
budgets:
  - { scope: { tag: poor }, limit: { usd: "0.000001" }, window: month }
  - { scope: { key: team }, limit: { usd: 100 }, window: month, thresholds: [0.0001%] }
rate_limits:
  - { scope: { tag: hasty }, requests: 1/day }
`

let at: TestGateway
let odd: Scripted
let directory: string
/** Everything that clients were sent; their own prompts come back to them, so that answers are looked at apart. */
const said: Answer[] = []

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-canaries-'))
  // Says in its error what it was sent, as careless providers do.
  odd = await startScripted((socket, { requests }) => {
    const body = JSON.stringify({ error: { message: `bad: ${CANARIES['a key of a provider']}`, type: 'auth' } })
    const status = requests % 2 === 0 ? '401 Unauthorized' : '500 Internal Server Error'
    socket.end(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    )
  })
  at = await startLab(YAML, {
    providers: `${simAs('secretive', { credential: CANARIES['a key of a provider'] })}\n${scriptedAs('odd', 'openai', odd.port).replace('[k]', `[${CANARIES['a key of a provider']}]`)}`,
    adminToken: new Secret(CANARIES['the admin token']),
    secret: new Secret(CANARIES['the secret of the process']),
    directory
  })
  await makeCalls()
})

after(async () => {
  await at?.close()
  await odd?.close()
  rmSync(directory, { recursive: true, force: true })
})

const path = '/v1/chat/completions'
const body = (model: string, more: JsonObject = {}): JsonObject => ({
  model,
  max_tokens: 64,
  messages: [
    { role: 'system', content: CANARIES['a system prompt'] },
    { role: 'user', content: `${CANARIES['a prompt']} [[sim:words=30]]` },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        {
          id: 'call_1',
          type: 'function',
          function: { name: 'f', arguments: JSON.stringify({ a: CANARIES['an argument of a tool'] }) }
        }
      ]
    },
    { role: 'tool', tool_call_id: 'call_1', content: CANARIES['a prompt'] }
  ],
  ...more
})

async function ask(model: string, more: JsonObject = {}, headers: Given = {}, key: string = KEY): Promise<Answer> {
  const answer = await send(at.gateway.url + path, {
    headers: { authorization: `Bearer ${key}`, ...headers },
    body: body(model, more)
  })
  said.push(answer)
  return answer
}

const tagged = (tag: string) => ({
  'x-gatehouse-metadata': JSON.stringify({ tags: [tag], note: CANARIES['a value of metadata'] })
})

/** Success, refusal by each of ours, failure of each kind, and clients that leave. */
async function makeCalls(): Promise<void> {
  await Promise.all([false, true].map(askAll))
  await Promise.all(
    WAYS.map(async way => {
      said.push(await enter(at, way, { key: CANARIES['a key that nobody knows'] }))
      said.push(await enter(at, way, { key: KEY, model: 'lab/503' }))
    })
  )
  const broken = `{"model": "lab/assistant", "messages": [{"role": "user", "content": "${CANARIES['a prompt']}"}`
  said.push(await send(at.gateway.url + path, { headers: { authorization: `Bearer ${KEY}` }, body: broken }))
  for (const query of [`?key=${KEY}`, `?key=${CANARIES['a key that nobody knows']}`]) {
    const url = `${at.gateway.url}/v1beta/models/lab%2F503:generateContent${query}`
    said.push(await send(url, { body: { contents: [{ role: 'user', parts: [{ text: CANARIES['a prompt'] }] }] } }))
    said.push(await send(`${at.gateway.url}/nowhere${query}`, {}))
  }
  await leave()
  await asAdmin()
}

async function askAll(stream: boolean): Promise<void> {
  const answers = ['lab/assistant', 'both', 'secretive/assistant', 'lab/context-length', 'nobody/at-all']
  const faults = ['503', 'reset', 'bad-key', 'garbled-event', 'cut-after-2', 'stall-after-2', 'silent']
  const models = [...answers, ...faults.map(fault => `lab/${fault}`), 'odd/one', 'odd/two', 'odd/three']
  await Promise.all(models.map(model => ask(model, { stream })))
  const broken = { 'x-gatehouse-metadata': `{"note": ${CANARIES['a value of metadata']}` }
  for (const headers of [tagged('poor'), tagged('hasty'), broken]) await ask('lab/assistant', { stream }, headers)
  await ask('lab/assistant', { stream, max_tokens: CANARIES['a prompt'] })
  await ask('lab/assistant', { stream, messages: CANARIES['a prompt'] })
  for (const name of ['a key that nobody knows', 'a disabled key'] as const) {
    await ask('lab/assistant', { stream }, {}, CANARIES[name])
  }
  await ask('lab/assistant', { stream }, { 'x-api-key': CANARIES['a key that nobody knows'] })
}

async function leave(): Promise<void> {
  const call = {
    headers: { authorization: `Bearer ${KEY}` },
    body: body('lab/story', { stream: true, max_tokens: 500 })
  }
  const answer = await open(at.gateway.url + path, call)
  answer.leave()
  const early = begin(at.gateway.url + path, { ...call, body: body('lab/slow-head-5000') })
  await until(() => at.gateway.open.calls > 0, 'the call is there')
  early.destroy()
  await until(() => at.gateway.open.calls === 0, 'the calls are over')
}

/** The owner asks for everything that there is to see, and so does somebody who may not. */
async function asAdmin(): Promise<void> {
  const paths = ['/', '/metrics', '/livez', '/readyz', '/admin/keys', '/admin/usage', '/admin/audit', '/admin/config']
  for (const admin of [CANARIES['the admin token'], CANARIES['a key that nobody knows'], undefined]) {
    for (const path of [...paths, '/admin/budgets', '/admin/requests', '/admin/openapi.json']) {
      const authorization = admin === undefined ? undefined : `Bearer ${admin}`
      said.push(await send(at.gateway.url + path, { headers: { authorization } }))
    }
  }
  const explain = { model: 'lab/assistant', key: 'team', body: body('lab/assistant') }
  const headers = { authorization: `Bearer ${CANARIES['the admin token']}` }
  said.push(await send(`${at.gateway.url}/admin/explain`, { headers, body: explain }))
}

function holdsNone(text: string, where: string): void {
  for (const [name, canary] of Object.entries(CANARIES)) {
    const found = text.indexOf(canary)
    assert.equal(found, -1, `${name} is in ${where}: ${text.slice(Math.max(0, found - 200), found + 200)}`)
  }
}

/** Every file below a directory, as text of single bytes. */
function filesBelow(folder: string): [string, string][] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => {
      const file = join(parentPath, name)
      return [file, readFileSync(file, 'latin1')]
    })
}

describe('what must not be told', () => {
  test('is in no line of the log', () => {
    assert.ok(at.lines.length > 60)
    assert.ok(at.lines.some(line => line.msg === 'refused'))
    for (const line of at.lines) holdsNone(JSON.stringify(line), 'the log')
  })

  test('is in no error, no header and no page', () => {
    assert.ok(said.filter(({ status }) => status >= 400).length > 60)
    for (const { status, headers, text } of said) {
      holdsNone(JSON.stringify(headers), 'headers')
      // Answers of the model are the client's own.
      if (status !== 200 || !/"(?:choices|delta|candidates|output)"/.test(text))
        holdsNone(text, `an answer (${status})`)
    }
  })

  test('is in no file that is kept, while it runs and after', async () => {
    const ids = at.lines.filter(line => line.msg === 'call').map(({ id }) => String(id))
    const look = () => {
      const files = filesBelow(directory)
      for (const [file, text] of files) holdsNone(text, file)
      // Otherwise nothing would have been looked for.
      assert.ok(
        ids.some(id => files.some(([, text]) => text.includes(id))),
        'calls are kept'
      )
    }
    look()
    await at.gateway.drain(1_000)
    look()
  })
})
