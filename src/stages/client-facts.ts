import type { Headers } from '../wire/exchange.ts'
import type { Call } from './call.ts'

/** What a call says of where it comes from. */
export interface ClientFacts {
  /** The application by its user agent: `claude-code`, `codex`, `openai-python`, …; undefined: it names none. */
  app: string | undefined
  /** Trace and parent span of W3C Trace Context; undefined: the call is in no trace. */
  trace: TraceParent | undefined
  /** Id of the call, or of the span, that this one was made for. */
  parent: string | undefined
}

export interface TraceParent {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits. */
  spanId: string
  sampled: boolean
}

const APP_CHARS_MAX = 64
const ID_CHARS_MAX = 128

/** Products whose agents write a name that people do not know them by. */
const APPS: readonly (readonly [pattern: RegExp, app: string])[] = [
  [/^claude-cli\b/i, 'claude-code'],
  [/^codex[_-]/i, 'codex'],
  [/^gemini-?cli\b/i, 'gemini-cli'],
  [/^OpenAI\/Python\b/i, 'openai-python'],
  [/^AsyncOpenAI\/Python\b/i, 'openai-python'],
  [/^OpenAI\/JS\b/i, 'openai-node'],
  [/^(?:Async)?Anthropic\/Python\b/i, 'anthropic-python'],
  [/^Anthropic\/JS\b/i, 'anthropic-node'],
  [/^google-genai-sdk\b/i, 'google-genai'],
  [/^ai(?:-sdk)?\//i, 'ai-sdk'],
  [/open-?webui/i, 'open-webui'],
  [/langchain/i, 'langchain'],
  [/\bcursor\b/i, 'cursor']
]

/** https://www.w3.org/TR/trace-context/#traceparent-header: version, trace, parent, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/
const SAMPLED = 1

export function clientFacts({ headers, routing, parent }: Pick<Call, 'headers' | 'routing' | 'parent'>): ClientFacts {
  const trace = traceParent(headers)
  const named = parent ?? idIn(headers['x-gatehouse-parent']) ?? idIn(routing?.metadata.parent)
  return { app: appIn(headers['user-agent']), trace, parent: named ?? trace?.spanId }
}

/** Undefined where there is none, or one that is not as the specification has it. */
export function traceParent(headers: Headers): TraceParent | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(headers.traceparent ?? '') ?? []
  if (!traceId || !spanId || headers.traceparent!.startsWith('ff') || /^0+$/.test(traceId) || /^0+$/.test(spanId)) {
    return undefined
  }
  return { traceId, spanId, sampled: (Number.parseInt(flags!, 16) & SAMPLED) === SAMPLED }
}

/** One of the common clients, else the first product that the agent names, without its version. */
function appIn(agent: string | undefined): string | undefined {
  if (!agent) return undefined
  const known = APPS.find(([pattern]) => pattern.test(agent))
  if (known) return known[1]
  const [, product] = /^([\w.@-]+)/.exec(agent) ?? []
  return product?.slice(0, APP_CHARS_MAX).toLowerCase()
}

function idIn(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > ID_CHARS_MAX) return undefined
  return /^[\x21-\x7e]+$/.test(value) ? value : undefined
}
