import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { systemClock } from '../../src/clock.ts'
import type { UpstreamCall } from '../../src/wire/upstream.ts'
import { createUpstream } from '../../src/wire/upstream-undici.ts'
import { scripted, until } from './kit.ts'
import { CHUNKED, call, Heard, OK, send, TIMEOUTS, upstreamFor } from './upstream-kit.ts'

test('upstream: a paused answer holds the provider back, is not idle, and goes on to its end', async t => {
  const piece = Buffer.alloc(64 * 1024, 'x')
  const pieces = 400
  let sent = 0
  const { origin } = await scripted(t, socket => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${piece.length * pieces}\r\n\r\n`)
    const pump = () => {
      while (sent < pieces) {
        sent++
        if (!socket.write(piece)) break
      }
    }
    socket.on('drain', pump)
    pump()
  })
  const heard = new Heard()
  heard.accepting = false
  const { call: sentCall } = send(upstreamFor(t), origin, { timeouts: { ...TIMEOUTS, idleMs: 100 } }, heard)
  await until('the first piece came', () => heard.bytes > 0)
  await new Promise(resolve => setTimeout(resolve, 400))
  assert.equal(heard.failure, undefined, 'a pause is not idleness')
  assert.ok(heard.bytes <= 2 * 64 * 1024, `${heard.bytes} bytes in spite of the pause`)
  assert.ok(sent < pieces, 'the provider was held back')
  heard.accepting = true
  sentCall.resume()
  await heard.settled()
  assert.equal(heard.bytes, piece.length * pieces)
})

test('upstream: resume from within data is not lost', async t => {
  const { origin } = await scripted(t, socket => socket.write(`${CHUNKED}3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n`))
  const heard = new Heard()
  heard.accepting = false
  const sent: { call?: UpstreamCall } = {}
  heard.onData = () => sent.call?.resume()
  sent.call = send(upstreamFor(t), origin, {}, heard).call
  await heard.settled()
  assert.equal(heard.body, 'abcdef')
})

test('upstream: given up before the connection, before the head, at the head, amid the answer, while paused', async t => {
  const { origin, sockets } = await scripted(t, (socket, head) => {
    if (!head.includes('/silent')) socket.write(`${CHUNKED}3\r\nabc\r\n`)
  })
  const upstream = upstreamFor(t)
  const aborted = (heard: Heard) => {
    assert.deepEqual([heard.failure?.kind, heard.failure?.code], ['aborted', 'client_closed'], 'told at once')
  }
  const phases: [name: string, play: () => Promise<void>][] = [
    [
      'at once',
      async () => {
        const { heard, call: sent } = send(upstream, origin)
        sent.abort()
        aborted(heard)
      }
    ],
    [
      'before the head',
      async () => {
        const { heard, call: sent } = send(upstream, origin, { path: '/silent' })
        const nth = sockets.length
        await until('it came', () => sockets.length > nth)
        sent.abort()
        aborted(heard)
      }
    ],
    [
      'at the head',
      async () => {
        const heard = new Heard()
        const sent = send(upstream, origin, {}, heard)
        heard.onHead = () => sent.call.abort()
        await heard.settled()
        aborted(heard)
        assert.equal(heard.bytes, 0)
      }
    ],
    [
      'amid',
      async () => {
        const { heard, call: sent } = send(upstream, origin)
        await until('it began', () => heard.bytes > 0)
        sent.abort()
        aborted(heard)
      }
    ],
    [
      'paused',
      async () => {
        const heard = new Heard()
        heard.accepting = false
        const sent = send(upstream, origin, {}, heard)
        await until('it began', () => heard.bytes > 0)
        sent.call.abort()
        sent.call.resume()
        sent.call.abort()
        aborted(heard)
      }
    ]
  ]
  for (const [name, play] of phases) {
    await play()
    await until(`${name}: our socket is gone`, () => upstream.sockets === 0)
    await until(`${name}: the provider sees it`, () => sockets.every(each => each.destroyed || each.readableEnded))
  }
})

test('upstream: close ends what is under way and leaves no socket', async t => {
  const { origin } = await scripted(t, socket => socket.write(`${CHUNKED}3\r\nabc\r\n`))
  const upstream = createUpstream({ clock: systemClock })
  const { heard } = send(upstream, origin)
  await until('it began', () => heard.bytes > 0)
  await upstream.close()
  assert.equal(upstream.sockets, 0)
  assert.equal(heard.failure?.code, 'draining')
  assert.equal((await call(upstream, origin)).failure?.code, 'draining')
})

test('upstream: connections are limited', async t => {
  const { origin } = await scripted(t, socket => socket.write(`${CHUNKED}3\r\nabc\r\n`))
  const upstream = upstreamFor(t, { socketsMax: 2 })
  const open = [send(upstream, origin), send(upstream, origin)]
  assert.equal((await call(upstream, origin)).failure?.code, 'overloaded')
  open[0]?.call.abort()
  const next = send(upstream, origin)
  await until('there is room again', () => next.heard.bytes > 0)
})

test('upstream: 40 MB go out and come back', async t => {
  const { origin, server } = await scripted(t, () => {})
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    let bytes = 0
    socket.on('error', () => {})
    socket.on('data', chunk => {
      bytes += chunk.length
      if (bytes > 40_000_000 && bytes - chunk.length <= 40_000_000) {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 40000000\r\n\r\n')
        socket.write(Buffer.alloc(40_000_000))
      }
    })
    t.after(() => socket.destroy())
  })
  const heard = await call(upstreamFor(t), origin, { body: Buffer.alloc(40_000_000, 'x') })
  assert.deepEqual([heard.bytes, heard.ends], [40_000_000, 1])
})

// ---- addresses and TLS -------------------------------------------------------------------------------------------

test('upstream: private addresses need leave, by number and by name; leave for one is no leave for another', async t => {
  const { origin, port, sockets } = await scripted(t, socket => socket.write(OK))
  const upstream = upstreamFor(t)
  assert.equal((await call(upstream, origin)).body, 'ok')
  const count = sockets.length
  const spellings = [
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '[::ffff:127.0.0.1]',
    '[::1]'
  ]
  for (const host of spellings) {
    for (const allowPrivate of [[], ['10.0.0.0/8']]) {
      const { failure } = await call(upstream, `http://${host}:${port}`, { allowPrivate })
      assert.equal(failure?.kind, 'connect', host)
      assert.match(failure?.message ?? '', /is not public \(loopback\); list its range in "allow_private"/, host)
    }
  }
  assert.equal(sockets.length, count, 'nothing was even connected')
  assert.equal((await call(upstream, `http://localhost:${port}`)).body, 'ok')
  assert.equal((await call(upstream, `http://[::ffff:127.0.0.1]:${port}`)).body, 'ok')
})

test('upstream: a range that is none fails the call, not the process', async t => {
  const { port } = await scripted(t, socket => socket.write(OK))
  const upstream = upstreamFor(t)
  for (const host of ['localhost', '127.0.0.1']) {
    const { failure } = await call(upstream, `http://${host}:${port}`, { allowPrivate: ['lan'] })
    assert.equal(failure?.kind, 'connect', host)
  }
})

test('upstream: redirects are answers like any other', async t => {
  const { origin, sockets } = await scripted(t, socket =>
    socket.write('HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n')
  )
  const heard = await call(upstreamFor(t), origin)
  assert.deepEqual([heard.status, heard.headers.location, sockets.length], [302, 'http://169.254.169.254/', 1])
})

/** A key and a certificate for "localhost", made for these tests and good for nothing else. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8BixdxgQwBkMDnWS
wFdxo30Zlg+yoJGP5FI7isajZGOhRANCAASyBnGqKylzT2IEZ1+EXNOH3mnClRLs
N6Y6xN03JZwIXD0IBAR20T3kgMg2MEn3GWv4GidkTITYe7JboaUWsPhX
-----END PRIVATE KEY-----
`
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUBU54ydWLnE7ujhgeYYCJKB36pV4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE4MjcyNloYDzIxMjYxMDI5
MTgyNzI2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASyBnGqKylzT2IEZ1+EXNOH3mnClRLsN6Y6xN03JZwIXD0IBAR20T3k
gMg2MEn3GWv4GidkTITYe7JboaUWsPhXo2kwZzAdBgNVHQ4EFgQU3/Z9hf+ibP5d
JTPls4gdo6Zzn6IwHwYDVR0jBBgwFoAU3/Z9hf+ibP5dJTPls4gdo6Zzn6IwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIhAMLvfjOgIQZTq3PqUg04NDpn2+Nf2PizBDiygfF5em8GAiAUPrVyWWAs
Ty4YQ9mJrnCkb4y0Gcl6lrGMFAQILb5rgg==
-----END CERTIFICATE-----
`

test('upstream: TLS with names checked, sessions resumed, HTTP/1.1 even where h2 is offered', async t => {
  const sockets: TLSSocket[] = []
  const server = createTlsServer({ key: KEY, cert: CERTIFICATE, ALPNProtocols: ['h2', 'http/1.1'] }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', () => socket.write(OK.replace('\r\n', '\r\nconnection: close\r\n')))
  })
  server.on('tlsClientError', () => {})
  server.listen(0)
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const trusting = upstreamFor(t, { ca: CERTIFICATE })
  for (let nth = 0; nth < 2; nth++) assert.equal((await call(trusting, `https://localhost:${port}`)).body, 'ok')
  assert.deepEqual(
    sockets.map(each => each.alpnProtocol),
    ['http/1.1', 'http/1.1']
  )
  assert.deepEqual(
    sockets.map(each => Boolean(each.isSessionReused())),
    [false, true]
  )
  const other = await call(trusting, `https://127.0.0.1:${port}`)
  assert.match(other.failure?.message ?? '', /certificate is for another name/)
  const strict = await call(upstreamFor(t), `https://localhost:${port}`)
  assert.equal(strict.failure?.kind, 'connect')
  assert.match(strict.failure?.message ?? '', /certificate is self-signed/)
})
