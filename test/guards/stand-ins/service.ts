import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * How it answers from now on: as it should, with a status and its own error for it, with half of the JSON, with JSON of
 * another service, with a redirect to an address that would answer well, without end, or not at all.
 */
export type Mood = 'well' | 429 | 500 | 'malformed' | 'another' | 'redirect' | 'endless' | 'silent'

export interface Request {
  method: string
  path: string
  query: URLSearchParams
  /** Path and query as they came. */
  target: string
  headers: IncomingHttpHeaders
  raw: Buffer
  /** Undefined where it is no JSON. */
  body: unknown
}

interface Answer {
  status: number
  body: unknown
  headers?: Readonly<Record<string, string>>
}

/** What a service does. Throws an Answer that is its refusal. */
interface Service {
  answer(request: Request): unknown
  /** Its own error for a status. */
  failure(status: 429 | 500): Answer
}

export interface StandIn {
  url: string
  mood: Mood
  /** Every request so far, whatever became of it. */
  asked: Request[]
  /** What it refused as its documentation says, of requests in a good mood: empty, unless it was asked wrongly. */
  refused: Answer[]
  /** Requests that were given up before they were answered. */
  left: number
  close(): Promise<void>
}

/** A service on a port of the system, on the loopback alone. */
export async function startStandIn(service: Service): Promise<StandIn> {
  const server = createServer((incoming, outgoing) => void take(incoming, outgoing))
  const take = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const request = await read(incoming)
    standIn.asked.push(request)
    outgoing.on('close', () => {
      if (!outgoing.writableEnded) standIn.left++
    })
    const { mood } = standIn
    if (mood === 'silent') return
    if (mood === 'redirect' && !request.query.has('redirected')) {
      const location = `${request.target}${request.target.includes('?') ? '&' : '?'}redirected=1`
      return say(outgoing, { status: 307, body: '', headers: { location } })
    }
    if (mood === 'another') return say(outgoing, { status: 200, body: { message: 'Hello!' } })
    if (mood === 'endless') return pour(outgoing)
    if (typeof mood === 'number') return say(outgoing, service.failure(mood))
    const answer = answerOf(request)
    if (mood !== 'malformed') return say(outgoing, answer)
    const text = JSON.stringify(answer.body)
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(text.slice(0, text.length / 2))
  }
  const answerOf = (request: Request): Answer => {
    try {
      return { status: 200, body: service.answer(request) }
    } catch (thrown) {
      if (thrown instanceof Error) throw thrown
      standIn.refused.push(thrown as Answer)
      return thrown as Answer
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const standIn: StandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mood: 'well',
    asked: [],
    refused: [],
    left: 0,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
  return standIn
}

function say(outgoing: ServerResponse, { status, body, headers = {} }: Answer): void {
  outgoing.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

function pour(outgoing: ServerResponse): void {
  const more = () => {
    while (!outgoing.destroyed && outgoing.write(' '.repeat(65_536)));
  }
  outgoing.on('drain', more).writeHead(200, { 'content-type': 'application/json' })
  more()
}

async function read(incoming: IncomingMessage): Promise<Request> {
  const raw = Buffer.concat(await incoming.toArray())
  const { method = '', url: target = '', headers } = incoming
  const { pathname: path, searchParams: query } = new URL(target, 'http://stand-in')
  let body: unknown
  try {
    body = JSON.parse(raw.toString('utf8'))
  } catch {}
  return { method, path, query, target, headers, raw, body }
}

/** Where a word begins in a text, each time, in UTF-16 units. */
export function* placesOf(word: string, text: string): Generator<number> {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) yield at
}
