import { isDeepStrictEqual } from 'node:util'
import type { SimLogEntry } from '../../src/sim/index.ts'
import type { View } from './callers.ts'
import {
  countsOf,
  type Evidence,
  type Finding,
  isAnswer,
  many,
  notByFallback,
  notHonest,
  notWhole,
  seconds,
  type Times
} from './evidence.ts'

/** How a row asks: once, several times and by other names, or all the time for three turns of a flapping provider. */
export type Manner = 'once' | 'once, then another' | 'counted' | 'steadily'

/** One fault of the public failover catalogue, or a relative of one: what the provider does, and the one thing that is expected. */
export interface Fault {
  name: string
  /** The expectation, in words. */
  goal: string
  /** The model of the provider with the fault. */
  primary(times: Times): string
  /** The model of the other one; the one that works is called `stand-in`. */
  fallback?: string
  manner: Manner
  /** Whether the route continues a stream that broke. */
  recovery: 'continue' | 'error'
  streamOnly?: boolean
  /** The provider is asked the same without a gateway, to compare what it says. */
  compared?: boolean
  /** The same call to a provider without a fault is timed, to tell what took long from a machine that is busy. */
  timed?: boolean
  judge(evidence: Evidence): Finding
}

const SAID_BUSY_S = 2
const BUSY_WINDOW_MS = 3_000
const BUSY_REQUESTS_MAX = 4
const DOWN_REQUESTS_MAX = 6
const AT_ONCE_MS = 2_000
/** A call that takes longer does so because of the machine. */
const BUSY_PLAIN_MS = 500
const PROBES_MAX = 5
/** How the simulated providers say that they take no prefill. */
const PREFILL_REFUSED = /does not support assistant message prefill|does not continue|requests end with a user role/
/** What clients throw whom nobody told anything: the connection broke, or what came cannot be read. */
const UNTOLD = /^(?:TypeError|SyntaxError|APIConnection\w*|AbortError):|Incomplete JSON/
/** How each dialect says that an answer ended because of what it was about. */
const FILTERED = /^(?:content_filter|refusal|PROHIBITED_CONTENT|SAFETY)$/

const usual = { manner: 'once', recovery: 'continue' } as const

export const FAULTS: readonly Fault[] = [
  {
    ...usual,
    name: '429 with retry-after 2',
    goal: 'no second request to it within 2 s, and answered',
    primary: () => `429-retry-after-${SAID_BUSY_S}`,
    judge: evidence => {
      const gapMs = leastGapMs(evidence.primary)
      const early = gapMs < SAID_BUSY_S * 1_000 ? `a second request came after ${seconds(gapMs)}` : undefined
      const figure = Number.isFinite(gapMs) ? `${countsOf(evidence)}, ${seconds(gapMs)} apart` : countsOf(evidence)
      return { figure, problem: early ?? unasked(evidence) ?? notByFallback(evidence) }
    }
  },
  {
    ...usual,
    name: '429 without retry-after',
    goal: 'at most 4 requests to it in 3 s, then the fallback',
    primary: () => '429',
    judge: evidence => {
      const most = mostWithin(evidence.primary, BUSY_WINDOW_MS)
      const stormed = most > BUSY_REQUESTS_MAX ? `${most} requests in 3 s` : undefined
      return { figure: countsOf(evidence), problem: stormed ?? unasked(evidence) ?? notByFallback(evidence) }
    }
  },
  {
    ...usual,
    name: 'one 500',
    goal: 'the same target again, and answered',
    primary: () => '500-once',
    judge: evidence => {
      const { primary, fallback, views } = evidence
      const statuses = primary.map(({ status }) => status).join(', ')
      const elsewhere = fallback.length > 0 ? 'the fallback was asked' : undefined
      const notAgain = statuses === '500, 200' ? undefined : `it answered ${statuses || 'nothing'}, not 500, 200`
      return { figure: countsOf(evidence), problem: elsewhere ?? notAgain ?? notWhole(views[0]!, evidence) }
    }
  },
  {
    ...usual,
    name: 'steady 503',
    goal: 'at most 6 requests to it, then the fallback',
    primary: () => '503',
    judge: evidence => {
      const { length } = evidence.primary
      const stormed = length > DOWN_REQUESTS_MAX ? `${length} requests` : undefined
      return { figure: countsOf(evidence), problem: stormed ?? unasked(evidence) ?? notByFallback(evidence) }
    }
  },
  {
    ...usual,
    name: 'connection reset',
    goal: 'answered',
    primary: () => 'reset',
    judge: evidence => ({ figure: countsOf(evidence), problem: unasked(evidence) ?? notByFallback(evidence) })
  },
  {
    ...usual,
    name: 'silence',
    goal: 'exactly one request to it, then the fallback',
    primary: () => 'silent',
    judge: evidence => ({ figure: countsOf(evidence), problem: notOnce(evidence) ?? notByFallback(evidence) })
  },
  {
    ...usual,
    name: 'slow first token',
    goal: 'answered by the fallback',
    primary: ({ slowMs }) => `slow-first-token-${slowMs}`,
    judge: evidence => ({
      figure: `${countsOf(evidence)}, ${seconds(evidence.views[0]!.tookMs)}`,
      problem: unasked(evidence) ?? notByFallback(evidence)
    })
  },
  ...broken('cut mid-answer', 'cut-after-3'),
  ...broken('stall mid-answer', 'stall-after-3'),
  ...broken('error mid-answer', 'error-in-stream'),
  {
    ...usual,
    name: 'error in a 200',
    goal: 'answered by the fallback',
    primary: () => 'error-200-first-event',
    judge: evidence => ({ figure: countsOf(evidence), problem: unasked(evidence) ?? notByFallback(evidence) })
  },
  {
    ...usual,
    name: 'garbled event',
    goal: 'complete or an error, and the process is healthy',
    primary: () => 'garbled-event',
    manner: 'once, then another',
    judge: evidence => {
      const [view] = evidence.views
      const figure = view!.error === undefined ? 'complete' : 'an error'
      const ill = evidence.healthy ? undefined : 'the gateway did not answer the next call'
      return { figure, problem: notHonest(view!, evidence) ?? ill ?? unasked(evidence) }
    }
  },
  {
    ...usual,
    name: 'no end marker',
    goal: 'finished at once, with usage',
    primary: () => 'no-end-marker',
    timed: true,
    judge: judgeNoEndMarker
  },
  {
    ...usual,
    name: 'context too long',
    goal: 'one request to it, the larger model answers',
    primary: () => 'context-length',
    judge: evidence => ({ figure: countsOf(evidence), problem: notOnce(evidence) ?? notByFallback(evidence) })
  },
  {
    ...usual,
    name: 'content filter',
    goal: "one request, the provider's refusal unchanged",
    primary: () => 'content-filter',
    compared: true,
    judge: judgeContentFilter
  },
  {
    ...usual,
    name: 'fallback refuses prefill',
    goal: 'never sent one, its 400 never shown, the whole answer',
    primary: () => 'cut-after-3',
    fallback: 'refuses-prefill',
    judge: judgePrefill
  },
  {
    ...usual,
    name: 'flapping provider',
    goal: 'served throughout, back on it within 30 s of its return, at most 5 probes in the second half of its absence',
    primary: ({ flapMs }) => `flap-${flapMs}`,
    manner: 'steadily',
    judge: judgeFlap
  },
  {
    ...usual,
    name: 'accounting',
    goal: "the reply names the model that answered, x-gatehouse-attempts equals the provider's log",
    primary: () => '503',
    manner: 'counted',
    judge: judgeAccounting
  }
]

/** A stream that breaks off: the whole answer where the route continues it, an honest error where it does not. */
function broken(name: string, model: string): Fault[] {
  return [
    {
      ...usual,
      name,
      goal: 'the whole answer, continued',
      primary: () => model,
      judge: evidence => ({
        figure: countsOf(evidence),
        problem: unasked(evidence) ?? notWhole(evidence.views[0]!, evidence)
      })
    },
    {
      ...usual,
      name: `${name}, without recovery`,
      goal: 'an error in the stream and no end marker, never a truncated success',
      primary: () => model,
      recovery: 'error',
      streamOnly: true,
      judge: evidence => {
        const [view] = evidence.views
        const { error = 'no error' } = view!
        const untold = view!.error === undefined || UNTOLD.test(error) ? 'the caller was told of no error' : undefined
        return { figure: error, problem: unasked(evidence) ?? untold ?? notHonest(view!, evidence) }
      }
    }
  ]
}

function judgeNoEndMarker(evidence: Evidence): Finding {
  const { views, primary, times, plainMs = 0 } = evidence
  const [view] = views
  // Whoever waits for a marker waits for the idle timeout, on top of what any call takes.
  const atOnceMs = Math.min(AT_ONCE_MS, times.idleMs) + Math.max(0, 2 * plainMs - BUSY_PLAIN_MS)
  const late = view!.tookMs < atOnceMs ? undefined : `it took ${seconds(view!.tookMs)}`
  const told = view!.usage
  const true_ = usageOf(primary[0])
  const unlike = told && told.input === true_.input && told.output === true_.output
  const wrong = unlike ? undefined : `usage ${JSON.stringify(told)}, the provider sent ${JSON.stringify(true_)}`
  const figure = `${seconds(view!.tookMs)}, ${told ? `${told.input} + ${told.output} tokens` : 'no usage'}`
  return { figure, problem: notOnce(evidence) ?? notWhole(view!, evidence) ?? late ?? wrong }
}

/** Of a provider's log, whatever its dialect calls them. */
function usageOf(entry: SimLogEntry | undefined): { input: unknown; output: unknown } {
  const { usage } = entry ?? {}
  const said = (...names: string[]) => names.map(name => usage?.[name]).find(count => count !== undefined)
  return {
    input: said('prompt_tokens', 'input_tokens', 'promptTokenCount', 'inputTokens'),
    output: said('completion_tokens', 'output_tokens', 'candidatesTokenCount', 'outputTokens')
  }
}

function judgeContentFilter(evidence: Evidence): Finding {
  const { views, fallback, refusal } = evidence
  const view = views[0]!
  const figure = `${countsOf(evidence)}, status ${view.status}`
  const elsewhere = fallback.length > 0 ? 'the fallback was asked' : undefined
  const misled = notOnce(evidence) ?? elsewhere
  if (misled !== undefined || refusal === undefined) return { figure, problem: misled ?? 'nothing to compare with' }
  if (view.status !== refusal.status) return { figure, problem: `the provider said ${refusal.status}` }
  const problem = isSame(view, refusal) ? undefined : `the caller got ${view.raw}, the provider said ${refusal.body}`
  return { figure, problem }
}

/**
 * Byte for byte where it needs no other words, else with the same message. One that comes as a reply without an answer
 * may be written anew, as every reply of a route that goes on with broken streams.
 */
function isSame({ raw, text, finish }: View, { status, body, native }: NonNullable<Evidence['refusal']>): boolean {
  if (status !== 200) return native ? withoutId(raw) === withoutId(body) : raw.includes(JSON.stringify(messageOf(body)))
  if (native) return isDeepStrictEqual(replyIn(raw), replyIn(body))
  return text === '' && FILTERED.test(finish ?? '')
}

function replyIn(body: string): unknown {
  return JSON.parse(body.replace(/^data: /, ''))
}

/** Each answer has an id of its own, which alone may differ. */
function withoutId(body: string): string {
  return body.replace(/("request_id":)"[^"]*"/, '$1""')
}

function messageOf(body: string): string {
  const said = JSON.parse(body) as { message?: string; error?: { message: string } }
  return said.error?.message ?? said.message ?? ''
}

function judgePrefill(evidence: Evidence): Finding {
  const { views, fallback } = evidence
  const refused = fallback.filter(({ status }) => status === 400).length
  const prefilled = fallback.filter(({ body }) => isBegun(body)).length
  const sent = prefilled > 0 ? `it was sent ${many(prefilled, 'prefill')}` : undefined
  const shown = PREFILL_REFUSED.test(views[0]!.raw) ? 'its 400 was shown to the caller' : undefined
  const figure = `${countsOf(evidence)}, ${many(refused, 'refusal')}`
  return { figure, problem: unasked(evidence) ?? sent ?? shown ?? notByFallback(evidence) }
}

/** Whether the last turn of a conversation is the model's, whatever the dialect calls them. */
function isBegun(body: SimLogEntry['body']): boolean {
  const { messages, input, contents } = (body ?? {}) as Record<string, unknown>
  const turns = messages ?? input ?? contents
  const last = Array.isArray(turns) ? (turns.at(-1) as { role?: unknown }) : undefined
  return last?.role === 'assistant' || last?.role === 'model'
}

function judgeFlap(evidence: Evidence): Finding {
  const { views, primary, times } = evidence
  const beganMs = primary[0]?.atMs ?? 0
  const backMs = beganMs + 2 * times.flapMs
  const late = primary.filter(({ atMs }) => atMs >= backMs - times.flapMs / 2 && atMs < backMs)
  const first = primary.find(entry => entry.atMs >= backMs && isAnswer(entry))
  const figure =
    `${many(views.length, 'call')}, back ${first ? `after ${seconds(first.atMs - backMs)}` : 'never'}, ` +
    many(late.length, 'probe')
  const unserved = views.map(view => notWhole(view, evidence)).filter(problem => problem !== undefined)
  if (unserved.length > 0) return { figure, problem: `${unserved.length} calls were not served; ${unserved[0]}` }
  if (!primary.some(({ status }) => status === 503)) return { figure, problem: 'it was never away' }
  // Each call that is late with its retries asks it again: on a busy machine some of the first half are.
  const turnedAway = evidence.fallback.filter(({ atMs }) => atMs >= backMs - times.flapMs / 2 && atMs < backMs)
  if (late.length > Math.max(PROBES_MAX, 2 * turnedAway.length)) return { figure, problem: `${late.length} probes` }
  if (times.backMs !== undefined && (first === undefined || first.atMs - backMs > times.backMs))
    return { figure, problem: 'not back on it in time' }
  return { figure }
}

function judgeAccounting(evidence: Evidence): Finding {
  const { views, counted = [] } = evidence
  const problems = counted.flatMap(({ requests, model, provider }, at) => {
    const { headers, model: named, error } = views[at]!
    const attempts = headers['x-gatehouse-attempts']
    const isAnswered = error === undefined
    return [
      attempts === String(requests) ? [] : [`${attempts ?? 'no'} attempts are told, the log has ${requests}`],
      headers['x-gatehouse-model'] === model
        ? []
        : [`${headers['x-gatehouse-model'] ?? 'no model'} is named, not ${model}`],
      headers['x-gatehouse-provider'] === provider
        ? []
        : [`${headers['x-gatehouse-provider']} is named, not ${provider}`],
      !isAnswered || named === model ? [] : [`the reply says ${named}, not ${model}`]
    ].flat()
  })
  const [first, second] = views
  const unanswered = [first!, second!].map(view => notWhole(view, evidence)).find(problem => problem !== undefined)
  const figure = counted.map(({ requests, model }) => `${requests} for ${model}`).join(', ')
  return { figure, problem: unanswered ?? problems[0] }
}

function unasked({ primary }: Evidence): string | undefined {
  return primary.length === 0 ? 'the provider with the fault was never asked' : undefined
}

function notOnce({ primary }: Evidence): string | undefined {
  return primary.length === 1 ? undefined : `${many(primary.length, 'request')} to it`
}

/** Between two requests in a row; Infinity where there is one at most. */
function leastGapMs(entries: readonly SimLogEntry[]): number {
  return Math.min(...entries.slice(1).map(({ atMs }, before) => atMs - entries[before]!.atMs))
}

function mostWithin(entries: readonly SimLogEntry[], windowMs: number): number {
  const from = entries.map(({ atMs }) => entries.filter(other => other.atMs >= atMs && other.atMs < atMs + windowMs))
  return Math.max(0, ...from.map(({ length }) => length))
}
