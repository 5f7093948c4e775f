import type { Content, GenerateContentResponse, GoogleGenAI, Part } from '@google/genai'
import type { Answer, Client, Turn } from './client.ts'

/** The `@google/genai` package. */
export function googleGenai(google: GoogleGenAI): Client {
  return {
    name: 'google genai',
    showsThinking: 'asked',
    async ask(question) {
      const asked = {
        model: question.model,
        contents: question.turns.flatMap(contentsOf),
        config: {
          ...(question.system && { systemInstruction: question.system }),
          ...(question.tools && {
            tools: [
              {
                functionDeclarations: question.tools.map(({ name, description, schema }) => ({
                  name,
                  description,
                  parametersJsonSchema: schema
                }))
              }
            ]
          }),
          ...(question.schema && { responseMimeType: 'application/json', responseJsonSchema: question.schema }),
          ...(question.thinking && { thinkingConfig: { includeThoughts: true, thinkingBudget: 1_024 } })
        }
      }
      if (!question.stream) return answerOf([await google.models.generateContent(asked)])
      const chunks: GenerateContentResponse[] = []
      for await (const chunk of await google.models.generateContentStream(asked)) chunks.push(chunk)
      return answerOf(chunks)
    }
  }
}

function contentsOf(turn: Turn): Content[] {
  if ('answer' in turn) {
    const parts = turn.answer.calls.map(({ id, name }, index) => ({
      // An id that is ours to make up is not sent: where the model gave none, there is none.
      functionResponse: { name, response: { output: turn.results[index] ?? '' }, ...(!id.startsWith('#') && { id }) }
    }))
    return [turn.answer.native as Content, ...(parts.length > 0 ? [{ role: 'user', parts }] : [])]
  }
  const image = turn.image && { inlineData: { mimeType: 'image/png', data: turn.image } }
  return [{ role: 'user', parts: [{ text: turn.said }, ...(image ? [image] : [])] }]
}

function answerOf(chunks: GenerateContentResponse[]): Answer {
  const parts: Part[] = chunks.flatMap(chunk => chunk.candidates?.[0]?.content?.parts ?? [])
  const last = chunks.at(-1)
  const reason = chunks.map(chunk => chunk.candidates?.[0]?.finishReason).findLast(each => each !== undefined)
  const calls = parts.flatMap(({ functionCall }, index) =>
    functionCall
      ? [{ id: functionCall.id ?? `#${index}`, name: functionCall.name ?? '', input: functionCall.args }]
      : []
  )
  const usage = last?.usageMetadata
  return {
    text: parts.map(part => (part.thought ? '' : (part.text ?? ''))).join(''),
    thinking: parts.map(part => (part.thought ? (part.text ?? '') : '')).join(''),
    calls,
    finish:
      reason === 'STOP' ? (calls.length > 0 ? 'tool-calls' : 'stop') : reason === 'MAX_TOKENS' ? 'length' : 'other',
    inputTokens: usage?.promptTokenCount,
    outputTokens: usage && (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
    native: { role: 'model', parts }
  }
}
