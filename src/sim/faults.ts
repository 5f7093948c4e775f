import type { Ask } from './ask.ts'
import type { Behaviour } from './models.ts'
import { Refusal } from './refusal.ts'
import type { ErrorName, Frame, Voice } from './voice.ts'

const ERRORS: Record<string, ErrorName> = {
  '429': 'rate-limited',
  '429-retry-after': 'rate-limited',
  'retry-after-1e9': 'rate-limited',
  '503': 'unavailable',
  '529': 'overloaded',
  'overloaded-error': 'overloaded',
  'context-length': 'context-length',
  'content-filter': 'content-filter',
  'no-such-model': 'no-such-model',
  'bad-key': 'bad-key',
  'spend-limit': 'spend-limit'
}

/** What faults remember from call to call. */
export class Drills {
  readonly #failedOnce = new Set<string>()
  readonly #flapSinceMs = new Map<string, number>()

  reset(): void {
    this.#failedOnce.clear()
    this.#flapSinceMs.clear()
  }

  /** The error with which this behaviour answers, or undefined where it answers. */
  refusalOf(ask: Ask, voice: Voice, nowMs: number): Refusal | undefined {
    const { behaviour, model } = ask
    const { id } = behaviour
    if (id === '500-once')
      return this.#isFirst(`${model}\n${ask.text}`) ? voice.error('server-error', model) : undefined
    if (id === 'flap') return this.#isDown(ask, nowMs) ? voice.error('unavailable', model) : undefined
    if (id === 'refuses-prefill') return ask.endsWithAssistant ? voice.error('prefill', model) : undefined
    if (id === 'error-in-stream' && !ask.stream) return voice.error('in-stream', model)
    const name = ERRORS[id]
    if (name === undefined) return undefined
    const refusal = voice.error(name, model)
    if (id === '529') return new Refusal(529, refusal.type, refusal.message, { headers: refusal.headers })
    if (id === '429-retry-after') return (voice.retryAfter ?? withRetryAfter)(refusal, behaviour.amount)
    return id === 'retry-after-1e9' ? (voice.retryAfter ?? withRetryAfter)(refusal, 1_000_000_000) : refusal
  }

  #isFirst(key: string): boolean {
    if (this.#failedOnce.has(key)) return false
    this.#failedOnce.add(key)
    return true
  }

  /** The first call of a flapping model begins a good window. */
  #isDown(ask: Ask, nowMs: number): boolean {
    const sinceMs = this.#flapSinceMs.get(ask.model) ?? nowMs
    this.#flapSinceMs.set(ask.model, sinceMs)
    return Math.floor((nowMs - sinceMs) / Math.max(1, ask.behaviour.amount)) % 2 === 1
  }
}

function withRetryAfter(refusal: Refusal, seconds: number): Refusal {
  const { status, type, message, code, headers } = refusal
  return new Refusal(status, type, message, {
    ...(code === null ? {} : { code }),
    headers: { ...headers, 'retry-after': String(seconds) }
  })
}

/** What a stream sends, and what becomes of the connection then. */
export interface Script {
  frames: Frame[]
  ending: 'end' | 'incomplete' | 'cut' | 'hold'
  /** Wait before the first content event. */
  firstContentAfterMs: number
}

const EVENTS_BEFORE_ERROR = 2

/** The frames of a good stream, bent as the behaviour says. */
export function scriptOf(good: Frame[], behaviour: Behaviour, errorAfter: (before: Frame[]) => Frame[]): Script {
  const withError = (before: Frame[]): Frame[] => [...before, ...errorAfter(before)]
  const script: Script = { frames: good, ending: 'end', firstContentAfterMs: 0 }
  switch (behaviour.id) {
    case 'cut-after':
      return { ...script, frames: untilContent(good, behaviour.amount), ending: 'cut' }
    case 'stall-after':
      return { ...script, frames: untilContent(good, behaviour.amount), ending: 'hold' }
    case 'slow-first-token':
      return { ...script, firstContentAfterMs: behaviour.amount }
    case 'garbled-event': {
      const half = untilContent(good, Math.ceil(good.filter(isContent).length / 2))
      return { ...script, frames: [...half, torn(good.find(isContent) ?? good[0]!), ...good.slice(half.length)] }
    }
    case 'no-end-marker':
      return { ...script, frames: good.filter(frame => frame.kind !== 'end'), ending: 'incomplete' }
    case 'eof-without-finish':
      return { ...script, frames: beforeFinish(good), ending: 'incomplete' }
    case 'error-in-stream':
      return { ...script, frames: withError(untilContent(good, EVENTS_BEFORE_ERROR)), ending: 'incomplete' }
    case 'error-200-first-event':
      return { ...script, frames: withError([]), ending: 'incomplete' }
    default:
      return script
  }
}

/** A copy of an event that breaks off inside its JSON. */
function torn({ event, data }: Frame): Frame {
  return { kind: 'between', event, data: data.slice(0, data.length * 0.7) }
}

export function isContent(frame: Frame): boolean {
  return frame.kind === 'content'
}

function beforeFinish(frames: Frame[]): Frame[] {
  const finish = frames.findIndex(frame => frame.kind === 'finish')
  return frames.slice(0, finish)
}

/** Up to the `count`th content event; where there are fewer, up to the finish. */
function untilContent(frames: Frame[], count: number): Frame[] {
  let seen = 0
  const end = frames.findIndex(frame => isContent(frame) && ++seen > count)
  const kept = end < 0 ? beforeFinish(frames) : frames.slice(0, end)
  const last = kept.findLastIndex(isContent)
  return end < 0 || count === 0 ? kept : kept.slice(0, last + 1)
}
