import {
  AIMessage,
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage
} from '@langchain/core/messages'
import { concat } from '@langchain/core/utils/stream'
import { ChatOpenAI } from '@langchain/openai'
import type { Answer, Client, Question, Turn } from './client.ts'

const FINISH = { stop: 'stop', tool_calls: 'tool-calls', length: 'length' } as const

/** The `@langchain/openai` package, by chat completions. */
export function langchain(url: string, apiKey: string): Client {
  return {
    name: 'langchain openai',
    // Its messages have no place for what others than OpenAI think aloud.
    showsThinking: 'never',
    async ask(question) {
      const model = new ChatOpenAI({
        model: question.model,
        apiKey,
        maxRetries: 0,
        streamUsage: true,
        configuration: { baseURL: `${url}/v1` }
      })
      const messages = [
        ...(question.system ? [new SystemMessage(question.system)] : []),
        ...question.turns.flatMap(messagesOf)
      ]
      const options = {
        ...(question.tools && { tools: question.tools.map(toolOf) }),
        ...(question.schema && {
          response_format: {
            type: 'json_schema' as const,
            json_schema: { name: 'answer', schema: question.schema, strict: true }
          }
        })
      }
      if (!question.stream) return answerOf(await model.invoke(messages, options))
      let whole: AIMessageChunk | undefined
      for await (const chunk of await model.stream(messages, options)) whole = whole ? concat(whole, chunk) : chunk
      return answerOf(whole!)
    }
  }
}

function toolOf({ name, description, schema }: NonNullable<Question['tools']>[number]) {
  return { type: 'function' as const, function: { name, description, parameters: schema } }
}

function messagesOf(turn: Turn): BaseMessage[] {
  if ('answer' in turn) {
    const results = turn.answer.calls.map(
      ({ id }, index) => new ToolMessage({ tool_call_id: id, content: turn.results[index] ?? '' })
    )
    return [turn.answer.native as AIMessage, ...results]
  }
  if (!turn.image) return [new HumanMessage(turn.said)]
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${turn.image}` } }
  return [new HumanMessage({ content: [{ type: 'text', text: turn.said }, image] })]
}

function answerOf(message: AIMessage | AIMessageChunk): Answer {
  const usage = message.usage_metadata as { input_tokens: number; output_tokens: number } | undefined
  const reason = message.response_metadata.finish_reason as string | undefined
  return {
    text: message.text,
    thinking: '',
    calls: (message.tool_calls ?? []).map(({ id, name, args }) => ({ id: id ?? '', name, input: args })),
    finish: FINISH[reason as keyof typeof FINISH] ?? 'other',
    inputTokens: usage?.input_tokens,
    outputTokens: usage?.output_tokens,
    native: new AIMessage({ content: message.content, tool_calls: message.tool_calls ?? [] })
  }
}
