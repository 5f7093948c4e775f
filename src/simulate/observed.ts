import type { Kind } from '../errors.ts'
import type { HealthView } from '../routing/health.ts'
import type { RequestRow } from '../stores/rows.ts'
import type { UsageLine } from '../stores/stores.ts'
import { TARGET_FAULTS } from './logged-call.ts'

/** How often attempts at a target fail, by what the log has seen. */
export interface Failing {
  /** From 0 to 1. */
  share: number
  /** What most of them failed of. */
  kind: Kind
  /** How long one takes to fail, in milliseconds; the median of the log. */
  tookMs: number
}

const NEVER_FAILS: Failing = { share: 0, kind: 'server_error', tookMs: 0 }
/** Times of a target that are kept: more would not change its percentiles by what matters. */
const SAMPLES_MAX = 200

interface Speed {
  samples: number[]
  count: number
  sumMs: number
  /** Until the first content, of streams and of whole answers. */
  first: Record<'stream' | 'whole', { count: number; sumMs: number }>
}

/** What the log has seen of targets: how often each failed, and how long each took. */
export class Observed {
  readonly #failing: ReadonlyMap<string, Failing>
  readonly #speeds = new Map<string, Speed>()

  /** `lines`: attempts by provider, model and failure, with percentiles; none where no target is taken to fail. */
  constructor(lines: readonly UsageLine[]) {
    this.#failing = failingIn(lines)
  }

  failing(target: string): Failing {
    return this.#failing.get(target) ?? NEVER_FAILS
  }

  /** Takes note of a row; of calls that needed no second attempt the time is the target's own. */
  saw({ provider, model, outcome, attempts, totalMs, firstTokenMs, stream }: RequestRow): void {
    if (outcome !== 'done' || attempts !== 1 || provider === null || model === null) return
    const speed = this.#speed(`${provider}/${model}`)
    speed.count++
    speed.sumMs += totalMs
    if (speed.samples.length < SAMPLES_MAX) speed.samples.push(totalMs)
    if (firstTokenMs === null) return
    const first = speed.first[stream ? 'stream' : 'whole']
    first.count++
    first.sumMs += firstTokenMs
  }

  /** Times of answers in milliseconds, and their mean; undefined where the target never answered. */
  timesOf(target: string): { samples: readonly number[]; meanMs: number } | undefined {
    const speed = this.#speeds.get(target)
    return speed && { samples: speed.samples, meanMs: speed.sumMs / speed.count }
  }

  /** Nobody has called anybody yet: no circuit is open. What `fastest` goes by is what the log has measured. */
  health(): HealthView {
    return {
      isOpen: () => false,
      isCredentialOpen: () => false,
      coolingMs: () => 0,
      takeRetry: () => true,
      firstContentMs: (target, stream) => {
        const first = this.#speeds.get(target)?.first[stream ? 'stream' : 'whole']
        return first && first.count > 0 ? first.sumMs / first.count : undefined
      },
      p95Ms: () => undefined,
      inFlight: () => 0,
      cachedShare: () => 0
    }
  }

  #speed(target: string): Speed {
    let speed = this.#speeds.get(target)
    if (!speed) {
      const first = { stream: { count: 0, sumMs: 0 }, whole: { count: 0, sumMs: 0 } }
      speed = { samples: [], count: 0, sumMs: 0, first }
      this.#speeds.set(target, speed)
    }
    return speed
  }
}

function failingIn(lines: readonly UsageLine[]): Map<string, Failing> {
  const found = new Map<string, { attempts: number; failed: number; worst: number; kind: Kind; tookMs: number }>()
  for (const { group, count, percentiles } of lines) {
    const target = `${group.provider}/${group.model}`
    const seen = found.get(target) ?? { attempts: 0, failed: 0, worst: 0, kind: 'server_error', tookMs: 0 }
    found.set(target, seen)
    seen.attempts += count
    const { failure } = group
    if (typeof failure !== 'string' || !TARGET_FAULTS.has(failure)) continue
    seen.failed += count
    if (count <= seen.worst) continue
    Object.assign(seen, { worst: count, kind: failure as Kind, tookMs: percentiles?.totalMs?.p50 ?? 0 })
  }
  return new Map(
    Array.from(found, ([target, { attempts, failed, kind, tookMs }]) => [
      target,
      { share: failed / attempts, kind, tookMs }
    ])
  )
}
