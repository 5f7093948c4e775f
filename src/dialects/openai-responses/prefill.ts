import { type Edit, isObject, type JsonBody } from '../../json.ts'

/** See `Dialect.prefill`: a last message of the assistant's, or more of one that the client began. */
export function prefill(body: JsonBody, text: string): Edit[] {
  const input = body.get('input')
  const begun = { role: 'assistant', content: text }
  if (!Array.isArray(input)) return [{ path: ['input'], value: [...asItems(input), begun] }]
  const last = input.at(-1)
  const content = isObject(last) && last.role === 'assistant' ? last.content : undefined
  const path = ['input', input.length - 1, 'content']
  if (typeof content === 'string') return [{ path, value: content + text }]
  if (Array.isArray(content)) return [{ path: [...path, content.length], value: { type: 'output_text', text } }]
  return [{ path: ['input', input.length], value: begun }]
}

function asItems(input: ReturnType<JsonBody['get']>): { role: string; content: string }[] {
  return typeof input === 'string' ? [{ role: 'user', content: input }] : []
}
