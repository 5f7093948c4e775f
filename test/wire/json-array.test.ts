import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CLIENT_FRAMINGS } from '../../src/wire/framing.ts'
import { JsonArrayReader } from '../../src/wire/json-array.ts'
import type { SseEvent } from '../../src/wire/sse.ts'

const LIMITS = { eventBytesMax: 1_000 }

function read(pieces: readonly Buffer[]): SseEvent[] {
  const events: SseEvent[] = []
  const reader = new JsonArrayReader(event => events.push(event), LIMITS)
  for (const piece of pieces) reader.push(piece)
  reader.end()
  return events
}

const elements = fc.array(
  fc.object({
    maxDepth: 1,
    maxKeys: 2,
    key: fc.string({ maxLength: 4 }),
    values: [fc.string({ maxLength: 6 }), fc.integer()]
  }),
  {
    maxLength: 3
  }
)

describe('a stream that is one JSON array', () => {
  it('is read the same cut at every byte, and no byte is lost', () => {
    fc.assert(
      fc.property(elements, fc.constantFrom(undefined, 2, '\r\n'), (list, space) => {
        const text = Buffer.from(JSON.stringify(list, null, space))
        const expected = list.map(each => JSON.stringify(each))
        for (let at = 0; at <= text.length; at++) {
          const events = read([text.subarray(0, at), text.subarray(at)])
          assert.deepEqual(Buffer.concat(events.map(({ raw }) => raw)), text)
          const said = events.filter(({ comment }) => !comment)
          assert.deepEqual(
            said.map(({ data }) => JSON.stringify(JSON.parse(data))),
            expected
          )
        }
      }),
      { numRuns: 50 }
    )
  })

  it('hands an element over as soon as it is closed', () => {
    const events: SseEvent[] = []
    const reader = new JsonArrayReader(event => events.push(event), LIMITS)
    reader.push(Buffer.from('[{"a":"}]"}'))
    assert.deepEqual(
      events.map(({ data }) => data),
      ['{"a":"}]"}']
    )
  })

  it('says of an element that is cut short that it is', () => {
    const [whole, cut] = read([Buffer.from('[{"a":1},\n{"b":')])
    assert.deepEqual([whole?.unterminated, cut?.unterminated, cut?.data], [false, true, '{"b":'])
  })

  it('refuses an element over the limit', () => {
    assert.throws(() => read([Buffer.from(`[{"a":"${'x'.repeat(1_001)}"}]`)]), { code: 'provider_malformed' })
  })
})

describe('a JSON array for a client', () => {
  const framing = CLIENT_FRAMINGS['json-array']

  it('is well-formed, whatever pieces were written', () => {
    fc.assert(
      fc.property(elements, list => {
        const pieces: Buffer[] = list.map(each => Buffer.from(framing.event('', JSON.stringify(each))))
        if (pieces[0]) pieces[0] = framing.first(pieces[0])
        const text = framing.wait + Buffer.concat(pieces).toString() + framing.last(pieces.at(-1))
        assert.equal(JSON.stringify(JSON.parse(text)), JSON.stringify(list))
      })
    )
  })

  it("is not closed twice after a provider's own end", () => {
    assert.equal(framing.last(Buffer.from(',{"a":1}\n]\n')), '')
    assert.equal(framing.first(Buffer.from('[{"a":1}')).toString(), '[{"a":1}')
  })
})
