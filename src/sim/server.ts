import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { countPrompt } from './anthropic/read.ts'
import { PrefixCache } from './cache.ts'
import { checkEntry, type Door, doorOf, notJson, type Request, tooLarge } from './doors.ts'
import { Drills } from './faults.ts'
import { IdSource } from './ids.ts'
import { isObject, type JsonObject } from './json.ts'
import { modelsBody } from './listing.ts'
import { Log, loggedHeaders, type SimLogEntry } from './log.ts'
import { behaviourOf } from './models.ts'
import { Outlet } from './outlet.ts'
import { perform, sendRefusal } from './perform.ts'
import { planOf } from './plan.ts'
import { Refusal } from './refusal.ts'
import { Sealer } from './seal.ts'

const BODY_BYTES_MAX = 64 * 1024 * 1024
/** Longer than any client's, so that a pooled connection is never closed under a new request. */
const KEEP_ALIVE_MS = 120_000

export interface SimSettings {
  keys: readonly string[]
  paceMs: number | undefined
  seed: number
  wallMs: () => number
}

/** The simulated provider behind its HTTP server: all state of one simulator. */
export class Provider {
  readonly server: Server
  readonly log = new Log()
  readonly #settings: SimSettings
  readonly #ids: IdSource
  readonly #sealer: Sealer
  readonly #cache = new PrefixCache()
  readonly #drills = new Drills()
  readonly #open = new Set<Outlet>()
  readonly #startMs = performance.now()

  constructor(settings: SimSettings) {
    this.#settings = settings
    this.#ids = new IdSource(settings.seed)
    this.#sealer = new Sealer(settings.seed)
    this.server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (incoming, response) => {
      void this.#serve(incoming, response)
    })
  }

  /** Forgets the log, the prompt caches and what faults remember. */
  reset(): void {
    this.log.clear()
    this.#cache.clear()
    this.#drills.reset()
  }

  async close(): Promise<void> {
    for (const outlet of this.#open) outlet.stop()
    const closed = new Promise<void>(resolve => this.server.close(() => resolve()))
    this.server.closeAllConnections()
    await closed
  }

  #sinceStartMs = (): number => performance.now() - this.#startMs

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    // a client that leaves shows as `close`; its socket error needs no other reader
    response.on('error', () => {})
    const body = await readBody(incoming)
    if (body === undefined) return
    const url = new URL(incoming.url ?? '/', 'http://sim')
    const { pathname: path, searchParams: query } = url
    const request: Request = { method: incoming.method ?? 'GET', path, query, headers: incoming.headers, body }
    if (path.startsWith('/control/')) {
      this.#control(request, response)
      return
    }
    const door = doorOf(request)
    const entry = this.#note(request, door, path + url.search)
    const outlet = new Outlet(response, entry, this.#sinceStartMs)
    this.#open.add(outlet)
    try {
      await this.#answer(request, door, outlet)
    } catch (thrown) {
      this.#refuse(outlet, door, thrown)
    } finally {
      this.#open.delete(outlet)
    }
  }

  #refuse(outlet: Outlet, door: Door, thrown: unknown): void {
    const text = `The simulator itself failed: ${thrown instanceof Error ? thrown.stack : String(thrown)}`
    const refusal = thrown instanceof Refusal ? thrown : new Refusal(500, 'simulator_fault', text)
    sendRefusal(outlet, door.voice, refusal, this.#headers(outlet, door))
  }

  #note(request: Request, door: Door, path: string): SimLogEntry {
    const { method, headers, body: raw } = request
    const parsed = parseJson(raw)
    const body = parsed instanceof Error ? raw.toString().slice(0, 4096) : parsed
    return this.log.add(
      {
        atMs: this.#sinceStartMs(),
        requestId: door.voice.newRequestId(this.#ids),
        dialect: door.name === 'unknown' ? 'none' : door.voice.dialect,
        method,
        path,
        model: isObject(body) && typeof body.model === 'string' ? body.model : null,
        stream: isObject(body) && body.stream === true,
        headers: loggedHeaders(headers),
        body,
        status: 0,
        behaviour: null,
        responseBytes: 0,
        usage: null,
        usageSent: false,
        finish: 'open',
        bytesAfterClientClose: 0
      },
      raw
    )
  }

  async #answer(request: Request, door: Door, outlet: Outlet): Promise<void> {
    checkEntry(request, door, this.#settings.keys)
    if (request.body.length > BODY_BYTES_MAX) throw tooLarge(door.voice)
    if (door.name === 'models') {
      this.#sendJson(outlet, door, modelsBody(request.path, door.voice))
      return
    }
    const body = parseJson(request.body)
    if (body instanceof Error) throw notJson(door.voice, body.message)
    if (!isObject(body)) throw notJson(door.voice, 'expected an object')
    const isBeta = request.headers['anthropic-beta'] !== undefined || request.query.get('beta') === 'true'
    const context = { sealer: this.#sealer, isBeta }
    if (door.name === 'count-tokens') this.#sendJson(outlet, door, { input_tokens: countPrompt(body, context) })
    else await this.#generate(body, door, outlet, context)
  }

  async #generate(
    body: JsonObject,
    door: Door,
    outlet: Outlet,
    context: { sealer: Sealer; isBeta: boolean }
  ): Promise<void> {
    const { voice } = door
    const behaviour = behaviourOf(typeof body.model === 'string' ? body.model : '')
    const ask = voice.read(body, behaviour, context)
    outlet.entry.behaviour = behaviour.id
    const nowMs = this.#sinceStartMs()
    const refusal = this.#drills.refusalOf(ask, voice, nowMs)
    if (refusal) throw refusal
    const plans = Array.from({ length: ask.choices }, (_, choice) => planOf(ask, choice))
    const reply = voice.reply(ask, plans, {
      ids: this.#ids,
      sealer: this.#sealer,
      nowS: Math.floor(this.#settings.wallMs() / 1000),
      cache: voice.cacheUse(ask, this.#cache, nowMs),
      usageFactor: behaviour.id === 'usage-over-estimate' ? 3 : 1
    })
    await perform({ ask, voice, outlet, headers: this.#headers(outlet, door), paceMs: this.#settings.paceMs }, reply)
  }

  #headers(outlet: Outlet, door: Door): Record<string, string> {
    const tookMs = this.#sinceStartMs() - outlet.entry.atMs
    return door.voice.headers(outlet.entry.requestId, { wallMs: this.#settings.wallMs(), tookMs })
  }

  #sendJson(outlet: Outlet, door: Door, value: JsonObject): void {
    const body = JSON.stringify(value)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    outlet.head(200, { ...headers, ...this.#headers(outlet, door) })
    void outlet.write(body)
    outlet.end()
  }

  #control(request: Request, response: ServerResponse): void {
    const send = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    const wanted = `${request.method} ${request.path}`
    if (wanted === 'GET /control/log') send(200, this.log.entries(Number(request.query.get('since') ?? 0)))
    else if (wanted === 'POST /control/reset') {
      this.reset()
      send(200, { reset: true })
    } else send(404, { error: 'GET /control/log?since=seq or POST /control/reset' })
  }
}

/** The whole body; what is over the limit is read but not kept. Undefined where the client left before its end. */
async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes <= BODY_BYTES_MAX + chunk.length) chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}

function parseJson(raw: Buffer): JsonObject | null | Error {
  if (raw.length === 0) return null
  try {
    return JSON.parse(raw.toString())
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown))
  }
}
