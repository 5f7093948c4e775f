import assert from 'node:assert/strict'
import { isObject, type JsonObject } from '../../../src/json.ts'
import { type Agent, INSTRUCTIONS, READ_FILE, RUN_SHELL, stream, type Wire, whole } from './agent.ts'

const HEADERS = { 'x-goog-api-key': 'sk-agent', 'user-agent': 'GeminiCLI/0.30.0/gemini-3-pro (linux; x64)' }

/** Gemini CLI: contents with thoughts and their signatures, functions by JSON Schema, counts of tokens. */
export function geminiCli({ url, model }: Wire): Agent {
  const contents: JsonObject[] = []
  let results: JsonObject[] = []
  const address = `${url}/v1beta/models/${encodeURIComponent(model)}`

  return {
    name: 'Gemini CLI',
    tools: ['read_file', 'run_shell'],
    async ask(said) {
      const words = said === undefined ? [] : [{ text: said }]
      contents.push({ role: 'user', parts: [...results, ...words] })
      results = []
      const chunks = await stream(`${address}:streamGenerateContent?alt=sse`, HEADERS, {
        contents,
        systemInstruction: { role: 'user', parts: [{ text: INSTRUCTIONS }] },
        tools: [
          {
            functionDeclarations: [READ_FILE, RUN_SHELL].map(({ name, description, schema }) => ({
              name,
              description,
              parametersJsonSchema: schema
            }))
          }
        ],
        generationConfig: { temperature: 1, topP: 0.95, thinkingConfig: { includeThoughts: true, thinkingBudget: -1 } }
      })
      const parts = chunks.flatMap(partsOf)
      assert.equal(finishOf(chunks), 'STOP')
      // Thoughts are shown, and not sent again; a part keeps its signature.
      contents.push({ role: 'model', parts: parts.filter(part => part.thought !== true) })
      return {
        text: parts.map(part => (part.thought === true ? '' : String(part.text ?? ''))).join(''),
        calls: parts.flatMap(({ functionCall: call }, index) =>
          isObject(call)
            ? [{ id: String(call.id ?? `#${index}`), name: String(call.name), input: JSON.stringify(call.args) }]
            : []
        )
      }
    },
    result({ id, name }, output) {
      const own = id.startsWith('#') ? {} : { id }
      results.push({ functionResponse: { ...own, name, response: { output } } })
    },
    async aside() {
      const { totalTokens } = await whole(`${address}:countTokens`, HEADERS, { contents })
      assert.ok(Number(totalTokens) > 0)
    }
  }
}

function partsOf({ candidates }: JsonObject): JsonObject[] {
  const [candidate] = Array.isArray(candidates) ? candidates : []
  const content = isObject(candidate) ? candidate.content : undefined
  const parts = isObject(content) ? content.parts : undefined
  return Array.isArray(parts) ? parts.filter(isObject) : []
}

function finishOf(chunks: readonly JsonObject[]): unknown {
  const reasons = chunks.flatMap(({ candidates }) =>
    (Array.isArray(candidates) ? candidates : []).map(each => (isObject(each) ? each.finishReason : undefined))
  )
  return reasons.findLast(reason => reason !== undefined)
}
