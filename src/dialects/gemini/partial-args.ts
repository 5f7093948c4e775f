import { isObject, type Json, type JsonObject } from '../../json.ts'

/**
 * Arguments that come piece by piece, where a client of Vertex AI asked for that: `partialArgs` name a place by a JSON
 * path (`$.trip.stops[0]`) and bring its value, or more of its text
 * (cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling).
 */
export class PartialArgs {
  readonly args: JsonObject = plain()

  /** Whole arguments, or the next pieces of them. */
  add(call: JsonObject): void {
    if (isObject(call.args)) Object.assign(this.args, call.args)
    for (const piece of Array.isArray(call.partialArgs) ? call.partialArgs : []) {
      if (isObject(piece) && typeof piece.jsonPath === 'string') put(this.args, stepsOf(piece.jsonPath), piece)
    }
  }
}

/** `$.a.b[0]['c d']` as names and indexes. */
function stepsOf(path: string): (string | number)[] {
  const found = path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]/g)
  return [...found].map(([, name, index, single, double]) =>
    index === undefined ? (name ?? single ?? double)! : Number(index)
  )
}

/** Without a prototype that a path could reach. */
function plain(): JsonObject {
  return Object.create(null) as JsonObject
}

function put(args: JsonObject, steps: readonly (string | number)[], piece: JsonObject): void {
  let holder = args as Record<string | number, Json | undefined>
  for (const [depth, step] of steps.entries()) {
    if (Array.isArray(holder) && typeof step !== 'number') return
    const next = steps[depth + 1]
    if (next === undefined) {
      const before = holder[step]
      const value = valueIn(piece)
      if (value !== undefined)
        holder[step] = typeof before === 'string' && typeof value === 'string' ? before + value : value
      return
    }
    const inner = holder[step]
    if (typeof inner !== 'object' || inner === null) holder[step] = typeof next === 'number' ? [] : plain()
    holder = holder[step] as typeof holder
  }
}

function valueIn(piece: JsonObject): Json | undefined {
  if ('nullValue' in piece) return null
  return piece.stringValue ?? piece.numberValue ?? piece.boolValue
}
