import type Anthropic from '@anthropic-ai/sdk'
import type OpenAI from 'openai'
import type { Exchange, Sdks } from '../../support/sdk.ts'
import { type Body, type Tokens, tokensOf, type View, viewOfChoice, viewOfMessage } from './view.ts'

export type Client = 'openai' | 'anthropic'
export type Mode = 'whole' | 'stream'

export interface Request {
  messages: readonly object[]
  [member: string]: unknown
}

/** What a call gave its client: the view of the (first) choice, and what is behind it. */
export interface Answer {
  view: View
  views: View[]
  tokens: Tokens | undefined
  /** The SDK's own object, as it would be kept by an application. */
  reply: OpenAI.ChatCompletion | Anthropic.Message
  /** The assistant's turn as an application sends it back in the next call. */
  turn: Body
  requestId: string | null | undefined
  exchange: Exchange
}

/** One call through an official SDK, the way its documentation shows it. */
export async function ask(sdks: Sdks, client: Client, mode: Mode, request: Request): Promise<Answer> {
  sdks.exchanges()
  const given =
    client === 'openai' ? await askOpenai(sdks.openai, mode, request) : await askMessages(sdks, mode, request)
  const [exchange] = sdks.exchanges()
  if (!exchange) throw new Error('the SDK sent nothing')
  await exchange.received
  return { ...given, exchange }
}

type Given = Omit<Answer, 'exchange'>

async function askOpenai(openai: OpenAI, mode: Mode, request: Request): Promise<Given> {
  const body = request as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming
  if (mode === 'whole') {
    const reply = await openai.chat.completions.create(body)
    return givenByChat(reply, undefined, reply._request_id)
  }
  const stream = openai.chat.completions.stream({ stream_options: { include_usage: true }, ...body, stream: true })
  const thinking: string[] = []
  stream.on('chunk', chunk => {
    for (const { index, delta } of chunk.choices) {
      thinking[index] = (thinking[index] ?? '') + ((delta as { reasoning_content?: string }).reasoning_content ?? '')
    }
  })
  return givenByChat(await stream.finalChatCompletion(), thinking, undefined)
}

function givenByChat(
  reply: OpenAI.ChatCompletion,
  thinking: string[] | undefined,
  requestId: Given['requestId']
): Given {
  const views = reply.choices.map(choice => viewOfChoice(choice, thinking?.[choice.index]))
  return { view: views[0]!, views, tokens: tokensOf(reply.usage), reply, turn: openaiTurn(reply), requestId }
}

/** The message without what the SDK itself adds to it. */
function openaiTurn(reply: OpenAI.ChatCompletion): Body {
  const { parsed: _, ...message } = reply.choices[0]!.message as OpenAI.ChatCompletionMessage & { parsed?: unknown }
  return { ...message }
}

async function askMessages({ anthropic }: Sdks, mode: Mode, request: Request): Promise<Given> {
  const body = request as unknown as Anthropic.MessageCreateParamsNonStreaming
  const reply =
    mode === 'whole' ? await anthropic.messages.create(body) : await anthropic.messages.stream(body).finalMessage()
  const view = viewOfMessage(reply)
  return {
    view,
    views: [view],
    tokens: tokensOf(reply.usage),
    reply,
    turn: { role: 'assistant', content: reply.content },
    requestId: mode === 'whole' ? (reply as { _request_id?: string | null })._request_id : undefined
  }
}

/** Ids of the calls in an answer, in order. */
export function callIds({ turn }: Answer): string[] {
  if (Array.isArray(turn.tool_calls)) return turn.tool_calls.map(call => call.id)
  if (!Array.isArray(turn.content)) return []
  const blocks = turn.content as { type: string; id: string }[]
  return blocks.filter(block => block.type === 'tool_use').map(block => block.id)
}
