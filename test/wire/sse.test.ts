import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '../../src/errors.ts'
import { formatSse, type SseEvent, SseReader } from '../../src/wire/sse.ts'

type Plain = { event: string; data: string }

function read(chunks: readonly Buffer[], eventBytesMax = 1024 * 1024): SseEvent[] {
  const events: SseEvent[] = []
  const reader = new SseReader(event => events.push(event), { eventBytesMax })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return events
}

const plain = (events: readonly SseEvent[]): Plain[] =>
  events.filter(each => !each.comment).map(({ event, data }) => ({ event, data }))

const shape = (events: readonly SseEvent[]) => events.map(each => ({ ...each, raw: each.raw.toString('latin1') }))

/** The specification, line by line, as a second opinion; like ours it counts a last event without its blank line. */
function reference(stream: string): Plain[] {
  const events: Plain[] = []
  let event = ''
  let data: string[] = []
  const dispatch = () => {
    if (data.length > 0) events.push({ event, data: data.join('\n') })
    event = ''
    data = []
  }
  for (const line of stream.replace(/^\ufeff/, '').split(/\r\n|\r|\n/)) {
    if (line === '') dispatch()
    else if (!line.startsWith(':')) {
      const [, name, value] = /^([^:]*)(?:: ?)?([\s\S]*)$/.exec(line) as unknown as [string, string, string]
      if (name === 'data') data.push(value)
      if (name === 'event') event = value
    }
  }
  dispatch()
  return events
}

const cases: Record<string, { stream: string; events: Plain[] }> = {
  'one event': { stream: 'data: hello\n\n', events: [{ event: '', data: 'hello' }] },
  'named, CRLF': { stream: 'event: ping\r\ndata: {}\r\n\r\n', events: [{ event: 'ping', data: '{}' }] },
  'CR alone': {
    stream: 'data: a\r\rdata: b\r\r',
    events: [
      { event: '', data: 'a' },
      { event: '', data: 'b' }
    ]
  },
  'mixed line ends': {
    stream: 'data: a\n\r\ndata: b\r\n\ndata: c\r\r\n',
    events: [
      { event: '', data: 'a' },
      { event: '', data: 'b' },
      { event: '', data: 'c' }
    ]
  },
  'several data lines': { stream: 'data: a\ndata:b\ndata\n\n', events: [{ event: '', data: 'a\nb\n' }] },
  'one space is taken, not two': { stream: 'data:  x\n\n', events: [{ event: '', data: ' x' }] },
  'empty data is an event': { stream: 'data:\n\n', events: [{ event: '', data: '' }] },
  'an event without data is none': { stream: 'event: x\n\ndata: y\n\n', events: [{ event: '', data: 'y' }] },
  'id, retry and unknown fields': {
    stream: 'id: 1\nretry: 5\nfoo: bar\ndatax: no\ndata: y\n\n',
    events: [{ event: '', data: 'y' }]
  },
  'comments around': { stream: ': hi\n\n: and\ndata: y\n: more\n\n', events: [{ event: '', data: 'y' }] },
  'byte order mark': { stream: '\ufeffdata: y\n\n', events: [{ event: '', data: 'y' }] },
  'no blank line at the end': {
    stream: 'data: a\n\ndata: [DONE]',
    events: [
      { event: '', data: 'a' },
      { event: '', data: '[DONE]' }
    ]
  },
  'wide characters': {
    stream: 'data: {"t":"żółć 🦊 漢字"}\n\n',
    events: [{ event: '', data: '{"t":"żółć 🦊 漢字"}' }]
  },
  'blank lines galore': { stream: '\n\n\r\n\rdata: a\n\n\n\n', events: [{ event: '', data: 'a' }] },
  nothing: { stream: '', events: [] }
}

for (const [name, { stream, events }] of Object.entries(cases)) {
  test(`sse: ${name}, at every byte split`, () => {
    const bytes = Buffer.from(stream)
    const whole = read([bytes])
    assert.deepEqual(plain(whole), events)
    assert.deepEqual(reference(stream), events, 'the second opinion agrees')
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.deepEqual(shape(read([bytes.subarray(0, cut), bytes.subarray(cut)])), shape(whole), `cut at ${cut}`)
    }
    assert.deepEqual(shape(read([...bytes].map(byte => Buffer.from([byte])))), shape(whole), 'byte by byte')
  })
}

const fragment = fc.oneof(
  fc.constantFrom(
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    'data',
    'data:',
    'data: ',
    'event: ',
    'event:x',
    ':',
    ' ',
    '\ufeff',
    'id: 1'
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 })
)
const streams = fc.array(fragment, { maxLength: 30 }).map(parts => parts.join(''))

test('sse: any stream, any split: as the specification says, and no byte lost', () => {
  fc.assert(
    fc.property(streams, fc.array(fc.nat(), { maxLength: 12 }), (stream, cuts) => {
      const bytes = Buffer.from(stream)
      const at = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b)
      const chunks = [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length))
      const events = read(chunks)
      assert.deepEqual(plain(events), reference(bytes.toString()))
      assert.deepEqual(shape(events), shape(read([bytes])))
      assert.deepEqual(Buffer.concat(events.map(each => each.raw)), bytes)
    }),
    { numRuns: 2000 }
  )
})

test('sse: comments come through with their bytes', () => {
  const events = read([Buffer.from(': OPENROUTER PROCESSING\n\ndata: x\n\n')])
  assert.deepEqual(
    events.map(each => [each.comment, each.raw.toString()]),
    [
      [true, ': OPENROUTER PROCESSING\n\n'],
      [false, 'data: x\n\n']
    ]
  )
})

test('sse: a last event without its blank line says so', () => {
  assert.deepEqual(
    read([Buffer.from('data: a\n\ndata: b\n')]).map(each => each.unterminated),
    [false, true]
  )
  assert.deepEqual(
    read([Buffer.from('data: a\r\r')]).map(each => each.unterminated),
    [false]
  )
})

test('sse: an event over the limit fails, wherever the chunks end; those before it are delivered', () => {
  const bytes = Buffer.from(`data: ok\n\ndata: ${'x'.repeat(200)}\n\n`)
  for (const size of [1, 7, 64, bytes.length]) {
    const events: SseEvent[] = []
    const reader = new SseReader(event => events.push(event), { eventBytesMax: 100 })
    assert.throws(
      () => {
        for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size))
      },
      (thrown: unknown) => thrown instanceof Failure && thrown.code === 'provider_malformed'
    )
    assert.equal(events.length, 1)
  }
})

test('sse: an event of a megabyte in small chunks is read in linear time', () => {
  const bytes = Buffer.from(`data: ${'x'.repeat(1_000_000)}\n\n`)
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 16) chunks.push(bytes.subarray(at, at + 16))
  const started = performance.now()
  assert.equal(read(chunks)[0]?.data.length, 1_000_000)
  assert.ok(performance.now() - started < 3000)
})

test('sse: what is written reads back', () => {
  fc.assert(
    fc.property(fc.constantFrom('', 'message_start', 'ping'), fc.string({ unit: 'grapheme' }), (event, data) => {
      const [got] = read([Buffer.from(formatSse(event, data))])
      assert.deepEqual({ event: got?.event, data: got?.data }, { event, data: data.replace(/\r\n?/g, '\n') })
    })
  )
  assert.throws(() => formatSse('a\nb', ''), RangeError)
})

const corpus = process.env.WIRE_CORPUS ?? join(import.meta.dirname, '../../../shared/wire')

test('sse: recorded streams of every provider', {
  skip: existsSync(corpus) ? false : 'no recorded traffic here'
}, () => {
  let streamsRead = 0
  for (const file of readdirSync(corpus, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.json')) continue
    const text = readFileSync(join(corpus, file), 'utf8')
    if (!text.includes('"sse"')) continue
    const sse = (JSON.parse(text) as { response?: { sse?: string } }).response?.sse
    if (typeof sse !== 'string') continue
    const bytes = Buffer.from(sse)
    const events = read([bytes])
    assert.deepEqual(plain(events), reference(sse), file)
    assert.deepEqual(Buffer.concat(events.map(each => each.raw)), bytes, file)
    streamsRead++
  }
  assert.ok(streamsRead > 50, `${streamsRead} streams`)
})
