import type { Call } from './call.ts'

/**
 * The call with the text that was sent already as the beginning of its answer. Undefined where there is nothing to go
 * on from, or the request asks for thinking: makers of models that think refuse both at once. A beginning may not end
 * with white space.
 */
export function withPrefill(call: Call): Call | undefined {
  const { dialect, body, continues } = call
  const text = continues?.text.trimEnd() ?? ''
  if (text === '' || dialect.members.reasoning.some(path => body.at(path) !== undefined)) return undefined
  return { ...call, body: body.edit(dialect.prefill(body, text)) }
}
