import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Code } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json.ts'
import { ANTHROPIC, DOORS, type Door, OPENAI, send } from '../support/client.ts'
import { oneForEach, startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Recorder, startRecorder } from '../support/recorder.ts'
import { holdsNoCanary, isRefusal, lineOf, notProvoked, ODD_CREDENTIAL } from '../support/refusal.ts'

/** What the simulated provider does by the name of its model, and the code for it; by dialect where they differ. */
const FAULTS: Record<string, { both: Code; openai?: Code; anthropic?: Code }> = {
  'context-length': { both: 'context_too_long' },
  'content-filter': { both: 'content_filtered' },
  '429': { both: 'provider_rate_limited' },
  'bad-key': { both: 'provider_refused_us' },
  'spend-limit': { both: 'provider_refused_us' },
  'no-such-model': { both: 'provider_refused_us' },
  '529': { both: 'provider_overloaded' },
  'error-in-stream': { both: 'provider_error', anthropic: 'provider_overloaded' },
  reset: { both: 'provider_unreachable' },
  'garbled-event': { both: 'provider_malformed' },
  'eof-without-finish': { both: 'provider_malformed' },
  'wrong-length': { both: 'provider_truncated' },
  silent: { both: 'provider_timeout' }
}

let gateway: TestGateway
const recorders: Recorder[] = []

/** A provider that refuses everything with this status, in words that may depend on the credential. */
async function refusing(status: number, message: (authorization: string) => string): Promise<string> {
  const recorder = await startRecorder(({ headers }, response) => {
    const error = {
      message: message(headers.authorization ?? ''),
      type: 'invalid_request_error',
      code: null,
      param: null
    }
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error }))
  })
  recorders.push(recorder)
  return recorder.baseUrl
}

before(async () => {
  const lab = (name: string, url: string, key: string) =>
    `  ${name}: { like: openai, base_url: "${url}", keys: ["${key}"], allow_private: ["127.0.0.0/8"] }`
  gateway = await startTestGateway({
    yaml: 'timeouts: { head: 300ms, first_token: 400ms, attempt: 500ms }',
    providers: [
      lab('small', await refusing(413, () => 'Too much for us.'), 'sk-small-of-the-lab'),
      lab('parrot', await refusing(400, authorization => `No good: ${authorization}`), ODD_CREDENTIAL),
      lab('nobody', 'http://127.0.0.1:1/v1', 'sk-nobody-of-the-lab'),
      oneForEach(Object.keys(FAULTS))
    ].join('\n')
  })
})

after(async () => {
  await gateway.close()
  for (const recorder of recorders) await recorder.close()
})

const call = (door: Door, body: JsonObject) => send(gateway.gateway.url + door.path, { body })

for (const door of DOORS) {
  const crossed = door === OPENAI ? 'anthropic' : 'openai'

  test(`${door.name}: every failure of a provider, crossed, under its own code`, async () => {
    const asked = Object.entries(FAULTS).map(async ([model, codes]) => {
      const code = codes[crossed] ?? codes.both
      const answer = await call(door, door.body(`${crossed}-${model}/${model}`, `hi ${model}`))
      isRefusal(answer, code, { door })
      assert.equal(answer.headers['x-gatehouse-provider'], `${crossed}-${model}`)
      assert.equal(answer.headers['x-gatehouse-model'], model)
      return [model, Number(answer.headers['x-gatehouse-attempts']), lineOf(gateway, answer).attempts] as const
    })
    const attempts = await Promise.all(asked)
    const seen = gateway.seen()
    for (const [model, said, logged] of attempts) {
      const made = seen.filter(entry => entry.model === model).length
      assert.equal(said, made, `${model}: the header says how many attempts the provider saw`)
      assert.equal(logged, made)
    }
  })

  test(`${door.name}: what a provider says about the request passes in its own words, where it speaks the dialect`, async () => {
    const answer = await call(door, door.body(`${door.provider}/context-length`, 'hi'))
    assert.equal(answer.status, 400)
    assert.equal(lineOf(gateway, answer).code, 'context_too_long')
    assert.equal(answer.headers[door.idHeader], answer.headers['x-gatehouse-request-id'])
    const direct = await send(gateway.sim.url + door.path, {
      body: door.body('context-length', 'hi'),
      headers: { 'anthropic-version': '2023-06-01' }
    })
    const plain = (body: JsonObject) => ({ ...body, request_id: undefined })
    assert.deepEqual(plain(answer.json()), plain(direct.json()))
    gateway.seen()
  })
}

test('provider_too_large, provider_bad_request; nobody at the address', async () => {
  const ask = (model: string, more?: JsonObject) => call(ANTHROPIC, ANTHROPIC.body(model, 'hi', more))
  isRefusal(await ask('small/any'), 'provider_too_large', { door: ANTHROPIC })
  isRefusal(await ask('openai/assistant', { temperature: 9 }), 'provider_bad_request', { door: ANTHROPIC })
  const nobody = isRefusal(await ask('nobody/any'), 'provider_unreachable', { door: ANTHROPIC })
  assert.match(nobody.message, /127\.0\.0\.1:1: the connection was refused/)
  gateway.seen()
})

test('a provider that says our credential back is not quoted, in either dialect', async () => {
  for (const door of DOORS) {
    const answer = await call(door, door.body('parrot/any', 'hi'))
    isRefusal(answer, 'provider_bad_request', { door })
    holdsNoCanary(JSON.stringify(gateway.lines))
  }
  const refused = await call(OPENAI, OPENAI.body('anthropic-bad-key/bad-key', 'hi'))
  const { message } = isRefusal(refused, 'provider_refused_us', { door: OPENAI })
  assert.match(message, /…tial/, 'its last characters tell people which one it was')
  gateway.seen()
})

test('every code that a provider can bring about was brought about, and no secret is in the log', () => {
  assert.deepEqual(notProvoked('provider-errors'), [])
  holdsNoCanary(JSON.stringify(gateway.lines))
})
