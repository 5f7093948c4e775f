import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { Secret } from '../secret.ts'

/** Who writes the page. */
export interface MetricsPage {
  contentType: string
  text(): Promise<string>
}

/** Whether `Authorization: Bearer …` is one of the tokens. Takes as long for a wrong one as for a right one. */
export function mayRead(authorization: string | undefined, tokens: readonly (Secret | undefined)[]): boolean {
  const [, sent] = /^Bearer\s+(\S+)$/i.exec(authorization ?? '') ?? []
  if (sent === undefined) return false
  return tokens.some(token => token !== undefined && timingSafeEqual(sha256(sent), sha256(token.reveal())))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * A port of its own for `GET /metrics`, which a firewall can keep to the monitoring. With a token it asks for it there
 * too. Rejects where the port is taken.
 */
export class MetricsListener {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(
    at: { host: string; port: number },
    page: MetricsPage,
    token: Secret | undefined
  ): Promise<MetricsListener> {
    const server = createServer(async (request, response) => {
      const path = request.url?.split('?')[0]
      if (path !== '/metrics') return void response.writeHead(404).end()
      if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end()
      if (token && !mayRead(request.headers.authorization, [token])) {
        return void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
      }
      try {
        const text = await page.text()
        response.writeHead(200, { 'content-type': page.contentType }).end(text)
      } catch {
        response.writeHead(500).end()
      }
    })
    server.listen(at.port, at.host)
    await once(server, 'listening')
    server.unref()
    return new MetricsListener(server)
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
