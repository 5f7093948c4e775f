import { Failure } from '../errors.ts'
import { type BodyFacts, type Guarded, guardBody } from '../guards/body.ts'
import { judgesOf } from '../guards/judges.ts'
import type { Reading } from '../guards/passages.ts'
import type { GuardThreads } from '../guards/threads.ts'
import { JsonBody } from '../json.ts'

/** What the guards read of a body within about ten milliseconds; a larger one would hold up everybody else's calls. */
const BYTES_MAX = 128 * 1024

export function isHeavy({ bytes }: JsonBody): boolean {
  return bytes.length > BYTES_MAX
}

/** The same as `guardBody`, with everything that takes long in another thread; what is asked outside is asked from here. */
export async function guardHeavy(
  body: JsonBody,
  { dialect, operation }: BodyFacts,
  reading: Reading,
  threads: GuardThreads
): Promise<Guarded> {
  const { side, guarding } = reading
  const guards = guarding.of(side)
  const isJudged = judgesOf(guards).length > 0
  // What is put back in an answer is put back after the last check.
  if (isJudged && side === 'response') return guardBody(body, { dialect, operation }, reading)
  const specs = guards.filter(({ check }) => check.find).map(({ check: _, ...spec }) => spec)
  const work = {
    dialect: dialect.name,
    operation,
    side,
    body: body.bytes,
    guards: specs,
    placeholders: guarding.placeholders.state
  }
  const done = await threads.run(work).catch((thrown: Error) => {
    for (const guard of guards) guarding.failed(guard, side, thrown)
    return undefined
  })
  if (!done) return { body, paths: [] }
  guarding.absorb(done.placeholders, done.verdicts)
  if (done.failure) {
    const { code, kind, message, details } = done.failure
    throw new Failure(code, message, { kind, details })
  }
  const { body: changed, paths } = done
  const read = changed ? JsonBody.of(Buffer.from(changed.buffer, changed.byteOffset, changed.byteLength)) : body
  if (!isJudged) return { body: read, paths }
  const { body: judged, paths: further } = await guardBody(read, { dialect, operation }, { ...reading, isRead: true })
  return { body: judged, paths: [...new Set([...paths, ...further])] }
}
