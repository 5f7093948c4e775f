import type { AdminHall } from '../admin/app.ts'
import { systemClock } from '../clock.ts'
import type { Config } from '../config/index.ts'
import type { JsonObject } from '../json.ts'
import type { Log } from '../log.ts'
import type { Random } from '../random.ts'
import type { Secret } from '../secret.ts'
import { Alerts } from '../telemetry/alerts.ts'
import { mayRead } from '../telemetry/metrics-door.ts'
import type { Probe } from '../telemetry/prometheus.ts'
import { Telemetry } from '../telemetry/telemetry.ts'
import { VERSION } from '../version.ts'
import { systemVitals, type Vitals } from '../wire/vitals.ts'

/** How often alerts are judged. */
const JUDGE_MS = 5_000

export interface WatchingRooms {
  log: Log
  random: Random
  /** Tells an address of the user's. */
  tell(url: string, message: JsonObject): void
  /** What is asked of the process at every scrape. */
  probe: Omit<Probe, 'loopLagMs' | 'residentBytes'>
}

/** What watches the gateway: alerts, metrics and traces. It lives as long as the process. */
export class Watching {
  readonly alerts: Alerts
  readonly #rooms: WatchingRooms
  #telemetry: Telemetry | undefined
  #settings: Config['telemetry'] | undefined
  #judging: NodeJS.Timeout | undefined
  /** Of the event loop, from scrape to scrape. */
  #felt: Vitals | undefined

  constructor(rooms: WatchingRooms) {
    this.#rooms = rooms
    const { log, tell } = rooms
    this.alerts = new Alerts({ clock: systemClock, log, tell })
  }

  /** Rejects where a port is taken, or a package is not installed. */
  async start(settings: Config['telemetry']): Promise<Telemetry> {
    const { log, random, probe } = this.#rooms
    const felt = systemVitals()
    this.#felt = felt
    this.#settings = settings
    const whole = { ...probe, loopLagMs: () => felt.loopLagMs(), residentBytes: () => process.memoryUsage.rss() }
    const rooms = { log, probe: whole, version: VERSION, instance: random.id() }
    this.#telemetry = await Telemetry.open(settings, rooms, [this.alerts])
    this.#judging = setInterval(() => this.alerts.look(), JUDGE_MS)
    this.#judging.unref()
    return this.#telemetry
  }

  /** What `/metrics` of the gateway's own port shows to who has this token; undefined: it is not for them. */
  metricsFor(
    authorization: string | undefined,
    adminToken: Secret | undefined
  ): ReturnType<AdminHall['metrics'] & object> {
    const { listen, token } = this.#settings?.prometheus ?? {}
    return !listen && mayRead(authorization, [token ?? adminToken]) ? this.#telemetry : undefined
  }

  async close(): Promise<void> {
    clearInterval(this.#judging)
    await this.#telemetry?.close()
    this.#felt?.close()
  }
}
