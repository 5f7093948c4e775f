/**
 * Every metric at `/metrics`. `docs/reference/telemetry.md` is written from here, and tests hold what is emitted, the
 * dashboard and the alert rules under `deploy/` against it.
 */
export interface MetricFacts {
  kind: 'counter' | 'gauge' | 'histogram'
  says: string
  labels: readonly string[]
  buckets?: readonly number[]
  /** Takes the labels of `telemetry.prometheus.labels` too. */
  extra?: true
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640] as const
const OWN_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const

export const METRICS = {
  gatehouse_requests_total: {
    kind: 'counter',
    says: 'Calls that are over, each once. `route`: `none` where a target was named.',
    labels: ['route', 'model', 'provider', 'status_class', 'stream'],
    extra: true
  },
  gatehouse_attempts_total: {
    kind: 'counter',
    says: 'Attempts at providers. `outcome`: `done`, `aborted`, or the kind of failure.',
    labels: ['provider', 'deployment', 'outcome']
  },
  gatehouse_fallbacks_total: {
    kind: 'counter',
    says: 'Attempts at another target after one failed, with the kind of failure.',
    labels: ['from', 'to', 'reason']
  },
  gatehouse_retry_budget_exhausted_total: {
    kind: 'counter',
    says: 'Calls for which a target got no retry, since it had too many.',
    labels: []
  },
  gatehouse_request_duration_seconds: {
    kind: 'histogram',
    says: 'Calls, from their head to the last byte of the answer.',
    labels: ['operation', 'stream', 'status_class'],
    buckets: SECONDS
  },
  gatehouse_ttft_seconds: {
    kind: 'histogram',
    says: 'From the head of a call for a stream to its first content.',
    labels: ['provider', 'model'],
    buckets: SECONDS
  },
  gatehouse_overhead_seconds: {
    kind: 'histogram',
    says: "The gateway's own part: all that was not waiting for providers; of a stream, what came before its first attempt.",
    labels: ['stream'],
    buckets: OWN_SECONDS
  },
  gatehouse_tokens_total: {
    kind: 'counter',
    says: 'Tokens of attempts. `type`: `input` (neither read from nor written to a cache), `cached`, `cache_write`, `output` (without reasoning), `reasoning`: their sum is all.',
    labels: ['type', 'provider', 'model'],
    extra: true
  },
  gatehouse_cost_usd_total: {
    kind: 'counter',
    says: 'What attempts came to, in US dollars, as far as prices are known.',
    labels: ['model', 'provider', 'team']
  },
  gatehouse_unpriced_requests_total: {
    kind: 'counter',
    says: 'Attempts whose price nobody knows.',
    labels: ['model']
  },
  gatehouse_budget_remaining_usd: { kind: 'gauge', says: 'What a budget has left.', labels: ['budget'] },
  gatehouse_budget_reserved_usd: { kind: 'gauge', says: 'What calls under way hold of a budget.', labels: ['budget'] },
  gatehouse_inflight_requests: { kind: 'gauge', says: 'Calls that are being answered.', labels: [] },
  gatehouse_open_streams: { kind: 'gauge', says: 'Those of them that are streams.', labels: [] },
  gatehouse_client_aborts_total: {
    kind: 'counter',
    says: 'Clients that left. `phase`: `waiting` before the first content, `streaming` after it.',
    labels: ['phase']
  },
  gatehouse_upstream_truncated_total: {
    kind: 'counter',
    says: 'Streams of providers that ended without an end.',
    labels: ['provider']
  },
  gatehouse_deployment_state: {
    kind: 'gauge',
    says: '0: answers; 1: failed last, but is asked; 2: left alone for some seconds.',
    labels: ['deployment']
  },
  gatehouse_cache_requests_total: {
    kind: 'counter',
    says: 'What the cache said: `hit`, `semantic` (of a question like it), `coalesced` (of an identical call in flight), `miss`, `bypass`.',
    labels: ['result']
  },
  gatehouse_cache_saved_usd_total: {
    kind: 'counter',
    says: 'What calls would have cost without the cache, in US dollars, as far as anybody knows.',
    labels: []
  },
  gatehouse_guardrail_decisions_total: {
    kind: 'counter',
    says: 'Looks of guards, by what was done; `pass`: nothing was found.',
    labels: ['name', 'action']
  },
  gatehouse_guardrail_duration_seconds: {
    kind: 'histogram',
    says: 'What a guard took for one side of a call.',
    labels: ['name'],
    buckets: [...OWN_SECONDS, 2.5, 5]
  },
  gatehouse_ledger_pending: {
    kind: 'gauge',
    says: 'Entries of the ledger that the store does not have yet.',
    labels: []
  },
  gatehouse_journal_bytes: { kind: 'gauge', says: 'What the journal takes on the disk.', labels: [] },
  gatehouse_store_breaker_state: {
    kind: 'gauge',
    says: '0: the store answers; 1: it does not, and is left alone.',
    labels: ['store']
  },
  gatehouse_load_shed_total: {
    kind: 'counter',
    says: 'Calls that were turned away, for the process had too much to do.',
    labels: ['reason']
  },
  gatehouse_event_loop_lag_seconds: {
    kind: 'gauge',
    says: 'How late the event loop was since the last scrape (99th percentile).',
    labels: []
  },
  gatehouse_config_info: { kind: 'gauge', says: '1, with the digest of the configuration in force.', labels: ['hash'] },
  gatehouse_telemetry_dropped_total: {
    kind: 'counter',
    says: 'Calls that metrics and traces do not have, for there were too many at once.',
    labels: []
  },
  process_resident_memory_bytes: { kind: 'gauge', says: 'Memory of the process.', labels: [] }
} as const satisfies Readonly<Record<string, MetricFacts>>

export type Metric = keyof typeof METRICS

/** Labels that `telemetry.prometheus.labels` may add: as many series as there are of them, so none by default. */
export const EXTRA_LABELS = ['team', 'key', 'user', 'customer', 'agent', 'app'] as const
export type ExtraLabel = (typeof EXTRA_LABELS)[number]
