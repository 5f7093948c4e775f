import type { Kind } from '../errors.ts'
import type { ExtraLabel } from './metrics.ts'
import { type TelemetryRecord, type TelemetryTry, targetOf } from './record.ts'

/** What all values beyond a label's bound are. */
export const OTHER = 'other'
const NONE = 'none'

/** A provider that answers so has no such model, or was asked for nonsense: the name may be anything a client wrote. */
const NAMES_NOTHING: ReadonlySet<Kind> = new Set(['no_such_model', 'bad_request', 'refused_here', 'cannot_cross'])

/** So many values of one label are told apart; every one is a series that is kept until the process ends. */
const VALUES_MAX = 300

/** Keeps the number of series finite, whatever clients send: the first values of each label, and `other` for the rest. */
export class Labels {
  readonly #known = new Map<string, Set<string>>()
  readonly #max: number

  constructor(max = VALUES_MAX) {
    this.#max = max
  }

  /** `isReal` false: the value is told only where it is known already. */
  of(label: string, value: string | undefined, isReal = true): string {
    if (value === undefined || value === '') return NONE
    const known = this.#known.get(label) ?? new Set()
    this.#known.set(label, known)
    if (known.has(value)) return value
    if (!isReal || known.size >= this.#max) return OTHER
    known.add(value)
    return value
  }

  /** Provider and model of an attempt; clients name models, so what no provider knows is `other`. */
  target(one: TelemetryTry): { provider: string; model: string; deployment: string } {
    const isReal = one.failure === undefined || !NAMES_NOTHING.has(one.failure)
    const provider = this.of('provider', one.provider)
    const model = this.of('model', one.model, isReal)
    const deployment = this.of('deployment', targetOf(one), isReal)
    return { provider, model, deployment: deployment === OTHER ? `${provider}/${OTHER}` : deployment }
  }

  /** Who answered; for a call without an answer, who was asked last. */
  answering({ answered, tries }: TelemetryRecord): { provider: string; model: string } {
    if (answered) return { provider: this.of('provider', answered.provider), model: this.of('model', answered.model) }
    const last = tries.at(-1)
    if (!last) return { provider: NONE, model: NONE }
    const { provider, model } = this.target(last)
    return { provider, model }
  }

  extra({ payers, client }: TelemetryRecord, names: readonly ExtraLabel[]): Record<string, string> {
    const values: Record<string, string> = {}
    for (const name of names) values[name] = this.of(name, name === 'app' ? client.app : payers[name])
    return values
  }
}

/** `2xx`, `4xx`, …; a client that left is `4xx`, as 499 is. */
export function statusClass(status: number): string {
  return `${Math.floor(status / 100)}xx`
}
