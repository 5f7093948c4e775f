import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/errors.ts'
import { type Exchange, endedBy } from '../../src/wire/exchange.ts'
import { serve, until } from './kit.ts'

const call = (query: string, more = '') => `POST /v1/x?${query} HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n${more}\r\n`
const count = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].length

test('keep-alive: pipelined requests are answered in their order, whichever is ready first', async t => {
  const { client, exchanges } = await serve(t, () => {})
  const raw = client().send(call('1') + call('2') + call('3'))
  await until('all three are there', () => exchanges.length === 3)
  for (const nth of [2, 1, 0]) exchanges[nth]?.send(200, {}, `answer ${exchanges[nth]?.query}`)
  await raw.untilText(/answer 1[\s\S]*answer 2[\s\S]*answer 3/)
})

test('keep-alive: a client that leaves takes all its pipelined requests with it', async t => {
  const { client, exchanges, server } = await serve(t, exchange => {
    exchange.signal.addEventListener('abort', () => {})
  })
  const raw = client().send(call('1') + call('2') + call('3'))
  await until('all three are there', () => exchanges.length === 3)
  exchanges[1]?.send(200, {}, 'ready, but not its turn')
  raw.socket.destroy()
  await until('each is told', () => exchanges[0]?.signal.aborted === true && exchanges[2]?.signal.aborted === true)
  await until('nothing stays open', () => server.openExchanges === 0)
  assert.equal(server.connections, 0)
})

test('keep-alive: once no connection is kept, the last answer on each says so, and what was asked before is answered', async t => {
  const { client, exchanges, server } = await serve(t, () => {})
  const raw = client().send(call('1') + call('2'))
  await until('both are there', () => exchanges.length === 2)
  server.keepConnections = false
  exchanges[0]?.send(200, {}, 'first')
  await raw.untilText(/first/)
  exchanges[1]?.send(200, {}, 'second')
  const text = await raw.untilClosed()
  assert.match(text, /first[\s\S]*second$/)
  assert.equal(count(text, /connection: close/gi), 1)
  // New connections are taken all the same, for one answer each; everything beside the doors too.
  const late = client().send(call('3'))
  await until('it is there', () => exchanges.length === 3)
  exchanges[2]?.send(200, {}, 'third')
  assert.match(await late.untilClosed(), /connection: close[\s\S]*third$/i)
  assert.match(
    await client().send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').untilClosed(),
    /connection: close[\s\S]*fallback/i
  )
})

test('keep-alive: what follows an answer that closes the connection is not begun', async t => {
  const { client, exchanges, server } = await serve(t, exchange => {
    exchange.head(200, {})
    exchange.write('begun')
  })
  server.keepConnections = false
  const raw = client().send(call('1'))
  await raw.untilText(/begun/)
  raw.send(call('2'))
  await raw.untilText(/connection: close/i)
  exchanges[0]?.write('more')
  await raw.untilText(/more/)
  exchanges[0]?.end()
  await raw.untilClosed()
  assert.equal(exchanges.length, 1)
  assert.equal(server.openExchanges, 0)
})

test('keep-alive: idle connections end by themselves', async t => {
  const { client, server } = await serve(t, exchange => exchange.send(200, {}, 'done'), { keepAliveTimeoutMs: 100 })
  const used = client().send(call('1'))
  await used.untilText(/done/)
  await used.untilClosed()
  await until('it is forgotten', () => server.connections === 0)
})

test('giving up: waiting, reading, streaming: the signal says why, and the client can be told; later answers are not meant', async t => {
  const limits = { bytesMax: 100, timeoutMs: 5_000 }
  const failed: string[] = []
  const { client, exchanges, server } = await serve(t, (exchange: Exchange) => {
    if (exchange.query === 'stream') exchange.head(200, {})
    if (exchange.query === 'stream') exchange.write('begun')
    if (exchange.query === 'body') {
      exchange.body(limits).catch((failure: Failure) => {
        failed.push(failure.code)
        exchange.send(failure.status, {}, failure.code)
      })
    }
  })
  const waiting = client().send(call('wait'))
  const streaming = client().send(call('stream'))
  const reading = client().send('POST /v1/x?body HTTP/1.1\r\nHost: a\r\ncontent-length: 9\r\n\r\nhalf')
  await until('all are there', () => exchanges.length === 3)
  const early = exchanges.find(exchange => exchange.query === 'wait')?.signal
  let settled = false
  const settling = server.settled().then(() => {
    settled = true
  })
  assert.equal(
    server.giveUp(() => new Failure('draining', 'over')),
    3
  )
  assert.equal(early?.aborted, true)
  for (const { signal } of exchanges) assert.equal(endedBy(signal)?.code, 'draining', 'asked for late as well')
  assert.match(await reading.untilClosed(), /503[\s\S]*draining$/)
  assert.deepEqual(failed, ['draining'])
  const later = client().send(call('later'))
  await until('it is there', () => exchanges.length === 4)
  assert.equal(settled, false)
  const find = (query: string) => exchanges.find(exchange => exchange.query === query)
  find('wait')?.send(503, {}, 'told')
  find('stream')?.end('told')
  await waiting.untilText(/told/)
  await streaming.untilText(/begun[\s\S]*told/)
  await settling
  assert.equal(find('later')?.signal.aborted, false)
  later.socket.destroy()
})

test('giving up: a client that leaves has no failure as its reason', async t => {
  const { client, exchanges } = await serve(t, () => {})
  const raw = client().send(call('1'))
  await until('it is there', () => exchanges.length === 1)
  const { signal } = exchanges[0] as Exchange
  raw.socket.destroy()
  await until('it is told', () => signal.aborted)
  assert.equal(endedBy(signal), undefined)
})
