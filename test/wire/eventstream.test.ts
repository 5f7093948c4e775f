import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import fc from 'fast-check'
import { Failure } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json.ts'
import { EventStreamReader, formatEventStream } from '../../src/wire/eventstream.ts'
import type { SseEvent } from '../../src/wire/sse.ts'

/** Somebody else's codec: the second opinion, both ways. */
const witness = new EventStreamCodec(
  bytes => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  text => Buffer.from(text)
)

function read(chunks: readonly Buffer[], eventBytesMax = 1024 * 1024): SseEvent[] {
  const events: SseEvent[] = []
  const reader = new EventStreamReader(event => events.push(event), { eventBytesMax })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return events
}

const shape = (events: readonly SseEvent[]) => events.map(each => ({ ...each, raw: each.raw.toString('latin1') }))

const text = (value: string) => ({ type: 'string', value }) as const

type MessageHeaders = Parameters<typeof witness.encode>[0]['headers']

function message(headers: MessageHeaders, data: string): Buffer {
  return Buffer.from(witness.encode({ headers, body: Buffer.from(data) }))
}

const isMalformed = (thrown: unknown) => thrown instanceof Failure && thrown.kind === 'malformed'

/** Headers of every type there is; the reader must find its way past each. */
const headers = fc.dictionary(
  fc.stringMatching(/^[a-z-]{1,20}$/),
  fc.oneof(
    fc.boolean().map(value => ({ type: 'boolean' as const, value })),
    fc.integer({ min: -128, max: 127 }).map(value => ({ type: 'byte' as const, value })),
    fc.integer({ min: -32_768, max: 32_767 }).map(value => ({ type: 'short' as const, value })),
    fc.integer().map(value => ({ type: 'integer' as const, value })),
    fc.uint8Array({ maxLength: 300 }).map(value => ({ type: 'binary' as const, value })),
    fc.string({ unit: 'grapheme', maxLength: 30 }).map(value => ({ type: 'string' as const, value })),
    fc.date({ noInvalidDate: true }).map(value => ({ type: 'timestamp' as const, value })),
    fc.uuid().map(value => ({ type: 'uuid' as const, value }))
  )
)

describe('reading an event stream', () => {
  test('what another codec wrote is read: any headers, any payload, cut anywhere', () => {
    const messages = fc.array(
      fc.record({
        headers,
        event: fc.string({ unit: 'grapheme', maxLength: 40 }),
        data: fc.string({ unit: 'grapheme' })
      })
    )
    fc.assert(
      fc.property(messages, fc.array(fc.nat(400)), (all, cuts) => {
        const written = all.map(each => message({ ...each.headers, ':event-type': text(each.event) }, each.data))
        const stream = Buffer.concat(written)
        const places = cuts.filter(at => at < stream.length).sort((left, right) => left - right)
        const chunks = [0, ...places].map((from, index) => stream.subarray(from, places[index]))
        const events = read(chunks)
        assert.deepEqual(
          events.map(({ event, data }) => ({ event, data })),
          all.map(({ event, data }) => ({ event, data }))
        )
        assert.deepEqual(Buffer.concat(events.map(each => each.raw)), stream)
      }),
      { numRuns: 100 }
    )
  })

  test('a stream in single bytes, and cut in two at every byte', () => {
    const stream = Buffer.concat([
      formatEventStream('messageStart', '{"role":"assistant"}'),
      formatEventStream('contentBlockDelta', '{"contentBlockIndex":0,"delta":{"text":"żółw 🐢"}}'),
      formatEventStream('throttlingException', '{"message":"slower"}')
    ])
    const whole = shape(read([stream]))
    assert.equal(whole.length, 3)
    assert.deepEqual(shape(read(Array.from(stream, (_, at) => stream.subarray(at, at + 1)))), whole)
    for (let at = 1; at < stream.length; at += 1)
      assert.deepEqual(shape(read([stream.subarray(0, at), stream.subarray(at)])), whole)
  })

  test('exceptions and errors have their own names', () => {
    const exception = { ':message-type': text('exception'), ':exception-type': text('modelStreamErrorException') }
    const error = {
      ':message-type': text('error'),
      ':error-code': text('InternalFailure'),
      ':error-message': text('broken "pipe"')
    }
    const events = read([message(exception, '{"message":"no"}'), message(error, '')])
    assert.deepEqual(
      events.map(({ event, data, comment }) => ({ event, data, comment })),
      [
        { event: 'modelStreamErrorException', data: '{"message":"no"}', comment: false },
        { event: 'InternalFailure', data: '{"message":"broken \\"pipe\\""}', comment: false }
      ]
    )
  })

  test("what InvokeModelWithResponseStream wraps is the model's own event", () => {
    const inner = '{"type": "content_block_delta", "index": 0}'
    const wrap = (text: string) =>
      formatEventStream('chunk', JSON.stringify({ bytes: Buffer.from(text).toString('base64'), p: 'abc' }))
    const [claude, other, plain, event] = read([
      wrap(inner),
      wrap('{"outputText":"…"}'),
      wrap('no JSON'),
      formatEventStream('chunk', '{"a":1}')
    ])
    assert.deepEqual([claude?.event, claude?.data], ['content_block_delta', inner])
    assert.deepEqual([other?.event, other?.data], ['', '{"outputText":"…"}'])
    assert.deepEqual([plain?.event, plain?.data], ['', 'no JSON'])
    assert.deepEqual([event?.event, event?.data], ['chunk', '{"a":1}'])
    assert.deepEqual(claude?.raw, wrap(inner))
  })

  test('a message cut short by the end is nothing to read, and is not lost', () => {
    const stream = Buffer.concat([formatEventStream('one', '1'), formatEventStream('two', '2').subarray(0, -1)])
    const [one, cut, ...more] = read([stream])
    assert.deepEqual([one?.comment, one?.unterminated], [false, false])
    assert.deepEqual([cut?.comment, cut?.unterminated, cut?.data], [true, true, ''])
    assert.deepEqual(more, [])
    assert.deepEqual(Buffer.concat([one!.raw, cut!.raw]), stream)
  })
})

describe('what is no event stream', () => {
  test('any flipped bit is found', () => {
    const stream = formatEventStream('messageStop', '{"stopReason":"end_turn"}')
    for (let at = 0; at < stream.length * 8; at += 1) {
      const broken = Buffer.from(stream)
      broken[at >> 3] = broken[at >> 3]! ^ (1 << (at & 7))
      assert.throws(() => read([broken]), isMalformed, `bit ${at}`)
    }
  })

  test('text', () => {
    assert.throws(() => read([Buffer.from('data: {"error": 1}\n\n')]), isMalformed)
  })

  test('headers longer than their message, of an unknown type, or running over their end', () => {
    assert.throws(() => read([framed(Buffer.alloc(0), 100)]), isMalformed)
    assert.throws(() => read([framed(Buffer.from([1, 97, 99]))]), isMalformed)
    assert.throws(() => read([framed(Buffer.from([1, 97, 7, 0, 200, 98]))]), isMalformed)
    assert.throws(() => read([framed(Buffer.from([9, 97]))]), isMalformed)
    assert.deepEqual(read([framed(Buffer.from([1, 97, 0]))])[0]?.event, '')
  })

  test('a message over the limit is refused before it is there', () => {
    const large = formatEventStream('contentBlockDelta', 'x'.repeat(2000))
    assert.equal(read([large], large.length).length, 1)
    assert.throws(() => read([large.subarray(0, 12)], large.length - 1), isMalformed)
  })

  /** A message with right checksums around these headers, whatever they are. */
  function framed(raw: Buffer, headerBytes = raw.length): Buffer {
    const head = Buffer.alloc(12)
    head.writeUInt32BE(16 + raw.length, 0)
    head.writeUInt32BE(headerBytes, 4)
    head.writeUInt32BE(crc32(head.subarray(0, 8)), 8)
    const end = Buffer.alloc(4)
    end.writeUInt32BE(crc32(Buffer.concat([head, raw])))
    return Buffer.concat([head, raw, end])
  }
})

describe('writing an event stream', () => {
  test('another codec reads what we wrote', () => {
    const anything = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(anything, anything, (event, data) => {
        const { headers, body } = witness.decode(formatEventStream(event, data))
        const type = event.endsWith('Exception') ? 'exception' : 'event'
        assert.deepEqual(headers, {
          [`:${type}-type`]: text(event),
          ':content-type': text('application/json'),
          ':message-type': text(type)
        })
        assert.equal(Buffer.from(body).toString(), data)
      }),
      { numRuns: 100 }
    )
  })
})

const CORPUS = process.env.WIRE_CORPUS ?? join(import.meta.dirname, '../../../shared/wire')
const INDEX = join(CORPUS, 'INDEX.jsonl')

describe('recorded streams', { skip: !existsSync(INDEX) && 'no recorded traffic on this machine' }, () => {
  test('are read as another codec reads them', () => {
    let count = 0
    for (const line of readFileSync(INDEX, 'utf8').trim().split('\n')) {
      const { path, provider } = JSON.parse(line) as { path: string; provider: string }
      if (provider !== 'bedrock') continue
      const { response } = JSON.parse(readFileSync(join(CORPUS, path), 'utf8')) as { response: JsonObject }
      if (typeof response.base64 !== 'string') continue
      const stream = Buffer.from(response.base64, 'base64')
      const events = read([stream])
      assert.deepEqual(
        events.map(({ raw }) => raw.toString('base64')),
        cut(stream).map(raw => raw.toString('base64')),
        path
      )
      for (const { event, data, raw } of events) {
        const { headers, body } = witness.decode(raw)
        const payload = Buffer.from(body).toString()
        const wrapped =
          headers[':event-type']?.value === 'chunk' ? (JSON.parse(payload) as { bytes: string }).bytes : undefined
        assert.equal(data, wrapped === undefined ? payload : Buffer.from(wrapped, 'base64').toString(), path)
        if (wrapped === undefined)
          assert.equal(event, headers[':event-type']?.value ?? headers[':exception-type']?.value)
      }
      count += 1
    }
    assert.ok(count > 15)
  })

  function cut(stream: Buffer): Buffer[] {
    const messages: Buffer[] = []
    for (let at = 0; at < stream.length; ) {
      messages.push(stream.subarray(at, at + stream.readUInt32BE(at)))
      at += stream.readUInt32BE(at)
    }
    return messages
  }
})
