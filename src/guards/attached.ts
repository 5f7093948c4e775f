import { Failure } from '../errors.ts'
import type { Action, Check, Finding, Side } from './guard.ts'
import { type PlaceholderState, Placeholders } from './placeholders.ts'

/** A check with what is to be done with its findings: one entry of `guards`. */
export interface Guard {
  /** As the configuration calls it. */
  name: string
  /** Name of the check. */
  kind: string
  check: Check
  /** What the check was made from. */
  options: unknown
  sides: readonly Side[]
  action: Action
  /** `newest`: what came after the last answer alone. */
  scope: 'everything' | 'newest'
  /** A check that fails or is late stops the call. */
  failsClosed: boolean
  /** Of one look at a whole side. */
  timeoutMs: number
  /** Guards of one group that ask outside are asked at once; else one after the other. */
  group: string | undefined
  /** Where the check can only judge a whole answer: it is held back, or a call for a stream is refused. */
  onStream: 'hold' | 'refuse'
}

/** What a guard said of one side of a call, for records: never any of the text. */
export interface Verdict {
  guard: string
  rule: string
  side: Side
  /** What was done; `error`: the check could not say. */
  action: Action | 'error'
  count: number
  /** The highest. */
  score: number
  /** What the guard took on that side in all, in milliseconds. */
  tookMs: number
}

/** That a guard looked at one side of a call. */
export interface Look {
  guard: string
  side: Side
  tookMs: number
}

/** The guards of one call, and what they hold and say about it. Lives as long as the call. */
export class Guarding {
  readonly guards: readonly Guard[]
  readonly placeholders: Placeholders
  /** Paths in the client's body that were changed. */
  readonly touches: string[] = []
  /** The longest that a piece of the stream was held back, in milliseconds. */
  heldMs = 0
  /** From when to when they looked at the request, in milliseconds since the call began. */
  askedMs: readonly [fromMs: number, toMs: number] | undefined
  readonly nowMs: () => number
  readonly #verdicts = new Map<string, Verdict>()
  readonly #tookMs = new Map<string, number>()

  constructor(guards: readonly Guard[], nowMs: () => number, numbersBefore = 0) {
    this.guards = guards
    this.placeholders = new Placeholders(numbersBefore)
    this.nowMs = nowMs
  }

  /** What another thread found out for these guards. */
  absorb(placeholders: PlaceholderState, verdicts: readonly Verdict[]): void {
    this.placeholders.load(placeholders)
    for (const verdict of verdicts) {
      const { guard, side, rule, action, tookMs } = verdict
      this.#verdicts.set(`${guard} ${side} ${rule} ${action}`, verdict)
      this.#tookMs.set(`${guard} ${side}`, tookMs)
    }
  }

  of(side: Side): Guard[] {
    return this.guards.filter(({ sides }) => sides.includes(side))
  }

  /** Every verdict so far. */
  get verdicts(): Verdict[] {
    return [...this.#verdicts.values()].map(verdict => ({
      ...verdict,
      tookMs: Math.round((this.#tookMs.get(`${verdict.guard} ${verdict.side}`) ?? 0) * 1_000) / 1_000
    }))
  }

  get looks(): Look[] {
    return Array.from(this.#tookMs, ([key, tookMs]) => {
      const space = key.lastIndexOf(' ')
      return {
        guard: key.slice(0, space),
        side: key.slice(space + 1) as Side,
        tookMs: Math.round(tookMs * 1_000) / 1_000
      }
    })
  }

  note({ name }: Guard, side: Side, { rule, score }: Pick<Finding, 'rule' | 'score'>, action: Verdict['action']): void {
    const key = `${name} ${side} ${rule} ${action}`
    const known = this.#verdicts.get(key)
    if (known) {
      known.count++
      known.score = Math.max(known.score, score)
    } else this.#verdicts.set(key, { guard: name, rule, side, action, count: 1, score, tookMs: 0 })
  }

  took({ name }: Guard, side: Side, sinceMs: number): void {
    const key = `${name} ${side}`
    this.#tookMs.set(key, (this.#tookMs.get(key) ?? 0) + this.nowMs() - sinceMs)
  }

  /** A check could not say. Throws where nothing may pass without it; what is only noted passes whatever it says. */
  failed(guard: Guard, side: Side, thrown: unknown): void {
    this.note(guard, side, { rule: `${guard.kind}.unavailable`, score: 0 }, 'error')
    if (!guard.failsClosed || isNoted(guard)) return
    throw new Failure('guard_unavailable', `The guard "${guard.name}" could not check the ${side}.`, { cause: thrown })
  }
}

const BACK_TO_PLAN = { reroute: 'guard_reroute', retry: 'guard_retry' } as const

/** The refusal for a finding: the rule and its reason, never the text. */
export function refusal(guard: Guard, side: Side, { rule, reason }: Finding): Failure {
  const what = reason === undefined ? rule : `${rule}: ${reason}`
  const kind = guard.action === 'reroute' || guard.action === 'retry' ? BACK_TO_PLAN[guard.action] : undefined
  return new Failure('guardrail_blocked', `The guard "${guard.name}" does not let the ${side} pass (${what}).`, {
    ...(kind && { kind }),
    details: { guard: guard.name, rule, side }
  })
}

/** Whether a guard leaves the text alone, whatever it finds. */
export function isNoted({ action }: Guard): boolean {
  return action === 'flag' || action === 'shadow'
}

/** Whether an action keeps the text from passing. */
export function stops(action: Action): boolean {
  return action === 'block' || action === 'reroute' || action === 'retry'
}
