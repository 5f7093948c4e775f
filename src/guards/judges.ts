import type { Guard } from './attached.ts'
import type { Finding, Passage } from './guard.ts'
import type { Reading } from './passages.ts'
import { isReplaced, judged, type Spot, spotOf } from './runner.ts'

export function judgesOf(guards: readonly Guard[]): Guard[] {
  return guards.filter(({ check }) => check.judge)
}

/**
 * Asks the checks that see a side as a whole: one after the other, those of one group at once. What they want replaced
 * comes back by path; everything else is noted, and what one of them does not let pass is thrown.
 */
export async function askJudges(
  judges: readonly Guard[],
  reading: Reading,
  passagesFor: (guard: Guard) => readonly Passage[]
): Promise<Map<string, Spot[]>> {
  const { side, guarding } = reading
  const byPath = new Map<string, Spot[]>()
  for (const batch of batchesOf(judges)) {
    const answers = await Promise.all(batch.map(guard => ask(guard, passagesFor(guard), reading)))
    for (const [at, findings] of answers.entries()) {
      const guard = batch[at]!
      const passages = passagesFor(guard)
      for (const finding of findings) {
        const places = finding.path === undefined ? passages : passages.filter(({ path }) => path === finding.path)
        const [first] = places
        const spots = places.map(({ text, path }) => ({ path, spot: spotOf(guard, finding, text.length, 0) }))
        if (!first || !isReplaced(spots[0]!.spot)) {
          judged(spotOf(guard, finding, 0, 0), { side }, guarding)
          continue
        }
        for (const { path, spot } of spots) byPath.set(path, [...(byPath.get(path) ?? []), spot])
      }
    }
  }
  return byPath
}

function batchesOf(judges: readonly Guard[]): Guard[][] {
  const batches = new Map<string, Guard[]>()
  for (const guard of judges) {
    const key = guard.group === undefined ? `guard ${guard.name}` : `group ${guard.group}`
    batches.set(key, [...(batches.get(key) ?? []), guard])
  }
  return [...batches.values()]
}

/** What one of them finds; nothing where it fails or is late and the call may go on without it. */
async function ask(guard: Guard, passages: readonly Passage[], reading: Reading): Promise<readonly Finding[]> {
  const { side, guarding, tools, signal, facts } = reading
  const sinceMs = guarding.nowMs()
  const timer = new AbortController()
  const timeout = setTimeout(() => timer.abort(new Error('It did not answer in time.')), guard.timeoutMs)
  const either = AbortSignal.any([signal, timer.signal])
  try {
    const judging = guard.check.judge!({ ...facts(), side, passages }, tools, either)
    return judging instanceof Promise ? await Promise.race([judging, rejectedBy(either)]) : judging
  } catch (thrown) {
    guarding.failed(guard, side, thrown)
    return []
  } finally {
    clearTimeout(timeout)
    guarding.took(guard, side, sinceMs)
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
