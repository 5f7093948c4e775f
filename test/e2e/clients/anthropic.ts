import type Anthropic from '@anthropic-ai/sdk'
import type { Answer, Client, Turn } from './client.ts'

const FINISH = { end_turn: 'stop', tool_use: 'tool-calls', max_tokens: 'length' } as const

/** The `@anthropic-ai/sdk` package. */
export function anthropicMessages(anthropic: Anthropic): Client {
  return {
    name: 'anthropic',
    showsThinking: 'shown',
    async ask(question) {
      const body = {
        model: question.model,
        max_tokens: 3_000,
        messages: question.turns.flatMap(messagesOf),
        ...(question.system && { system: question.system }),
        ...(question.tools && {
          tools: question.tools.map(({ name, description, schema }) => ({
            name,
            description,
            input_schema: schema as Anthropic.Tool.InputSchema
          }))
        }),
        ...(question.schema && {
          output_config: { format: { type: 'json_schema' as const, schema: question.schema } }
        }),
        ...(question.thinking && { thinking: { type: 'enabled' as const, budget_tokens: 1_024 } })
      }
      const reply = question.stream
        ? await anthropic.messages.stream(body).finalMessage()
        : await anthropic.messages.create(body)
      return answerOf(reply)
    }
  }
}

function messagesOf(turn: Turn): Anthropic.MessageParam[] {
  if ('answer' in turn) {
    const content = turn.answer.native as Anthropic.ContentBlockParam[]
    const results = turn.answer.calls.map(({ id }, index) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: turn.results[index] ?? ''
    }))
    return [
      { role: 'assistant', content },
      ...(results.length > 0 ? [{ role: 'user' as const, content: results }] : [])
    ]
  }
  if (!turn.image) return [{ role: 'user', content: turn.said }]
  const source = { type: 'base64' as const, media_type: 'image/png' as const, data: turn.image }
  return [
    {
      role: 'user',
      content: [
        { type: 'text', text: turn.said },
        { type: 'image', source }
      ]
    }
  ]
}

function answerOf({ content, stop_reason, usage }: Anthropic.Message): Answer {
  const { input_tokens: fresh, cache_read_input_tokens: read, cache_creation_input_tokens: written } = usage
  return {
    text: content.map(block => (block.type === 'text' ? block.text : '')).join(''),
    thinking: content.map(block => (block.type === 'thinking' ? block.thinking : '')).join(''),
    calls: content.flatMap(block =>
      block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : []
    ),
    finish: FINISH[stop_reason as keyof typeof FINISH] ?? 'other',
    inputTokens: fresh + (read ?? 0) + (written ?? 0),
    outputTokens: usage.output_tokens,
    native: content
  }
}
