import { type Edit, isObject, type Json } from '../../json.ts'
import { type CacheMarks, historyStretches, type Stretch } from '../cache-marks.ts'
import { familyOf } from './models.ts'

/** Cache points: blocks of their own, behind what they mark. */
export const cacheMarks: CacheMarks = {
  own: '"cachePoint"',
  tokensMin: model => familyOf(model).cacheTokensMin,
  stretches(body, model, ttl) {
    const { caches, cachesLong } = familyOf(model)
    const point = { type: 'default', ...(ttl === '1h' && cachesLong && { ttl }) }
    const behind = (list: readonly Json[], path: Edit['path']): Edit => ({
      path: [...path, list.length],
      value: { cachePoint: point }
    })
    const stretch = (of: Stretch['of'], list: Json | undefined, path: Edit['path'], isTaken: boolean): Stretch[] => {
      if (!Array.isArray(list) || list.length === 0) return []
      return [{ of, holds: list, mark: isTaken ? behind(list, path) : undefined }]
    }
    const messages = body.get('messages')
    return [
      ...stretch('tools', body.at(['toolConfig', 'tools']), ['toolConfig', 'tools'], caches === 'everywhere'),
      ...stretch('system', body.get('system'), ['system'], true),
      ...historyStretches(messages, index => {
        const message = Array.isArray(messages) ? messages[index] : undefined
        const content = isObject(message) ? message.content : undefined
        if (!Array.isArray(content) || content.length === 0) return undefined
        return behind(content, ['messages', index, 'content'])
      })
    ]
  }
}
