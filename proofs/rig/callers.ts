import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'

/** A dialect, as a client speaks it or a provider does. */
export type Speech = 'openai' | 'anthropic'
export const SPEECHES: readonly Speech[] = ['openai', 'anthropic']

/** What a caller saw of one call, through the official client of its dialect. */
export interface View {
  /** Of the HTTP exchange; 0 where no head came. */
  status: number
  headers: Record<string, string>
  text: string
  /** The reason to finish that the client was told. Without it the answer is not complete. */
  finish: string | undefined
  /** Whether the dialect's own end came (`[DONE]`, `message_stop`); for a whole answer, whether it could be read. */
  ended: boolean
  usage: { input: number; output: number } | undefined
  /** The model that the reply names. */
  model: string | undefined
  /** What the client threw. */
  error: string | undefined
  /** The body of the answer as it came. */
  raw: string
  tookMs: number
}

export interface Question {
  model: string
  text: string
  stream: boolean
}

/** Longer than any call may take here: what a gateway must end by itself is not ended by its client. */
const CLIENT_TIMEOUT_MS = 120_000
const OUTPUT_TOKENS_MAX = 1_000

type Told = Pick<View, 'text' | 'finish' | 'ended' | 'usage' | 'model'>

/** Asks through the official client, without retries of its own. Never rejects: what goes wrong is in the view. */
export async function ask(speech: Speech, url: string, question: Question): Promise<View> {
  const startedMs = performance.now()
  const told: Told = { text: '', finish: undefined, ended: false, usage: undefined, model: undefined }
  const wire: { response: Response | undefined; raw: Promise<string> } = {
    response: undefined,
    raw: Promise.resolve('')
  }
  const options = {
    apiKey: 'a-client-of-the-gateway',
    maxRetries: 0,
    timeout: CLIENT_TIMEOUT_MS,
    async fetch(input: string | URL | Request, init?: RequestInit) {
      wire.response = await fetch(input, init)
      wire.raw = textOf(wire.response.clone())
      return wire.response
    }
  }
  let error: string | undefined
  try {
    if (speech === 'openai') await askOpenai(new OpenAI({ ...options, baseURL: `${url}/v1` }), question, told)
    else await askAnthropic(new Anthropic({ ...options, baseURL: url }), question, told)
  } catch (thrown) {
    error = thrown instanceof Error ? `${thrown.constructor.name}: ${thrown.message}` : String(thrown)
  }
  const raw = await wire.raw
  if (question.stream) told.ended = /^data: \[DONE\]$|^event: message_stop$/m.test(raw)
  return {
    ...told,
    error,
    raw,
    status: wire.response?.status ?? 0,
    headers: Object.fromEntries(wire.response?.headers ?? []),
    tookMs: performance.now() - startedMs
  }
}

/** All that came, also where it was broken off. */
async function textOf(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  } catch {
    // The client that reads the other copy says what happened.
  }
  return text
}

async function askOpenai(client: OpenAI, { model, text, stream }: Question, told: Told): Promise<void> {
  const body = { model, messages: [{ role: 'user' as const, content: text }] }
  if (!stream) {
    const answer = await client.chat.completions.create(body)
    told.text = answer.choices[0]?.message.content ?? ''
    told.finish = answer.choices[0]?.finish_reason
    told.model = answer.model
    told.usage = openaiUsage(answer.usage)
    told.ended = true
    return
  }
  const chunks = await client.chat.completions.create({
    ...body,
    stream: true,
    stream_options: { include_usage: true }
  })
  for await (const chunk of chunks) {
    told.text += chunk.choices[0]?.delta.content ?? ''
    told.finish = chunk.choices[0]?.finish_reason ?? told.finish
    told.model = chunk.model
    told.usage = openaiUsage(chunk.usage) ?? told.usage
  }
}

function openaiUsage(usage: OpenAI.CompletionUsage | null | undefined): View['usage'] {
  return usage ? { input: usage.prompt_tokens, output: usage.completion_tokens } : undefined
}

async function askAnthropic(client: Anthropic, { model, text, stream }: Question, told: Told): Promise<void> {
  const body = { model, max_tokens: OUTPUT_TOKENS_MAX, messages: [{ role: 'user' as const, content: text }] }
  if (!stream) {
    const answer = await client.messages.create(body)
    told.text = answer.content.map(block => (block.type === 'text' ? block.text : '')).join('')
    told.finish = answer.stop_reason ?? undefined
    told.model = answer.model
    told.usage = { input: answer.usage.input_tokens, output: answer.usage.output_tokens }
    told.ended = true
    return
  }
  let input = 0
  for await (const event of await client.messages.create({ ...body, stream: true })) {
    if (event.type === 'message_start') {
      told.model = event.message.model
      input = event.message.usage.input_tokens
    } else if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') told.text += event.delta.text
    else if (event.type === 'message_delta') {
      told.finish = event.delta.stop_reason ?? told.finish
      told.usage = { input: event.usage.input_tokens || input, output: event.usage.output_tokens }
    }
  }
}
