import Anthropic from '@anthropic-ai/sdk'
import { type GenerateContentResponse, GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import type { DialectName } from '../../src/dialects/canonical.ts'

export interface Question {
  model: string
  text: string
  stream: boolean
}

/** What a client makes of an answer. */
export interface Told {
  text: string
  /** The reason to finish that the client was told. Without it the answer is not complete. */
  finish: string | undefined
  /** For a whole answer: whether it could be read. */
  ended: boolean
  usage: { input: number; output: number } | undefined
  /** The model that the reply names. */
  model: string | undefined
}

/** Where the gateway is, and a `fetch` that is watched. */
export interface Line {
  url: string
  fetch: typeof fetch
}

/** How an application asks in one dialect. Its retries are off: what a gateway must do is not done by its client. */
export interface Client {
  dialect: DialectName
  /** It asks for streams only. */
  streamOnly?: true
  /** What says in the bytes of a stream that it ended well. */
  ended: RegExp
  /** Fills in `told` as the answer comes; rejects where it is an error. */
  ask(line: Line, question: Question, told: Told): Promise<void>
}

const KEY = 'a-client-of-the-gateway'
/** Longer than any call may take here. */
const TIMEOUT_MS = 120_000
const OUTPUT_TOKENS_MAX = 1_000

const once = { apiKey: KEY, maxRetries: 0, timeout: TIMEOUT_MS }
const openai = ({ url, fetch }: Line) => new OpenAI({ ...once, fetch, baseURL: `${url}/v1` })

/** By the official client of each dialect; nobody's client reads Google's streams as an array, so that one is ours. */
export const CLIENTS = {
  'openai-chat': { dialect: 'openai-chat', ended: /^data: \[DONE\]$/m, ask: askChat },
  'openai-responses': {
    dialect: 'openai-responses',
    ended: /^event: response\.(?:completed|incomplete)$/m,
    ask: askResponses
  },
  'anthropic-messages': { dialect: 'anthropic-messages', ended: /^event: message_stop$/m, ask: askMessages },
  gemini: { dialect: 'gemini', ended: /"finishReason"/, ask: askGemini },
  'gemini as an array': { dialect: 'gemini', streamOnly: true, ended: /"finishReason".*\]\s*$/s, ask: askArray }
} satisfies Record<string, Client>

export type ClientName = keyof typeof CLIENTS

async function askChat(line: Line, { model, text, stream }: Question, told: Told): Promise<void> {
  const body = { model, messages: [{ role: 'user' as const, content: text }] }
  const { completions } = openai(line).chat
  if (!stream) {
    const answer = await completions.create(body)
    told.text = answer.choices[0]?.message.content ?? ''
    told.finish = answer.choices[0]?.finish_reason
    told.model = answer.model
    told.usage = chatUsage(answer.usage)
    told.ended = true
    return
  }
  for await (const chunk of await completions.create({
    ...body,
    stream: true,
    stream_options: { include_usage: true }
  })) {
    told.text += chunk.choices[0]?.delta.content ?? ''
    told.finish = chunk.choices[0]?.finish_reason ?? told.finish
    told.model = chunk.model
    told.usage = chatUsage(chunk.usage) ?? told.usage
  }
}

function chatUsage(usage: OpenAI.CompletionUsage | null | undefined): Told['usage'] {
  return usage ? { input: usage.prompt_tokens, output: usage.completion_tokens } : undefined
}

async function askResponses(line: Line, { model, text, stream }: Question, told: Told): Promise<void> {
  const body = { model, input: text, store: false }
  const { responses } = openai(line)
  if (!stream) {
    const answer = await responses.create(body)
    readResponse(answer, told)
    told.text = answer.output_text
    told.ended = true
    return
  }
  for await (const event of await responses.create({ ...body, stream: true })) {
    if (event.type === 'response.output_text.delta') told.text += event.delta
    else if (event.type === 'response.created') told.model = event.response.model
    else if (event.type === 'response.completed' || event.type === 'response.incomplete')
      readResponse(event.response, told)
    else if (event.type === 'response.failed') throw new Error(event.response.error?.message)
  }
}

function readResponse({ status, incomplete_details, model, usage }: OpenAI.Responses.Response, told: Told): void {
  told.finish = incomplete_details?.reason ?? status
  told.model = model
  told.usage = usage ? { input: usage.input_tokens, output: usage.output_tokens } : undefined
}

async function askMessages({ url, fetch }: Line, { model, text, stream }: Question, told: Told): Promise<void> {
  const { messages } = new Anthropic({ ...once, fetch, baseURL: url })
  const body = { model, max_tokens: OUTPUT_TOKENS_MAX, messages: [{ role: 'user' as const, content: text }] }
  if (!stream) {
    const answer = await messages.create(body)
    told.text = answer.content.map(block => (block.type === 'text' ? block.text : '')).join('')
    told.finish = answer.stop_reason ?? undefined
    told.model = answer.model
    told.usage = { input: answer.usage.input_tokens, output: answer.usage.output_tokens }
    told.ended = true
    return
  }
  let input = 0
  for await (const event of await messages.create({ ...body, stream: true })) {
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

async function askGemini({ url, fetch }: Line, { model, text, stream }: Question, told: Told): Promise<void> {
  const { models } = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: url, timeout: TIMEOUT_MS, fetch } })
  const body = { model, contents: text }
  if (!stream) {
    readGemini(await models.generateContent(body), told)
    told.ended = true
    return
  }
  for await (const chunk of await models.generateContentStream(body)) readGemini(chunk, told)
}

type GeminiAnswer = Pick<GenerateContentResponse, 'candidates' | 'modelVersion' | 'promptFeedback' | 'usageMetadata'>

function readGemini({ candidates, modelVersion, promptFeedback, usageMetadata: usage }: GeminiAnswer, told: Told) {
  const [candidate] = candidates ?? []
  told.text += candidate?.content?.parts?.map(part => part.text ?? '').join('') ?? ''
  told.finish = candidate?.finishReason ?? promptFeedback?.blockReason ?? told.finish
  told.model = modelVersion ?? told.model
  if (!usage) return
  const { promptTokenCount = 0, candidatesTokenCount = 0, thoughtsTokenCount = 0 } = usage
  told.usage = { input: promptTokenCount, output: candidatesTokenCount + thoughtsTokenCount }
}

/** `streamGenerateContent` without `alt=sse`: one JSON array, which must be closed whatever happened. */
async function askArray({ url, fetch }: Line, { model, text }: Question, told: Told): Promise<void> {
  const answer = await fetch(`${url}/v1beta/models/${encodeURIComponent(model)}:streamGenerateContent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-goog-api-key': KEY },
    body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text }] }] })
  })
  const elements = [(await answer.json()) as GeminiElement | GeminiElement[]].flat()
  for (const element of elements) {
    if (element.error) throw new Error(element.error.message)
    readGemini(element, told)
  }
}

type GeminiElement = GeminiAnswer & { error?: { message: string } }
