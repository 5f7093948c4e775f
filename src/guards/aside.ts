import type { Guard } from './attached.ts'
import { isHeavy } from './heavy.ts'
import type { FindWork } from './heavy-thread.ts'
import type { Lane, Scan } from './lane.ts'
import { type Spot, spotOf } from './runner.ts'
import type { GuardThreads } from './threads.ts'

/**
 * Looks at lanes: a promise where a text is so large that another thread reads it. Nothing may be pushed meanwhile.
 * Throws, or rejects, with the Failure that stops the call.
 */
export function lookAt(
  lanes: readonly Lane[],
  guards: readonly Guard[],
  threads: GuardThreads | undefined
): void | Promise<void> {
  const large: Lane[] = []
  for (const lane of lanes) {
    if (threads && isHeavy(lane.view.length, guards) && lane.scans.length > 0) large.push(lane)
    else lane.look()
  }
  if (large.length > 0) return Promise.all(large.map(lane => lookAside(lane, threads!))).then(() => {})
}

async function lookAside(lane: Lane, threads: GuardThreads): Promise<void> {
  const found = await Promise.all(lane.scans.map(scan => read(scan, lane, threads)))
  lane.look([], found.flat())
}

async function read({ text, base, guards }: Scan, { place, guarding }: Lane, threads: GuardThreads): Promise<Spot[]> {
  const finding = guards.filter(({ check }) => check.find)
  if (finding.length === 0) return []
  const specs = finding.map(specOf)
  const answers = await threads
    .find({ text, place, guards: specs })
    .catch((thrown: Error) => specs.map(() => ({ findings: [], tookMs: 0, problem: thrown.message })))
  return finding.flatMap((guard, at) => {
    const { findings, tookMs, problem } = answers[at]!
    guarding.took(guard, place.side, guarding.nowMs() - tookMs)
    if (problem !== undefined) guarding.failed(guard, place.side, new Error(problem))
    return findings.map(each => spotOf(guard, each, text.length, base))
  })
}

/** A guard as it is told to another thread. */
export function specOf({ check: _, ...spec }: Guard): FindWork['guards'][number] {
  return spec
}
