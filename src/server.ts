import type { FastifyInstance } from 'fastify'
import { refuseWebPage } from './access/open-mode.ts'
import { type AdminHall, adminApp } from './admin/app.ts'
import type { Welcome } from './admin/welcome.ts'
import { buildPlan, noteRefused, type Plan, type Plant } from './build.ts'
import { systemClock } from './clock.ts'
import { type ConfigWatch, isLoopback, type Listen, type LoadedConfig, watchConfig } from './config/index.ts'
import { refuse } from './endpoints/answer.ts'
import type { Endpoint, Hall } from './endpoints/endpoint.ts'
import { endpoints } from './endpoints/index.ts'
import { Failure } from './errors.ts'
import { handle } from './gateway.ts'
import type { Log } from './log.ts'
import { systemRandom } from './random.ts'
import { Recent } from './records/recent.ts'
import { type Sim, startSim } from './sim/index.ts'
import type { CallRecord } from './stages/call.ts'
import { VERSION } from './version.ts'
import type { Exchange, Headers } from './wire/exchange.ts'
import { createHttpServer, type HttpLimits, type HttpServer } from './wire/http.ts'
import { createUpstream } from './wire/upstream-undici.ts'

export interface StartOptions {
  /** The configuration to begin with. */
  first: LoadedConfig
  /** Reads it again; throws ConfigProblems. */
  load: () => LoadedConfig
  /** The file to watch; undefined: none. */
  path: string | undefined
  env: Readonly<Record<string, string | undefined>>
  log: Log
  /** Same-dialect calls go through the canonical form too (law e). */
  forceCanonical: boolean
  /** Times and sizes of the listener that the configuration does not set: for tests. */
  http?: Partial<HttpLimits>
}

/** Sections that were read when the process began: a change of them needs a restart. */
const FIXED = ['listen', 'log', 'sim'] as const

const RECENT_CALLS = 20
const DRAIN_MS = 30_000
/** For a client's body to arrive; a 40 MB body over a slow line takes its time. */
const BODY_TIMEOUT_MS = 300_000

/** The table of doors: what `METHOD path` they answer. */
const DOORS: readonly Endpoint[] = Object.values(endpoints)

/** Starts everything and listens. Rejects when the port is taken, and then leaves nothing behind. */
export async function startGatehouse(options: StartOptions): Promise<Gatehouse> {
  const gatehouse = new Gatehouse(options)
  try {
    await gatehouse.start()
  } catch (thrown) {
    await gatehouse.drain(0)
    throw listenProblem(thrown, options.first.config.listen)
  }
  return gatehouse
}

/** Why we cannot listen there, in words and with what helps. */
function listenProblem(thrown: unknown, { host, port }: Listen): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  if (code === 'EADDRINUSE')
    return new Error(`port ${port} on ${host} is taken; choose another (--port), 0 takes a free one`)
  if (code === 'EACCES') return new Error(`port ${port} on ${host} is not ours to open; choose one above 1023 (--port)`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new Error(`${host} is no address of this machine (--host)`)
  return thrown
}

/** A gateway that runs: one Plant, and the Plan in force (D7). */
export class Gatehouse {
  readonly #options: StartOptions
  readonly #plant: Plant
  #plan: Plan
  #hall: Hall
  #server: HttpServer | undefined
  #app: FastifyInstance | undefined
  #sim: Sim | undefined
  #watch: ConfigWatch | undefined
  #ready = true
  port = 0

  constructor(options: StartOptions) {
    this.#options = options
    this.#plant = {
      clock: systemClock,
      random: systemRandom,
      upstream: createUpstream({ clock: systemClock }),
      log: options.log,
      recent: new Recent<CallRecord>(RECENT_CALLS),
      version: VERSION,
      simUrl: undefined,
      forceCanonical: options.forceCanonical
    }
    this.#plan = buildPlan(options.first, this.#plant, options.env)
    this.#hall = hallOf(this.#plan, this.#plant)
  }

  async start(): Promise<void> {
    const { first, path } = this.#options
    const { listen, limits, sim } = first.config
    if (sim ?? (path === undefined && this.#plan.providers.size === 0)) await this.#startSim(first)
    const app = await adminApp(this.#adminHall())
    this.#app = app
    this.#server = createHttpServer({
      clock: this.#plant.clock,
      limits: {
        ...this.#options.http,
        headerBytesMax: limits.headerBytesMax,
        inFlightBytesMax: limits.inFlightBytesMax
      },
      newId: () => this.#plant.random.id(),
      isDoor: (method, at) => DOORS.some(door => door.method === method && door.path.test(at)),
      onExchange: exchange => this.#serve(exchange),
      fallback: (request, response) => app.routing(request, response)
    })
    this.port = await this.#server.listen(listen.port, listen.host)
    if (path !== undefined) this.#watch = watchConfig(path, () => this.reload(), { files: first.sources.files })
  }

  async #startSim(loaded: LoadedConfig): Promise<void> {
    this.#sim = await startSim({ port: 0, host: '127.0.0.1' })
    this.#plant.simUrl = this.#sim.url
    this.#use(buildPlan(loaded, this.#plant, this.#options.env))
  }

  #use(plan: Plan): void {
    this.#plan = plan
    this.#hall = hallOf(plan, this.#plant)
  }

  #serve(exchange: Exchange): void {
    for (const door of DOORS) {
      const parameters = door.method === exchange.method ? door.path.exec(exchange.path) : null
      if (!parameters) continue
      const refused = this.#ready ? this.#refuse(exchange.headers) : draining()
      if (refused) refuse(exchange, this.#hall, door.dialect(exchange.headers), refused)
      else void door.serve(exchange, this.#hall, parameters)
      return
    }
  }

  /** Open mode's refusals (D16): for the doors and everything else on the port alike. */
  #refuse(headers: Headers): Failure | undefined {
    if (this.#plan.keys) return undefined
    return refuseWebPage(headers, { port: this.port, allowedOrigins: this.#plan.config.allowedOrigins })
  }

  #adminHall(): AdminHall {
    return {
      home: () => ({
        ...this.welcome(),
        recent: this.#plan.keys ? undefined : this.#plant.recent.list(),
        version: VERSION
      }),
      ready: () => this.#ready,
      refuse: headers => this.#refuse(headers),
      newId: () => this.#plant.random.id(),
      doorMethods: path => [...new Set(DOORS.filter(door => door.path.test(path)).map(door => door.method))]
    }
  }

  get url(): string {
    const { host } = this.#options.first.config.listen
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.port}`
  }

  /** Calls that are being answered now, and sockets to providers that are open now. */
  get open(): { calls: number; upstreamSockets: number } {
    return { calls: this.#server?.openExchanges ?? 0, upstreamSockets: this.#plant.upstream.sockets }
  }

  welcome(): Welcome {
    const { providers, missing, models, keys } = this.#plan
    const model = providers.has('sim') ? 'sim/echo' : (models[0]?.id ?? 'provider/model')
    return { url: this.url, found: [...providers.keys()], missing, model, keys: keys !== undefined }
  }

  /**
   * Reads the configuration again. A plan is swapped as a whole: calls in flight keep theirs, the next call has the new
   * one, the Plant stays (D7). Where the new one is wrong, the old one stays in force and the log says why. Returns
   * whether it was swapped.
   */
  reload(): boolean {
    const { log } = this.#plant
    try {
      const next = this.#options.load()
      this.#checkReach(next)
      this.#use(buildPlan(next, this.#plant, this.#options.env))
      this.#watch?.follow(next.sources.files)
      const first = this.#options.first.config
      for (const section of FIXED) {
        if (JSON.stringify(next.config[section]) !== JSON.stringify(first[section]))
          log.warn({ section }, `the change of "${section}" needs a restart`)
      }
      log.info({ configDigest: this.#plan.digest }, 'configuration reloaded')
      return true
    } catch (thrown) {
      const problems = thrown instanceof Error ? thrown.message : String(thrown)
      log.error(
        { problems, configDigest: this.#plan.digest },
        'configuration not reloaded: the one before stays in force'
      )
      return false
    }
  }

  /** The rule that open mode is for this machine alone holds for the socket we have, not for the one the file asks for. */
  #checkReach({ config }: LoadedConfig): void {
    const { host } = this.#options.first.config.listen
    if (config.auth === 'open' && !isLoopback(host)) {
      throw new Error(`auth: open needs a restart, since calls come in on ${host} until then`)
    }
  }

  /** No new calls; those open may finish, for `graceMs`. Then everything is closed. */
  async drain(graceMs = DRAIN_MS): Promise<void> {
    this.#ready = false
    this.#watch?.close()
    await this.#server?.drain(graceMs)
    await this.#app?.close()
    await this.#plant.upstream.close()
    await this.#sim?.close()
    this.#plant.log.flush()
  }
}

/** What the doors see of a plan. */
function hallOf(plan: Plan, plant: Plant): Hall {
  return {
    handle: call => handle(call, plan.rooms),
    refused: (id, dialect, failure) => noteRefused(id, dialect.name, failure, plant),
    authenticate: credentials => void plan.keys?.authenticate(credentials),
    models: () => plan.models,
    newId: () => plant.random.id(),
    clock: plant.clock,
    bodyLimits: { bytesMax: plan.config.limits.bodyBytesMax, timeoutMs: BODY_TIMEOUT_MS },
    depthMax: plan.config.limits.depthMax
  }
}

function draining(): Failure {
  return new Failure('draining', 'The gateway is shutting down; send the call again, to another replica.')
}
