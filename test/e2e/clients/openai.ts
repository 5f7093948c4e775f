import type OpenAI from 'openai'
import type { Answer, Client, Question, Turn } from './client.ts'

type Message = OpenAI.ChatCompletionMessageParam
type Item = OpenAI.Responses.ResponseInputItem

const FINISH = { stop: 'stop', tool_calls: 'tool-calls', length: 'length' } as const

/** The `openai` package, by chat completions. */
export function openaiChat(openai: OpenAI): Client {
  return {
    name: 'openai chat',
    showsThinking: 'shown',
    async ask(question) {
      const body = {
        model: question.model,
        messages: [
          ...(question.system ? [{ role: 'system' as const, content: question.system }] : []),
          ...question.turns.flatMap(chatTurn)
        ],
        ...(question.tools && { tools: question.tools.map(chatTool) }),
        ...(question.schema && { response_format: chatFormat(question.schema) }),
        ...(question.thinking && { reasoning_effort: 'low' as const })
      }
      if (!question.stream) return chatAnswer(await openai.chat.completions.create(body))
      const stream = openai.chat.completions.stream({ ...body, stream_options: { include_usage: true } })
      let thinking = ''
      stream.on('chunk', ({ choices }) => {
        for (const { delta } of choices) thinking += (delta as { reasoning_content?: string }).reasoning_content ?? ''
      })
      return { ...chatAnswer(await stream.finalChatCompletion()), thinking }
    }
  }
}

function chatTurn(turn: Turn): Message[] {
  if ('answer' in turn) {
    const results = turn.answer.calls.map(
      ({ id }, index): Message => ({ role: 'tool', tool_call_id: id, content: turn.results[index] ?? '' })
    )
    return [turn.answer.native as Message, ...results]
  }
  if (!turn.image) return [{ role: 'user', content: turn.said }]
  return [
    {
      role: 'user',
      content: [
        { type: 'text', text: turn.said },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${turn.image}` } }
      ]
    }
  ]
}

function chatTool({ name, description, schema }: NonNullable<Question['tools']>[number]): OpenAI.ChatCompletionTool {
  return { type: 'function', function: { name, description, parameters: schema } }
}

function chatFormat(schema: Question['schema']): OpenAI.ResponseFormatJSONSchema {
  return { type: 'json_schema', json_schema: { name: 'answer', schema: schema!, strict: true } }
}

function chatAnswer(reply: OpenAI.ChatCompletion): Answer {
  const { message, finish_reason } = reply.choices[0]!
  const { parsed: _, ...native } = message as typeof message & { parsed?: unknown }
  return {
    text: message.content ?? '',
    thinking: (message as { reasoning_content?: string }).reasoning_content ?? '',
    calls: (message.tool_calls ?? []).flatMap(call =>
      call.type === 'function'
        ? [{ id: call.id, name: call.function.name, input: JSON.parse(call.function.arguments) as unknown }]
        : []
    ),
    finish: FINISH[finish_reason as keyof typeof FINISH] ?? 'other',
    inputTokens: reply.usage?.prompt_tokens,
    outputTokens: reply.usage?.completion_tokens,
    native
  }
}

/** The `openai` package, by responses; nothing stored, as agents that keep their own history ask. */
export function openaiResponses(openai: OpenAI): Client {
  return {
    name: 'openai responses',
    showsThinking: 'asked',
    async ask(question) {
      const body = {
        model: question.model,
        input: question.turns.flatMap(responsesTurn),
        store: false,
        include: ['reasoning.encrypted_content' as const],
        ...(question.system && { instructions: question.system }),
        ...(question.tools && { tools: question.tools.map(responsesTool) }),
        ...(question.schema && { text: { format: responsesFormat(question.schema) } }),
        ...(question.thinking && { reasoning: { effort: 'low' as const, summary: 'auto' as const } })
      }
      if (!question.stream) return responsesAnswer(await openai.responses.create(body))
      return responsesAnswer(await openai.responses.stream(body).finalResponse())
    }
  }
}

function responsesTurn(turn: Turn): Item[] {
  if ('answer' in turn) {
    const results = turn.answer.calls.map(
      ({ id }, index): Item => ({ type: 'function_call_output', call_id: id, output: turn.results[index] ?? '' })
    )
    return [...(turn.answer.native as Item[]), ...results]
  }
  if (!turn.image) return [{ role: 'user', content: turn.said }]
  return [
    {
      role: 'user',
      content: [
        { type: 'input_text', text: turn.said },
        { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${turn.image}` }
      ]
    }
  ]
}

function responsesTool({
  name,
  description,
  schema
}: NonNullable<Question['tools']>[number]): OpenAI.Responses.FunctionTool {
  return { type: 'function', name, description, parameters: schema, strict: false }
}

function responsesFormat(schema: Question['schema']) {
  return { type: 'json_schema' as const, name: 'answer', schema: schema!, strict: true }
}

function responsesAnswer(reply: OpenAI.Responses.Response): Answer {
  const calls = reply.output.flatMap(item =>
    item.type === 'function_call'
      ? [{ id: item.call_id, name: item.name, input: JSON.parse(item.arguments) as unknown }]
      : []
  )
  const thinking = reply.output.flatMap(item =>
    item.type === 'reasoning' ? [...item.summary, ...(item.content ?? [])].map(({ text }) => text) : []
  )
  const isCut = reply.status === 'incomplete' && reply.incomplete_details?.reason === 'max_output_tokens'
  const isDone = reply.status === 'completed'
  return {
    text: reply.output_text,
    thinking: thinking.join(''),
    calls,
    finish: isCut ? 'length' : !isDone ? 'other' : calls.length > 0 ? 'tool-calls' : 'stop',
    inputTokens: reply.usage?.input_tokens,
    outputTokens: reply.usage?.output_tokens,
    // The SDK adds what it parsed; an application that sends its output back sends the items.
    native: JSON.parse(JSON.stringify(reply.output, (name, value) => (name.startsWith('parsed') ? undefined : value)))
  }
}
