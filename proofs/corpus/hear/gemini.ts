import type { Json, JsonObject } from '../../../src/json.ts'
import { type Counts, dataOf, type Ear, type Heard, number, object, objects, silence, text } from './heard.ts'

/** Google's generateContent; enums may be numbers. */
export const gemini: Ear = {
  whole: body => listen([body]),
  stream: said => listen(said.map(dataOf))
}

const FINISH: Readonly<Record<string, string>> = {
  STOP: 'stop',
  1: 'stop',
  MAX_TOKENS: 'length',
  2: 'length',
  SAFETY: 'content-filter',
  3: 'content-filter',
  RECITATION: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  MODEL_ARMOR: 'content-filter'
}

function listen(chunks: readonly JsonObject[]): Heard {
  const heard = silence()
  let reason: Json | undefined
  for (const chunk of chunks) {
    if (chunk.error) heard.failed = true
    if (chunk.usageMetadata) heard.counts = { ...heard.counts, ...countsOf(object(chunk.usageMetadata)) }
    if (object(chunk.promptFeedback).blockReason) reason ??= 'SAFETY'
    const candidate = objects(chunk.candidates).find(({ index = 0 }) => index === 0)
    reason = candidate?.finishReason || reason
    for (const part of objects(object(candidate?.content).parts)) hear(heard, part)
  }
  const finish = FINISH[String(reason)]
  heard.finish = finish === 'stop' && heard.calls.length > 0 ? 'tool-calls' : finish
  return heard
}

function hear(heard: Heard, part: JsonObject): void {
  if (part.thought) heard.thinking += text(part.text)
  else heard.text += text(part.text)
  if (part.functionCall) hearCall(heard, object(part.functionCall))
}

/** A call may come in pieces: the first has the name, the others what is added at which path. */
function hearCall({ calls }: Heard, { name, args, partialArgs }: JsonObject): void {
  if (name) calls.push({ name: text(name), input: JSON.stringify(args ?? {}) })
  const call = calls.at(-1)
  if (!call || !partialArgs) return
  const known = JSON.parse(call.input) as JsonObject
  for (const { jsonPath, stringValue, numberValue, boolValue } of objects(partialArgs)) {
    add(known, text(jsonPath).match(/[\w-]+/g) ?? [], stringValue ?? numberValue ?? boolValue ?? null)
  }
  call.input = JSON.stringify(known)
}

/** Puts a value at the end of a path like `$.stops[0].name`; a text goes on where there is one already. */
function add(root: JsonObject, steps: readonly string[], value: Json): void {
  let at = root
  for (const [index, step] of steps.slice(0, -1).entries()) {
    at[step] ??= /^\d+$/.test(steps[index + 1]!) ? [] : {}
    at = at[step] as JsonObject
  }
  const last = steps.at(-1)!
  at[last] = typeof value === 'string' ? text(at[last]) + value : value
}

/** Thoughts stand beside the candidates' tokens, and what tools made the model read beside the prompt. */
function countsOf(usage: JsonObject): Counts {
  const thoughts = number(usage.thoughtsTokenCount)
  const candidates = number(usage.candidatesTokenCount)
  const counts = {
    input: (number(usage.promptTokenCount) ?? 0) + (number(usage.toolUsePromptTokenCount) ?? 0),
    output: (candidates ?? 0) + (thoughts ?? 0),
    cached: number(usage.cachedContentTokenCount),
    reasoning: thoughts
  }
  return Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined))
}
