import { isObject, type Json, type JsonObject } from '../json.ts'

/** A reply, or an event of one, as clouds sell it: without the members that Anthropic sends from home only. */
export function asSold({ stop_details: _, ...said }: JsonObject): JsonObject {
  if (isObject(said.message)) said.message = asSold(said.message)
  if (isObject(said.delta)) said.delta = asSold(said.delta)
  if (Array.isArray(said.content)) said.content = said.content.map(withoutCaller)
  if (isObject(said.content_block)) said.content_block = withoutCaller(said.content_block)
  if (isObject(said.usage)) {
    const { service_tier: __, inference_geo: ___, output_tokens_details: ____, ...usage } = said.usage
    said.usage = usage
  }
  return said
}

function withoutCaller(block: Json): JsonObject {
  const { caller: _, ...rest } = block as JsonObject
  return rest
}
