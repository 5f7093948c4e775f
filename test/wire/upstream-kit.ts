import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import type { Failure } from '../../src/errors.ts'
import type { Headers } from '../../src/wire/exchange.ts'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from '../../src/wire/upstream.ts'
import { createUpstream, type UpstreamOptions } from '../../src/wire/upstream-undici.ts'

export const LOOPBACK = ['127.0.0.0/8', '::1']
export const TIMEOUTS = { connectMs: 5000, headMs: 5000, idleMs: 5000 }

/** Closed with the test, and no socket may be left then. */
export function upstreamFor(t: TestContext, options: Partial<UpstreamOptions> = {}): Upstream {
  const upstream = createUpstream({ clock: systemClock, ...options })
  t.after(async () => {
    await upstream.close()
    assert.equal(upstream.sockets, 0)
  })
  return upstream
}

export class Heard implements UpstreamHandler {
  status = 0
  headers: Headers = {}
  body = ''
  bytes = 0
  ends = 0
  failure: Failure | undefined
  accepting = true
  onHead = () => {}
  onData = () => {}
  #settled = Promise.withResolvers<void>()
  head(status: number, headers: Headers): void {
    this.#late()
    this.status = status
    this.headers = headers
    this.onHead()
  }
  data(chunk: Buffer): boolean {
    this.#late()
    this.bytes += chunk.length
    if (this.bytes < 1e6) this.body += chunk.toString()
    this.onData()
    return this.accepting
  }
  end(): void {
    this.#late()
    this.ends++
    this.#settled.resolve()
  }
  error(failure: Failure): void {
    this.#late()
    this.failure = failure
    this.#settled.resolve()
  }
  settled(): Promise<void> {
    return this.#settled.promise
  }
  #late(): void {
    assert.ok(this.ends === 0 && this.failure === undefined, 'nothing comes after the end')
  }
}

export interface Sent {
  heard: Heard
  call: UpstreamCall
}

export function send(
  upstream: Upstream,
  origin: string,
  change: Partial<UpstreamRequest> = {},
  heard = new Heard()
): Sent {
  const request: UpstreamRequest = {
    origin,
    path: '/v1/x?y=1',
    method: 'POST',
    headers: ['Authorization', 'Bearer sk-secret', 'content-type', 'application/json', 'Accept-Encoding', 'gzip'],
    body: Buffer.from('{"a":1}'),
    timeouts: TIMEOUTS,
    allowPrivate: LOOPBACK,
    ...change
  }
  return { heard, call: upstream.send(request, heard) }
}

export async function call(upstream: Upstream, origin: string, change: Partial<UpstreamRequest> = {}): Promise<Heard> {
  const { heard } = send(upstream, origin, change)
  await heard.settled()
  return heard
}

export const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-A: 1\r\nx-a: 2\r\nset-cookie: a\r\nset-cookie: b\r\n\r\nok'
export const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
