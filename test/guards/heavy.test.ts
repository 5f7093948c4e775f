import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHECKS } from '../../src/config/guards.ts'
import { dialects } from '../../src/dialects/index.ts'
import { guardBody } from '../../src/guards/body.ts'
import { GuardThreads } from '../../src/guards/threads.ts'
import { JsonBody } from '../../src/json.ts'
import { guardHeavy } from '../../src/stages/guard-heavy.ts'
import { guardingOf, guardOf, readingOf } from './kit.ts'

const KEY = 'AKIAQ3EGRZ7XWL2MNV4T'
const facts = { dialect: dialects['openai-chat'], operation: 'chat' } as const
const body = (size: number) =>
  JsonBody.from({
    messages: [{ role: 'user', content: `${'Nothing to see here. '.repeat(size / 21)}my key is ${KEY}.` }]
  })

test('a body of 10 MB is read by another thread: the same is decided, and the event loop goes on', async t => {
  const threads = new GuardThreads(1)
  t.after(() => threads.close())
  const guards = (action: 'mask' | 'restore' | 'block') =>
    guardOf(CHECKS.secrets!.create(CHECKS.secrets!.options.parse({}) as never), {
      kind: 'secrets',
      options: { except: [] },
      action
    })
  await threads.run({
    dialect: 'openai-chat',
    operation: 'chat',
    side: 'request',
    body: body(100).bytes,
    guards: [],
    placeholders: guardingOf().placeholders.state
  })

  const large = body(10_000_000)
  let lateMs = 0
  let lastMs = performance.now()
  const ticks = setInterval(() => {
    lateMs = Math.max(lateMs, performance.now() - lastMs - 1)
    lastMs = performance.now()
  }, 1)
  t.after(() => clearInterval(ticks))
  const guarding = guardingOf(guards('restore'))
  const heavy = await guardHeavy(large, facts, readingOf('request', guarding), threads)
  clearInterval(ticks)
  assert.deepEqual(heavy.paths, ['messages[0].content'])
  assert.ok(!heavy.body.bytes.includes(KEY))
  assert.equal(guarding.verdicts[0]?.count, 1)
  // The goal is 20 ms; a machine that runs other tests at the same time is late by itself.
  assert.ok(lateMs < 200, `${lateMs.toFixed()} ms`)

  const small = body(2_000)
  const there = guardingOf(guards('restore'))
  const here = guardingOf(guards('restore'))
  const one = await guardHeavy(small, facts, readingOf('request', there), threads)
  const other = await guardBody(small, facts, readingOf('request', here))
  assert.deepEqual(one.body.bytes, other.body.bytes)
  assert.deepEqual(there.placeholders.state, here.placeholders.state)
  const reply = JsonBody.from({
    choices: [{ message: { content: [...there.placeholders.state.values.keys()].join(' ') } }]
  })
  const put = await guardHeavy(reply, facts, readingOf('response', there), threads)
  assert.ok(put.body.bytes.includes(KEY))

  await assert.rejects(guardHeavy(small, facts, readingOf('request', guardingOf(guards('block'))), threads), {
    code: 'guardrail_blocked',
    status: 400
  })
  const unknown = guardOf({ reach: 0, find: () => [] }, { kind: 'nobody knows it' })
  await assert.rejects(guardHeavy(small, facts, readingOf('request', guardingOf(unknown)), threads), {
    code: 'guard_unavailable'
  })
})
