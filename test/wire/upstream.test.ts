import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { closedPort, scripted, until } from './kit.ts'
import { CHUNKED, call, OK, send, TIMEOUTS, upstreamFor } from './upstream-kit.ts'

test('upstream: what is sent, what is heard, and the connection is kept', async t => {
  const { origin, received, sockets, port } = await scripted(t, socket => socket.write(OK))
  const upstream = upstreamFor(t)
  for (const nth of [1, 2, 3]) {
    const heard = await call(upstream, origin)
    assert.deepEqual([heard.status, heard.body, heard.ends, heard.failure], [200, 'ok', 1, undefined], `call ${nth}`)
    assert.deepEqual({ ...heard.headers }, { 'content-length': '2', 'x-a': '1, 2', 'set-cookie': 'a, b' })
  }
  assert.equal(sockets.length, 1)
  assert.equal(upstream.sockets, 1)
  const [head = '', body] = (received[0] ?? '').split('\r\n\r\n')
  assert.match(head, /^POST \/v1\/x\?y=1 HTTP\/1\.1\r\n/)
  assert.ok(head.includes(`host: 127.0.0.1:${port}\r\n`) && head.includes('Authorization: Bearer sk-secret\r\n'))
  assert.deepEqual(head.match(/encoding.*/gi), ['encoding: identity'])
  assert.match(head, /content-length: 7/)
  assert.ok(body?.startsWith('{"a":1}'))
})

test('upstream: calls at one time have connections of their own, which are used again, the warmest first', async t => {
  const waiting: Socket[] = []
  const { origin, sockets } = await scripted(t, socket => waiting.push(socket))
  const upstream = upstreamFor(t)
  const first = Array.from({ length: 20 }, () => send(upstream, origin).heard)
  await until('all came', () => waiting.length === 20)
  for (const socket of waiting.splice(0)) socket.write(OK)
  await Promise.all(first.map(heard => heard.settled()))
  const second = Array.from({ length: 20 }, () => send(upstream, origin).heard)
  await until('all came again', () => waiting.length === 20)
  for (const socket of waiting.splice(0)) socket.write(OK)
  await Promise.all(second.map(heard => heard.settled()))
  assert.equal(sockets.length, 20)
  // An idle connection that the provider closes is forgotten, and the others stay good.
  for (const socket of sockets.slice(0, 19)) socket.end()
  await until('19 are gone', () => upstream.sockets === 1)
  for (let nth = 0; nth < 3; nth++) {
    const { heard } = send(upstream, origin)
    await until('it came', () => waiting.length === 1)
    waiting.pop()?.write(OK)
    await heard.settled()
    assert.equal(heard.body, 'ok')
  }
  assert.equal(sockets.length, 20)
})

test('upstream: 1xx before the head, no body, HEAD-like answers', async t => {
  const { origin } = await scripted(t, socket =>
    socket.write(
      'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'
    )
  )
  const heard = await call(upstreamFor(t), origin, { method: 'GET', body: undefined })
  assert.deepEqual([heard.status, heard.body, heard.ends], [204, '', 1])
})

test('upstream: connection: close is honoured, and the next call opens a new one', async t => {
  const { origin, sockets } = await scripted(t, socket => socket.end(OK.replace('\r\n', '\r\nconnection: close\r\n')))
  const upstream = upstreamFor(t)
  for (let nth = 0; nth < 3; nth++) assert.equal((await call(upstream, origin)).body, 'ok')
  assert.equal(sockets.length, 3)
  await until('no socket is left', () => upstream.sockets === 0)
})

// ---- faults ------------------------------------------------------------------------------------------------------

interface Fault {
  play: (socket: Socket) => void
  kind: string
  code: string
  beforeFirstByte?: boolean
}

const faults: Record<string, Fault> = {
  'FIN before the head': { play: s => s.end(), kind: 'reset', code: 'provider_unreachable', beforeFirstByte: true },
  'RST before the head': {
    play: s => s.resetAndDestroy(),
    kind: 'reset',
    code: 'provider_unreachable',
    beforeFirstByte: true
  },
  'FIN amid the head': {
    play: s => s.end('HTTP/1.1 200 OK\r\nx-'),
    kind: 'reset',
    code: 'provider_unreachable',
    beforeFirstByte: true
  },
  'FIN amid a chunk': { play: s => s.end(`${CHUNKED}10\r\nabc`), kind: 'reset', code: 'provider_truncated' },
  'FIN between chunks': { play: s => s.end(`${CHUNKED}3\r\nabc\r\n`), kind: 'reset', code: 'provider_truncated' },
  'FIN between chunks, connection: close': {
    play: s => s.end(`${CHUNKED.replace('\r\n', '\r\nconnection: close\r\n')}3\r\nabc\r\n`),
    kind: 'reset',
    code: 'provider_truncated'
  },
  'RST between chunks': {
    play: s => s.write(`${CHUNKED}3\r\nabc\r\n`, () => setTimeout(() => s.resetAndDestroy(), 30)),
    kind: 'reset',
    code: 'provider_truncated'
  },
  'FIN before the length is full': {
    play: s => s.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
    kind: 'reset',
    code: 'provider_truncated'
  },
  'a huge head': {
    play: s => s.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`),
    kind: 'malformed',
    code: 'provider_malformed'
  },
  'not HTTP': { play: s => s.write('SSH-2.0-OpenSSH_9.2\r\n'), kind: 'malformed', code: 'provider_malformed' },
  'a bad chunk': { play: s => s.write(`${CHUNKED}zz\r\nabc`), kind: 'malformed', code: 'provider_malformed' },
  'length and chunks': {
    play: s =>
      s.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
    kind: 'malformed',
    code: 'provider_malformed'
  },
  'a compressed answer': {
    play: s => s.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc'),
    kind: 'malformed',
    code: 'provider_malformed'
  },
  'an unwanted upgrade': {
    play: s => s.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    kind: 'malformed',
    code: 'provider_malformed'
  }
}

for (const [name, { play, kind, code, beforeFirstByte = false }] of Object.entries(faults)) {
  test(`upstream: ${name}`, async t => {
    const { origin, sockets } = await scripted(t, play)
    const upstream = upstreamFor(t)
    const { failure, ends } = await call(upstream, origin)
    assert.deepEqual([failure?.kind, failure?.code, ends], [kind, code, 0], failure?.message)
    if (kind === 'reset') assert.equal(failure?.details.beforeFirstByte, beforeFirstByte)
    assert.match(failure?.message ?? '', /127\.0\.0\.1:\d+/)
    assert.doesNotMatch(`${failure?.message}${JSON.stringify(failure?.details)}`, /sk-secret|Bearer/)
    assert.equal(sockets.length, 1, 'nothing is retried')
    await until('the socket is gone', () => upstream.sockets === 0)
  })
}

test('upstream: a body without length ends cleanly however it ends, as HTTP says', async t => {
  const { origin } = await scripted(t, socket => socket.end('HTTP/1.1 200 OK\r\n\r\nabc'))
  const heard = await call(upstreamFor(t), origin)
  assert.deepEqual([heard.body, heard.ends], ['abc', 1])
})

test('upstream: refused, unknown names', async t => {
  const upstream = upstreamFor(t)
  const refused = await call(upstream, `http://127.0.0.1:${await closedPort()}`)
  assert.equal(refused.failure?.kind, 'connect')
  assert.match(refused.failure?.message ?? '', /No connection to 127\.0\.0\.1:\d+: the connection was refused\./)
  const unknown = await call(upstream, 'http://no-such-host.invalid')
  assert.equal(unknown.failure?.kind, 'connect')
  assert.match(unknown.failure?.message ?? '', /No connection to no-such-host\.invalid/)
})

test('upstream: a kept connection that dies under the next call says that it was one', async t => {
  let calls = 0
  const { origin } = await scripted(t, socket => {
    calls++
    if (calls === 1) socket.write(OK)
    else socket.end()
  })
  const upstream = upstreamFor(t)
  assert.equal((await call(upstream, origin)).body, 'ok')
  const { failure } = await call(upstream, origin)
  assert.deepEqual(failure?.details, { beforeFirstByte: true, reusedSocket: true })
})

test('upstream: a header that cannot be sent is our fault, and told without its value', async t => {
  const { origin, sockets } = await scripted(t, socket => socket.write(OK))
  const upstream = upstreamFor(t)
  const { failure } = await call(upstream, origin, { headers: ['x-a', 'sk-secret\r\nx: y'] })
  assert.equal(failure?.code, 'internal')
  assert.doesNotMatch(failure?.message ?? '', /secret/)
  assert.equal(sockets.length, 0)
  assert.equal((await call(upstream, origin)).body, 'ok')
})

// ---- timeouts ----------------------------------------------------------------------------------------------------

test('upstream: silent before the head, stalled within the answer', async t => {
  const { origin } = await scripted(t, (socket, head) => {
    if (head.includes('/stall')) socket.write(`${CHUNKED}3\r\nabc\r\n`)
  })
  const upstream = upstreamFor(t)
  const timeouts = { connectMs: 5000, headMs: 150, idleMs: 150 }
  const silent = await call(upstream, origin, { timeouts })
  assert.deepEqual([silent.failure?.kind, silent.failure?.code], ['silent', 'provider_timeout'])
  const stalled = await call(upstream, origin, { timeouts, path: '/stall' })
  assert.deepEqual([stalled.failure?.kind, stalled.body], ['stalled', 'abc'])
  await until('the sockets are gone', () => upstream.sockets === 0)
})

test('upstream: pieces that come in time keep an answer alive past the idle timeout', async t => {
  const { origin } = await scripted(t, socket => {
    socket.write(CHUNKED)
    let sent = 0
    const timer = setInterval(() => {
      sent++
      socket.write('1\r\nx\r\n')
      if (sent < 12) return
      clearInterval(timer)
      socket.write('0\r\n\r\n')
    }, 50)
  })
  const heard = await call(upstreamFor(t), origin, { timeouts: { ...TIMEOUTS, idleMs: 400 } })
  assert.deepEqual([heard.body, heard.ends], ['x'.repeat(12), 1])
})

test('upstream: a connection that does not come about in time', async t => {
  // TLS towards a server that never says a word: connected, but not secured.
  const { port, server } = await scripted(t, () => {})
  const accepted: Socket[] = []
  server.on('connection', socket => accepted.push(socket))
  const upstream = upstreamFor(t)
  const { failure } = await call(upstream, `https://127.0.0.1:${port}`, { timeouts: { ...TIMEOUTS, connectMs: 150 } })
  assert.equal(failure?.kind, 'connect')
  assert.match(failure?.message ?? '', /within 0\.15 s/)
  await until('the socket is gone', () => upstream.sockets === 0)
})

// ---- back-pressure and abort -------------------------------------------------------------------------------------
