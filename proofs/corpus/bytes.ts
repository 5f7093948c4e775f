import type { JsonObject } from '../../src/json.ts'
import { formatSse } from '../../src/wire/sse.ts'
import type { Interaction, RecordedStream } from './interactions.ts'

/** Whether the one thing that was touched is that usage is asked for: one place, and the JSON says just that more. */
export function isOnlyAskedFor(path: readonly string[], expected: string, got: string): boolean {
  const start = commonLength(expected, got)
  let end = 0
  while (start + end < Math.min(expected.length, got.length) && expected.at(-1 - end) === got.at(-1 - end)) end++
  const replaced = expected.slice(start, expected.length - end)
  if (replaced !== '' && !/^\w+$/.test(replaced)) return false
  const wanted = JSON.parse(expected) as JsonObject
  if (wanted.stream !== true) return false
  let at = wanted
  for (const name of path.slice(0, -1)) {
    at[name] ??= {}
    at = at[name] as JsonObject
  }
  at[path.at(-1)!] = true
  return JSON.stringify(sorted(wanted)) === JSON.stringify(sorted(JSON.parse(got) as JsonObject))
}

/** With the members of the top in one order: where an inserted one stands is not what this is about. */
function sorted(body: JsonObject): [string, unknown][] {
  return Object.entries(body).sort(([left], [right]) => (left < right ? -1 : 1))
}

function commonLength(left: string, right: string): number {
  let length = 0
  while (length < left.length && length < right.length && left[length] === right[length]) length++
  return length
}

export function firstDifference(expected: string, got: string): string {
  const at = commonLength(expected, got)
  const near = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 60))
  return `from byte ${at} on ${near(got)} instead of ${near(expected)}`
}

/** A stream without its comments, with one blank line between events, and without OpenAI's marker of an end. */
export function talk(sse: string): string {
  return sse
    .replace(/^:.*\r?\n/gm, '')
    .replace(/^(\r?\n)+/, '')
    .replace(/(\r?\n)(\r?\n)+/g, '$1$1')
    .replace(/data: ?\[DONE\]\s*$/, '')
}

/** Ids of what a provider keeps are ours in the same place (D6): nothing else differs. */
export function isSameButIds(expected: string, got: string): boolean {
  let at = 0
  for (const [piece] of got.matchAll(/gh_[a-z]+_[\w-]+|(?:(?!gh_[a-z]+_).)+/gs)) {
    if (piece.startsWith('gh_')) at = expected.indexOf('"', at)
    else if (expected.startsWith(piece, at)) at += piece.length
    else return false
  }
  return at === expected.length
}

/** The stream as its client should see it: without usage that it did not ask for, and with an end where that is missing. */
export function shown({ dialect, request }: Interaction, { bytes, framing }: RecordedStream): string {
  const text = bytes.toString()
  if (framing !== 'sse') return text
  const path = dialect.members.streamUsage
  const asks =
    !path || !request || path.reduce<unknown>((at, name) => (at as JsonObject | undefined)?.[name], request) === true
  const blocks = text.split(/(?<=\r?\n\r?\n)/)
  const kept = asks ? text : blocks.filter(block => !isUsageOnly(block)).join('')
  const end = dialect.streamEnd(formatSse)
  // However the provider spells it, its first line says what it is.
  if (text.includes(end.split('\n')[0]!)) return kept
  return (/\n\r?\n$/.test(kept) ? kept : `${kept}\n${kept.endsWith('\n') ? '' : '\n'}`) + end
}

/** OpenAI's chunk that was asked for: no choices, and usage. */
function isUsageOnly(block: string): boolean {
  const data = /^data: ?(\{.*)$/m.exec(block)?.[1]
  if (data === undefined) return false
  const { choices, usage } = JSON.parse(data) as { choices?: unknown; usage?: unknown }
  return Array.isArray(choices) && choices.length === 0 && typeof usage === 'object' && usage !== null
}
