import { type Edit, isObject, type JsonBody } from '../json.ts'

/**
 * A last assistant message that the model goes on from, for dialects that keep turns under `messages`. A conversation
 * that ends with one already (the client began the answer itself) has the text added to it.
 */
export function prefillMessages(body: JsonBody, text: string): Edit[] {
  const messages = body.get('messages')
  const count = Array.isArray(messages) ? messages.length : 0
  const last = Array.isArray(messages) ? messages[count - 1] : undefined
  const content = isObject(last) && last.role === 'assistant' ? last.content : undefined
  const path = ['messages', count - 1, 'content']
  if (typeof content === 'string') return [{ path, value: content + text }]
  if (Array.isArray(content)) return [{ path: [...path, content.length], value: { type: 'text', text } }]
  return [{ path: ['messages', count], value: { role: 'assistant', content: text } }]
}
