import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { Failure } from '../../src/errors.ts'
import type { Exchange } from '../../src/wire/exchange.ts'
import { serve, until } from './kit.ts'

const LIMITS = { bytesMax: 1_000_000, timeoutMs: 5000 }
const POST = 'POST /v1/x HTTP/1.1\r\nHost: a\r\n'

/** Answers with what came in. */
async function echo(exchange: Exchange): Promise<void> {
  try {
    const body = await exchange.body(LIMITS)
    exchange.send(200, { 'content-type': 'text/plain' }, body)
  } catch (thrown) {
    const failure = Failure.from(thrown)
    exchange.send(failure.status, {}, failure.code)
  }
}

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(match => Number(match[1]))

test('http: a whole call, keep-alive, pipelining, the fallback', async t => {
  const { client, exchanges, server } = await serve(t, echo)
  const raw = client()
  raw.send(`${POST}content-length: 5\r\n\r\nhello`)
  await raw.untilText(/hello$/)
  raw.send(`${POST}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`)
  await raw.untilText(/abcde[\s\S]*fallback/)
  assert.deepEqual(statuses(raw.text), [200, 200, 200])
  assert.match(raw.text, /content-length: 5\r\n/i)
  assert.equal(exchanges.length, 2)
  await until('all answers are closed', () => server.openExchanges === 0)
})

test('http: what a door sees of a request', async t => {
  const { client, exchanges } = await serve(t, exchange => exchange.send(204, {}, ''))
  const head = 'GET /v1/a%2Fb?x=1?y HTTP/1.1\r\nHost: a\r\nX-Two: 1\r\nx-two: 2\r\nAuthorization: Bearer a\r\n'
  const raw = client().send(`${head}authorization: Bearer b\r\nSet-Cookie: x\r\n\r\n`)
  await raw.untilText(/204/)
  const [exchange] = exchanges
  assert.deepEqual(
    [exchange?.method, exchange?.path, exchange?.query, exchange?.remoteAddress],
    ['GET', '/v1/a%2Fb', 'x=1?y', '127.0.0.1']
  )
  assert.deepEqual({ ...exchange?.headers }, { host: 'a', 'x-two': '1, 2', authorization: 'Bearer a, Bearer b' })
  assert.equal(exchange?.signal.aborted, false)
})

test('http: a streamed answer; the first piece travels with the head, a head alone travels too', async t => {
  const { client, exchanges } = await serve(t, exchange => exchange.head(200, { 'content-type': 'text/event-stream' }))
  const raw = client().send(`${POST}content-length: 0\r\n\r\n`)
  await raw.untilText(/event-stream[\s\S]*\r\n\r\n$/)
  assert.equal(exchanges[0]?.headSent, true)
  exchanges[0]?.write('data: 1\n\n')
  exchanges[0]?.write(Buffer.from('data: 2\n\n'))
  exchanges[0]?.end('data: 3\n\n')
  await raw.untilText(/data: 1[\s\S]*data: 2[\s\S]*data: 3[\s\S]*\r\n0\r\n\r\n$/)
})

test('http: nothing happens after the end', async t => {
  const { client, exchanges } = await serve(t, exchange => exchange.send(200, {}, 'first'))
  const raw = client().send(`${POST}content-length: 0\r\n\r\n`)
  await raw.untilText(/first/)
  const [exchange] = exchanges
  exchange?.send(500, {}, 'second')
  exchange?.head(500, {})
  assert.equal(exchange?.write('third'), true)
  exchange?.end('fourth')
  raw.send(`${POST}content-length: 0\r\n\r\n`)
  await raw.untilText(/first[\s\S]*first/)
  assert.doesNotMatch(raw.text, /second|third|fourth|500/)
})

test('http: a door that throws is a bare 500, or a cut when the head is out', async t => {
  const { client } = await serve(t, async exchange => {
    if (exchange.query === 'late') {
      exchange.head(200, {})
      exchange.write('begun')
    }
    throw new Error('a secret detail')
  })
  const early = client().send(`${POST}content-length: 0\r\n\r\n`)
  await early.untilText(/"code":"internal"/)
  assert.doesNotMatch(early.text, /secret/)
  const late = client().send('POST /v1/x?late HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n')
  assert.doesNotMatch(await late.untilClosed(), /\r\n0\r\n\r\n/)
})

// ---- clients that leave ------------------------------------------------------------------------------------------

test('http: a client that leaves aborts the signal: waiting, reading its body, amid a stream, by FIN and by RST', async t => {
  const { client, exchanges, server } = await serve(t, exchange => {
    if (exchange.query === 'stream') {
      exchange.head(200, {})
      exchange.write('begun')
    }
    if (exchange.query === 'body') void exchange.body(LIMITS).catch((failure: Failure) => codes.push(failure.code))
  })
  const codes: string[] = []
  const leave = ['end', 'destroy', 'resetAndDestroy'] as const
  for (const how of leave) {
    for (const query of ['wait', 'stream', 'body']) {
      const raw = client()
      const body = query === 'body' ? 'content-length: 10\r\n\r\nabc' : 'content-length: 0\r\n\r\n'
      raw.send(`POST /v1/x?${query} HTTP/1.1\r\nHost: a\r\n${body}`)
      const nth = exchanges.length
      await until('the exchange', () => exchanges.length > nth)
      const exchange = exchanges[nth] as Exchange
      const { signal } = exchange
      assert.equal(signal.aborted, false)
      raw.socket[how]()
      await until(`${how} during ${query} is noticed`, () => signal.aborted)
      assert.equal(exchange.write('more'), true, 'harmless')
      exchange.end()
    }
  }
  // A client that ends its side amid its body sends malformed HTTP; it is gone either way.
  await until('the bodies failed', () => codes.length === 3)
  assert.ok(
    codes.every(code => code === 'client_closed' || code === 'malformed_http'),
    codes.join()
  )
  await until('nothing stays open', () => server.openExchanges === 0)
})

test('http: the signal is not aborted after a complete answer, nor by our own cut', async t => {
  const { client, exchanges, server } = await serve(t, exchange => {
    if (exchange.query === 'cut') exchange.destroy()
    else exchange.send(200, {}, 'ok')
  })
  const raw = client().send(`${POST}content-length: 0\r\n\r\n`)
  const [first] = [exchanges]
  await raw.untilText(/ok/)
  raw.socket.destroy()
  const cut = client().send('POST /v1/x?cut HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n')
  await cut.untilClosed()
  await until('both are over', () => server.openExchanges === 0)
  assert.deepEqual(
    first.map(exchange => exchange.signal.aborted),
    [false, false]
  )
})

// ---- bodies ------------------------------------------------------------------------------------------------------

test('http: a body over the limit is refused by its length, before it is read; the client hears why', async t => {
  const { client } = await serve(t, echo)
  const raw = client()
  raw.send(`${POST}content-length: 40000000\r\n\r\n`)
  let taken = 0
  for (let sent = 0; sent < 40; sent++) {
    raw.socket.write(Buffer.alloc(1_000_000), error => {
      if (!error) taken++
    })
  }
  const text = await raw.untilText(/body_too_large/)
  assert.match(text, /HTTP\/1\.1 413/)
  assert.match(text, /connection: close/i)
  await raw.untilClosed()
  assert.ok(taken < 25, `${taken} MB were taken`)
})

test('http: a client that is still sending can read the refusal before the connection is closed', async t => {
  const { client } = await serve(t, echo)
  const raw = client()
  raw.socket.pause()
  raw.send(`${POST}content-length: 2000000\r\n\r\n`)
  for (let sent = 0; sent < 20; sent++) {
    raw.send(Buffer.alloc(10_000))
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  raw.socket.resume()
  assert.match(await raw.untilText(/body_too_large/), /413/)
  await until('the other side is closed in order', () => raw.ended)
  assert.equal(raw.error, undefined)
})

test('http: a chunked body is counted while it comes', async t => {
  const { client } = await serve(t, echo)
  const raw = client().send(`${POST}transfer-encoding: chunked\r\n\r\n`)
  for (let sent = 0; sent < 11; sent++) raw.send(`${(100_000).toString(16)}\r\n${'x'.repeat(100_000)}\r\n`)
  assert.match(await raw.untilText(/body_too_large/), /413/)
  await raw.untilClosed()
})

test('http: a body at the limit passes; 40 MB are held once', async t => {
  let held = 0
  const before = process.memoryUsage().arrayBuffers
  const { client } = await serve(t, async exchange => {
    const body = await exchange.body({ bytesMax: 40_000_000, timeoutMs: 20_000 })
    held = process.memoryUsage().arrayBuffers - before
    exchange.send(200, {}, createHash('sha256').update(body).digest('hex'))
  })
  const piece = Buffer.alloc(1_000_000, 'gatehouse')
  const digest = createHash('sha256')
  const raw = client().send(`${POST}content-length: 40000000\r\n\r\n`)
  for (let sent = 0; sent < 40; sent++) {
    digest.update(piece)
    if (!raw.socket.write(piece)) await new Promise(resolve => raw.socket.once('drain', resolve))
  }
  assert.match(await raw.untilText(/\r\n\r\n[0-9a-f]{64}$/), new RegExp(`${digest.digest('hex')}$`))
  assert.ok(held < 70_000_000, `${held} bytes held`)
})

test('http: bodies in flight are limited, by length and by count, and freed with their answers', async t => {
  const { client, server, exchanges } = await serve(
    t,
    async exchange => {
      const body = await exchange.body(LIMITS).catch((failure: Failure) => failure)
      if (body instanceof Failure) exchange.send(body.status, { 'retry-after': String(body.retryAfterMs) }, body.code)
    },
    { inFlightBytesMax: 100 }
  )
  const first = client().send(`${POST}content-length: 60\r\n\r\n${'x'.repeat(60)}`)
  await until('the first is held', () => server.inFlightBytes === 60)
  const second = client().send(`${POST}content-length: 60\r\n\r\n`)
  assert.match(await second.untilText(/overloaded/), /503[\s\S]*retry-after: 1000/i)
  const third = client().send(`${POST}transfer-encoding: chunked\r\n\r\n32\r\n${'x'.repeat(50)}\r\n`)
  assert.match(await third.untilText(/overloaded/), /503/)
  exchanges[0]?.send(200, {}, 'done')
  await first.untilText(/done/)
  await until('all is free', () => server.inFlightBytes === 0)
})

test('http: compressed requests are refused', async t => {
  const { client } = await serve(t, echo)
  const raw = client().send(`${POST}content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc`)
  assert.match(await raw.untilText(/unsupported_media_type/), /415/)
  const plain = client().send(`${POST}content-encoding: identity\r\ncontent-length: 3\r\n\r\nabc`)
  await plain.untilText(/abc$/)
})

test('http: a body that does not come in time', async t => {
  const { client } = await serve(t, async exchange => {
    const failure = await exchange.body({ bytesMax: 100, timeoutMs: 100 }).catch((thrown: Failure) => thrown)
    if (failure instanceof Failure) exchange.send(failure.status, {}, failure.code)
  })
  const raw = client().send(`${POST}content-length: 10\r\n\r\nabc`)
  assert.match(await raw.untilText(/slow_request/), /408[\s\S]*connection: close/i)
  await raw.untilClosed()
})

test('http: Expect: 100-continue is granted only where the body is wanted', async t => {
  const { client } = await serve(t, echo)
  const expecting = `${POST}Expect: 100-continue\r\n`
  const wanted = client().send(`${expecting}content-length: 3\r\n\r\n`)
  await wanted.untilText(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  wanted.send('abc')
  await wanted.untilText(/200 OK[\s\S]*abc$/)
  const unwanted = client().send(`${expecting}content-length: 2000000\r\n\r\n`)
  assert.doesNotMatch(await unwanted.untilText(/body_too_large/), /100 Continue/)
  await unwanted.untilClosed()
})

test('http: an answer without reading the body keeps the connection for a small one, closes it for a large one', async t => {
  const { client } = await serve(t, exchange => exchange.send(401, {}, 'no'))
  const small = client().send(`${POST}content-length: 5\r\n\r\nhello${POST}content-length: 0\r\n\r\n`)
  await small.untilText(/401[\s\S]*401/)
  const large = client().send(`${POST}content-length: 500000\r\n\r\n${'x'.repeat(500_000)}`)
  assert.match(await large.untilClosed(), /401[\s\S]*connection: close/i)
})

// ---- slow readers ------------------------------------------------------------------------------------------------

test('http: a slow client is told apart: write says false, drain says when, nothing is lost', async t => {
  const piece = Buffer.alloc(16 * 1024, 'x')
  const total = 2000
  let most = 0
  const { client } = await serve(t, exchange => {
    let sent = 0
    const pump = () => {
      while (sent < total) {
        sent++
        if (!exchange.write(piece)) {
          most = Math.max(most, sent)
          return
        }
      }
      exchange.end()
    }
    exchange.head(200, {})
    exchange.onDrain(pump)
    pump()
  })
  const raw = client()
  raw.socket.pause()
  raw.send(`${POST}content-length: 0\r\n\r\n`)
  await until('the writer paused', () => most > 0)
  const paused = most
  await new Promise(resolve => setTimeout(resolve, 100))
  assert.equal(most, paused, 'no more was written meanwhile')
  raw.socket.resume()
  await until('all of it arrived', () => raw.bytes > total * piece.length)
  assert.equal(raw.closed, false)
})

test('http: a client that takes nothing for slowClientMs is cut off; one that waits for us is not', async t => {
  const { client, exchanges } = await serve(
    t,
    exchange => {
      exchange.head(200, {})
      if (exchange.query === 'slow') exchange.write(Buffer.alloc(20_000_000))
    },
    { slowClientMs: 150 }
  )
  const waiting = client().send(`${POST}content-length: 0\r\n\r\n`)
  await waiting.untilText(/200/)
  const slow = client()
  slow.socket.pause()
  slow.send('POST /v1/x?slow HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n')
  await until('the slow one is noticed', () => exchanges[1]?.signal.aborted === true)
  await new Promise(resolve => setTimeout(resolve, 400))
  exchanges[0]?.end('still here')
  await waiting.untilText(/still here/)
})

// ---- shutting down -----------------------------------------------------------------------------------------------

test('http: drain lets open answers finish, closes idle connections, takes no new ones', async t => {
  const { client, exchanges, server } = await serve(t, () => {})
  const idle = client().send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await idle.untilText(/fallback/)
  const busy = client().send(`${POST}content-length: 0\r\n\r\n`)
  await until('it is open', () => server.openExchanges === 1)
  const drained = server.drain(5000)
  await idle.untilClosed()
  const late = client()
  await late.untilClosed()
  exchanges[0]?.send(200, {}, 'finished')
  assert.match(await busy.untilClosed(), /connection: close[\s\S]*finished/i)
  await drained
  assert.equal(server.openExchanges, 0)
})

test('http: a stream whose head promised keep-alive ends with the drain, not with the grace', async t => {
  const { client, exchanges, server } = await serve(t, exchange => {
    exchange.head(200, {})
    exchange.write('begun')
  })
  const busy = client().send(`${POST}content-length: 0\r\n\r\n`)
  await busy.untilText(/begun/)
  const started = performance.now()
  const drained = server.drain(20_000)
  exchanges[0]?.end('ended')
  assert.match(await busy.untilClosed(), /ended/)
  await drained
  assert.ok(performance.now() - started < 5000)
})

test('http: drain cuts what is left after the grace', async t => {
  const { client, exchanges, server } = await serve(t, () => {})
  const busy = client().send(`${POST}content-length: 0\r\n\r\n`)
  await until('it is open', () => server.openExchanges === 1)
  await server.drain(50)
  await busy.untilClosed()
  assert.equal(exchanges[0]?.signal.aborted, true)
  assert.equal(server.openExchanges, 0)
})
