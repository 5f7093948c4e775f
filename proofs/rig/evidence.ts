import type { SimLogEntry } from '../../src/sim/index.ts'
import type { View } from './callers.ts'

/** Times of a run: the real ones, or short ones that show the same in seconds. */
export interface Times {
  firstTokenMs: number
  idleMs: number
  /** Of one attempt at a whole answer, which has no first token to wait for. */
  attemptMs: number
  totalMs: number
  /** How late a slow first token is. */
  slowMs: number
  /** Of the three turns of a flapping provider: there, away, there again. */
  flapMs: number
  /** Between the calls to a flapping provider. */
  paceMs: number
  /**
   * How soon after its return it must be in use again; undefined: not looked at. A circuit is open for 5 s and then for
   * longer: between short turns it is chance whether a probe finds it there.
   */
  backMs: number | undefined
}

export const REAL: Times = {
  firstTokenMs: 10_000,
  idleMs: 10_000,
  attemptMs: 10_000,
  totalMs: 30_000,
  slowMs: 12_000,
  flapMs: 30_000,
  paceMs: 500,
  backMs: 30_000
}

export const SHORT: Times = {
  firstTokenMs: 1_500,
  idleMs: 1_500,
  attemptMs: 1_500,
  totalMs: 12_000,
  slowMs: 4_000,
  flapMs: 4_000,
  paceMs: 200,
  backMs: undefined
}

/** Work of which the share of a processor is seen that this process is given now. */
const SAMPLE_MS = 250
const SLOWER_MAX = 6

/**
 * The short times as this machine can keep them: where others want its processors too, all of them are longer by as
 * much, or what is late because of them would be taken for a fault.
 */
export function shortTimes(): Times {
  const startedMs = performance.now()
  const before = process.cpuUsage()
  while (performance.now() - startedMs < SAMPLE_MS);
  const { user, system } = process.cpuUsage(before)
  const slower = ((performance.now() - startedMs) * 1_000) / (user + system)
  // A little is always taken by something.
  const factor = slower < 1.1 ? 1 : Math.min(SLOWER_MAX, slower * 1.5)
  const scaled = Object.entries(SHORT).map(([name, ms]) => [name, ms && Math.round(ms * factor)])
  return Object.fromEntries(scaled) as Times
}

/** What a row of the catalogue has shown: what the caller saw, and what each provider was asked. */
export interface Evidence {
  /** The calls in their order, as the caller saw them. */
  views: readonly View[]
  stream: boolean
  /** The log of the provider with the fault, and of the one that works. */
  primary: readonly SimLogEntry[]
  fallback: readonly SimLogEntry[]
  /** The whole answer, as every model that works gives it. */
  expected: string
  times: Times
  /**
   * What the provider answers when it is asked without a gateway. `native`: in the words and the framing of the client's
   * own dialect.
   */
  refusal?: { status: number; body: string; native: boolean } | undefined
  /** How long the same call takes at the same time to a provider without a fault: how busy the machine is. */
  plainMs?: number | undefined
  /** Whether the gateway is ready and answers another call after the fault. */
  healthy?: boolean
  /** Requests that both providers saw for each of `views`, and the model that answered or should have. */
  counted?: readonly { requests: number; model: string; provider: string }[]
}

/** What an expectation makes of the evidence: a figure, and what is wrong where something is. */
export interface Finding {
  figure: string
  problem?: string | undefined
}

/** Why this is not the whole answer; undefined where it is. A part shown as a success is the worst of them. */
export function notWhole(view: View, { expected, stream }: Pick<Evidence, 'expected' | 'stream'>): string | undefined {
  if (view.error !== undefined) return `the caller got an error: ${view.error}`
  if (view.finish === undefined) return `a truncated answer was shown as a success: ${quote(view.text)}`
  if (view.text !== expected) return `the answer is not the whole one: ${quote(view.text)}`
  if (!view.ended) return stream ? 'the stream ended without its end marker' : 'the answer could not be read'
  return undefined
}

/** Why this is neither the whole answer nor an error that says so. */
export function notHonest(view: View, evidence: Evidence): string | undefined {
  if (view.error === undefined) return notWhole(view, evidence)
  return evidence.stream && view.ended ? 'the stream ended with its end marker although it failed' : undefined
}

/** Why it was not the fallback that gave the whole answer; undefined where it did. */
export function notByFallback(evidence: Evidence): string | undefined {
  const [view] = evidence.views
  const problem = notWhole(view!, evidence)
  if (problem !== undefined) return problem
  if (evidence.fallback.some(isAnswer)) return undefined
  return 'the answer did not come from the fallback'
}

/** The provider said all that it had to say. */
export function isAnswer({ status, finish }: SimLogEntry): boolean {
  return status === 200 && finish === 'ended'
}

/** `3 requests, then the fallback`. */
export function countsOf({ primary, fallback }: Evidence): string {
  return `${many(primary.length, 'request')} to it, ${fallback.length} to the fallback`
}

export function many(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
