import type { TextRef } from '../dialects/dialect.ts'
import type { Guard, Guarding } from './attached.ts'
import type { Passage, Place, Side, Subject, Tools } from './guard.ts'
import { askJudges, judgesOf } from './judges.ts'
import { Lane } from './lane.ts'
import type { Spot } from './runner.ts'

/** What a check that sees a side as a whole is told beside its texts. */
export type Facts = Omit<Subject, 'side' | 'passages'>

export interface Reading {
  side: Side
  guarding: Guarding
  tools: Tools
  signal: AbortSignal
  /** What single texts hold was found out before: only checks of the whole are left. */
  isRead?: boolean
  /** What placeholders stand for is put back later. */
  isHidden?: boolean | undefined
  /** Asked for where a check wants to know. */
  facts(): Facts
}

/**
 * Guards every text of a body that is there as a whole; what is replaced is set in place. Returns the paths that were
 * changed; a promise only where a check asks outside. Throws the Failure that stops the call.
 */
export function guardTexts(refs: readonly TextRef[], reading: Reading): string[] | Promise<string[]> {
  const { side, guarding } = reading
  const guards = guarding.of(side)
  const judges = judgesOf(guards)
  const newest = newestOf(refs, side)
  const touched = new Set<string>()
  for (const [at, ref] of reading.isRead ? [] : refs.entries()) {
    const scoped = guards.filter(({ scope }) => scope === 'everything' || isNew(ref, at, newest))
    const restores = side === 'response' && judges.length === 0 && !reading.isHidden
    rewrite(ref, reading, { guards: scoped, restores, touched })
  }
  if (judges.length === 0) return [...touched]
  return judgeTexts(refs, newest, judges, reading, touched)
}

async function judgeTexts(
  refs: readonly TextRef[],
  newest: number,
  judges: readonly Guard[],
  reading: Reading,
  touched: Set<string>
): Promise<string[]> {
  const passages = refs.map(ref => passageOf(ref, reading.side))
  const spots = await askJudges(judges, reading, guard =>
    guard.scope === 'newest' ? passages.filter((passage, at) => isNew(passage, at, newest)) : passages
  )
  for (const [at, ref] of refs.entries()) {
    const given = spots.get(passages[at]!.path) ?? []
    const restores = reading.side === 'response'
    if (given.length > 0 || restores) rewrite(ref, reading, { guards: [], restores, given, touched })
  }
  return [...touched]
}

interface Rewriting {
  guards: readonly Guard[]
  restores: boolean
  given?: readonly Spot[]
  touched: Set<string>
}

function rewrite(ref: TextRef, { side, guarding }: Reading, { guards, restores, given, touched }: Rewriting): void {
  if (guards.length === 0 && !given && !(restores && guarding.placeholders.restores)) return
  const text = ref.get()
  const lane = new Lane({ place: placeOf(ref, side), guards, guarding, restores })
  const piece = lane.push(text, ref.sealed)
  lane.end()
  lane.look(given)
  const { text: written } = lane.written(piece, text)
  if (written === text) return
  ref.set(written)
  touched.add(ref.path)
}

export function placeOf({ role, kind, path }: TextRef, side: Side): Place {
  return { side, role, kind, path }
}

function passageOf(ref: TextRef, side: Side): Passage {
  const place = placeOf(ref, side)
  return { ...place, text: viewOf(ref.get(), place), sealed: ref.sealed }
}

/** A text as checks see it. */
export function viewOf(text: string, place: Place): string {
  const lane = new Lane({ place, guards: [], guarding: undefined as never, restores: false })
  lane.push(text, false)
  return lane.view
}

/** Tools are declared anew with every call, and may not be what they were. */
function isNew({ kind }: Pick<TextRef, 'kind'>, at: number, newest: number): boolean {
  return at >= newest || kind === 'tool-description'
}

/** Where the newest turn begins: after the last thing the model said. All of a reply is new. */
function newestOf(refs: readonly TextRef[], side: Side): number {
  if (side === 'response') return 0
  const isTurn = ({ role, kind }: TextRef) => (role === 'user' || role === 'tool') && kind !== 'tool-description'
  const last = refs.findLastIndex(isTurn)
  let first = last
  while (first > 0 && refs[first - 1]!.role !== 'assistant') first--
  return first === -1 ? refs.length : first
}
