import type { Dialect, Operation, TextRef } from '../dialects/dialect.ts'
import { Failure } from '../errors.ts'
import { type Edit, isObject, type Json, JsonBody, type JsonObject, type Path } from '../json.ts'
import { dropTokens } from './frame-texts.ts'
import { guardTexts, type Reading } from './passages.ts'

/** A body after its guards: itself where nothing was replaced. */
export interface Guarded {
  body: JsonBody
  /** What was changed, by its path. */
  paths: readonly string[]
}

/** Whose body it is. */
export interface BodyFacts {
  dialect: Dialect
  operation: Operation
}

/**
 * Guards every text of a whole body. Of a request every byte stays that is not replaced (D20). Throws the Failure that
 * stops the call.
 */
export function guardBody(body: JsonBody, facts: BodyFacts, reading: Reading): Guarded | Promise<Guarded> {
  const copy = parsed(body)
  const refs = [...textsOf(copy, facts, reading)]
  if (reading.side === 'request' && !reading.isRead) {
    // What seals cover was masked, or made up, when it was first said: its placeholders are ours.
    for (const ref of refs) if (!ref.sealed) reading.guarding.placeholders.reserve(ref.get())
  }
  const paths = guardTexts(refs, reading)
  const finished = (changed: readonly string[]): Guarded => {
    if (changed.length === 0) return { body, paths: changed }
    if (reading.side === 'request') return { body: withTexts(body, copy, changed), paths: changed }
    dropTokens(copy)
    return { body: JsonBody.from(copy), paths: changed }
  }
  return paths instanceof Promise ? paths.then(finished) : finished(paths)
}

function parsed(body: JsonBody): JsonObject {
  let value: unknown
  try {
    value = body.copy()
  } catch {}
  if (isObject(value)) return value
  throw new Failure('provider_malformed', 'The provider answered with something that is no JSON object.')
}

function textsOf(body: JsonObject, { dialect, operation }: BodyFacts, { side }: Reading): Iterable<TextRef> {
  return operation === 'embeddings' ? inputTexts(body) : dialect.texts(body, side)
}

/** The texts of a request for embeddings, in OpenAI's shape. */
function* inputTexts(body: JsonObject): Iterable<TextRef> {
  const holder = Array.isArray(body.input) ? body.input : body
  const names = Array.isArray(body.input) ? [...body.input.keys()] : ['input']
  for (const name of names) {
    const at = holder as Record<string | number, Json>
    if (typeof at[name] !== 'string') continue
    const path = typeof name === 'number' ? `input[${name}]` : name
    yield {
      path,
      role: 'user',
      kind: 'text',
      sealed: false,
      lane: path,
      get: () => at[name] as string,
      set: text => {
        at[name] = text
      }
    }
  }
}

/** The body with the values that stand at these paths in its changed copy; every other byte stays. */
function withTexts(body: JsonBody, changed: JsonObject, paths: readonly string[]): JsonBody {
  const edits = paths.map((written): Edit => {
    const path = stepsOf(written)
    const value = valueAt(changed, path)
    // A name with a dot or bracket in it cannot be told from a path: then all of the member goes in anew.
    const whole: Path = [path[0]!]
    return value === undefined ? { path: whole, value: valueAt(changed, whole) } : { path, value }
  })
  return body.edit(edits)
}

/** The path that a lens writes as `messages[2].content`: messages, 2, content. */
export function stepsOf(path: string): Path {
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([step, index]) => (index === undefined ? step : Number(index)))
}

function valueAt(body: JsonObject, path: Path): Json | undefined {
  let value: Json | undefined = body
  for (const step of path) {
    if (typeof step === 'number') value = Array.isArray(value) ? value[step] : undefined
    else value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
  }
  return value
}
