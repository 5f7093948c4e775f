import type { Missing } from '../providers/resolve.ts'

export interface Welcome {
  /** Where we listen, as `http://127.0.0.1:8080`. */
  url: string
  /** Names of the providers that can be called, the simulated one included. */
  found: readonly string[]
  missing: readonly Missing[]
  /** A model that answers now. */
  model: string
  /** Whether calls need a key. */
  keys: boolean
}

/** The same three lines for the banner, the front page and the README (D36): where, with whom, and what to try. */
export function welcomeLines({ url, found, missing, model, keys }: Welcome): [string, string, string] {
  const wanted = missing
    .filter(({ variables }) => variables.length > 0)
    .map(({ name, variables }) => `${name} (${variables[0]})`)
  return [
    `Gatehouse listens on ${url}: OpenAI clients use ${url}/v1 as base URL, Anthropic and Gemini clients ${url}.`,
    `Providers found: ${found.join(', ') || 'none'}. Not found (set the variable): ${wanted.join(', ') || 'none'}.`,
    `Try: ${curl({ url, keys, path: '/v1/chat/completions', body: { model, messages: [{ role: 'user', content: 'Hello' }] } })}`
  ]
}

/** A command that can be pasted into a shell as it is. */
export function curl({ url, path, body, keys }: { url: string; path: string; body: object; keys: boolean }): string {
  const key = keys ? ' -H "authorization: Bearer $GATEHOUSE_KEY"' : ''
  return `curl ${url}${path}${key} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`
}
