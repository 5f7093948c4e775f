import { isObject, type Json, type JsonObject } from '../../../src/json.ts'
import type { Said } from '../interactions.ts'

/** Counts as the provider means them: `input` with the cached part, `output` with the reasoning. */
export interface Counts {
  input?: number | undefined
  output?: number | undefined
  cached?: number | undefined
  written?: number | undefined
  reasoning?: number | undefined
}

/** What an answer says (its first choice), read the plainest way. */
export interface Heard {
  text: string
  thinking: string
  refusal: string
  /** Name and arguments. */
  calls: { name: string; input: string }[]
  /** In the words of the canonical form; undefined where none was told, or one that this reader does not know. */
  finish: string | undefined
  counts: Counts | undefined
  /** It says that it failed. */
  failed: boolean
}

/** A second opinion on what a provider said, by dialect: shares no code with the codecs. */
export interface Ear {
  whole(body: JsonObject): Heard
  stream(said: readonly Said[]): Heard
}

export function silence(): Heard {
  return { text: '', thinking: '', refusal: '', calls: [], finish: undefined, counts: undefined, failed: false }
}

export function object(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

export function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

export function number(...values: (Json | undefined)[]): number | undefined {
  return values.find(value => typeof value === 'number') as number | undefined
}

/** The data of an event; nothing where it is no JSON, as `[DONE]`. */
export function dataOf({ data }: Said): JsonObject {
  try {
    return object(JSON.parse(data) as Json)
  } catch {
    return {}
  }
}

/** Some count reasoning beside the output instead of in it: then the total is the sum of all three. */
export function withReasoning(input = 0, output: number | undefined, reasoning = 0, total: number | undefined) {
  if (output === undefined || reasoning === 0) return output
  return total === input + output + reasoning || reasoning > output ? output + reasoning : output
}
