import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OwnedIds } from '../../src/access/owned.ts'
import type { Frame } from '../../src/dialects/canonical.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { owned as geminiIds } from '../../src/dialects/gemini/owned.ts'
import { dialects } from '../../src/dialects/index.ts'
import { owned as responsesIds } from '../../src/dialects/openai-responses/owned.ts'
import type { OwnedKind, OwnedLens } from '../../src/dialects/owned.ts'
import { Failure } from '../../src/errors.ts'
import { JsonBody, type JsonObject } from '../../src/json.ts'
import type { Provider } from '../../src/providers/provider.ts'
import { Secret } from '../../src/secret.ts'
import type { Answered, Call, Reply } from '../../src/stages/call.ts'
import { holding, unwrapIds, wrapIds } from '../../src/stages/owned.ts'
import type { Outcome, Sink, Source } from '../../src/wire/frames.ts'

const ids = new OwnedIds(new Secret('a secret of this test, and of no other'))
const provider = (name: string, ...keys: string[]): [string, Provider] => [
  name,
  { name, credentials: keys.map(id => ({ id })) } as unknown as Provider
]
const rooms = { ids, providers: new Map([provider('openai', 'key1', 'key2'), provider('azure', 'key1')]) }
const HOLDER = { provider: 'openai', credential: 'key2' }

/** An id as `red` was given it. */
const ours = (kind: OwnedKind, id: string, changes: { provider?: string; credential?: string; owner?: string } = {}) =>
  ids.wrap({ ...HOLDER, owner: 'red', ...changes, kind, id })

/** A call in a dialect that is only where it names what is kept. */
function callOf(body: JsonObject | string, lens: OwnedLens = responsesIds): Call {
  const dialect: Dialect = { ...dialects['openai-chat'], owned: lens }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { dialect, body: JsonBody.of(Buffer.from(text)), doorProvider: 'openai', waitedMs: 0 } as unknown as Call
}

const refusalOf = (run: () => unknown): Failure => {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown
    throw thrown
  }
  throw new Error('nothing was refused')
}

describe('ids in requests', () => {
  test('each of a dialect is put back in its place, every other byte stays, and the call is bound to who keeps it', () => {
    const cases: { lens: OwnedLens; kind: OwnedKind; native: string; body: (id: string) => string }[] = [
      {
        lens: responsesIds,
        kind: 'response',
        native: 'resp_1',
        body: id => `{ "model":"m", "n" : 1.50, "previous_response_id" : "${id}","input":"caf\\u00e9"}`
      },
      { lens: responsesIds, kind: 'conversation', native: 'conv_1', body: id => `{"conversation":"${id}"}` },
      { lens: responsesIds, kind: 'conversation', native: 'conv_1', body: id => `{"conversation":{"id":"${id}"}}` },
      {
        lens: responsesIds,
        kind: 'file',
        native: 'file-1',
        body: id => `{"input":[{"content":"no"},{"content":[{"type":"input_file","file_id":"${id}"}]}]}`
      },
      {
        lens: responsesIds,
        kind: 'container',
        native: 'cntr_1',
        body: id =>
          `{"input":[{"type":"code_interpreter_call","container_id":"${id}"}],"tools":[{"container":{"type":"auto"}}]}`
      },
      {
        lens: responsesIds,
        kind: 'container',
        native: 'cntr_1',
        body: id => `{"tools":[{"type":"code_interpreter","container":"${id}"}]}`
      },
      {
        lens: dialects['openai-chat'].owned!,
        kind: 'file',
        native: 'file-1',
        body: id => `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"${id}"}}]}]}`
      },
      {
        lens: dialects['anthropic-messages'].owned!,
        kind: 'file',
        native: 'file_1',
        body: id => `{"messages":[{"content":[{"type":"document","source":{"type":"file","file_id":"${id}"}}]}]}`
      },
      {
        lens: dialects['anthropic-messages'].owned!,
        kind: 'container',
        native: 'container_1',
        body: id => `{"container":{"id":"${id}","skills":[]},"messages":[]}`
      },
      {
        lens: geminiIds,
        kind: 'file',
        native: 'https://generativelanguage.googleapis.com/v1beta/files/abc',
        body: id => `{"contents":[{"parts":[{"file_data":{"fileUri":"${id}"}},{"fileData":{"fileUri":"gs://b/o"}}]}]}`
      },
      { lens: geminiIds, kind: 'cache', native: 'cachedContents/1', body: id => `{"cachedContent":"${id}"}` }
    ]
    for (const { lens, kind, native, body } of cases) {
      const id = ours(kind, native)
      const bound = unwrapIds(callOf(body(id), lens), 'red', rooms)
      assert.equal(bound.body.bytes.toString(), body(native))
      assert.deepEqual(bound.references?.holder, HOLDER)
      assert.deepEqual([...bound.references!.ids], [[native, id]])
      // Another owner's, and one that nobody was given.
      assert.equal(refusalOf(() => unwrapIds(callOf(body(id), lens), 'blue', rooms)).code, 'unknown_object')
      const foreign = refusalOf(() => unwrapIds(callOf(body(native), lens), 'red', rooms))
      assert.equal(foreign.code, 'foreign_id')
      assert.ok(foreign.param && !foreign.message.includes(native))
      // Open to all: what is a provider's own stays as it is.
      const open = callOf(body(native), lens)
      assert.equal(unwrapIds(open, undefined, rooms), open)
    }
  })

  test('a call that names nothing is the very same, and nothing of it is read', () => {
    const call = callOf('{"model":"m","input":[{"content":"\\u00e9 previous_response_id"}],"store":false}')
    Object.assign(call.body, { object: () => assert.fail('the body was read') })
    assert.equal(unwrapIds(call, 'red', rooms), call)
  })

  test('what only looks like an id is left alone: arguments, metadata, schemas and texts', () => {
    const call = callOf({
      metadata: { file_id: 'a', container: 'b' },
      input: [
        { type: 'function_call', arguments: '{"file_id":"x"}' },
        { output: 'file_id' },
        { type: 'item_reference', id: 'msg_1' }
      ],
      tools: [{ type: 'function', parameters: { properties: { file_id: { default: 'c' } } } }]
    })
    assert.equal(unwrapIds(call, 'red', rooms), call)
  })

  test('a name that is written with escapes hides nothing', () => {
    const body = '{"previous\\u005fresponse_id":"resp_of_somebody"}'
    assert.equal(refusalOf(() => unwrapIds(callOf(body), 'red', rooms)).code, 'foreign_id')
  })

  test('what is kept in two places cannot be used in one call', () => {
    const body = {
      previous_response_id: ours('response', 'resp_1'),
      input: [{ content: [{ file_id: ours('file', 'file-1', { credential: 'key1' }) }] }]
    }
    const { code, param } = refusalOf(() => unwrapIds(callOf(body), 'red', rooms))
    assert.deepEqual([code, param], ['held_apart', 'input[0].content[0].file_id'])
  })

  test('what is kept under a key or provider that is gone is said to be', () => {
    for (const gone of [{ credential: 'key9' }, { provider: 'lab' }]) {
      const body = { previous_response_id: ours('response', 'resp_1', gone) }
      const { code, message } = refusalOf(() => unwrapIds(callOf(body), 'red', rooms))
      assert.equal(code, 'unknown_object')
      assert.match(message, /not configured any more/)
    }
  })

  test('what the bound call waits, the call has waited', () => {
    const call = callOf({ previous_response_id: ours('response', 'resp_1') })
    unwrapIds(call, 'red', rooms).waitedMs += 7
    assert.equal(call.waitedMs, 7)
  })
})

const answered = { provider: 'openai', model: 'm', touches: [], holder: HOLDER } as unknown as Answered

/** What a client gets of a whole reply. */
function wholeFor(request: JsonObject, reply: string, from: Partial<Answered> = {}): string {
  const body = Buffer.from(reply)
  const whole = { how: 'whole', body, answered: { ...answered, ...from } } as unknown as Reply
  const got = wrapIds(callOf(request), 'red', whole, rooms)
  assert.equal(got.how, 'whole')
  return got.how === 'whole' ? got.body.toString() : ''
}

/** The same of a stream. */
function streamFor(request: JsonObject, events: readonly string[]): string {
  let sunk: Sink<Frame> | undefined
  const source: Source<Frame> = {
    start: sink => {
      sunk = sink
    },
    resume() {},
    destroy() {}
  }
  const reply = wrapIds(callOf(request), 'red', { how: 'stream', source, answered } as unknown as Reply, rooms)
  assert.equal(reply.how, 'stream')
  const got: Buffer[] = []
  let over: Outcome | undefined
  if (reply.how === 'stream') {
    const frame = ({ raw }: Frame) => got.push(raw) > 0
    reply.source.start({ frame, close: outcome => (over = outcome) })
  }
  for (const event of events) sunk!.frame({ raw: Buffer.from(event), events: [] })
  sunk!.close({ how: 'done' })
  assert.deepEqual(over, { how: 'done' })
  return Buffer.concat(got).toString()
}

describe('ids in replies', () => {
  const created = (id: string) =>
    `event: response.created\r\ndata:  {"type":"response.created", "response" : {"id":"${id}","n":1.0,"previous_response_id":null}}\r\n\r\n`
  const delta = 'event: response.output_text.delta\ndata: {"delta":"say \\"response\\": resp_1"}\n\n'
  const item = (id: string) =>
    `data: {"type":"response.output_item.done","item":{"id":"ci_1","container_id":"${id}"}}\n\n`

  test('a kept answer has an id of ours, whole and in each event of its stream; all other bytes are the provider’s', () => {
    const body = (id: string, previous: string) =>
      `{ "id" :"${id}","object":"response", "temperature":1.0,"previous_response_id":"${previous}","output":[{"id":"msg_1"}]}\n`
    assert.equal(
      wholeFor({ input: 'hello' }, body('resp_2', 'resp_1')),
      body(ours('response', 'resp_2'), ours('response', 'resp_1'))
    )
    assert.equal(
      streamFor({ store: true }, [created('resp_1'), delta, item('cntr_1'), 'data: [DONE]\n\n']),
      [created(ours('response', 'resp_1')), delta, item(ours('container', 'cntr_1')), 'data: [DONE]\n\n'].join('')
    )
  })

  test('several events in one frame, and an object over several lines, do no harm', () => {
    const joined = created('resp_1') + delta + created('resp_1')
    assert.equal(streamFor({}, [joined]), joined.replaceAll('"resp_1"', `"${ours('response', 'resp_1')}"`))
    const broken = 'data: {"response":{}\ndata: }\n\n'
    assert.equal(streamFor({}, [broken]), broken)
  })

  test('an answer that is not kept stays as it is, byte for byte, and is not even looked into', () => {
    const body = '{"id":"resp_1","object":"response"}'
    const whole = { how: 'whole', body: Buffer.from(body), answered } as unknown as Reply
    assert.equal(wrapIds(callOf({ store: false }), 'red', whole, rooms), whole)
    // What it goes on from is kept all the same.
    const linked = (id: string) => `{"id":"resp_2","object":"response","previous_response_id":"${id}"}`
    const request = { store: false, previous_response_id: 'resp_1' }
    assert.equal(wholeFor(request, linked('resp_1')), linked(ours('response', 'resp_1')))
  })

  test('an answer in another dialect than its provider’s names nothing that is kept', () => {
    const body = Buffer.from('{"id":"resp_1","object":"response"}')
    const { holder: _, ...translated } = answered
    const whole = { how: 'whole', body, answered: translated } as unknown as Reply
    assert.equal(wrapIds(callOf({}), 'red', whole, rooms), whole)
  })

  test('what is handed out is taken back from its owner', () => {
    const { id } = JSON.parse(wholeFor({}, '{"id":"resp_1","object":"response"}'))
    const bound = unwrapIds(callOf({ previous_response_id: id }), 'red', rooms)
    assert.equal(bound.body.get('previous_response_id'), 'resp_1')
  })
})

describe('attempts', () => {
  const step = { target: { provider: 'openai', model: 'm' }, credential: 'key2' } as never
  const refusing = (failure: Failure) =>
    holding(
      () => Promise.reject(failure),
      () => true
    )

  test('an answer in its provider’s own dialect says who keeps what it names, and what was changed in the request', async () => {
    const attempt = holding(
      () => Promise.resolve({ answered: { touches: ['model'] } } as unknown as Reply),
      () => true
    )
    const bound = unwrapIds(callOf({ previous_response_id: ours('response', 'resp_1') }), 'red', rooms)
    const { answered: by } = await attempt(bound, step)
    assert.deepEqual([by.holder, by.touches], [HOLDER, ['model', 'previous_response_id']])
  })

  test('a refusal names the ids that the client knows', async () => {
    const id = ours('response', 'resp_12345')
    const bound = unwrapIds(callOf({ previous_response_id: id }), 'red', rooms)
    const said = 'No response resp_12345 found.'
    const native = { dialect: 'openai-responses', status: 400, headers: {}, body: Buffer.from(`{"m":"${said}"}`) }
    const failure = new Failure('provider_bad_request', said, { native })
    const thrown = await refusing(failure)(bound, step).catch(Failure.from)
    assert.ok(thrown instanceof Failure)
    assert.equal(thrown.message, `No response ${id} found.`)
    assert.equal(thrown.native?.body.toString(), `{"m":"No response ${id} found."}`)
  })

  test('what the provider has forgotten is unknown, in the words for what never was', async () => {
    const object = {
      kind: 'response',
      id: ours('response', 'resp_1'),
      method: 'GET',
      path: (id: string) => `/responses/${id}`
    }
    const bound = unwrapIds({ ...callOf({}), object } as Call, 'red', rooms)
    assert.equal(bound.object?.id, 'resp_1')
    assert.deepEqual(bound.references?.holder, HOLDER)
    const native = { dialect: 'openai-responses', status: 404, headers: {}, body: Buffer.alloc(0) }
    const gone = await refusing(new Failure('provider_refused_us', 'gone', { native }))(bound, step).catch(Failure.from)
    const never = refusalOf(() =>
      unwrapIds({ ...callOf({}), object: { ...object, id: 'gh_response_x' } } as Call, 'red', rooms)
    )
    assert.ok(gone instanceof Failure)
    assert.deepEqual([gone.code, gone.status, gone.message], [never.code, never.status, never.message])
  })
})
