import { type MessagePort, parentPort } from 'node:worker_threads'
import { systemClock } from '../clock.ts'
import type { Operation } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { type Code, Failure, type Kind } from '../errors.ts'
import { JsonBody, type JsonObject } from '../json.ts'
import { type Guard, Guarding, type Verdict } from './attached.ts'
import { guardBody } from './body.ts'
import { checks } from './checks/index.ts'
import type { Check, CheckKind, Finding, Place, Side } from './guard.ts'
import type { PlaceholderState } from './placeholders.ts'

/** A guard as it is told to another thread, which makes the check anew. */
export type GuardSpec = Omit<Guard, 'check'>

/** A body that would hold the event loop for too long, and the guards that read it. */
export interface HeavyWork {
  id: number
  dialect: keyof typeof dialects
  operation: Operation
  side: Side
  body: Uint8Array
  guards: readonly GuardSpec[]
  placeholders: PlaceholderState
  /** What is put back is put back later. */
  isHidden?: boolean
}

/** One text that would, and the guards that read it. */
export interface FindWork {
  id: number
  text: string
  place: Place
  guards: readonly GuardSpec[]
}

/** What each of the guards found, in their order; `problem` where it could not say. */
export interface FindDone {
  id: number
  answers: readonly { findings: readonly Finding[]; tookMs: number; problem?: string }[]
}

/** What came of it: `body` where something was replaced, `failure` where it may not pass. */
export interface HeavyDone {
  id: number
  body: Uint8Array | undefined
  paths: readonly string[]
  placeholders: PlaceholderState
  verdicts: readonly Verdict[]
  failure?: { code: Code; kind: Kind; message: string; details: JsonObject }
}

/** The thread that reads what would hold the event loop of calls for too long (D24). */
const KINDS = checks as unknown as Readonly<Record<string, CheckKind>>

/** By kind and options: making a check may cost more than using it. */
const made = new Map<string, Check>()
const MADE_MAX = 200

if (parentPort) serve(parentPort)

function serve(port: MessagePort): void {
  port.on('message', (work: HeavyWork | FindWork) => port.postMessage('body' in work ? doWork(work) : find(work)))
}

function find({ id, text, place, guards }: FindWork): FindDone {
  const answers = guards.map(spec => {
    const sinceMs = systemClock.monotonicMs()
    const tookMs = () => systemClock.monotonicMs() - sinceMs
    try {
      const findings = guardOf(spec).check.find!(text, place)
      return { findings, tookMs: tookMs() }
    } catch (thrown) {
      return { findings: [], tookMs: tookMs(), problem: String(thrown) }
    }
  })
  return { id, answers }
}

function doWork({ id, dialect, operation, side, body, guards, placeholders, isHidden }: HeavyWork): HeavyDone {
  const guarding = new Guarding(guards.map(guardOf), () => systemClock.monotonicMs())
  guarding.placeholders.load(placeholders)
  const done = { id, body: undefined, paths: [] }
  try {
    const given = JsonBody.of(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
    const reading = { side, guarding, tools: NO_TOOLS, signal: new AbortController().signal, isHidden, facts: noFacts }
    const guarded = guardBody(given, { dialect: dialects[dialect], operation }, reading)
    // Checks that ask outside are not among them.
    if (guarded instanceof Promise) throw new Error('A check that asks outside was given to the thread.')
    const { body: after, paths } = guarded
    return {
      ...done,
      placeholders: guarding.placeholders.state,
      body: after === given ? undefined : after.bytes,
      paths,
      verdicts: guarding.verdicts
    }
  } catch (thrown) {
    const { code, kind, message, details } = Failure.from(thrown)
    const failure = { code, kind, message, details: details as JsonObject }
    return { ...done, placeholders: guarding.placeholders.state, verdicts: guarding.verdicts, failure }
  }
}

function guardOf(spec: GuardSpec): Guard {
  const key = `${spec.kind} ${JSON.stringify(spec.options)}`
  let check = made.get(key)
  if (!check) {
    if (made.size >= MADE_MAX) made.clear()
    const { find, reach } = KINDS[spec.kind]!.create(spec.options as never)
    check = { reach, ...(find && { find }) }
    made.set(key, check)
  }
  return { ...spec, check }
}

const NO_TOOLS = { wallMs: () => systemClock.wallMs(), post: () => Promise.reject(new Error('no tools')) }
const noFacts = () => {
  throw new Error('no facts')
}
