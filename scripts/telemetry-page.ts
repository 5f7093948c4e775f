import { METRICS, type MetricFacts } from '../src/telemetry/metrics.ts'
import {
  type AttributeFacts,
  CONVENTIONS_VERSION,
  EVENT_ATTRIBUTES,
  METERS,
  type MeterFacts,
  SPAN_ATTRIBUTES,
  SPAN_NAMES,
  VERDICT_EVENT
} from '../src/telemetry/names.ts'

/** `docs/reference/telemetry.md`, written from the tables of names: `npm run docs`. A test holds it fresh. */
export const PAGE_PATH = new URL('../docs/reference/telemetry.md', import.meta.url)

const KINDS = { call: 'SERVER', guard: 'INTERNAL', cache: 'INTERNAL', attempt: 'CLIENT' } as const

export function telemetryPage(): string {
  return `# Telemetry

<!-- Written by scripts/telemetry-page.ts from src/telemetry/. Change the tables there, then run \`npm run docs\`. -->

Every metric and every attribute that the gateway emits. How to read them: [the guide](../guide/telemetry.md).

## Prometheus

At \`/metrics\`. Neither keys nor users are labels unless \`telemetry.prometheus.labels\` says so; metrics marked + take
those labels. Of each label 300 values are told apart, the rest is \`other\`.

| metric | kind | labels | what it is |
| --- | --- | --- | --- |
${Object.entries(METRICS).map(metricRow).join('\n')}

## OpenTelemetry metrics

By OTLP/HTTP. Names under \`gen_ai.*\` are of the semantic conventions ${CONVENTIONS_VERSION}; \`conventions: off\` leaves
them out.

| metric | kind | unit | attributes | what it is |
| --- | --- | --- | --- | --- |
${Object.entries(METERS).map(meterRow).join('\n')}

## Spans

${Object.entries(SPAN_NAMES)
  .map(
    ([of, name]) => `- of a${of === 'attempt' ? 'n' : ''} **${of}**: \`${name}\`, ${KINDS[of as keyof typeof KINDS]}`
  )
  .join('\n')}

| attribute | type | on | what it is |
| --- | --- | --- | --- |
${Object.entries(SPAN_ATTRIBUTES).map(attributeRow).join('\n')}

Spans of guards have an event \`${VERDICT_EVENT}\` for each verdict:

| attribute | type | what it is |
| --- | --- | --- |
${Object.entries(EVENT_ATTRIBUTES)
  .map(([name, { type, says }]) => `| \`${name}\` | ${type} | ${says} |`)
  .join('\n')}
`
}

function metricRow([name, { kind, labels, says, extra }]: [string, MetricFacts]): string {
  return `| \`${name}\`${extra ? ' +' : ''} | ${kind} | ${quoted(labels)} | ${says} |`
}

function meterRow([name, { kind, unit, attributes, says }]: [string, MeterFacts]): string {
  return `| \`${name}\` | ${kind} | ${unit} | ${quoted(attributes)} | ${says} |`
}

function attributeRow([name, { type, on, says }]: [string, AttributeFacts]): string {
  return `| \`${name}\` | ${type} | ${on.join(', ')} | ${says} |`
}

function quoted(names: readonly string[]): string {
  return names.map(name => `\`${name}\``).join(', ')
}
