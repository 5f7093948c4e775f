import type { Frame } from '../dialects/canonical.ts'
import { Failure } from '../errors.ts'
import type { Step } from '../routing/facts.ts'
import type { Begun, Health, Outcome } from '../routing/health.ts'
import { nameOf } from '../routing/route.ts'
import type { Source } from '../wire/frames.ts'
import type { Call, Reply } from './call.ts'

const ABORTED: Outcome = { kind: 'aborted', retryAfterMs: undefined }

type AttemptStage = (call: Call, step: Step) => Promise<Reply>

/** The same attempt, seen by the health of its target from its beginning to the end of its answer. */
export function measured(attempt: AttemptStage, health: Health): AttemptStage {
  return async (call, step) => {
    const begun = health.began(nameOf(step.target), step.credential, step.retry)
    try {
      const reply = await attempt(call, step)
      begun.firstContent(reply.how === 'stream' && !reply.intake?.held)
      if (reply.how === 'stream') return { ...reply, source: watched(reply.source, begun) }
      begun.ended('answered')
      return reply
    } catch (thrown) {
      begun.ended(Failure.from(thrown))
      throw thrown
    }
  }
}

/** A stream can still fail after its first content, and that is held against its target too. */
function watched(source: Source<Frame>, begun: Begun): Source<Frame> {
  return {
    start: sink =>
      source.start({
        frame: frame => sink.frame(frame),
        close: outcome => {
          if (outcome.how === 'failed') begun.ended(outcome.failure)
          else begun.ended(outcome.how === 'done' ? 'answered' : ABORTED)
          sink.close(outcome)
        }
      }),
    resume: () => source.resume(),
    destroy: reason => {
      source.destroy(reason)
      // A stream that nobody ever started closes nothing.
      begun.ended(reason ?? ABORTED)
    }
  }
}
