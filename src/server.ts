import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { refuseWebPage } from './access/open-mode.ts'
import { OwnedIds } from './access/owned.ts'
import { type AdminHall, adminApp } from './admin/app.ts'
import { governanceOf } from './admin/governance-of.ts'
import type { Welcome } from './admin/welcome.ts'
import { keep } from './build/kept.ts'
import { type Access, type Breakage, type Opened, openStores } from './build/open.ts'
import { buildReplayer } from './build/replayer.ts'
import { buildSimulator } from './build/simulator.ts'
import { buildPlan, type Plan, type Plant } from './build.ts'
import { systemClock } from './clock.ts'
import {
  type Config,
  type ConfigWatch,
  type Drain,
  isLoopback,
  type LoadedConfig,
  watchConfig
} from './config/index.ts'
import { refuse, writeFailure } from './endpoints/answer.ts'
import type { Endpoint, Hall } from './endpoints/endpoint.ts'
import { endpoints } from './endpoints/index.ts'
import { Failure } from './errors.ts'
import type { Log } from './log.ts'
import { createSigners } from './providers/auth/signers.ts'
import { systemRandom } from './random.ts'
import { Recent } from './records/recent.ts'
import { Health } from './routing/health.ts'
import { Secret } from './secret.ts'
import { hallOf } from './server/hall.ts'
import { listenProblem } from './server/listen-problem.ts'
import { watchOverload } from './server/overload.ts'
import { buildRepeats } from './server/repeats.ts'
import { Watching } from './server/watching.ts'
import { type Sim, startSim } from './sim/index.ts'
import type { CallRecord } from './stages/call-record.ts'
import type { Repeats } from './stages/repeats.ts'
import { tellWebhook } from './telemetry/webhook.ts'
import { VERSION } from './version.ts'
import type { Exchange, Headers } from './wire/exchange.ts'
import { createHttpServer, type HttpLimits, type HttpServer } from './wire/http.ts'
import type { Shedding } from './wire/shedding.ts'
import { createUpstream } from './wire/upstream-undici.ts'
import { systemVitals, type Vitals } from './wire/vitals.ts'

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
  /** Who has it may use `/admin/*`; without one nobody may. */
  adminToken?: Secret
  /** What all keys of the process are derived from; without one, what it gives out is of no use after it. */
  secret?: Secret
  /** Everything is kept there, or in the servers that the configuration names; without it nothing is, as tests want it. */
  directory?: string
  /** What is turned off to show that a proof notices: the journal, deadlines of stores, conditions in simulations, or tenants in cache keys. */
  breakage?: Breakage
  /** Times and sizes of the listener that the configuration does not set: for tests. */
  http?: Partial<HttpLimits>
  /** How long a stream may be silent before its client gets a sign of life: for tests. */
  keepAliveMs?: number
  /** How the process feels: for tests. */
  vitals?: Vitals
}

/** Sections that were read when the process began: a change of them needs a restart. */
const FIXED = ['listen', 'log', 'sim', 'telemetry'] as const

const RECENT_CALLS = 20
/** What was written last still has to reach its client, before everything is closed. */
const LINGER_MS = 1_000
/** A timer that is set for longer fires at once. */
const TIMER_MAX_MS = 2 ** 31 - 1
/** When a call that is turned away may come back: to another replica by then. */
const RETRY_AFTER_MS = 1_000

/** The table of doors: what `METHOD path` they answer. */
const DOORS: readonly Endpoint[] = Object.values(endpoints)

/** Starts everything and listens. Rejects when the port is taken, and then leaves nothing behind. */
export async function startGatehouse(options: StartOptions): Promise<Gatehouse> {
  const opened = await open(options)
  const gatehouse = new Gatehouse(options, opened)
  try {
    await gatehouse.start()
  } catch (thrown) {
    await gatehouse.drain(0)
    throw listenProblem(thrown, options.first.config.listen)
  }
  return gatehouse
}

/** The stores of a gateway that has a directory; counters in memory, and no ledger, of one that has not. */
function open({ directory, secret, first, log, breakage }: StartOptions): Promise<Opened> | Opened {
  const rooms = { clock: systemClock, log }
  if (directory === undefined || secret === undefined) return { kept: keep({}, rooms), access: undefined }
  const { stores: settings, bodies, cache, keepRecordsMs } = first.config
  const cacheBytesMax = cache.storeBytesMax
  return openStores({ directory, secret, settings, bodies, cacheBytesMax, keepRecordsMs, breakage }, rooms)
}

/** A gateway that runs: one Plant, and the Plan in force (D7). */
export class Gatehouse {
  readonly #options: StartOptions
  readonly #plant: Plant
  readonly #access: Access | undefined
  #plan: Plan
  #hall: Hall
  #server: HttpServer | undefined
  #app: FastifyInstance | undefined
  #sim: Sim | undefined
  #watch: ConfigWatch | undefined
  #shedding: Shedding | undefined
  readonly #watching: Watching
  readonly #repeats: Repeats
  /** `leaving`: not ready any more, but new calls are taken; `closed`: they are not. */
  #phase: 'open' | 'leaving' | 'closed' = 'open'
  #left: Promise<void> | undefined
  /** Aborted when there is no more time for calls under way. */
  readonly #hurry = new AbortController()
  #turnedAway = 0
  port = 0

  constructor(options: StartOptions, { kept, access }: Opened) {
    this.#options = options
    this.#access = access
    const upstream = createUpstream({ clock: systemClock })
    this.#plant = {
      clock: systemClock,
      random: systemRandom(systemClock.wallMs),
      upstream,
      log: options.log,
      recent: new Recent<CallRecord>(RECENT_CALLS),
      health: new Health(systemClock),
      signers: createSigners({ clock: systemClock, upstream }),
      ownedIds: new OwnedIds(options.secret ?? new Secret(randomBytes(32).toString('base64url'))),
      kept,
      telemetry: undefined,
      storedKeys: access?.storedKeys,
      version: VERSION,
      simUrl: undefined,
      forceCanonical: options.forceCanonical,
      breakage: options.breakage
    }
    this.#watching = new Watching({
      log: options.log,
      random: this.#plant.random,
      tell: (url, message) => this.#plant.kept.webhook(url, message),
      probe: {
        inFlight: () => this.open.calls,
        isOpen: target => this.#plant.health.isOpen(target),
        configDigest: () => this.#plan.digest
      }
    })
    kept.budgetReached = reached => this.#watching.alerts.budgetReached(reached)
    this.#plan = buildPlan(options.first, this.#plant, options.env)
    this.#repeats = buildRepeats(this.#plant, {
      plan: () => this.#plan,
      generation: () => access?.freshness.generation ?? 0,
      isOpen: () => this.#phase === 'open' && this.#shedding?.isCalm !== false
    })
    this.#govern(options.first.config)
    this.#hall = this.#hallOf(this.#plan)
  }

  async start(): Promise<void> {
    const { first, path } = this.#options
    const { listen, limits, sim } = first.config
    if (sim ?? (path === undefined && this.#plan.providers.size === 0)) await this.#startSim(first)
    this.#plant.telemetry = await this.#watching.start(first.config.telemetry)
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
      known: this.#repeats,
      fallback: (request, response) => app.routing(request, response)
    })
    const { vitals = systemVitals() } = this.#options
    const { inFlightBytesMax } = limits
    this.#shedding = watchOverload(this.#server, this.#plant, { vitals, plan: () => this.#plan, inFlightBytesMax })
    this.port = await this.#server.listen(listen.port, listen.host)
    if (path !== undefined) this.#watch = watchConfig(path, () => this.reload(), { files: first.sources.files })
  }

  async #startSim(loaded: LoadedConfig): Promise<void> {
    this.#sim = await startSim({ port: 0, host: '127.0.0.1' })
    this.#plant.simUrl = this.#sim.url
    this.#use(buildPlan(loaded, this.#plant, this.#options.env))
  }

  /** What is kept lives on; how it refuses, and whom it tells, is the configuration's. */
  #govern({ budgetStatus, keys, webhooks, alerts }: Config): void {
    this.#watching.alerts.use(alerts)
    const { kept, upstream, clock, log } = this.#plant
    kept.refusalStatus = budgetStatus
    kept.declaredKeys = keys
    const rooms = { upstream, clock, log, userAgent: `gatehouse/${VERSION}` }
    kept.webhook = (url, message) => void tellWebhook(url, message, webhooks, rooms)
  }

  #use(plan: Plan): void {
    this.#plan = plan
    this.#govern(plan.config)
    this.#hall = this.#hallOf(plan)
  }

  #hallOf(plan: Plan): Hall {
    const hall = hallOf(plan, this.#plant, this.#options.keepAliveMs)
    return {
      ...hall,
      repeats: this.#repeats,
      refused: (id, dialect, failure) => {
        if (failure.code === 'overloaded') {
          this.#shedding?.refusedBody()
          this.#plant.telemetry?.shed('in_flight')
        } else hall.refused(id, dialect, failure)
      }
    }
  }

  #serve(exchange: Exchange): void {
    for (const door of DOORS) {
      const parameters = door.method === exchange.method ? door.path.exec(exchange.path) : null
      if (!parameters) continue
      const dialect = door.dialect(exchange.headers, exchange.path)
      const turnedAway = this.#turnAway()
      const refused = turnedAway ?? this.#refuse(exchange.headers)
      if (turnedAway) writeFailure(exchange, dialect, turnedAway, this.#plant.random.id())
      else if (refused) refuse(exchange, this.#hall, dialect, refused)
      else void door.serve(exchange, this.#hall, parameters)
      return
    }
  }

  /** Why no new call is taken now. There may be thousands of them a second: they are counted, not logged one by one. */
  #turnAway(): Failure | undefined {
    if (this.#phase !== 'closed') return this.#shed()
    this.#turnedAway++
    return draining('The gateway is shutting down; send the call again, to another replica.')
  }

  #shed(): Failure | undefined {
    const refused = this.#shedding?.refusal(this.open.calls)
    if (refused) this.#plant.telemetry?.shed(String(refused.details.reason))
    // A connection that idles takes the place of one that calls.
    if (this.#server && this.#phase === 'open') this.#server.keepConnections = refused?.details.reason !== 'sockets'
    return refused
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
      ready: () => this.#phase === 'open',
      refuse: headers => this.#refuse(headers),
      newId: () => this.#plant.random.id(),
      adminToken: this.#options.adminToken,
      explain: { explain: (...of) => this.#plan.explain(...of), monotonicMs: () => this.#plant.clock.monotonicMs() },
      guards: { list: () => this.#plan.guards.list(), test: (...of) => this.#plan.guards.test(...of) },
      simulator: buildSimulator(this.#plant, () => this.#plan, this.#options),
      replayer: buildReplayer(this.#plant, () => this.#plan),
      governance: governanceOf(this.#plant, () => this.#plan, this.#access, this.#options.secret),
      metrics: authorization => this.#watching.metricsFor(authorization, this.#options.adminToken),
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

  /** No new calls; those open may finish, for `timeoutMs`. Called again while it runs, it is in a hurry. */
  drain(timeoutMs: number): Promise<void> {
    return this.leave({ graceMs: 0, timeoutMs })
  }

  /**
   * Leaves as balancers need it: not ready at once, but new calls are taken for a grace, since an address is taken out
   * of service some time after that; then they are refused, on a listener that stays until calls under way are over. At
   * the timeout these end too, with an error of their dialect. Called again while it runs, it is in a hurry.
   */
  leave(how: Partial<Drain> = {}): Promise<void> {
    if (this.#left) this.#hurry.abort()
    else this.#left = this.#leave({ ...this.#plan.config.drain, ...how })
    return this.#left
  }

  async #leave({ graceMs, timeoutMs }: Drain): Promise<void> {
    const { clock } = this.#plant
    // Where we could not even listen there is nothing to tell.
    const log = this.port === 0 ? undefined : this.#plant.log
    const startedMs = clock.monotonicMs()
    const server = this.#server
    this.#phase = 'leaving'
    this.#watch?.close()
    if (server) server.keepConnections = false
    log?.info({ ...this.open, graceMs, timeoutMs }, 'draining')
    await this.#unlessHurried(Math.min(graceMs, timeoutMs))
    this.#phase = 'closed'
    await this.#unlessHurried(startedMs + timeoutMs - clock.monotonicMs(), server?.settled())
    const cut = server?.giveUp(() => draining('The gateway shut down before the answer was complete.')) ?? 0
    await server?.drain(LINGER_MS)
    this.#shedding?.close()
    await this.#watching.close()
    await this.#app?.close()
    await this.#plant.upstream.close()
    await this.#sim?.close()
    await this.#plant.kept.close()
    log?.info({ cut, turnedAway: this.#turnedAway, tookMs: Math.round(clock.monotonicMs() - startedMs) }, 'drained')
    this.#plant.log.flush()
  }

  /** Waits for so long, at most until `done`; not at all for who is in a hurry. */
  async #unlessHurried(milliseconds: number, done?: Promise<void>): Promise<void> {
    const over = new AbortController()
    const signal = AbortSignal.any([this.#hurry.signal, over.signal])
    void done?.then(() => over.abort())
    await sleep(Math.min(Math.max(0, milliseconds), TIMER_MAX_MS), undefined, { signal }).catch(() => {})
  }
}

function draining(message: string): Failure {
  return new Failure('draining', message, { retryAfterMs: RETRY_AFTER_MS })
}
