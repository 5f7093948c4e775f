import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as its bytes arrived. */
export interface Recorded {
  method: string
  path: string
  /** Lower-case names; a repeated header is joined. */
  headers: Record<string, string>
  body: Buffer
}

export interface Recorder {
  /** With `/v1`. */
  baseUrl: string
  /** What has come since the last call of `taken`. */
  taken(): Recorded[]
  close(): Promise<void>
}

/** A provider that is not strict: it notes the bytes and headers it gets, and answers what it is told to. */
export async function startRecorder(
  answer: (request: Recorded, response: ServerResponse) => void | Promise<void>
): Promise<Recorder> {
  let recorded: Recorded[] = []
  const server = createServer(async (request, response) => {
    const noted = await note(request)
    recorded.push(noted)
    await answer(noted, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    taken() {
      const all = recorded
      recorded = []
      return all
    },
    close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    }
  }
}

async function note(request: IncomingMessage): Promise<Recorded> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const headers = Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, all]) => [name, all!.join(', ')])
  )
  return { method: request.method ?? '', path: request.url ?? '', headers, body: Buffer.concat(chunks) }
}
