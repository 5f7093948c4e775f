import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPEN_CALLER } from '../../src/access/caller.ts'
import type { Frame } from '../../src/dialects/canonical.ts'
import { dialects } from '../../src/dialects/index.ts'
import { Failure } from '../../src/errors.ts'
import { JsonBody } from '../../src/json.ts'
import type { Call, Reply } from '../../src/stages/call.ts'
import type { CallRecord } from '../../src/stages/call-record.ts'
import { failed, observe } from '../../src/stages/observe.ts'
import type { Outcome, Sink } from '../../src/wire/frames.ts'

const CALL: Call = {
  id: 'call',
  operation: 'chat',
  dialect: dialects['openai-chat'],
  doorProvider: 'openai',
  body: JsonBody.from({}),
  model: 'm',
  stream: true,
  framing: 'sse',
  headers: {},
  credentials: [],
  signal: new AbortController().signal,
  startedMs: 0,
  waitedMs: 0
}

/** The row of a stream that ends so. */
function rowOf(outcome: Outcome, billsOn = false, trail: Failure[] = []): CallRecord {
  const records: CallRecord[] = []
  let into: Sink<Frame> | undefined
  const reply: Reply = {
    how: 'stream',
    status: 200,
    headers: {},
    source: {
      start: sink => {
        into = sink
      },
      resume() {},
      destroy() {}
    },
    answered: {
      provider: 'p',
      model: 'm',
      attempts: 1,
      fallback: 0,
      losses: [],
      touches: [],
      simulated: false,
      ...(billsOn && { billsOn: true as const })
    }
  }
  const clock = { wallMs: () => 0, monotonicMs: () => 0 }
  const rooms = { clock, configDigest: 'd', record: (record: CallRecord) => void records.push(record) }
  const seen = observe(CALL, OPEN_CALLER, trail, reply, rooms)
  assert.ok(seen.how === 'stream')
  seen.source.start({ frame: () => true, close: () => {} })
  into!.close(outcome)
  assert.equal(records.length, 1)
  return records[0]!
}

test('the row says what became of the answer when its client had left', () => {
  assert.equal(rowOf({ how: 'aborted' }).afterAbort, undefined)
  assert.equal(rowOf({ how: 'aborted' }, true).afterAbort, 'bills_on')
  assert.equal(rowOf({ how: 'aborted', drained: true }, true).afterAbort, 'drained')
  assert.equal(rowOf({ how: 'aborted', drained: false }).afterAbort, 'cut_short')
  assert.equal(rowOf({ how: 'done' }, true).afterAbort, undefined)
})

test('the row of a call that its client left before any answer has what was used all the same', () => {
  const records: CallRecord[] = []
  const failure = new Failure('client_closed', 'left', { details: { after_abort: 'drained' } })
  failure.usage = { inputTokens: 3, outputTokens: 4 }
  const clock = { wallMs: () => 0, monotonicMs: () => 0 }
  failed(CALL, undefined, [], failure, { clock, configDigest: 'd', record: record => void records.push(record) })
  assert.deepEqual([records[0]?.afterAbort, records[0]?.usage], ['drained', failure.usage])
})

test('every attempt is counted once, also those that went on with a broken stream', () => {
  const broken = new Failure('provider_truncated', 'cut')
  const other = new Failure('provider_error', 'no')
  assert.equal(rowOf({ how: 'done' }).attempts, 1)
  assert.equal(rowOf({ how: 'done' }, false, [broken, other]).attempts, 3)
  assert.equal(rowOf({ how: 'failed', failure: broken }).attempts, 1)
  assert.equal(rowOf({ how: 'failed', failure: broken }, false, [broken, other]).attempts, 2)
})
