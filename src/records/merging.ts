import type { AttemptEnd, AttemptRow, RepeatedCall, RepeatedRequests, RequestRow } from '../stores/rows.ts'
import type { Entry } from './entries.ts'

/** What the ledger is given: every attempt and request once. */
export interface Batch {
  attempts: AttemptRow[]
  requests: RequestRow[]
  /** Each row that calls repeated, once. */
  repeats: RepeatedRequests[]
}

/** Makes rows of entries: what was started with how it finished, in whatever order these come. */
export class Merging {
  /** Attempts whose end was not seen, and the segment that says that they began. */
  readonly started = new Map<string, { attempt: AttemptRow; segment: number }>()
  /** Ends whose beginning was not seen. */
  readonly finished = new Map<string, AttemptEnd>()

  /** The rows that these entries change, each as it is after the last of them. */
  take(entries: readonly { entry: Entry; segment: number }[]): Batch {
    const attempts = new Map<string, AttemptRow>()
    const requests = new Map<string, RequestRow>()
    const repeats = new Map<RequestRow, RepeatedCall[]>()
    for (const { entry, segment } of entries) {
      if (entry.kind === 'request') requests.set(entry.request.id, entry.request)
      else if (entry.kind === 'repeats') {
        const calls = repeats.get(entry.request)
        if (calls) calls.push(...entry.calls)
        else repeats.set(entry.request, [...entry.calls])
      } else {
        const attempt =
          entry.kind === 'started' ? this.#start(entry.attempt, segment) : this.#finish(entry.id, entry.end)
        if (attempt) attempts.set(attempt.id, attempt)
      }
    }
    return {
      attempts: [...attempts.values()],
      requests: [...requests.values()],
      repeats: Array.from(repeats, ([request, calls]) => ({ request, calls }))
    }
  }

  #start(attempt: AttemptRow, segment: number): AttemptRow | undefined {
    const end = this.finished.get(attempt.id)
    if (end) {
      this.finished.delete(attempt.id)
      return finishedRow(attempt, end)
    }
    const isKnown = this.started.has(attempt.id)
    this.started.set(attempt.id, { attempt, segment })
    return isKnown ? undefined : attempt
  }

  #finish(id: string, end: AttemptEnd): AttemptRow | undefined {
    const start = this.started.get(id)
    if (!start) {
      this.finished.set(id, end)
      return undefined
    }
    this.started.delete(id)
    return finishedRow(start.attempt, end)
  }
}

export function finishedRow(attempt: AttemptRow, end: AttemptEnd): AttemptRow {
  return { ...attempt, ...end, state: 'finished' }
}
