import {
  generateText,
  jsonSchema,
  type LanguageModel,
  type ModelMessage,
  Output,
  streamText,
  type ToolResultPart,
  type ToolSet,
  tool
} from 'ai'
import type { Answer, Client, Question, Turn } from './client.ts'

export interface VercelOptions {
  name: string
  showsThinking: Client['showsThinking']
  dropsSignatures?: true
  model(name: string): LanguageModel
  /** How each provider package is asked to let the model think. */
  thinking: NonNullable<Parameters<typeof generateText>[0]['providerOptions']>
  always?: NonNullable<Parameters<typeof generateText>[0]['providerOptions']>
}

const FINISH = { stop: 'stop', 'tool-calls': 'tool-calls', length: 'length' } as const

/** The `ai` package with one of its provider packages. */
export function vercel({ name, showsThinking, dropsSignatures, model, thinking, always = {} }: VercelOptions): Client {
  return {
    name,
    showsThinking,
    ...(dropsSignatures && { dropsSignatures }),
    async ask(question) {
      const asked = {
        model: model(question.model),
        maxRetries: 0,
        messages: question.turns.flatMap(messagesOf),
        providerOptions: question.thinking ? thinking : always,
        ...(question.system && { system: question.system }),
        ...(question.tools && { tools: toolsOf(question.tools) }),
        ...(question.schema && { output: Output.object({ schema: jsonSchema(question.schema) }) })
      }
      if (!question.stream) return answerOf(await generateText(asked))
      let failure: unknown
      const stream = streamText({
        ...asked,
        onError: ({ error }) => {
          failure = error
        }
      })
      await stream.consumeStream()
      if (failure) throw failure
      return answerOf({
        text: await stream.text,
        reasoningText: await stream.reasoningText,
        toolCalls: await stream.toolCalls,
        finishReason: await stream.finishReason,
        usage: await stream.usage,
        response: await stream.response
      })
    }
  }
}

function toolsOf(tools: NonNullable<Question['tools']>): ToolSet {
  return Object.fromEntries(
    tools.map(({ name, description, schema }) => [name, tool({ description, inputSchema: jsonSchema(schema) })])
  )
}

function messagesOf(turn: Turn): ModelMessage[] {
  if ('answer' in turn) {
    const content = turn.answer.calls.map(
      ({ id, name }, index): ToolResultPart => ({
        type: 'tool-result',
        toolCallId: id,
        toolName: name,
        output: { type: 'text', value: turn.results[index] ?? '' }
      })
    )
    return [
      ...(turn.answer.native as ModelMessage[]),
      ...(content.length > 0 ? [{ role: 'tool' as const, content }] : [])
    ]
  }
  if (!turn.image) return [{ role: 'user', content: turn.said }]
  const image = { type: 'image' as const, image: turn.image, mediaType: 'image/png' }
  return [{ role: 'user', content: [{ type: 'text', text: turn.said }, image] }]
}

interface Given {
  text: string
  reasoningText: string | undefined
  toolCalls: readonly { toolCallId: string; toolName: string; input: unknown }[]
  finishReason: string
  usage: { inputTokens: number | undefined; outputTokens: number | undefined }
  response: { messages: ModelMessage[] }
}

function answerOf({ text, reasoningText, toolCalls, finishReason, usage, response }: Given): Answer {
  return {
    text,
    thinking: reasoningText ?? '',
    calls: toolCalls.map(({ toolCallId: id, toolName, input }) => ({ id, name: toolName, input })),
    finish: FINISH[finishReason as keyof typeof FINISH] ?? 'other',
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    native: response.messages
  }
}
