import type { JsonBody } from '../json.ts'
import { type Guard, Guarding, stops } from './attached.ts'
import { type BodyFacts, guardBody } from './body.ts'
import type { Check, Finding } from './guard.ts'
import type { Reading } from './passages.ts'

/** Findings of one guard that are told; more of them are counted alone. */
const FINDINGS_MAX = 1_000

/** What one guard said of a body. */
export interface GuardTrial {
  guard: Guard
  /** The check could not say; `findings` is what it found before. */
  failed: boolean
  /** Of each its place, where it has one: offsets are of the text as checks read it. */
  findings: readonly Finding[]
  /** All of them. */
  count: number
  tookMs: number
}

export interface Trial {
  /** The body with all that is masked replaced. */
  after: JsonBody
  /** Paths that were changed. */
  paths: readonly string[]
  guards: readonly GuardTrial[]
}

export interface TrialRooms extends Omit<Reading, 'guarding' | 'isRead'> {
  nowMs(): number
}

/**
 * Has guards judge a body as those of a call would, in their order, but that none of them stops it: what each of them
 * found, how long it took, and the body with what they mask replaced. Guards of the other side are left out.
 */
export async function tryGuards(
  body: JsonBody,
  facts: BodyFacts,
  guards: readonly Guard[],
  { nowMs, ...reading }: TrialRooms
): Promise<Trial> {
  const records = guards
    .filter(({ sides }) => sides.includes(reading.side))
    .map(guard => ({ guard, failed: false, findings: [] as Finding[], count: 0, tookMs: 0 }))
  const watched = records.map(record => watch(record, nowMs))
  const guarding = new Guarding(watched, nowMs)
  const { body: after, paths } = await guardBody(body, facts, { ...reading, guarding })
  const failed = new Set(guarding.verdicts.filter(({ action }) => action === 'error').map(({ guard }) => guard))
  for (const record of records) record.failed = failed.has(record.guard.name)
  return { after, paths, guards: records }
}

/** The guard, noting what its check finds. Where it would stop the call it flags, and the others have their say. */
function watch(record: GuardTrial & { findings: Finding[] }, nowMs: () => number): Guard {
  const { guard } = record
  const { reach, find, judge } = guard.check
  const note = (findings: readonly Finding[], path?: string) => {
    record.count += findings.length
    const room = FINDINGS_MAX - record.findings.length
    record.findings.push(...findings.slice(0, room).map(found => (path === undefined ? found : { path, ...found })))
    return findings
  }
  const timed = (sinceMs: number) => {
    record.tookMs += nowMs() - sinceMs
  }
  const check: Check = { reach }
  if (find) {
    check.find = (text, place) => {
      const sinceMs = nowMs()
      try {
        return note(find(text, place), place.path)
      } finally {
        timed(sinceMs)
      }
    }
  }
  if (judge) {
    check.judge = async (...asked) => {
      const sinceMs = nowMs()
      try {
        return note(await judge(...asked))
      } finally {
        timed(sinceMs)
      }
    }
  }
  return { ...guard, check, failsClosed: false, action: stops(guard.action) ? 'flag' : guard.action }
}
