import { type Edit, isObject, type Json, type JsonBody, type JsonObject } from '../../json.ts'
import { type CacheMarks, type CacheTtl, historyStretches, type Stretch } from '../cache-marks.ts'
import { modelOf } from '../claude.ts'

/** Blocks that can carry a mark; thinking cannot, and no text that is empty. From the provider's page on caching. */
const MARKABLE: ReadonlySet<Json | undefined> = new Set([
  'text',
  'image',
  'document',
  'search_result',
  'tool_use',
  'tool_result'
])

export const cacheMarks: CacheMarks = {
  own: '"cache_control"',
  tokensMin: model => modelOf(model).cacheTokensMin,
  stretches(body, _model, ttl) {
    const messages = body.get('messages')
    const markOf = (index: number) => {
      const message = Array.isArray(messages) ? messages[index] : undefined
      return isObject(message) ? contentMark(message.content, ['messages', index, 'content'], ttl) : undefined
    }
    return [...toolStretch(body, ttl), ...systemStretch(body.get('system'), ttl), ...historyStretches(messages, markOf)]
  }
}

function toolStretch(body: JsonBody, ttl: CacheTtl): Stretch[] {
  const tools = body.get('tools')
  if (!Array.isArray(tools) || tools.length === 0) return []
  // A tool that is loaded when it is searched for is in no prefix, and refused with a mark.
  const last = tools.findLastIndex(tool => isObject(tool) && tool.defer_loading !== true)
  return [{ of: 'tools', holds: tools, mark: last < 0 ? undefined : control(['tools', last], ttl) }]
}

function systemStretch(system: Json | undefined, ttl: CacheTtl): Stretch[] {
  if (system === undefined || system === null) return []
  return [{ of: 'system', holds: system, mark: contentMark(system, ['system'], ttl) }]
}

/** A mark on the last block that can carry one. A bare string becomes the one block that it stands for. */
function contentMark(content: Json | undefined, path: Edit['path'], ttl: CacheTtl): Edit | undefined {
  if (typeof content === 'string') {
    if (content.trim() === '') return undefined
    return { path, value: [{ type: 'text', text: content, cache_control: ephemeral(ttl) }] }
  }
  const last = Array.isArray(content) ? content.findLastIndex(isMarkable) : -1
  return last < 0 ? undefined : control([...path, last], ttl)
}

function isMarkable(block: Json): boolean {
  if (!isObject(block) || !MARKABLE.has(block.type)) return false
  return block.type !== 'text' || (typeof block.text === 'string' && block.text.trim() !== '')
}

function control(path: Edit['path'], ttl: CacheTtl): Edit {
  return { path: [...path, 'cache_control'], value: ephemeral(ttl) }
}

/** Five minutes are what it means where no time is said. */
function ephemeral(ttl: CacheTtl): JsonObject {
  return { type: 'ephemeral', ...(ttl === '1h' && { ttl }) }
}
