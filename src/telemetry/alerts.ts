import type { Clock } from '../clock.ts'
import type { JsonObject } from '../json.ts'
import type { Log } from '../log.ts'
import { NANO_PER_USD } from '../nano.ts'
import type { TelemetryRecord } from './record.ts'
import { type Seen, Sliding } from './sliding.ts'

/** Calls that an alert looks at; what is not said is not asked for. */
export interface AlertFilter {
  provider?: string | undefined
  model?: string | undefined
  route?: string | undefined
  team?: string | undefined
}

export interface Alert {
  name: string
  webhook: string
  when: 'error_rate' | 'provider_down' | 'latency' | 'first_token' | 'spend' | 'budget'
  /** Rates, `provider_down` and `budget`: a share from 0 to 1. `spend`: nano-dollars. The two times: milliseconds. */
  above: number
  /** The window that it looks at, in milliseconds. */
  overMs: number
  of: AlertFilter
  /** Nothing is said of fewer calls, or attempts. */
  callsMin: number
  /** Of the two times, from 0 to 1. */
  percentile: number
}

/** A budget that has reached a share of its limit, as the budgets tell of it. */
export interface BudgetReached {
  budget: string
  scope: string
  /** From 0 to 1, or more. */
  share: number
  used: string
  limit: string
  /** When its window ends, in milliseconds since 1970. */
  resetMs: number
}

export interface AlertRooms {
  clock: Clock
  log: Log
  /** Tells an address, signed and tried again, some time later; never throws. */
  tell(url: string, message: JsonObject): void
}

/** What is told of: an alert, and the provider or budget where it has several. */
interface Matter {
  alert: Alert
  window: Sliding
  about: JsonObject
  state: 'quiet' | 'firing'
  /** When it began last, and when it was told of last. */
  beganMs: number
  toldMs: number
  /** Of a budget: when its window ends. */
  untilWallMs: number
}

const MATTERS_MAX = 1_000

/**
 * Tells addresses of the user's when something passes a bound, at most once in a window, and again when it is over.
 * Every process judges what it saw itself.
 */
export class Alerts {
  readonly #rooms: AlertRooms
  #alerts: readonly Alert[] = []
  readonly #matters = new Map<string, Matter>()

  constructor(rooms: AlertRooms) {
    this.#rooms = rooms
  }

  /** Those of the configuration in force. One that is as it was goes on with what it has seen. */
  use(alerts: readonly Alert[]): void {
    this.#alerts = alerts
    const kept = new Set(alerts.map(keyOf))
    for (const [key, { alert }] of this.#matters) if (!kept.has(keyOf(alert))) this.#matters.delete(key)
  }

  add(record: TelemetryRecord): void {
    const nowMs = this.#rooms.clock.monotonicMs()
    for (const alert of this.#alerts) {
      if (alert.when === 'provider_down') this.#addTries(alert, record, nowMs)
      else if (alert.when !== 'budget' && isOf(record, alert.of)) this.#addCall(alert, record, nowMs)
    }
  }

  /** Calls that repeated this one. */
  repeated(record: TelemetryRecord, tookMs: readonly number[]): void {
    if (this.#alerts.length === 0) return
    for (const totalMs of tookMs) this.add({ ...record, totalMs, firstTokenMs: totalMs })
  }

  /** Told by the budgets, once for each of their windows and shares. */
  budgetReached({ resetMs, ...reached }: BudgetReached): void {
    const nowMs = this.#rooms.clock.monotonicMs()
    for (const alert of this.#alerts) {
      if (alert.when !== 'budget' || reached.share < alert.above) continue
      const about = { ...reached, reset: new Date(resetMs).toISOString() }
      const matter = this.#matter(alert, `${reached.budget} ${reached.scope}`, about)
      if (matter.state === 'firing' && matter.untilWallMs === resetMs) continue
      Object.assign(matter, { about, untilWallMs: resetMs, state: 'firing', beganMs: nowMs })
      this.#tell(matter, 'alert.begun', reached.share, nowMs)
    }
  }

  /** Judges everything; to be called every few seconds. */
  look(): void {
    const nowMs = this.#rooms.clock.monotonicMs()
    for (const [key, matter] of this.#matters) {
      if (matter.alert.when === 'budget') this.#lookAtBudget(key, matter, nowMs)
      else this.#lookAt(matter, nowMs)
    }
  }

  #addCall(alert: Alert, record: TelemetryRecord, nowMs: number): void {
    const { totalMs, firstTokenMs, costNano, outcome, status } = record
    const tookMs = alert.when === 'first_token' ? firstTokenMs : totalMs
    // How long a failure took says nothing of how fast answers come.
    const isTimed = outcome === 'done' && tookMs !== undefined
    this.#matter(alert, '', {}).window.add(nowMs, {
      isError: outcome === 'failed' && status >= 500,
      costNano: costNano ?? 0,
      ...(isTimed && { tookMs })
    })
  }

  /** Of attempts, since a fallback hides from callers that a provider is down. */
  #addTries(alert: Alert, { tries }: TelemetryRecord, nowMs: number): void {
    for (const { provider, model, outcome, failure } of tries) {
      if (outcome === undefined || outcome === 'aborted') continue
      if (alert.of.provider !== undefined && alert.of.provider !== provider) continue
      if (alert.of.model !== undefined && alert.of.model !== model) continue
      const isError = outcome === 'failed' && !(failure !== undefined && OF_THE_REQUEST.has(failure))
      this.#matter(alert, provider, { provider }).window.add(nowMs, { isError })
    }
  }

  #lookAt(matter: Matter, nowMs: number): void {
    const { alert } = matter
    const value = judge(alert, matter.window.seen(nowMs), matter.state === 'firing')
    // Nobody asked a provider that was down: that says nothing of it.
    if (value === undefined && alert.when === 'provider_down') return
    const isAbove = value !== undefined && value >= alert.above
    if (isAbove) {
      // What comes and goes is told of once in a window, not each time.
      const isDue = nowMs - matter.toldMs >= alert.overMs
      if (matter.state === 'firing') {
        if (isDue) this.#tell(matter, 'alert.lasting', value, nowMs)
      } else if (isDue) {
        Object.assign(matter, { state: 'firing', beganMs: nowMs })
        this.#tell(matter, 'alert.begun', value, nowMs)
      }
    } else if (matter.state === 'firing') {
      matter.state = 'quiet'
      this.#tell(matter, 'alert.over', value, nowMs)
    }
  }

  #lookAtBudget(key: string, matter: Matter, nowMs: number): void {
    if (matter.state !== 'firing' || this.#rooms.clock.wallMs() < matter.untilWallMs) return
    this.#matters.delete(key)
    this.#tell(matter, 'alert.over', undefined, nowMs)
  }

  #tell(matter: Matter, event: string, value: number | undefined, nowMs: number): void {
    const { alert, about, beganMs } = matter
    if (event !== 'alert.over') matter.toldMs = nowMs
    const facts = {
      alert: alert.name,
      when: alert.when,
      ...about,
      ...filterFacts(alert.of),
      value: value === undefined ? null : shown(alert, value),
      above: shown(alert, alert.above),
      over_ms: alert.overMs,
      since: new Date(this.#rooms.clock.wallMs() - (nowMs - beganMs)).toISOString()
    }
    this.#rooms.log.warn(facts, event)
    this.#rooms.tell(alert.webhook, { event, ...facts })
  }

  #matter(alert: Alert, of: string, about: JsonObject): Matter {
    const key = `${keyOf(alert)} ${of}`
    let matter = this.#matters.get(key)
    if (matter) return matter
    if (this.#matters.size >= MATTERS_MAX) this.#matters.delete(this.#matters.keys().next().value!)
    const never = Number.NEGATIVE_INFINITY
    const window = new Sliding(alert.overMs)
    matter = { alert, window, about, state: 'quiet', beganMs: 0, toldMs: never, untilWallMs: 0 }
    this.#matters.set(key, matter)
    return matter
  }
}

/** These are answers: a provider that gives them is there. */
const OF_THE_REQUEST: ReadonlySet<string> = new Set(['too_long', 'content_filter', 'bad_request', 'too_large'])

function isOf({ answered, tries, decision, payers }: TelemetryRecord, of: AlertFilter): boolean {
  const target = answered ?? tries.at(-1)
  return (
    (of.provider === undefined || target?.provider === of.provider) &&
    (of.model === undefined || target?.model === of.model) &&
    (of.route === undefined || decision?.route === of.route) &&
    (of.team === undefined || payers.team === of.team)
  )
}

/** What is held against the bound; undefined: there is too little to judge by. */
function judge(alert: Alert, seen: Seen, isFiring: boolean): number | undefined {
  if (alert.when === 'budget') return undefined
  if (alert.when === 'spend') return seen.costNano
  // A provider that was down gets few calls: one answer is enough to know better.
  const callsMin = isFiring && alert.when === 'provider_down' ? 1 : alert.callsMin
  if (seen.calls < callsMin) return undefined
  if (alert.when === 'latency' || alert.when === 'first_token') return seen.percentileMs(alert.percentile)
  return seen.errors / seen.calls
}

/** As people read it: dollars, seconds, a share. */
function shown({ when }: Alert, value: number): number {
  if (when === 'spend') return value / NANO_PER_USD
  if (when === 'latency' || when === 'first_token') return value / 1_000
  return Math.round(value * 1e4) / 1e4
}

function filterFacts(of: AlertFilter): JsonObject {
  const said: JsonObject = {}
  for (const [name, value] of Object.entries(of)) if (value !== undefined) said[name] = value
  return said
}

function keyOf(alert: Alert): string {
  return JSON.stringify(alert)
}
