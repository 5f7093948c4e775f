import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import type { Exchange } from '../../src/wire/exchange.ts'
import { createHttpServer, type HttpLimits, type HttpServer } from '../../src/wire/http.ts'
import type { KnownRequests } from '../../src/wire/repeats.ts'

/** Waits until `holds`, for something that the other side of a socket must bring about; fails loudly, never silently. */
export async function until(what: string, holds: () => boolean, timeoutMs = 60_000): Promise<void> {
  const give = performance.now() + timeoutMs
  while (!holds()) {
    if (performance.now() > give) throw new Error(`not in time: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** A client that sends exactly the bytes it is given. */
export class RawClient {
  readonly socket: Socket
  text = ''
  bytes = 0
  closed = false
  ended = false
  error: Error | undefined
  constructor(port: number, options: { allowHalfOpen?: boolean } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', ...options })
    this.socket.on('data', chunk => {
      this.bytes += chunk.length
      if (this.text.length < 1e6) this.text += chunk.toString('latin1')
    })
    this.socket.on('end', () => {
      this.ended = true
    })
    this.socket.on('error', error => {
      this.error ??= error
    })
    this.socket.on('close', () => {
      this.closed = true
    })
  }
  send(text: string | Buffer): this {
    this.socket.write(text)
    return this
  }
  async untilClosed(): Promise<string> {
    if (!this.closed) await new Promise(resolve => this.socket.once('close', resolve))
    return this.text
  }
  async untilText(pattern: RegExp): Promise<string> {
    await until(`${pattern} in ${JSON.stringify(this.text.slice(0, 300))}`, () => pattern.test(this.text))
    return this.text
  }
}

export interface Running {
  server: HttpServer
  port: number
  exchanges: Exchange[]
  client(options?: { allowHalfOpen?: boolean }): RawClient
}

/** A server whose doors are all under /v1/; everything else answers `fallback`. Stopped with the test. */
export async function serve(
  t: TestContext,
  onExchange: (exchange: Exchange) => void | Promise<void>,
  limits: Partial<HttpLimits> = {},
  known?: KnownRequests
): Promise<Running> {
  const exchanges: Exchange[] = []
  const clients: RawClient[] = []
  const server = createHttpServer({
    clock: systemClock,
    limits,
    known,
    isDoor: (_, path) => path.startsWith('/v1/'),
    onExchange: exchange => {
      exchanges.push(exchange)
      return onExchange(exchange)
    },
    fallback: (_, response) => response.end('fallback')
  })
  const port = await server.listen(0, '127.0.0.1')
  t.after(async () => {
    for (const client of clients) client.socket.destroy()
    await server.drain(0)
  })
  const client = (options = {}) => {
    const made = new RawClient(port, options)
    clients.push(made)
    return made
  }
  return { server, port, exchanges, client }
}

export interface Scripted {
  origin: string
  port: number
  sockets: Socket[]
  /** What came in, by connection. */
  received: string[]
  server: Server
}

/** An upstream that plays `script` on every connection once a whole head has come. Stopped with the test. */
export async function scripted(
  t: TestContext,
  script: (socket: Socket, head: string, nth: number) => void
): Promise<Scripted> {
  const sockets: Socket[] = []
  const received: string[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    const index = sockets.push(socket) - 1
    received[index] = ''
    let pending = ''
    socket.on('error', () => {})
    socket.on('data', chunk => {
      const text = chunk.toString('latin1')
      received[index] += text
      pending += text
      const end = pending.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = pending.slice(0, end + 4)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (pending.length < head.length + length) return
      pending = pending.slice(head.length + length)
      script(socket, head, index)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { origin: `http://127.0.0.1:${port}`, port, sockets, received, server }
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
