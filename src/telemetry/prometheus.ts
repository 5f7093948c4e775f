import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { NANO_PER_USD } from '../nano.ts'
import type { Usage } from '../usage.ts'
import { Labels, statusClass } from './labels.ts'
import { type ExtraLabel, METRICS, type Metric, type MetricFacts } from './metrics.ts'
import { type TelemetryRecord, type TelemetryTry, targetOf } from './record.ts'

/** What is not in any record: asked when somebody reads. What cannot be said is left out. */
export interface Probe {
  inFlight?(): number
  openStreams?(): number
  /** Whether the target (`provider/model`) is left alone. */
  isOpen?(target: string): boolean
  budgets?(): readonly { budget: string; remainingNano: number; reservedNano: number }[]
  ledgerPending?(): number
  journalBytes?(): number
  stores?(): readonly { store: string; isOpen: boolean }[]
  /** Since it was asked last. */
  loopLagMs?(): number
  configDigest?(): string
  residentBytes?(): number
}

const MS_PER_S = 1_000

/** The counters of this process, and their text for Prometheus. Asks nobody anything but its probe. */
export class Prometheus {
  readonly #registry = new Registry()
  readonly #labels = new Labels()
  readonly #extra: readonly ExtraLabel[]
  readonly #metrics = new Map<Metric, Counter | Gauge | Histogram>()
  /** Whether the last attempt at a deployment failed. */
  readonly #failing = new Map<string, boolean>()

  constructor(extra: readonly ExtraLabel[], probe: Probe) {
    this.#extra = extra
    for (const [name, facts] of Object.entries(METRICS)) this.#register(name as Metric, facts)
    this.#collect(probe)
  }

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** A call that was turned away for want of room. */
  shed(reason: string): void {
    this.#count('gatehouse_load_shed_total', { reason: this.#labels.of('reason', reason) })
  }

  /** Calls that nobody counted. */
  dropped(count: number): void {
    this.#count('gatehouse_telemetry_dropped_total', {}, count)
  }

  add(record: TelemetryRecord): void {
    const { stream, totalMs, firstTokenMs, tries, decision } = record
    const answering = this.#labels.answering(record)
    const extra = this.#labels.extra(record, this.#extra)
    const ownMs = stream ? tries[0]?.startMs : totalMs - record.waitedMs
    this.#calls(record, [totalMs], ownMs === undefined ? [] : [ownMs])
    if (stream && firstTokenMs !== undefined) this.#observe('gatehouse_ttft_seconds', answering, firstTokenMs)
    if (record.outcome === 'aborted') {
      this.#count('gatehouse_client_aborts_total', { phase: firstTokenMs === undefined ? 'waiting' : 'streaming' })
    }
    if (decision?.leftOut().some(({ excludedBy }) => excludedBy === 'retry_budget')) {
      this.#count('gatehouse_retry_budget_exhausted_total', {})
    }
    this.#cache(record, 1)
    this.#guards(record)
    tries.forEach((one, index) => {
      this.#attempt(one, record, extra)
      this.#fallback(one, tries[index - 1])
    })
  }

  /** Calls that repeated this one: answered from the cache, with nothing to wait for. */
  repeated(record: TelemetryRecord, tookMs: readonly number[]): void {
    this.#calls(record, tookMs, tookMs)
    this.#cache(record, tookMs.length)
  }

  /** Calls of one kind: how long each took, and how long of that was our own work. */
  #calls(record: TelemetryRecord, tookMs: readonly number[], ownMs: readonly number[]): void {
    const { operation, decision, status } = record
    const stream = String(record.stream)
    const said = { stream, status_class: statusClass(status) }
    const route = this.#labels.of('route', decision?.route)
    const of = { route, ...this.#labels.answering(record), ...said, ...this.#labels.extra(record, this.#extra) }
    this.#count('gatehouse_requests_total', of, tookMs.length)
    this.#observeAll('gatehouse_request_duration_seconds', { operation, ...said }, tookMs)
    this.#observeAll('gatehouse_overhead_seconds', { stream }, ownMs)
  }

  #cache({ caching }: TelemetryRecord, calls: number): void {
    if (!caching) return
    this.#count('gatehouse_cache_requests_total', { result: caching.result }, calls)
    const savedNano = calls * (caching.given?.savedNano() ?? 0)
    if (savedNano > 0) this.#count('gatehouse_cache_saved_usd_total', {}, savedNano / NANO_PER_USD)
  }

  #attempt(one: TelemetryTry, { payers }: TelemetryRecord, extra: Record<string, string>): void {
    const { provider, model, deployment } = this.#labels.target(one)
    const outcome = one.failure ?? one.outcome ?? 'aborted'
    this.#count('gatehouse_attempts_total', { provider, deployment, outcome })
    if (one.outcome !== undefined && one.outcome !== 'aborted') this.#failing.set(deployment, one.outcome === 'failed')
    if (one.failure === 'truncated') this.#count('gatehouse_upstream_truncated_total', { provider })
    for (const [type, tokens] of tokensOf(one.usage)) {
      this.#count('gatehouse_tokens_total', { type, provider, model, ...extra }, tokens)
    }
    if (one.costNano === null) this.#count('gatehouse_unpriced_requests_total', { model })
    else if (one.costNano) {
      const team = this.#labels.of('team', payers.team)
      this.#count('gatehouse_cost_usd_total', { model, provider, team }, one.costNano / NANO_PER_USD)
    }
  }

  #fallback(one: TelemetryTry, before: TelemetryTry | undefined): void {
    if (before?.failure === undefined || targetOf(before) === targetOf(one)) return
    const from = this.#labels.target(before).deployment
    const to = this.#labels.target(one).deployment
    this.#count('gatehouse_fallbacks_total', { from, to, reason: before.failure })
  }

  #guards({ looks = [], verdicts = [] }: TelemetryRecord): void {
    for (const { guard, side, tookMs } of looks) {
      const name = this.#labels.of('guard', guard)
      this.#observe('gatehouse_guardrail_duration_seconds', { name }, tookMs)
      const found = verdicts.filter(verdict => verdict.guard === guard && verdict.side === side)
      const actions = found.length === 0 ? ['pass'] : new Set(found.map(({ action }) => action))
      for (const action of actions) this.#count('gatehouse_guardrail_decisions_total', { name, action })
    }
  }

  #register(name: Metric, { kind, says, labels, buckets, extra }: MetricFacts): void {
    const labelNames = [...labels, ...(extra ? this.#extra : [])]
    const common = { name, help: says, labelNames, registers: [this.#registry] }
    const metric =
      kind === 'counter'
        ? new Counter(common)
        : kind === 'gauge'
          ? new Gauge(common)
          : new Histogram({ ...common, buckets: [...(buckets ?? [])] })
    this.#metrics.set(name, metric)
  }

  /** Gauges that are asked for. One that nobody can answer is no 0: it is not there. */
  #collect(probe: Probe): void {
    this.#gauge('gatehouse_inflight_requests', probe.inFlight?.bind(probe))
    this.#gauge('gatehouse_open_streams', probe.openStreams?.bind(probe))
    this.#gauge('gatehouse_ledger_pending', probe.ledgerPending?.bind(probe))
    this.#gauge('gatehouse_journal_bytes', probe.journalBytes?.bind(probe))
    this.#gauge('process_resident_memory_bytes', probe.residentBytes?.bind(probe))
    const { loopLagMs, configDigest, budgets, stores } = probe
    this.#gauge('gatehouse_event_loop_lag_seconds', loopLagMs && (() => loopLagMs.call(probe) / MS_PER_S))
    this.#series('gatehouse_config_info', configDigest && (() => [[{ hash: configDigest.call(probe) }, 1]]))
    this.#series('gatehouse_budget_remaining_usd', budgets && (() => amounts(budgets.call(probe), 'remainingNano')))
    this.#series('gatehouse_budget_reserved_usd', budgets && (() => amounts(budgets.call(probe), 'reservedNano')))
    this.#series(
      'gatehouse_store_breaker_state',
      stores && (() => stores.call(probe).map(({ store, isOpen }) => [{ store }, isOpen ? 1 : 0]))
    )
    this.#series('gatehouse_deployment_state', () =>
      Array.from(this.#failing, ([deployment, isFailing]) => [
        { deployment },
        probe.isOpen?.(deployment) ? 2 : isFailing ? 1 : 0
      ])
    )
  }

  #gauge(name: Metric, read: (() => number) | undefined): void {
    this.#series(name, read && (() => [[{}, read()]]))
  }

  #series(name: Metric, read: (() => [labels: Record<string, string>, value: number][]) | undefined): void {
    const gauge = this.#metrics.get(name) as Gauge
    if (!read) {
      this.#registry.removeSingleMetric(name)
      return
    }
    Object.assign(gauge, {
      collect: () => {
        gauge.reset()
        for (const [labels, value] of read()) gauge.set(labels, value)
      }
    })
  }

  #count(name: Metric, labels: Record<string, string>, by = 1): void {
    const counter = this.#metrics.get(name) as Counter
    counter.inc(labels, by)
  }

  /** Values of one series: it is looked for once, and not for each of what may be thousands. */
  #observeAll(name: Metric, labels: Record<string, string>, valuesMs: readonly number[]): void {
    const [first, ...others] = valuesMs
    if (first === undefined) return
    this.#observe(name, labels, Math.max(0, first))
    if (others.length === 0) return
    const { hashMap, upperBounds } = this.#metrics.get(name) as unknown as Series
    const isSame = (of: Record<string, string>) => Object.entries(labels).every(([label, text]) => of[label] === text)
    const series = Object.values(hashMap).find(each => isSame(each.labels))!
    for (const ms of others) {
      const value = Math.max(0, ms) / MS_PER_S
      const bound = upperBounds.find(each => value <= each)
      series.sum += value
      series.count++
      if (bound !== undefined) series.bucketValues[bound]!++
    }
  }

  #observe(name: Metric, labels: Record<string, string>, valueMs: number): void {
    const histogram = this.#metrics.get(name) as Histogram
    histogram.observe(labels, valueMs / MS_PER_S)
  }
}

/** What prom-client's histogram keeps, for which it has no way in that takes many values; a test compares what comes of it. */
interface Series {
  hashMap: Record<
    string,
    { labels: Record<string, string>; sum: number; count: number; bucketValues: Record<number, number> }
  >
  upperBounds: readonly number[]
}

type Amounts = readonly { budget: string; remainingNano: number; reservedNano: number }[]

function amounts(budgets: Amounts, of: 'remainingNano' | 'reservedNano'): [Record<string, string>, number][] {
  return budgets.map(each => [{ budget: each.budget }, each[of] / NANO_PER_USD])
}

/** Parts that do not overlap, so that their sum is what was used. */
function tokensOf(usage: Partial<Usage> | undefined): [type: string, tokens: number][] {
  if (!usage) return []
  const { inputTokens = 0, outputTokens = 0, cacheReadTokens = 0, cacheWriteTokens = 0, reasoningTokens = 0 } = usage
  const parts: [string, number][] = [
    ['input', inputTokens - cacheReadTokens - cacheWriteTokens],
    ['cached', cacheReadTokens],
    ['cache_write', cacheWriteTokens],
    ['output', outputTokens - reasoningTokens],
    ['reasoning', reasoningTokens]
  ]
  return parts.filter(([, tokens]) => tokens > 0)
}
