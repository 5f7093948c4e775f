import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Checks } from './auth/checks.ts'
import { accountOf, PrefixCache } from './cache.ts'
import type { Answer, Door, House, Request, Visit } from './door.ts'
import { doorOf, type Found } from './doors.ts'
import { Drills } from './faults.ts'
import { IdSource } from './ids.ts'
import { isObject, type JsonObject } from './json.ts'
import { Log, loggedHeaders, loggedTarget, type SimLogEntry } from './log.ts'
import { Memory } from './memory.ts'
import { behaviourOf } from './models.ts'
import { Outlet } from './outlet.ts'
import { perform, sendRefusal } from './perform.ts'
import { planOf } from './plan.ts'
import { Refusal } from './refusal.ts'
import { Sealer } from './seal.ts'
import type { Voice } from './voice.ts'

/** Credentials that have a cache at one time. */
const ACCOUNTS_MAX = 1_000
const BODY_BYTES_MAX = 64 * 1024 * 1024
/** Longer than any client's, so that a pooled connection is never closed under a new request. */
const KEEP_ALIVE_MS = 120_000

export interface SimSettings {
  keys: readonly string[]
  checks: Checks | undefined
  paceMs: number | undefined
  seed: number
  wallMs: () => number
}

/** The simulated provider behind its HTTP server: all state of one simulator. */
export class Provider {
  readonly server: Server
  readonly log = new Log()
  readonly #paceMs: number | undefined
  readonly #house: House
  /** Of each account: one never meets what another left. */
  readonly #caches = new Map<string, PrefixCache>()
  readonly #drills = new Drills()
  readonly #open = new Set<Outlet>()
  readonly #startMs = performance.now()

  constructor({ keys, checks, paceMs, seed, wallMs }: SimSettings) {
    this.#paceMs = paceMs
    this.#house = { keys, checks, ids: new IdSource(seed), sealer: new Sealer(seed), memory: new Memory(), wallMs }
    this.server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (incoming, response) => {
      void this.#serve(incoming, response)
    })
  }

  /** Forgets the log, the prompt caches, what was stored and what faults remember. */
  reset(): void {
    this.log.clear()
    this.#caches.clear()
    this.#drills.reset()
    this.#house.memory.clear()
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
    const target = incoming.url ?? '/'
    const url = new URL(target, 'http://sim')
    const { pathname: path, searchParams: query } = url
    const request: Request = { method: incoming.method ?? 'GET', target, path, query, headers: incoming.headers, body }
    if (path.startsWith('/control/')) {
      this.#control(request, response)
      return
    }
    const found = doorOf(request)
    const entry = this.#note(request, found)
    const outlet = new Outlet(response, entry, this.#sinceStartMs)
    this.#open.add(outlet)
    try {
      await this.#answer(request, found, outlet)
    } catch (thrown) {
      this.#refuse(outlet, found.voice, thrown)
    } finally {
      this.#open.delete(outlet)
    }
  }

  #refuse(outlet: Outlet, voice: Voice, thrown: unknown): void {
    const text = `The simulator itself failed: ${thrown instanceof Error ? thrown.stack : String(thrown)}`
    const refusal = thrown instanceof Refusal ? thrown : new Refusal(500, 'simulator_fault', text)
    sendRefusal(outlet, voice, refusal, this.#headers(outlet, voice))
  }

  #note(request: Request, { door, voice, ...found }: Found): SimLogEntry {
    const { method, headers, body: raw } = request
    const parsed = parseJson(raw)
    const body = parsed instanceof Error ? raw.toString().slice(0, 4096) : parsed
    const params = 'params' in found ? found.params : {}
    return this.log.add(
      {
        atMs: this.#sinceStartMs(),
        requestId: voice.newRequestId(this.#house.ids),
        dialect: found.missing === 'path' ? 'none' : voice.dialect,
        method,
        path: loggedTarget(request.target),
        model: params.model ?? (isObject(body) && typeof body.model === 'string' ? body.model : null),
        stream: door?.stream ?? (isObject(body) && body.stream === true),
        headers: loggedHeaders(headers),
        body,
        status: 0,
        behaviour: null,
        responseBytes: 0,
        usage: null,
        usageSent: false,
        generated: 0,
        finish: 'open',
        bytesAfterClientClose: 0
      },
      raw
    )
  }

  async #answer(request: Request, found: Found, outlet: Outlet): Promise<void> {
    const { door, voice } = found
    const { gate } = voice
    if (!door) throw found.missing === 'path' ? gate.unknown(request) : gate.wrongMethod(request)
    const visit: Visit = {
      house: this.#house,
      request,
      params: found.params,
      stream: door.stream,
      json: () => jsonOf(request.body, voice)
    }
    await (door.admit ?? gate.admit)(visit)
    if (request.body.length > BODY_BYTES_MAX) throw gate.tooLarge()
    if (door.does === 'generate') await this.#generate(door, visit, outlet)
    else await this.#tell(await door.does(visit), voice, outlet)
  }

  async #generate(door: Door, visit: Visit, outlet: Outlet): Promise<void> {
    const { voice } = door
    const body = door.prepare ? door.prepare(visit.json(), visit) : visit.json()
    const model = visit.params.model ?? body.model
    const behaviour = behaviourOf(typeof model === 'string' ? model : '')
    const ask = voice.read(body, behaviour, visit)
    outlet.entry.behaviour = behaviour.id
    const nowMs = this.#sinceStartMs()
    const refusal = this.#drills.refusalOf(ask, voice, nowMs)
    if (refusal && refusal.status !== 200) throw refusal
    if (refusal) {
      const { requestId } = outlet.entry
      const frames = ask.stream ? voice.errorFrames(refusal, requestId, []) : undefined
      await this.#tell(frames ? { frames } : { body: voice.errorBody(refusal, requestId) }, voice, outlet)
      return
    }
    const plans = Array.from({ length: ask.choices }, (_, choice) => planOf(ask, choice))
    const reply = voice.reply(ask, plans, {
      visit,
      ids: this.#house.ids,
      sealer: this.#house.sealer,
      nowS: Math.floor(this.#house.wallMs() / 1000),
      cache: voice.cacheUse(ask, this.#cacheOf(visit.request), nowMs),
      usageFactor: behaviour.id === 'usage-over-estimate' ? 3 : 1
    })
    await perform({ ask, voice, outlet, headers: this.#headers(outlet, voice), paceMs: this.#paceMs }, reply)
  }

  #cacheOf({ headers }: Request): PrefixCache {
    const account = accountOf(headers)
    const found = this.#caches.get(account)
    if (found) return found
    if (this.#caches.size >= ACCOUNTS_MAX) this.#caches.clear()
    const cache = new PrefixCache()
    this.#caches.set(account, cache)
    return cache
  }

  #headers(outlet: Outlet, voice: Voice): Record<string, string> {
    const tookMs = this.#sinceStartMs() - outlet.entry.atMs
    return voice.headers(outlet.entry.requestId, { wallMs: this.#house.wallMs(), tookMs })
  }

  async #tell(answer: Answer, voice: Voice, outlet: Outlet): Promise<void> {
    if ('frames' in answer) {
      outlet.head(200, { 'content-type': voice.framing.contentType, ...this.#headers(outlet, voice) })
      for (const [at, frame] of answer.frames.entries()) await outlet.write(voice.framing.write(frame, at))
    } else {
      const body = JSON.stringify(answer.body)
      const type = voice.wholeContentType ?? 'application/json'
      const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) }
      outlet.head(200, { ...headers, ...this.#headers(outlet, voice) })
      await outlet.write(body)
    }
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

function jsonOf(raw: Buffer, voice: Voice): JsonObject {
  const body = parseJson(raw)
  if (body instanceof Error) throw voice.gate.notJson(body.message)
  if (!isObject(body)) throw voice.gate.notJson('expected an object')
  return body
}

function parseJson(raw: Buffer): JsonObject | null | Error {
  if (raw.length === 0) return null
  try {
    return JSON.parse(raw.toString())
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown))
  }
}
