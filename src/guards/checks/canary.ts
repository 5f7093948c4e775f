import * as z from 'zod'
import { type Check, checkKind, type Finding, type Passage } from '../guard.ts'
import { normalize } from '../normalize.ts'

const TOKEN_MAX = 256

const options = z.strictObject({
  tokens: z
    .array(z.string().min(6).max(TOKEN_MAX))
    .default([])
    .describe('Texts put into the system prompt that must never appear in an answer; case and spacing do not count.'),
  echo: z
    .int()
    .min(8)
    .max(200)
    .optional()
    .describe('So many words of the system prompt in a row in the answer count as a leak. Judges the whole answer.')
})

/** The system prompt in the answer: by marks that were put into it, or by a long run of its own words. */
export const check = checkKind({
  name: 'canary',
  summary: 'Finds the system prompt in the answer: marks put into it, or a long run of its own words.',
  concern: 'security',
  sides: ['response'],
  actions: ['block', 'mask', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options,
  create({ tokens, echo }): Check {
    if (tokens.length === 0 && echo === undefined) {
      throw new Error('expected `tokens`, `echo` or both: without them there is nothing to look for')
    }
    const marks = tokens.map(token => squeezed(token).text)
    if (marks.some(mark => mark.length < 4)) throw new Error('expected `tokens` of at least 4 letters or digits')
    const longest = tokens.reduce((most, token) => Math.max(most, token.length), 0)
    return {
      // An echo is only whole at the end; marks may be spaced out, up to this much.
      reach: echo === undefined ? longest * SPACED : 'whole',
      ...(marks.length > 0 && { find: (text: string) => marksIn(text, marks, longest * SPACED) }),
      ...(echo !== undefined && {
        judge: ({ passages, request }) => echoesIn(passages, systemTexts(request), echo)
      })
    }
  }
})

/** A mark may come back with a character between any two of its own, as a model does that was asked to spell it. */
const SPACED = 3

/** Letters and digits only, in lower case, and where each stood. */
function squeezed(original: string): { text: string; at: (offset: number) => number; end: (offset: number) => number } {
  const plain = normalize(original, { lower: true })
  const kept: number[] = []
  let text = ''
  for (const { 0: run, index } of plain.text.matchAll(/[\p{L}\p{N}]+/gu)) {
    for (let at = 0; at < run.length; at++) kept.push(index + at)
    text += run
  }
  return { text, at: offset => plain.start(kept[offset]!), end: offset => plain.end(kept[offset - 1]! + 1) }
}

function marksIn(original: string, marks: readonly string[], mostLength: number): Finding[] {
  const { text, at, end } = squeezed(original)
  const found: Finding[] = []
  for (const mark of marks) {
    for (let place = text.indexOf(mark); place !== -1; place = text.indexOf(mark, place + mark.length)) {
      const [from, to] = [at(place), end(place + mark.length)]
      if (to - from > mostLength) continue
      const reason = 'A mark of the system prompt stands in the answer.'
      found.push({ rule: 'canary.token', start: from, end: to, score: 1, label: 'CANARY', reason })
    }
  }
  return found
}

interface Word {
  text: string
  start: number
  end: number
}

function wordsOf(original: string): Word[] {
  const plain = normalize(original, { lower: true })
  return [...plain.text.matchAll(/[\p{L}\p{N}]+/gu)].map(({ 0: text, index }) => ({
    text,
    start: plain.start(index),
    end: plain.end(index + text.length)
  }))
}

/** Runs of `length` words that the answer shares with the system prompt, each as long as it goes. */
function echoesIn(passages: readonly Passage[], system: readonly string[], length: number): Finding[] {
  const runs = new Set(system.flatMap(text => runsOf(wordsOf(text), length)))
  if (runs.size === 0) return []
  return passages.flatMap(({ text, path }) => {
    const words = wordsOf(text)
    const found: Finding[] = []
    runsOf(words, length).forEach((run, at) => {
      if (!runs.has(run)) return
      const [start, end] = [words[at]!.start, words[at + length - 1]!.end]
      const last = found.at(-1)
      if (last && start <= last.end!) last.end = end
      else found.push({ rule: 'canary.echo', path, start, end, score: 1, label: 'SYSTEM_PROMPT', reason: ECHO })
    })
    return found
  })
}

const ECHO = 'The answer repeats a long run of the system prompt.'

function runsOf(words: readonly Word[], length: number): string[] {
  return words.slice(0, Math.max(0, words.length - length + 1)).map((_, at) =>
    words
      .slice(at, at + length)
      .map(({ text }) => text)
      .join(' ')
  )
}

/** Every text of what the dialects hold their system prompt in. */
function systemTexts(request: Readonly<Record<string, unknown>>): string[] {
  const turns = [request.messages, request.input].filter(Array.isArray).flat()
  const ofSystem = turns.filter(turn => turn?.role === 'system' || turn?.role === 'developer')
  return textsIn([
    request.system,
    request.instructions,
    request.systemInstruction,
    request.system_instruction,
    ofSystem
  ])
}

function textsIn(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return [value]
  if (depth > 8 || typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, each]) =>
    name === 'role' || name === 'type' ? [] : textsIn(each, depth + 1)
  )
}
