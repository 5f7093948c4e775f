import type { endpoints } from '../../../src/endpoints/index.ts'
import { isObject, type Json, type JsonObject } from '../../../src/json.ts'
import type { SimLogEntry } from '../../../src/sim/index.ts'
import { type Answer, type Ask, send } from '../../support/client.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../../support/gateway.ts'

/** US dollars a million tokens, of every model of a provider: nano-dollars a token are a thousand times that. */
export interface Rates {
  input: number
  output: number
}

export const LAB: Rates = { input: 3, output: 15 }
export const DEAR: Rates = { input: 30, output: 150 }

const CREDENTIAL = 'sk-of-the-lab'

/** The simulated provider in all its dialects, under a name of its own. */
export function simAs(name: string, { credential = CREDENTIAL, more = '' } = {}): string {
  const at = (dialect: string, base: string, rest = '') => `{ dialect: ${dialect}, base_url: "SIM/${base}"${rest} }`
  const all = [
    at('openai-chat', 'v1', ', embeddings: openai'),
    at('openai-responses', 'v1'),
    at('anthropic-messages', 'v1'),
    at('gemini', 'v1beta')
  ]
  return `  ${name}: { endpoints: [${all.join(', ')}], keys: [${credential}], allow_private: ["127.0.0.0/8"]${more} }`
}

/** A line under `prices:`. */
export function priced(provider: string, { input, output }: Rates, model = '*'): string {
  return `  - { provider: ${provider}, model: "${model}", usd: { input_mtok: ${input}, output_mtok: ${output} } }`
}

/** A gateway whose providers `lab` and `dear` are the simulated one, at their prices. */
export function startLab(yaml: string, options: Omit<TestGatewayOptions, 'yaml'> = {}): Promise<TestGateway> {
  return startTestGateway({
    ...options,
    bare: true,
    providers: [simAs('lab'), simAs('dear'), options.providers ?? ''].join('\n'),
    yaml: `overload: { loop_lag: 60s, memory: 99% }\nprices:\n${priced('lab', LAB)}\n${priced('dear', DEAR)}\n${yaml}`
  })
}

/** Tokens in and out, of the usage that the provider's own dialect reports. */
export function tokensOf({ usage }: Pick<SimLogEntry, 'usage'>): Rates {
  const at = (...names: string[]) => Number(names.map(name => usage?.[name]).find(value => value !== undefined) ?? 0)
  return {
    input: at('prompt_tokens', 'input_tokens', 'promptTokenCount', 'inputTokens'),
    output: at('completion_tokens', 'output_tokens', 'candidatesTokenCount', 'outputTokens') + at('thoughtsTokenCount')
  }
}

/** What the provider's own count comes to, in nano-dollars. */
export function costOf(entry: Pick<SimLogEntry, 'usage'>, rates: Rates = LAB): number {
  const { input, output } = tokensOf(entry)
  return Math.round(1_000 * (input * rates.input + output * rates.output))
}

/** `$0.0015` of a header in nano-dollars. */
export function nanoIn(usd: string | undefined): number {
  return Math.round(Number(usd ?? Number.NaN) * 1e9)
}

type EndpointName = keyof typeof endpoints

/** One way to come in by a door: whole or as a stream. */
export interface Way {
  endpoint: EndpointName
  /** As keys are held to it. */
  door: string
  stream: boolean
  /** It names a model. */
  asks: boolean
  /** The model is paid for. */
  generates: boolean
  /** What is sent, but for the key. */
  ask(model: string, stored: string): Ask & { path: string }
  /** The stable code of an error, wherever its dialect keeps it. */
  code(body: JsonObject): Json | undefined
}

const ANTHROPIC_VERSION = { 'anthropic-version': '2023-06-01' }
/** Enough for the answer, and not much more. */
const CAP = 64

const codeOf = (body: JsonObject) => (isObject(body.error) ? body.error.code : undefined)
const codeOfGemini = (body: JsonObject) => {
  const details = isObject(body.error) && Array.isArray(body.error.details) ? body.error.details : []
  const info = details.find(detail => isObject(detail) && String(detail['@type']).endsWith('ErrorInfo'))
  return isObject(info) && isObject(info.metadata) ? info.metadata.code : undefined
}
const codeOfAnthropic = (body: JsonObject) => (body.type === 'error' ? codeOf(body) : undefined)

const messages = [{ role: 'user', content: 'tell me' }]
const contents = [{ role: 'user', parts: [{ text: 'tell me' }] }]
const post = (path: string, body: JsonObject, headers = {}) => ({ method: 'POST', path, body, headers })

type Generating = (model: string, stream: boolean) => ReturnType<Way['ask']>

function way(endpoint: EndpointName, door: string, facts: Partial<Way> & Pick<Way, 'ask'>): Way {
  return { endpoint, door, stream: false, asks: true, generates: false, code: codeOf, ...facts }
}

function both(endpoint: EndpointName, door: string, ask: Generating, code = codeOf): Way[] {
  return [false, true].map(stream =>
    way(endpoint, door, { stream, generates: true, code, ask: model => ask(model, stream) })
  )
}

function kept(endpoint: EndpointName, method: string, tail = '', stream = false): Way {
  const query = stream ? '?stream=true' : ''
  const ask = (_: string, stored: string) => ({ method, path: `/v1/responses/${stored}${tail}${query}` })
  return way(endpoint, 'objects', { asks: false, stream, ask })
}

/** Every door of the gateway, whole and streamed. */
export const WAYS: readonly Way[] = [
  ...both('chat-completions', 'chat', (model, stream) =>
    post('/v1/chat/completions', { model, messages, max_tokens: CAP, stream })
  ),
  ...both('azure-chat-completions', 'chat', (model, stream) =>
    post(`/openai/deployments/${model}/chat/completions`, { messages, max_tokens: CAP, stream })
  ),
  ...both(
    'messages',
    'messages',
    (model, stream) => post('/v1/messages', { model, messages, max_tokens: CAP, stream }, ANTHROPIC_VERSION),
    codeOfAnthropic
  ),
  ...both('responses', 'responses', (model, stream) =>
    post('/v1/responses', { model, input: 'tell me', max_output_tokens: CAP, stream, store: false })
  ),
  way('generate-content', 'gemini', {
    generates: true,
    code: codeOfGemini,
    ask: model =>
      post(`/v1beta/models/${model}:generateContent`, { contents, generationConfig: { maxOutputTokens: CAP } })
  }),
  ...['?alt=sse', ''].map(query =>
    way('stream-generate-content', 'gemini', {
      stream: true,
      generates: true,
      code: codeOfGemini,
      ask: model =>
        post(`/v1beta/models/${model}:streamGenerateContent${query}`, {
          contents,
          generationConfig: { maxOutputTokens: CAP }
        })
    })
  ),
  way('embeddings', 'embeddings', {
    generates: true,
    ask: model => post('/v1/embeddings', { model, input: 'tell me' })
  }),
  way('azure-embeddings', 'embeddings', {
    generates: true,
    ask: model => post(`/openai/deployments/${model}/embeddings`, { input: 'tell me' })
  }),
  way('count-tokens', 'count-tokens', {
    code: codeOfAnthropic,
    ask: model => post('/v1/messages/count_tokens', { model, messages }, ANTHROPIC_VERSION)
  }),
  way('gemini-count-tokens', 'count-tokens', {
    code: codeOfGemini,
    ask: model => post(`/v1beta/models/${model}:countTokens`, { contents })
  }),
  way('response-input-tokens', 'count-tokens', {
    ask: model => post('/v1/responses/input_tokens', { model, input: 'tell me' })
  }),
  way('guard', 'guard', { asks: false, ask: () => post('/v1/guard', { text: 'tell me' }) }),
  way('feedback', 'feedback', {
    asks: false,
    ask: (_, stored) => post('/v1/feedback', { request_id: stored, score: 1 })
  }),
  way('models', 'models', { asks: false, ask: () => ({ method: 'GET', path: '/v1/models' }) }),
  kept('response-get', 'GET'),
  kept('response-get', 'GET', '', true),
  kept('response-input-items', 'GET', '/input_items'),
  kept('response-cancel', 'POST', '/cancel'),
  kept('response-delete', 'DELETE')
]

export function nameOf({ endpoint, stream, ask }: Way): string {
  return `${endpoint}${stream ? ', stream' : ''}${ask('m', 'r').path.endsWith('alt=sse') ? ' of events' : ''}`
}

/** Comes in by this way; `key` undefined: without one. */
export function enter(
  { gateway }: TestGateway,
  { ask }: Way,
  { key, model = 'lab/assistant', stored = 'none' }: { key: string | undefined; model?: string; stored?: string }
): Promise<Answer> {
  const { path, headers, ...rest } = ask(model, stored)
  const authorization = key === undefined ? undefined : `Bearer ${key}`
  return send(gateway.url + path, { ...rest, headers: { ...headers, authorization } })
}

/** The line of the log about the call with this answer. */
export function callLine({ lines }: TestGateway, answer: Pick<Answer, 'headers'>): Record<string, unknown> {
  const id = answer.headers['x-gatehouse-request-id']
  const line = lines.find(each => each.msg === 'call' && each.id === id)
  if (!line) throw new Error(`no line of the log is about the call ${id}`)
  return line
}
