import { Failure } from '../errors.ts'
import { specOf } from '../guards/aside.ts'
import type { Guard } from '../guards/attached.ts'
import { type BodyFacts, type Guarded, guardBody } from '../guards/body.ts'
import { isHeavy } from '../guards/heavy.ts'
import { judgesOf } from '../guards/judges.ts'
import type { Reading } from '../guards/passages.ts'
import type { GuardThreads } from '../guards/threads.ts'
import { JsonBody } from '../json.ts'

/** Whether it would hold up everybody else's calls: it may have as many characters as bytes. */
export function isHeavyBody({ bytes }: JsonBody, guards: readonly Guard[]): boolean {
  return isHeavy(bytes.length, guards)
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
  const specs = guards.filter(({ check }) => check.find).map(specOf)
  const work = {
    dialect: dialect.name,
    operation,
    side,
    body: body.bytes,
    guards: specs,
    placeholders: guarding.placeholders.state,
    // What is put back in an answer is put back after the last check.
    isHidden: isJudged
  }
  const done = await threads.run(work).catch((thrown: Error) => {
    for (const guard of guards) if (guard.check.find) guarding.failed(guard, side, thrown)
    return undefined
  })
  if (!done) return judged(body, { dialect, operation }, reading)
  guarding.absorb(done.placeholders, done.verdicts)
  if (done.failure) {
    const { code, kind, message, details } = done.failure
    throw new Failure(code, message, { kind, details })
  }
  const { body: changed, paths } = done
  const read = changed ? JsonBody.of(Buffer.from(changed.buffer, changed.byteOffset, changed.byteLength)) : body
  if (!isJudged) return { body: read, paths }
  const { body: after, paths: further } = await judged(read, { dialect, operation }, reading)
  return { body: after, paths: [...new Set([...paths, ...further])] }
}

/** What is left where single texts were read. */
function judged(body: JsonBody, facts: BodyFacts, reading: Reading): Guarded | Promise<Guarded> {
  return guardBody(body, facts, { ...reading, isRead: true })
}
