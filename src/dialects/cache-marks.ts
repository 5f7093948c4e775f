import { type Edit, isObject, type Json, type JsonBody } from '../json.ts'

/** How long a provider keeps a marked prefix after its last use. */
export type CacheTtl = '5m' | '1h'

/** A stretch of the prompt, at whose end a mark may stand. */
export interface Stretch {
  of: 'tools' | 'system' | 'history'
  /** What it adds to the prompt. */
  holds: Json
  /** The splice that marks its end; undefined: nothing there can carry a mark. */
  mark: Edit | undefined
}

/**
 * How requests of a dialect mark the ends of prefixes that the provider is to keep. Absent where its providers find
 * prefixes by themselves, or keep none.
 */
export interface CacheMarks {
  /** Bytes that a request holds where its client placed marks of its own: looked for before the body is read. */
  readonly own: string
  /** The shortest prefix that this model keeps, in tokens; undefined: it takes no marks. */
  tokensMin(model: string): number | undefined
  /** The prompt in the order in which the provider reads it, as far as marks may stand. At most four can be marked. */
  stretches(body: JsonBody, model: string, ttl: CacheTtl): Stretch[]
}

/**
 * Which turns of a conversation end a prefix worth keeping: the newest of the user, which the next call brings again,
 * and the one before the last answer, where the last call put its newest. A first question has none: whether anybody
 * goes on from there is not known, and to write costs more than to read.
 */
function turnsToMark(messages: readonly Json[]): number[] {
  const says = (role: string, before: number) =>
    messages.findLastIndex((message, index) => index < before && isObject(message) && message.role === role)
  const newest = says('user', messages.length)
  const answer = says('assistant', newest)
  if (answer < 0) return []
  const earlier = says('user', answer)
  return earlier < 0 ? [newest] : [earlier, newest]
}

/** The conversation as stretches, each to the end of a turn that is marked. */
export function historyStretches(messages: Json | undefined, markOf: (index: number) => Edit | undefined): Stretch[] {
  if (!Array.isArray(messages)) return []
  let from = 0
  return turnsToMark(messages).map(index => {
    const holds = messages.slice(from, index + 1)
    from = index + 1
    return { of: 'history', holds, mark: markOf(index) }
  })
}
