import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { OPEN_CALLER } from '../../src/access/caller.ts'
import {
  decodeKept,
  encodeKept,
  fingerprintOf,
  idOf,
  type Kept,
  OUTCOME_BYTES_MAX
} from '../../src/cache/idempotency.ts'
import { dialects } from '../../src/dialects/index.ts'
import { CODES, type Code, Failure } from '../../src/errors.ts'
import { JsonBody } from '../../src/json.ts'
import type { Call, Reply } from '../../src/stages/call.ts'
import { Idempotency } from '../../src/stages/idempotency.ts'
import type { IdempotencyStore } from '../../src/stores/idempotency.ts'
import { MemoryIdempotency } from '../../src/stores/idempotency-memory.ts'

const DAY_MS = 86_400_000
const CALLER = { ...OPEN_CALLER, key: 'web' }
/** What the provider says of the request itself. */
const LASTING = ['provider_bad_request', 'context_too_long', 'content_filtered', 'provider_too_large']

let made = 0

function callOf(over: Partial<Call> = {}): Call {
  return {
    id: `req ${++made}`,
    operation: 'chat',
    dialect: dialects['openai-chat'],
    doorProvider: 'openai',
    body: JsonBody.from({ model: 'm', messages: [] }),
    model: 'm',
    stream: false,
    framing: 'sse',
    headers: { 'idempotency-key': 'a-key' },
    credentials: [],
    signal: new AbortController().signal,
    startedMs: 0,
    waitedMs: 0,
    door: 'chat',
    ...over
  }
}

function replyOf(text = 'answer'): Extract<Reply, { how: 'whole' }> {
  const who = {
    provider: 'lab',
    model: 'm',
    attempts: 1,
    fallback: 0,
    losses: ['top_k'],
    touches: [],
    simulated: false
  }
  return { how: 'whole', status: 200, headers: {}, answered: who, body: Buffer.from(text), usage: {}, finish: 'stop' }
}

/** A clock that stands still until it is moved, and a gateway's worth of keys. */
function placed(t: TestContext, over: Partial<IdempotencyStore> = {}) {
  const clock = { nowMs: Date.UTC(2026, 10, 23), wallMs: () => clock.nowMs, monotonicMs: () => clock.nowMs }
  const warnings: string[] = []
  const memory = new MemoryIdempotency()
  const store: IdempotencyStore = Object.assign(Object.create(memory), bound(memory), over)
  const log = { warn: (_: object, what: string) => void warnings.push(what) }
  const open = () => {
    const keys = new Idempotency({ store, clock, log: log as never })
    t.after(() => keys.close())
    return keys
  }
  return { clock, store, warnings, open, keys: open() }
}

/** Its private members are its own: methods are called on it. */
function bound(memory: MemoryIdempotency): IdempotencyStore {
  return {
    claim: claim => memory.claim(claim),
    renew: (ids, ms) => memory.renew(ids, ms),
    finish: done => memory.finish(done),
    release: (id, requestId) => memory.release(id, requestId),
    reclaim: () => memory.reclaim(),
    erase: requests => memory.erase(requests),
    dropExpired: (ms, limit) => memory.dropExpired(ms, limit)
  }
}

/** What a call with the key is told now: to go on, another's answer, or a failure. */
async function told(keys: Idempotency, call = callOf()): Promise<string> {
  try {
    await keys.begin(call, CALLER)
    keys.refuse(call)
  } catch (thrown) {
    keys.failed(call, thrown as Failure)
    return (thrown as Failure).code
  }
  const replay = keys.replayTo(call)
  assert.equal(keys.isTold(call), replay !== undefined)
  keys.answered(call, replyOf())
  return replay ? replay.body.toString() : 'go on'
}

for (const code of Object.keys(CODES) as Code[]) {
  const isLasting = LASTING.includes(code)
  test(`${code} ${isLasting ? 'is the outcome' : 'lets go of the key'}`, async t => {
    const { keys } = placed(t)
    const call = callOf()
    await keys.begin(call, CALLER)
    keys.failed(call, new Failure(code, 'It went wrong.'))
    assert.equal(await told(keys), isLasting ? code : 'go on')
  })
}

test('a reply that a guard stops is kept; one after which another failed is not', async t => {
  const { keys } = placed(t)
  const stopped = callOf()
  await keys.begin(stopped, CALLER)
  await keys.keep(stopped, replyOf())
  keys.failed(stopped, new Failure('guardrail_blocked', 'No.'))
  assert.equal(await told(keys), 'answer')
  const rerouted = callOf({ door: 'other' })
  await keys.begin(rerouted, CALLER)
  await keys.keep(rerouted, replyOf())
  keys.failed(rerouted, new Failure('provider_overloaded', 'Busy.'))
  assert.equal(await told(keys, callOf({ door: 'other' })), 'go on')
})

test('a call whose plan is asked for another first step has its key all the same', async t => {
  const { keys } = placed(t)
  const call = callOf()
  await keys.begin(call, CALLER)
  assert.equal(keys.begin(call, CALLER), undefined)
  assert.deepEqual([keys.keeps(call), keys.isTold(call)], [true, false])
})

test('an outcome is given again for 24 hours', async t => {
  const { keys, clock } = placed(t)
  const call = callOf()
  await keys.begin(call, CALLER)
  clock.nowMs += 20_000
  await keys.keep(call, replyOf())
  keys.answered(call, replyOf())
  clock.nowMs += DAY_MS - 1
  assert.equal(await told(keys), 'answer')
  clock.nowMs += 1
  await keys.tend()
  assert.equal(await told(keys), 'go on')
})

test('what is long under way holds its key; what a process that is gone left does not', async t => {
  const { keys, open, clock } = placed(t)
  const long = callOf()
  await keys.begin(long, CALLER)
  for (let turn = 0; turn < 30; turn++) {
    clock.nowMs += 10_000
    await keys.tend()
  }
  const replica = open()
  assert.equal(await told(replica), 'idempotency_in_flight')
  clock.nowMs += 45_000
  const next = callOf()
  await replica.begin(next, CALLER)
  await keys.keep(long, replyOf('too late'))
  await replica.keep(next, replyOf('in time'))
  assert.equal(await told(keys), 'in time')
})

test('who comes back while a failure is being written down is not told that it is under way', async t => {
  let go = () => {}
  const until = new Promise<void>(resolve => (go = resolve))
  const { keys, store } = placed(t)
  const { release } = store
  store.release = (...of) => until.then(() => release(...of))
  const call = callOf()
  await keys.begin(call, CALLER)
  keys.failed(call, new Failure('provider_timeout', 'Late.'))
  const again = told(keys)
  go()
  assert.equal(await again, 'go on')
})

test('a store that is away: no call is begun that might be the second; an answer that has come is given', async t => {
  const away = () => Promise.reject(new Error('away'))
  const { keys, store, warnings } = placed(t)
  const call = callOf()
  await keys.begin(call, CALLER)
  Object.assign(store, { claim: away, finish: away, release: away, renew: away, dropExpired: away })
  await keys.tend()
  const reply = replyOf()
  assert.equal(await keys.keep(call, reply), reply)
  keys.failed(call, new Failure('provider_timeout', 'Late.'))
  assert.equal(await told(keys), 'store_unavailable')
  assert.equal(warnings.length, 3)
})

test('what has no key, is no answer of a model, is a stream, or is made for another call, is left alone', async t => {
  const { keys } = placed(t)
  const others: Partial<Call>[] = [
    { headers: {} },
    { operation: 'count-tokens' },
    { operation: 'object' },
    { operation: 'guard' },
    { stream: true },
    { parent: 'another call' }
  ]
  for (const over of others) {
    const call = callOf(over)
    assert.equal(keys.begin(call, CALLER), undefined)
    assert.equal(keys.onward(call), call)
    const reply = replyOf()
    assert.equal(await keys.keep(call, reply), reply)
    keys.failed(call, new Failure('provider_timeout', 'Late.'))
  }
  assert.equal(await told(keys), 'go on')
})

test('the leaving of a client does not end a call with a key; the leaving of the gateway does', async t => {
  const { keys } = placed(t)
  const [client, gateway, gone] = [new AbortController(), new AbortController(), new AbortController()]
  gone.abort()
  const begin = async (controller: AbortController, door: string) => {
    const call = callOf({ signal: controller.signal, door })
    await keys.begin(call, CALLER)
    return keys.onward(call)
  }
  const [left, drained, never] = await Promise.all([begin(client, 'a'), begin(gateway, 'b'), begin(gone, 'c')])
  client.abort()
  const draining = new Failure('draining', 'Shutting down.')
  gateway.abort(draining)
  assert.deepEqual([left.signal.aborted, drained.signal.reason, never.signal.aborted], [false, draining, true])
})

const anyBody = fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))
const anyText = fc.string({ unit: 'binary' })
/** As JSON makes them. */
const PLAIN = { noNullPrototype: true } as const
const anyReply = fc.record<Kept & { how: 'reply' }>(
  {
    how: fc.constant('reply'),
    status: fc.integer({ min: 200, max: 299 }),
    provider: anyText,
    model: anyText,
    losses: fc.array(anyText),
    touches: fc.array(anyText),
    simulated: fc.boolean(),
    holder: fc.option(fc.record({ provider: anyText, credential: anyText }, PLAIN)),
    finish: fc.option(anyText),
    body: anyBody
  },
  PLAIN
)

test('a reply comes back as it was, whatever it holds', () => {
  fc.assert(fc.property(anyReply, reply => assert.deepEqual(decodeKept(encodeKept(reply)), reply)))
})

test('so does a failure, the provider’s own words with it', () => {
  const anyFailure = fc.record(
    {
      status: fc.integer({ min: 400, max: 499 }),
      param: anyText,
      provider: anyText,
      model: anyText,
      native: fc.record(
        {
          dialect: anyText,
          status: fc.integer({ min: 400, max: 499 }),
          headers: fc.dictionary(fc.constantFrom('a', 'b'), anyText, PLAIN),
          body: anyBody
        },
        PLAIN
      )
    },
    { requiredKeys: [], ...PLAIN }
  )
  const facts = ({ code, kind, message, status, param, provider, model, native }: Failure) => {
    return { code, kind, message, status, param, provider, model, native }
  }
  fc.assert(
    fc.property(fc.constantFrom(...LASTING), anyText, anyFailure, (code, message, over) => {
      const failure = new Failure(code as Code, message, over)
      const kept = decodeKept(encodeKept({ how: 'failure', failure }))
      assert.ok(kept.how === 'failure')
      assert.deepEqual(facts(kept.failure), facts(failure))
    })
  )
})

test('what is too large, and a failure of another version, is spent', () => {
  const whole = { ...fc.sample(anyReply, 1)[0]!, body: Buffer.alloc(OUTCOME_BYTES_MAX) }
  assert.deepEqual(decodeKept(encodeKept(whole)), { how: 'spent' })
  assert.deepEqual(decodeKept(Buffer.from('{"how":"failure","code":"of_a_later_version"}\n')), { how: 'spent' })
})

test('one key is another at another place, and one request another with anything else in it', () => {
  const place = { key: 'k', caller: 'web', door: 'chat', operation: 'chat' }
  const places = [
    place,
    { ...place, key: 'K' },
    { ...place, caller: undefined },
    { ...place, caller: 'shop' },
    { ...place, door: 'messages' },
    { ...place, operation: 'embeddings' }
  ]
  assert.equal(new Set(places.map(idOf)).size, places.length)
  const forwarded = ['x-b', 'x-a']
  const asked = { model: 'm', headers: { 'x-a': '1', 'x-retry-count': '0' }, forwarded, body: Buffer.from('{}') }
  const others = [
    asked,
    { ...asked, model: 'n' },
    { ...asked, body: Buffer.from('{ }') },
    { ...asked, headers: { 'x-a': '2' } },
    { ...asked, headers: { 'x-b': '1' } },
    { ...asked, headers: {} }
  ]
  assert.equal(new Set(others.map(fingerprintOf)).size, others.length)
  const again = { ...asked, headers: { 'x-a': '1', 'x-retry-count': '1' }, forwarded: ['x-a', 'x-b'] }
  assert.equal(fingerprintOf(again), fingerprintOf(asked))
})
