import type { DeclaredTool, Side, ToolCall } from '../guards/guard.ts'
import type { Facts } from '../guards/passages.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { addressOf, type Call } from './call.ts'

/** What checks of a whole side are told of the call, beside its texts. `body`: that side's, as it came. */
export function factsFor(call: Call, body: JsonObject, side: Side): Facts {
  const { dialect, operation, model, routing } = call
  const session = sessionOf(call)
  return {
    operation,
    dialect: dialect.name,
    model,
    tools: toolsOf(call),
    calls: callsIn(call, body, side),
    request: call.body.object(),
    metadata: textsOf(routing?.metadata ?? {}),
    ...(session !== undefined && { session })
  }
}

function textsOf(metadata: JsonObject): Record<string, string> {
  const known = Object.entries(metadata).filter(([, value]) => typeof value !== 'object' && value !== undefined)
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]))
}

function sessionOf({ account }: Call): string | undefined {
  const said = account?.payers.session
  return typeof said === 'string' ? said : undefined
}

/** Tools that the request declares; none where it cannot be read, for that is for the provider to say. */
function toolsOf(call: Call): DeclaredTool[] {
  if (call.operation !== 'chat') return []
  try {
    const { tools = [] } = call.dialect.decodeRequest(call.body.object(), addressOf(call))
    return tools.map(({ name, input }) => ({ name, ...(input && { schema: input }) }))
  } catch {
    return []
  }
}

/** Calls of tools in a body of any dialect: wherever a name stands beside its input. */
function callsIn(call: Call, body: JsonObject, side: Side): ToolCall[] {
  const calls: ToolCall[] = []
  for (const ref of call.dialect.texts(body, side)) {
    if (ref.kind !== 'tool-input') continue
    const name = nameBeside(body, ref.path)
    if (name !== undefined) calls.push({ name, input: ref.get(), path: ref.path })
  }
  return calls
}

function nameBeside(body: JsonObject, path: string): string | undefined {
  let at: Json | undefined = body
  for (const [step, index] of path.slice(0, path.lastIndexOf('.')).matchAll(/\[(\d+)\]|[^.[\]]+/g)) {
    if (index !== undefined) at = Array.isArray(at) ? at[Number(index)] : undefined
    else at = isObject(at) ? at[step] : undefined
  }
  return isObject(at) && typeof at.name === 'string' ? at.name : undefined
}
