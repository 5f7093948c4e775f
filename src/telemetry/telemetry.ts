import { Failure } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Secret } from '../secret.ts'
import type { RepeatedCall } from '../stores/rows.ts'
import type { ExtraLabel } from './metrics.ts'
import { MetricsListener } from './metrics-door.ts'
import { type OtlpSettings, openOtel } from './otel.ts'
import { type Probe, Prometheus } from './prometheus.ts'
import type { TelemetryRecord } from './record.ts'

export interface PrometheusSettings {
  /** A port of its own; undefined: `/metrics` is on the gateway's, and asks for a token. */
  listen: { host: string; port: number } | undefined
  /** Undefined: the admin token on the gateway's port, none on a port of its own. */
  token: Secret | undefined
  labels: readonly ExtraLabel[]
}

export interface TelemetrySettings {
  prometheus: PrometheusSettings
  /** Undefined: nothing is sent anywhere. */
  otlp: OtlpSettings | undefined
}

export interface TelemetryRooms {
  log: Log
  probe: Probe
  version: string
  instance: string
}

/** Takes what is over. */
interface Taker {
  add(record: TelemetryRecord): void
  /** Calls that repeated a recorded one, and took so long each. Who has no need of it gets a record of each. */
  repeated?(record: TelemetryRecord, tookMs: readonly number[]): void
}

/** Calls that repeated one, and their records where anybody wants them. */
interface Repeats {
  batches: (readonly RepeatedCall[])[]
  recordOf: (call: RepeatedCall) => TelemetryRecord
}

/** Records that wait to be counted: they hold what was said, so they are few. */
const QUEUE_MAX = 2_000
/** Repeats are counted so long after the first of them: many together cost little more than one. */
const REPEATS_MS = 50
/** So many at one go, then calls have their turn: about a millisecond. */
const SLICE = 20

/**
 * What happened, for who watches: counted and sent after the answer has gone, never while a call waits. Lives as long
 * as the process.
 */
export class Telemetry {
  readonly #rooms: TelemetryRooms
  readonly #takers: Taker[]
  readonly #prometheus: Prometheus
  readonly #closers: (() => Promise<void>)[] = []
  readonly #queue: TelemetryRecord[] = []
  readonly #repeats = new Map<TelemetryRecord, Repeats>()
  #repeatsTimer: NodeJS.Timeout | undefined
  #listener: MetricsListener | undefined
  #isDraining = false

  private constructor(settings: TelemetrySettings, rooms: TelemetryRooms) {
    this.#rooms = rooms
    this.#prometheus = new Prometheus(settings.prometheus.labels, rooms.probe)
    this.#takers = [this.#prometheus]
  }

  /** Rejects where a port is taken, or a package is not installed. `alongside`: others who take every record. */
  static async open(settings: TelemetrySettings, rooms: TelemetryRooms, alongside: Taker[] = []): Promise<Telemetry> {
    const telemetry = new Telemetry(settings, rooms)
    telemetry.#takers.push(...alongside)
    if (settings.otlp) {
      const otel = await openOtel(settings.otlp, rooms)
      telemetry.#takers.push(otel)
      telemetry.#closers.push(() => otel.close())
    }
    const { listen, token } = settings.prometheus
    if (listen) {
      const listener = await MetricsListener.open(listen, telemetry, token)
      telemetry.#listener = listener
      telemetry.#closers.push(() => listener.close())
    }
    return telemetry
  }

  /** Port of the listener of its own; undefined: there is none. */
  get port(): number | undefined {
    return this.#listener?.port
  }

  get contentType(): string {
    return this.#prometheus.contentType
  }

  /** What Prometheus reads. Every call that is over is in it. */
  text(): Promise<string> {
    this.#drain(Number.POSITIVE_INFINITY)
    this.#drainRepeats()
    return this.#prometheus.text()
  }

  /** A call that is over. Never throws, and costs its caller nothing. */
  take(record: TelemetryRecord): void {
    if (this.#queue.length >= QUEUE_MAX) {
      this.#prometheus.dropped(1)
      return
    }
    this.#queue.push(record)
    this.#goOn()
  }

  /** Calls that repeated one that is over, and what makes a record of each. Never throws. */
  repeated(
    record: TelemetryRecord,
    calls: readonly RepeatedCall[],
    recordOf: (call: RepeatedCall) => TelemetryRecord
  ): void {
    const known = this.#repeats.get(record)
    if (known) known.batches.push(calls)
    else this.#repeats.set(record, { batches: [calls], recordOf })
    this.#repeatsTimer ??= setTimeout(() => this.#drainRepeats(), REPEATS_MS).unref()
  }

  /** A call that was turned away: there is no record of it. */
  shed(reason: string): void {
    this.#prometheus.shed(reason)
  }

  /** Counts and sends what is left. */
  async close(): Promise<void> {
    this.#drain(Number.POSITIVE_INFINITY)
    this.#drainRepeats()
    await Promise.all(this.#closers.splice(0).map(close => close()))
  }

  #goOn(): void {
    if (this.#isDraining || this.#queue.length === 0) return
    this.#isDraining = true
    setImmediate(() => {
      this.#isDraining = false
      this.#drain(SLICE)
      this.#goOn()
    })
  }

  #drain(max: number): void {
    for (const record of this.#queue.splice(0, Math.min(max, this.#queue.length))) {
      for (const taker of this.#takers) this.#tell(record, () => taker.add(record))
    }
  }

  #drainRepeats(): void {
    clearTimeout(this.#repeatsTimer)
    this.#repeatsTimer = undefined
    for (const [record, { batches, recordOf }] of this.#repeats) {
      const calls = batches.flat()
      const tookMs = calls.map(([, , totalMs]) => totalMs)
      for (const taker of this.#takers) {
        if (taker.repeated) this.#tell(record, () => taker.repeated!(record, tookMs))
        else for (const each of calls.map(recordOf)) this.#tell(each, () => taker.add(each))
      }
    }
    this.#repeats.clear()
  }

  #tell(record: TelemetryRecord, tell: () => void): void {
    try {
      tell()
    } catch (thrown) {
      this.#rooms.log.warn({ id: record.id, why: Failure.from(thrown).message }, 'telemetry lost a call')
    }
  }
}
