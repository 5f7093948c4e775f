import * as z from 'zod'
import { duration, named, percent, secret } from '../fields.ts'
import { parseUsd } from '../nano.ts'
import type { Alert } from '../telemetry/alerts.ts'
import { EXTRA_LABELS } from '../telemetry/metrics.ts'
import type { OtlpSettings } from '../telemetry/otel.ts'
import type { PrometheusSettings, TelemetrySettings } from '../telemetry/telemetry.ts'
import { type Measured, parseDuration, parsePercent } from '../units.ts'

const LISTEN_EXPECTED = 'expected an address and a port: 127.0.0.1:9464'

const listenSchema = z
  .string({ error: () => LISTEN_EXPECTED })
  .meta({ title: 'address:port', pattern: '^(\\[[0-9a-fA-F:.]+\\]|[^\\s:\\[\\]/]+):[0-9]{1,5}$' })
  .transform((text, context) => {
    const match = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text)
    const host = match?.[1] ?? match?.[2]
    const port = Number(match?.[3])
    if (host !== undefined && port <= 65_535) return { host, port }
    context.addIssue({ code: 'custom', message: LISTEN_EXPECTED })
    return z.NEVER
  })

const address = z.url({ protocol: /^https?$/, error: () => 'expected an address: https://collector.example.com' })

const prometheusSchema = z
  .strictObject({
    listen: listenSchema
      .optional()
      .describe(
        'A port of its own for `/metrics`: `127.0.0.1:9464`. Without it, `/metrics` is on the main port, with a token.'
      ),
    token: secret
      .optional()
      .describe(
        '`Authorization: Bearer …` that `/metrics` asks for. Without it: the admin token on the main port, none on a port of its own.'
      ),
    labels: z
      .array(z.enum(EXTRA_LABELS))
      .default([])
      .describe(
        'Further labels of calls, tokens and costs. Each value is a series of its own: 300 of a label are told apart, the rest is `other`.'
      )
  })
  .transform(({ listen, token, labels }): PrometheusSettings => ({ listen, token, labels: [...new Set(labels)] }))

const otlpSchema = z
  .strictObject({
    endpoint: address.describe('Base address of the collector; `/v1/traces` and `/v1/metrics` come below it.'),
    headers: named(secret).prefault({}).describe('Sent with every message: credentials of the collector.'),
    traces: z.boolean().default(true).describe('Send traces: a span for the call, its guards, and each attempt.'),
    metrics: z.boolean().default(true).describe('Send metrics.'),
    every: duration.prefault('60s').describe('How often metrics are sent.'),
    sample: percent
      .prefault('100%')
      .describe('Share of traces that is kept. A call that is in a trace already is kept as its caller decided.'),
    conventions: z
      .enum(['gen_ai_latest', 'off'])
      .default('gen_ai_latest')
      .describe('The GenAI conventions of OpenTelemetry (1.41.1), or nothing under `gen_ai.*`.'),
    content: z
      .boolean()
      .default(false)
      .describe('Spans carry what was asked and answered, of calls whose bodies are kept `full`.'),
    propagate: z.boolean().default(false).describe('Send `traceparent` to providers.'),
    resource: named(z.string()).prefault({}).describe('Attributes of the resource: `deployment.environment.name`, …')
  })
  .transform(({ every, ...otlp }): OtlpSettings => ({ ...otlp, everyMs: Math.max(1_000, every) }))

export const telemetrySchema = z
  .strictObject({
    prometheus: prometheusSchema.prefault({}).describe('`/metrics`, for Prometheus.'),
    otlp: otlpSchema.optional().describe('Where traces and metrics are sent, by OTLP/HTTP. Without it: nowhere.')
  })
  .transform(({ prometheus, otlp }): TelemetrySettings => ({ prometheus, otlp }))

const WHENS = ['error_rate', 'provider_down', 'latency', 'first_token', 'spend', 'budget'] as const
type When = (typeof WHENS)[number]

/** How the bound of each is written, and what it is where nobody says. */
const BOUNDS: Readonly<Record<When, { read: (text: string) => Measured; usual?: string }>> = {
  error_rate: { read: parsePercent },
  provider_down: { read: parsePercent, usual: '90%' },
  latency: { read: parseDuration },
  first_token: { read: parseDuration },
  spend: { read: readUsd },
  budget: { read: parsePercent, usual: '80%' }
}
const CALLS_MIN = 20
/** A provider that is down shows at once, and its circuit lets few calls through. */
const ATTEMPTS_MIN = 5

function readUsd(text: string): Measured {
  const value = parseUsd(text)
  return value === undefined ? { ok: false, why: 'expected an amount in US dollars: "$10"' } : { ok: true, value }
}

const filterSchema = z.strictObject({
  provider: z.string().optional().describe('Calls that it answered.'),
  model: z.string().optional().describe('Calls that it answered, by the name the provider has for it.'),
  route: z.string().optional().describe('Calls that were routed by it.'),
  team: z.string().optional().describe('Calls that it pays for.')
})

/** One entry of `alerts`. */
export const alertSchema = z
  .strictObject({
    name: z.string().min(1).describe('How messages call it.'),
    when: z
      .enum(WHENS)
      .describe(
        '`error_rate`: share of calls with a status of 500 and above; `provider_down`: share of attempts that a provider failed at; `latency`, `first_token`: how long answered calls took; `spend`: dollars in the window; `budget`: share of its limit that a budget has reached.'
      ),
    above: z
      .string()
      .optional()
      .describe('Told from here on: `5%`, `10s` or `$50`. Without it: `90%` (`provider_down`), `80%` (`budget`).'),
    over: duration.prefault('5m').describe('The window that it looks at.'),
    of: filterSchema.prefault({}).describe('Which calls it looks at; all, where it does not say.'),
    calls: z.int().min(1).optional().describe('Nothing is said of fewer. Without it: 20, of `provider_down` 5.'),
    percentile: percent.prefault('95%').describe('Of the two times: which part of the calls was faster.'),
    webhook: address.describe('The address that is told, as `webhooks` says.')
  })
  .transform((entry, context): Alert => {
    const { name, when, webhook, over: overMs, of, calls, percentile } = entry
    const { read, usual } = BOUNDS[when]
    const bound = read(entry.above ?? usual ?? '')
    if (!bound.ok) {
      context.addIssue({ code: 'custom', path: ['above'], message: bound.why })
      return z.NEVER
    }
    const callsMin = calls ?? (when === 'provider_down' ? ATTEMPTS_MIN : CALLS_MIN)
    return { name, when, webhook, overMs, of, above: bound.value, callsMin, percentile }
  })
