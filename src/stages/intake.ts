import { Collector } from '../dialects/collect.ts'
import { Failure } from '../errors.ts'
import type { Step } from '../routing/facts.ts'
import type { Outcome } from '../wire/frames.ts'
import type { Call, Intake, Reply } from './call.ts'
import { requestIn } from './prepare.ts'

type AttemptStage = (call: Call, step: Step) => Promise<Reply>

/**
 * An attempt that takes its stream in as the route of its target says: decoded, where it may have to be gone on with;
 * held, where the client is to see nothing of it before it is whole; or folded into the whole answer that the client
 * asked for (`upstream_stream`).
 */
export function takingIn(attempt: AttemptStage): AttemptStage {
  return (call, step) => {
    if (call.operation !== 'chat') return attempt(call, step)
    const { streams, upstreamStream } = step.target
    if (!call.stream) return upstreamStream ? folded(call, step, attempt) : attempt(call, step)
    const { recovery, replyMode } = streams ?? {}
    if (recovery !== 'continue' && replyMode !== 'whole') return attempt(call, step)
    const intake: Intake = {
      ...call.intake,
      ...(recovery === 'continue' && { decoded: true }),
      ...(replyMode === 'whole' && { held: true })
    }
    return onCopy(call, { intake }, copy => attempt(copy, step))
  }
}

/** What a copy of the call has waited, the call has waited. */
async function onCopy(call: Call, changes: Partial<Call>, run: (copy: Call) => Promise<Reply>): Promise<Reply> {
  const copy = { ...call, ...changes }
  try {
    return await run(copy)
  } finally {
    call.waitedMs = copy.waitedMs
  }
}

/** Asks for a stream where the client wants a whole answer. It is held, so that whatever goes wrong the plan hears of. */
function folded(call: Call, step: Step, attempt: AttemptStage): Promise<Reply> {
  const { stream: member } = call.dialect.members
  const body = member ? call.body.edit([{ path: [member], value: true }]) : call.body
  const intake: Intake = { decoded: true, held: true }
  return onCopy(call, { body, intake, stream: true }, async asked => {
    const reply = await attempt(asked, step)
    return reply.how === 'stream' ? fold(call, reply) : reply
  })
}

function fold(call: Call, { source, answered, status, headers }: Extract<Reply, { how: 'stream' }>): Reply {
  const collector = new Collector()
  const losses = [...answered.losses]
  let outcome: Outcome = { how: 'aborted' }
  // All of it is there: it comes within this call.
  source.start({
    frame: ({ events }) => {
      for (const event of events) {
        if (event.type === 'native' && !losses.includes('event')) losses.push('event')
        collector.push(event)
      }
      return true
    },
    close: how => {
      outcome = how
    }
  })
  const { how } = outcome as Outcome
  if (how !== 'done') throw new Failure('client_closed', 'The client left before the answer was handed on.')
  const response = collector.response()
  const body = call.dialect.encodeResponse(response, losses, requestIn(call))
  return {
    how: 'whole',
    status,
    headers,
    answered: { ...answered, losses, touches: [...answered.touches, 'stream'] },
    body: Buffer.from(JSON.stringify(body)),
    usage: response.usage,
    finish: response.choices[0]?.finish.unified
  }
}
