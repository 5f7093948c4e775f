import { Failure } from '../errors.ts'
import type { Step } from '../routing/facts.ts'
import type { Call, Reply } from './call.ts'

type AttemptStage = (call: Call, step: Step) => Promise<Reply>

/**
 * An attempt that another one may begin beside when it is slow (`hedge`): the first content wins, the loser is
 * cancelled. What the loser came to goes onto the trail, so that every attempt is counted and logged.
 */
export function racing(attempt: AttemptStage): (call: Call, step: Step, trail: Failure[]) => Promise<Reply> {
  return (call, step, trail) => (step.hedge ? new Race(call, attempt, trail).run(step) : attempt(call, step))
}

interface Runner {
  call: Call
  step: Step
  controller: AbortController
  over: boolean
}

class Race {
  readonly #call: Call
  readonly #attempt: AttemptStage
  readonly #trail: Failure[]
  readonly #runners: Runner[] = []
  #timer: NodeJS.Timeout | undefined
  #settled = false
  #resolve: (reply: Reply) => void = () => {}
  #reject: (failure: Failure) => void = () => {}

  constructor(call: Call, attempt: AttemptStage, trail: Failure[]) {
    this.#call = call
    this.#attempt = attempt
    this.#trail = trail
  }

  run(step: Step): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#timer = setTimeout(() => {
        const second = step.hedge?.begin()
        if (second) this.#begin(second, step.hedge!.afterMs)
      }, step.hedge!.afterMs)
      this.#begin(step, 0)
    })
  }

  #begin(step: Step, lateMs: number): void {
    const controller = new AbortController()
    const signal = AbortSignal.any([this.#call.signal, controller.signal])
    const runner = {
      call: { ...this.#call, signal, waitedMs: this.#call.waitedMs + lateMs },
      step,
      controller,
      over: false
    }
    this.#runners.push(runner)
    this.#attempt(runner.call, step).then(
      reply => this.#answered(runner, reply),
      thrown => this.#failed(runner, Failure.from(thrown))
    )
  }

  #answered(runner: Runner, reply: Reply): void {
    runner.over = true
    if (this.#settled) {
      if (reply.how === 'stream') reply.source.destroy()
      return
    }
    this.#settle(runner)
    for (const loser of this.#runners.filter(each => !each.over)) {
      this.#trail.push(lost(loser.step))
      loser.controller.abort()
    }
    this.#resolve(reply)
  }

  #failed(runner: Runner, failure: Failure): void {
    runner.over = true
    if (this.#settled) return
    const isLast = this.#runners.every(each => each.over)
    if (!isLast) {
      this.#trail.push(failure)
      return
    }
    this.#settle(runner)
    this.#reject(failure)
  }

  #settle(runner: Runner): void {
    this.#settled = true
    clearTimeout(this.#timer)
    // Both waited at the same time; the call has waited as long as the one that decided it.
    this.#call.waitedMs = Math.max(this.#call.waitedMs, runner.call.waitedMs)
  }
}

function lost({ target: { provider, model } }: Step): Failure {
  return new Failure('client_closed', 'Another target was sooner; this attempt was cancelled.', { provider, model })
}
