import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/anthropic-messages/index.ts'
import { isObject, type JsonObject } from '../../../src/json.ts'
import { accumulate, decodeStream, encodeStream, recorded, terse } from './support.ts'

/** Real traffic, where it is at hand: nothing of it may be refused, changed or lost on the way through. */
const whole = recorded('anthropic/messages', 'azure/messages', 'vertex/messages', 'bedrock/invoke')
const streamed = recorded('anthropic/messages_stream', 'azure/messages_stream', 'vertex/messages_stream')
const counted = recorded('anthropic/count_tokens')
const refused = recorded('anthropic/error')
const skip = whole.length === 0 ? 'no recorded traffic here' : false

/** Bedrock and Vertex name the model in the URL. */
function bodyOf(request: { body: JsonObject | null }): JsonObject | undefined {
  const { body } = request
  return isObject(body) && Array.isArray(body.messages) ? { model: 'claude-from-the-url', ...body } : undefined
}

const isMessage = (body: unknown): body is JsonObject => isObject(body) && body.type === 'message'

describe('recorded traffic', () => {
  it('is at hand', { skip }, () => {
    assert.ok(whole.length + streamed.length > 50)
  })

  for (const { file, request } of [...whole, ...streamed, ...counted]) {
    const body = bodyOf(request)
    // Other makers' models behind Bedrock's `invoke` take other bodies.
    if (!body || (file.startsWith('bedrock/') && body.anthropic_version === undefined)) continue
    it(`request ${file} comes back as it went in`, () => {
      const losses: string[] = []
      const before = structuredClone(body)
      assert.deepEqual(dialect.encodeRequest(dialect.decodeRequest(body), losses), before)
      assert.deepEqual(losses, [])
    })
  }

  for (const { file, response } of whole) {
    if (!isMessage(response.body)) continue
    const body = response.body
    it(`reply ${file} comes back as it came`, () => {
      const losses: string[] = []
      assert.deepEqual(terse(dialect.encodeResponse(dialect.decodeResponse(body), losses)), terse(body))
      assert.deepEqual(losses, [])
    })
  }

  for (const { file, response } of streamed) {
    const sse = response.sse!
    it(`stream ${file} folds to the same message, read and written again`, () => {
      const losses: string[] = []
      const events = decodeStream([Buffer.from(sse)])
      assert.equal(events[0]?.type, 'start')
      assert.equal(events.at(-1)?.type, 'end')
      assert.deepEqual(terse(accumulate(encodeStream(events, losses))), terse(accumulate(sse)))
      assert.deepEqual(losses, [])
    })

    it(`stream ${file} says the usage of the whole`, () => {
      const usage = decodeStream([Buffer.from(sse)]).findLast(event => event.type === 'usage')
      assert.deepEqual(usage?.usage, dialect.decodeResponse(accumulate(sse)).usage)
    })
  }

  for (const { file, response } of refused) {
    it(`error ${file} is classified`, () => {
      const failure = dialect.readFailure(response.status, response.body!, response.headers)
      const expected: Record<number, string[]> = {
        400: ['bad_request', 'too_long'],
        401: ['our_credential'],
        404: ['no_such_model', 'bad_request'],
        429: ['rate_limited']
      }
      assert.ok(expected[response.status]?.includes(failure.kind), `${response.status}: ${failure.kind}`)
    })
  }
})
