import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Exchange } from '../../src/wire/exchange.ts'
import type { HttpLimits } from '../../src/wire/http.ts'
import type { Known, KnownRequests } from '../../src/wire/repeats.ts'
import { type RawClient, type Running, serve, until } from './kit.ts'

/**
 * Requests that are known by their bytes are answered before the parser, and only where it is at the beginning of one.
 * What is read answers `read`, what is known `short`, each with the body of its request.
 */
const request = (body: string, head = '') =>
  `POST /v1/a HTTP/1.1\r\nhost: x\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

const KNOWN = request('known')

interface Bench extends Running {
  known: Known[]
  isOpen: boolean
}

async function begin(t: TestContext, texts = [KNOWN], limits: Partial<HttpLimits> = {}): Promise<Bench> {
  const known = texts.map(text => ({ request: Buffer.from(text), address: '127.0.0.1' }))
  const table: KnownRequests = {
    isOn: true,
    find: piece => known.find(each => each.request.equals(piece)),
    answer: ({ request }) => {
      const body = `short ${request.toString().split('\r\n\r\n')[1]}`
      return { head: 'HTTP/1.1 200 OK\r\nx-way: short\r\n', body }
    }
  }
  const running = await serve(
    t,
    async exchange => {
      const body = await exchange.body({ bytesMax: 1e6, timeoutMs: 60_000 })
      exchange.send(200, { 'x-way': 'read', 'x-whole': String(exchange.verbatim?.length ?? 0) }, `read ${body}`)
    },
    limits,
    table
  )
  return { ...running, known, isOpen: true }
}

/** Bodies of the answers, in the order in which they came. */
const answers = (client: RawClient): string[] => client.text.match(/(?:read|short) [a-z0-9]*/g)?.filter(isBody) ?? []
const isBody = (text: string) => !text.endsWith(' ')

const after = (client: RawClient, count: number) => until(`${count} answers`, () => answers(client).length >= count)

describe('requests that are known by their bytes', () => {
  test('the first of a connection is read, the next ones are not, and others are', async t => {
    const { client } = await begin(t)
    const one = client()
    const expected: string[] = []
    for (const [body, way] of [
      ['known', 'read'],
      ['known', 'short'],
      ['known', 'short'],
      ['other', 'read'],
      ['known', 'short']
    ] as const) {
      one.send(request(body))
      expected.push(`${way} ${body}`)
      await after(one, expected.length)
      assert.deepEqual(answers(one), expected)
    }
  })

  test('the short answer is framed as the long one', async t => {
    const { client } = await begin(t)
    const one = client()
    await after(one.send(KNOWN), 1)
    const read = one.text
    one.text = ''
    await after(one.send(KNOWN), 1)
    const names = (text: string) => [...text.matchAll(/^([\w-]+): /gm)].map(([, name]) => name!.toLowerCase())
    assert.deepEqual(new Set([...names(one.text), 'x-whole']), new Set(names(read)))
    assert.match(one.text, /\r\ncontent-length: 11\r\n[\s\S]*\r\n\r\nshort known$/)
    const [, date] = /Date: (.*)\r\n/.exec(one.text) ?? []
    assert.ok(Math.abs(Date.parse(date!) - Date.now()) < 5_000, date)
    assert.equal(/keep-alive: .*/i.exec(one.text)?.[0], /keep-alive: .*/i.exec(read)?.[0])
  })

  test('cut in two at any byte, all of it is read; the connection finds its way back', async t => {
    const { client } = await begin(t)
    const one = client()
    let count = 0
    await after(one.send(KNOWN), ++count)
    const headEnd = KNOWN.indexOf('\r\n\r\n') + 4
    for (let cut = headEnd; cut < KNOWN.length; cut++) {
      one.send(KNOWN.slice(0, cut))
      await new Promise(resolve => setTimeout(resolve, 2))
      one.send(KNOWN.slice(cut))
      await after(one, ++count)
      // Whether the system brought it in one piece or two, it was answered once, and whole.
      assert.equal(answers(one).length, count)
      assert.match(answers(one).at(-1)!, /^(?:read|short) known$/)
      await after(one.send(KNOWN), ++count)
      assert.equal(answers(one).at(-1), 'short known', `after a cut at ${cut}`)
    }
  })

  test('a head in pieces is read, and no short way is taken on its connection again', async t => {
    const { client } = await begin(t)
    for (let cut = 1; cut < KNOWN.indexOf('\r\n\r\n') + 4; cut += 7) {
      const one = client()
      await after(one.send(KNOWN), 1)
      one.send(KNOWN.slice(0, cut))
      await new Promise(resolve => setTimeout(resolve, 2))
      await after(one.send(KNOWN.slice(cut)), 2)
      await after(one.send(KNOWN), 3)
      assert.deepEqual(
        answers(one).map(text => text.split(' ')[1]),
        ['known', 'known', 'known']
      )
    }
  })

  test('several in one piece are read, each is answered once, in order, and nothing after them is taken for a request', async t => {
    const { client } = await begin(t)
    const one = client()
    await after(one.send(KNOWN), 1)
    await after(one.send(KNOWN + request('second') + request('third')), 4)
    await after(one.send(KNOWN), 5)
    assert.deepEqual(answers(one), ['read known', 'read known', 'read second', 'read third', 'read known'])
  })

  test('a request within the body of another is its body', async t => {
    const { client, exchanges } = await begin(t)
    const one = client()
    await after(one.send(KNOWN), 1)
    one.send(`POST /v1/a HTTP/1.1\r\nhost: x\r\ncontent-length: ${KNOWN.length}\r\n\r\n`)
    await until('its head was read', () => exchanges.length === 2)
    one.send(KNOWN)
    await until('it was read', () => one.text.includes('read POST'))
    assert.equal(one.text.match(/HTTP\/1\.1 200/g)?.length, 2, 'one answer each; the request within has none')
    assert.ok(!one.text.includes('x-way: short'))
  })

  test('chunked bodies, other versions of HTTP and connections that end are read', async t => {
    const chunked = 'POST /v1/a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nknown\r\n0\r\n\r\n'
    const old = request('known').replace('HTTP/1.1', 'HTTP/1.0').replace('host: x', 'host: x\r\nconnection: keep-alive')
    const last = request('known', 'connection: close\r\n')
    const { client } = await begin(t, [chunked, old, last])
    for (const text of [chunked, old]) {
      const one = client()
      await after(one.send(text), 1)
      await after(one.send(text), 2)
      assert.deepEqual(answers(one), ['read known', 'read known'], text)
    }
    const one = client().send(last)
    await one.untilClosed()
    assert.deepEqual(answers(one), ['read known'])
  })

  test('what waits for `100 Continue` is read', async t => {
    const expecting = request('known', 'expect: 100-continue\r\n')
    const { client, exchanges } = await begin(t, [expecting])
    const one = client()
    await after(one.send(expecting), 1)
    assert.equal(exchanges[0]!.verbatim, undefined)
  })

  test('where the request comes from counts', async t => {
    const bench = await begin(t)
    bench.known[0] = { ...bench.known[0]!, address: '10.1.2.3' }
    const one = bench.client()
    await after(one.send(KNOWN), 1)
    await after(one.send(KNOWN), 2)
    assert.deepEqual(answers(one), ['read known', 'read known'])
  })

  test('a client that goes on asking on one connection is no slow one', async t => {
    const { client } = await begin(t, [KNOWN], { headTimeoutMs: 300, keepAliveTimeoutMs: 300, slowClientMs: 300 })
    const one = client()
    const end = performance.now() + 1_500
    let count = 0
    while (performance.now() < end) {
      await after(one.send(KNOWN), ++count)
      await new Promise(resolve => setTimeout(resolve, 40))
    }
    assert.equal(one.closed, false)
    assert.equal(answers(one).filter(text => text === 'short known').length, count - 1)
    // And when it stops, its connection is idle as any other.
    await one.untilClosed()
  })

  test('who does not take its answers is not given more of them', async t => {
    let short = 0
    let long = 0
    const table: KnownRequests = {
      isOn: true,
      find: () => ({ request: Buffer.from(KNOWN), address: '127.0.0.1' }),
      answer() {
        short++
        return { head: 'HTTP/1.1 200 OK\r\n', body: 'x'.repeat(100_000) }
      }
    }
    const read = async (exchange: Exchange) => {
      await exchange.body({ bytesMax: 1e6, timeoutMs: 60_000 })
      long++
      exchange.send(200, {}, 'read known')
    }
    const { client, server } = await serve(t, read, {}, table)
    const one = client().send(KNOWN)
    await after(one, 1)
    one.socket.pause()
    // In the end nothing more is even read from it.
    for (let sent = 2, isHeld = false; sent <= 400 && !isHeld; sent++) {
      one.send(KNOWN)
      isHeld = await until('it is answered', () => short + long === sent, 1_000).then(
        () => false,
        () => true
      )
    }
    // What the system holds for a socket is some megabytes.
    assert.ok(short > 1 && short < 200, `${short} answers of 100 KB that nobody takes`)
    one.socket.destroy()
    await until('it is gone', () => server.connections === 0)
  })

  test('while the server drains, what comes is read, and its connection closed', async t => {
    const { client, server } = await begin(t)
    const one = client()
    await after(one.send(KNOWN), 1)
    await after(one.send(KNOWN), 2)
    server.keepConnections = false
    one.send(KNOWN)
    await one.untilClosed()
    assert.deepEqual(answers(one), ['read known', 'short known', 'read known'])
    assert.match(one.text.slice(one.text.lastIndexOf('HTTP/1.1')), /connection: close/i)
  })

  test('a client that ends its side after it has asked still gets its answer', async t => {
    const { client } = await begin(t)
    const one = client({ allowHalfOpen: true })
    await after(one.send(KNOWN), 1)
    one.socket.end(KNOWN)
    await one.untilClosed()
    assert.deepEqual(answers(one), ['read known', 'short known'])
  })

  test('what is no request after short answers is refused as ever', async t => {
    const { client } = await begin(t)
    const one = client()
    await after(one.send(KNOWN), 1)
    await after(one.send(KNOWN), 2)
    one.send('NONSENSE\r\n\r\n')
    await one.untilClosed()
    assert.match(one.text, /HTTP\/1\.1 400 Bad Request[\s\S]*malformed_http/)
  })

  test('a request is whole where it came in one piece alone', async t => {
    const { client, exchanges } = await begin(t, [])
    const one = client()
    await after(one.send(KNOWN), 1)
    assert.equal(exchanges[0]!.verbatim?.toString(), KNOWN)
    await after(one.send(KNOWN + request('second')), 3)
    assert.deepEqual(
      exchanges.slice(1).map(({ verbatim }) => verbatim),
      [undefined, undefined]
    )
  })
})
