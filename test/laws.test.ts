import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ChatResponse } from '../src/dialects/canonical.ts'
import { collect, unroll } from '../src/dialects/collect.ts'
import type { Dialect } from '../src/dialects/dialect.ts'
import { dialects } from '../src/dialects/index.ts'
import { translateRequest, translateResponse } from '../src/dialects/translate.ts'
import type { Json } from '../src/json.ts'
import { decodeSse, differences, encodeSse, fixtures, readSse, seeded, without } from './support/dialects.ts'

/** Laws a to d of the house, for every dialect there is. Law e runs the e2e suite; f has its own goldens. */

/** How a reply was written differs between a stream and a whole; what it says must not. */
const MANNER = ['spelling', 'rest']

function said(response: ChatResponse): Json {
  return without(response as unknown as Json, MANNER)
}

for (const dialect of Object.values<Dialect>(dialects)) {
  const requests = fixtures(dialect.name, 'requests')
  const responses = fixtures(dialect.name, 'responses')
  const streams = fixtures(dialect.name, 'streams')

  describe(`laws of ${dialect.name}`, () => {
    test('there are fixtures to hold them against', () => {
      assert.ok(requests.some(each => each.name === 'fullest'))
      assert.ok(responses.length >= 3)
      assert.ok(streams.length >= 3)
    })

    for (const { name, body } of requests) {
      test(`a: request ${name} stays the same object in its own dialect`, () => {
        const given = body()
        const { body: passed, losses } = translateRequest(dialect, dialect, given)
        assert.equal(passed, given)
        assert.deepEqual(losses, [])
        assert.deepEqual(given, body())
      })

      test(`b: request ${name} loses nothing through the canonical form`, () => {
        const { body: rebuilt, losses } = translateRequest(dialect, dialect, body(), { force: true })
        assert.deepEqual(losses, [])
        assert.deepEqual(rebuilt, body())
      })
    }

    for (const { name, body } of responses) {
      test(`a: reply ${name} stays the same object in its own dialect`, () => {
        const given = body()
        assert.equal(translateResponse(dialect, dialect, given).body, given)
      })

      test(`b: reply ${name} loses nothing through the canonical form`, () => {
        const { body: rebuilt, losses } = translateResponse(dialect, dialect, body(), { force: true })
        assert.deepEqual(losses, [])
        assert.deepEqual(rebuilt, body())
      })

      test(`reply ${name}: the outcome read without the parts is the one read with them`, () => {
        const { choices, usage } = dialect.decodeResponse(body())
        const outcome = dialect.readOutcome(body())
        assert.equal(outcome.finish, choices[0]?.finish.unified)
        for (const [name, value] of Object.entries(outcome.usage ?? {}))
          assert.deepEqual((usage as object)[name as never], value)
      })

      test(`c: reply ${name} comes back from its own events`, () => {
        const response = dialect.decodeResponse(body())
        assert.deepEqual(collect(unroll(response)), response)
      })
    }

    for (const { name, text } of streams) {
      const whole = responses.find(each => each.name === name)

      test(`c: stream ${name} says what its whole reply says`, {
        skip: !whole && 'no whole reply of that name'
      }, () => {
        const folded = collect(decodeSse(dialect, readSse([text])))
        assert.deepEqual(said(folded), said(dialect.decodeResponse(whole!.body())))
      })

      test(`b: stream ${name} written again by its own dialect says the same`, () => {
        const losses: string[] = []
        const events = decodeSse(dialect, readSse([text]))
        const again = encodeSse(dialect, events, losses)
        assert.deepEqual(losses, [])
        assert.deepEqual(said(collect(decodeSse(dialect, readSse([Buffer.from(again)])))), said(collect(events)))
      })

      test(`d: stream ${name} cut at every byte reads the same`, () => {
        const expected = readSse([text])
        const events = decodeSse(dialect, expected)
        for (let at = 1; at < text.length; at += 1) {
          const read = readSse([text.subarray(0, at), text.subarray(at)])
          // A decoder sees events and nothing of the cuts: where these are equal, so is what it makes of them.
          const wrong = differences(read as unknown as Json, expected as unknown as Json)
          assert.deepEqual(wrong, [], `cut at byte ${at}`)
        }
        const bytes = Array.from(text, (_, at) => text.subarray(at, at + 1))
        assert.deepEqual(decodeSse(dialect, readSse(bytes)), events)
        const random = seeded(text.length)
        for (let round = 0; round < 20; round += 1) {
          const pieces: Buffer[] = []
          for (let at = 0; at < text.length; ) {
            const end = at + 1 + Math.floor(random() * 200)
            pieces.push(text.subarray(at, end))
            at = end
          }
          assert.deepEqual(decodeSse(dialect, readSse(pieces)), events)
        }
      })
    }
  })
}
