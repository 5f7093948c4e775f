import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after } from 'node:test'
import { type Sim, type SimLogEntry, type SimOptions, startSim } from '../../src/sim/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: replies are read as the tests expect them
export type Any = any

/** A simulator that stops with the test file. */
export async function simForTests(options: SimOptions = {}): Promise<Sim> {
  const sim = await startSim({ paceMs: 0, ...options })
  after(() => sim.close())
  return sim
}

export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
export const PDF = Buffer.from('%PDF-1.4\n%%EOF\n').toString('base64')

export interface Answer {
  status: number
  headers: Record<string, string>
  text: string
  /** `end`: a clean end. `cut`: the connection broke in the body. */
  outcome: 'end' | 'cut'
  json(): Any
  events(): { event: string | undefined; data: Any }[]
}

export const SIDES = ['openai', 'anthropic', 'responses', 'gemini'] as const
export type Side = (typeof SIDES)[number]

/** A request of a side, ready to be sent. */
export interface Sent {
  path: string
  headers: Record<string, string>
  payload: unknown
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** Gemini says model and stream in its address: bodies of these tests carry them, and they are taken out here. */
export function requestOf(side: Side, body: Any): Sent {
  switch (side) {
    case 'openai':
      return { path: '/v1/chat/completions', headers: JSON_TYPE, payload: body }
    case 'anthropic':
      return { path: '/v1/messages', headers: { ...JSON_TYPE, 'anthropic-version': '2023-06-01' }, payload: body }
    case 'responses':
      return { path: '/v1/responses', headers: JSON_TYPE, payload: body }
    case 'gemini': {
      if (typeof body !== 'object') {
        return { path: '/v1beta/models/echo:generateContent', headers: JSON_TYPE, payload: body }
      }
      const { model, stream, ...payload } = body
      const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
      return { path: `/v1beta/models/${encodeURIComponent(model)}:${method}`, headers: JSON_TYPE, payload }
    }
  }
}

export function post(sim: Sim, side: Side, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const request = requestOf(side, body)
  return send(sim, 'POST', request.path, request.payload, { ...request.headers, ...headers })
}

/** A plain HTTP call that also tells how the connection ended. Rejects where there was no head. */
export function send(
  sim: Sim,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {}
): Promise<Answer> {
  const payload = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port: sim.port, method, path, headers, agent: false }, response => {
      const chunks: Buffer[] = []
      const settle = (outcome: 'end' | 'cut'): void => {
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode!,
          headers: response.headers as Record<string, string>,
          text,
          outcome,
          json: () => JSON.parse(text),
          events: () => eventsOf(text)
        })
      }
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () => settle('end'))
      response.on('error', () => settle('cut'))
    })
    call.on('error', reject)
    call.end(payload)
  })
}

export function eventsOf(text: string): { event: string | undefined; data: Any }[] {
  return text
    .split(/\r?\n\r?\n/)
    .filter(block => block.trim() !== '')
    .map(block => {
      const event = /^event: (.*)$/m.exec(block)?.[1]
      const data = /^data: (.*)$/m.exec(block)?.[1] ?? ''
      return { event, data: data.startsWith('{') ? tryJson(data) : data }
    })
}

function tryJson(text: string): Any {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The smallest request of a side for a text. */
export function ask(side: Side, model: string, text: string, more: object = {}): Any {
  const messages = [{ role: 'user', content: text }]
  switch (side) {
    case 'openai':
      return { model, messages, ...more }
    case 'anthropic':
      return { model, max_tokens: 4096, messages, ...more }
    case 'responses':
      return { model, input: messages, ...more }
    case 'gemini':
      return { model, contents: [{ role: 'user', parts: [{ text }] }], ...more }
  }
}

/** A stream's events folded to the whole reply it tells. */
export function fold(side: Side, answer: Answer): Any {
  const folds = { openai: foldChat, anthropic: foldMessage, responses: foldResponse, gemini: foldGenerated }
  return folds[side](answer)
}

/** From the deltas; the closing event must say the same. */
function foldResponse(answer: Answer): Any {
  let response: Any = { output: [] }
  for (const { data } of answer.events()) {
    if (typeof data !== 'object') continue
    const { type, output_index: at, content_index: part, delta } = data
    const item = response.output[at]
    if (type === 'response.created') response = data.response
    if (type === 'response.output_item.added') response.output[at] = structuredClone(data.item)
    if (type === 'response.output_item.done') {
      if (item.type !== 'web_search_call') assert.deepEqual(withoutStatus(item), withoutStatus(data.item))
      response.output[at] = data.item
    }
    if (type === 'response.content_part.added') item.content[part] = data.part
    if (type === 'response.content_part.done') item.content[part] = { ...data.part, ...said(item.content[part]) }
    if (type === 'response.output_text.delta') item.content[part].text += delta
    if (type === 'response.output_text.annotation.added') item.content[part].annotations.push(data.annotation)
    if (type === 'response.refusal.delta') item.content[part].refusal += delta
    if (type === 'response.function_call_arguments.delta') item.arguments += delta
    if (type === 'response.custom_tool_call_input.delta') item.input += delta
    if (type === 'response.reasoning_summary_part.added') item.summary[data.summary_index] = data.part
    if (type === 'response.reasoning_summary_text.delta') item.summary[data.summary_index].text += delta
    if (type === 'response.completed' || type === 'response.incomplete') {
      assert.deepEqual(response.output, data.response.output)
      response = data.response
    }
  }
  return response
}

function said({ text, refusal }: Any): Any {
  return text === undefined ? { refusal } : { text }
}

function withoutStatus({ status: _, ...item }: Any): Any {
  return item
}

function foldGenerated(answer: Answer): Any {
  const whole: Any = { candidates: [] }
  for (const { data } of answer.events()) {
    if (typeof data === 'string' || data.error) continue
    const { candidates, ...rest } = data
    Object.assign(whole, rest)
    for (const { content, ...more } of candidates ?? []) {
      whole.candidates[more.index] ??= { content: { parts: [], role: 'model' } }
      const candidate = whole.candidates[more.index]
      Object.assign(candidate, more)
      for (const part of content.parts) addPart(candidate.content.parts, part)
    }
  }
  return whole
}

function addPart(parts: Any[], part: Any): void {
  const last = parts.at(-1)
  const continues = typeof part.text === 'string' && typeof last?.text === 'string'
  if (part.text === '' && !part.thoughtSignature) return
  if (part.text === '' && continues) last.thoughtSignature = part.thoughtSignature
  else if (continues && last.thought === part.thought) last.text += part.text
  else parts.push(structuredClone(part))
}

function foldChat(answer: Answer): Any {
  const whole: Any = { choices: [] }
  for (const { data } of answer.events()) {
    if (typeof data === 'string' || data.error) continue
    const { choices, usage, ...rest } = data
    Object.assign(whole, rest)
    if (usage) whole.usage = usage
    for (const { index, delta, finish_reason, logprobs } of choices) {
      whole.choices[index] ??= { message: {}, finish_reason: null, logprobs: [] }
      const choice = whole.choices[index]
      for (const [name, value] of Object.entries<Any>(delta)) {
        if (name === 'tool_calls') for (const call of value) addCall(choice.message, call)
        else if (typeof value === 'string') choice.message[name] = (choice.message[name] ?? '') + value
        else choice.message[name] ??= value
      }
      if (logprobs) choice.logprobs.push(...logprobs.content)
      choice.finish_reason = finish_reason ?? choice.finish_reason
    }
  }
  return whole
}

function addCall(message: Any, { index, ...call }: Any): void {
  message.tool_calls ??= []
  const known = message.tool_calls[index]
  if (!known) message.tool_calls[index] = structuredClone(call)
  else known.function.arguments += call.function.arguments
}

function foldMessage(answer: Answer): Any {
  let message: Any
  const json: string[] = []
  for (const { event, data } of answer.events()) {
    if (event === 'message_start') message = data.message
    if (event === 'content_block_start') message.content[data.index] = data.content_block
    const block = message?.content[data.index]
    if (event === 'content_block_delta') {
      const { delta } = data
      if (delta.type === 'text_delta') block.text += delta.text
      if (delta.type === 'thinking_delta') block.thinking += delta.thinking
      if (delta.type === 'signature_delta') block.signature = delta.signature
      if (delta.type === 'citations_delta') block.citations.push(delta.citation)
      if (delta.type === 'input_json_delta') json[data.index] = (json[data.index] ?? '') + delta.partial_json
    }
    if (event === 'content_block_stop' && json[data.index]) block.input = JSON.parse(json[data.index]!)
    if (event === 'message_delta') {
      Object.assign(message, data.delta)
      Object.assign(message.usage, data.usage)
    }
  }
  return message
}

/** The text a whole reply says, as far as it came. */
export function textOf(side: Side, reply: Any): string {
  const texts = (parts: Any[]): string => parts.map(part => (part.thought ? '' : (part.text ?? ''))).join('')
  if (side === 'openai') return reply.choices[0]?.message.content ?? ''
  if (side === 'anthropic') return texts(reply.content)
  if (side === 'gemini') return texts(reply.candidates[0]?.content.parts ?? [])
  return texts(reply.output.flatMap((item: Any) => item.content ?? []))
}

/** The newest log entry once it fulfils the condition. */
export async function entryWhere(sim: Sim, fits: (entry: SimLogEntry) => boolean): Promise<SimLogEntry> {
  for (let tries = 0; tries < 500; tries++) {
    const entry = sim.log().at(-1)
    if (entry && fits(entry)) return entry
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.fail(`no such log entry; the last is ${JSON.stringify(sim.log().at(-1))}`)
}

export const TOOLS: Record<Side, (names: string[], schema?: object) => Any[]> = {
  openai: (names, schema = OBJECT) => names.map(name => ({ type: 'function', function: { name, parameters: schema } })),
  anthropic: (names, schema = OBJECT) => names.map(name => ({ name, input_schema: schema })),
  responses: (names, schema = OBJECT) => names.map(name => ({ type: 'function', name, parameters: schema })),
  gemini: (names, schema = OBJECT) => [
    { functionDeclarations: names.map(name => ({ name, parametersJsonSchema: schema })) }
  ]
}

const OBJECT = {
  type: 'object',
  properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] }, days: { type: 'integer' } },
  required: ['city']
}

/** Name and parsed arguments of the calls in a whole reply. */
export function callsOf(side: Side, reply: Any): { id: string; name: string; input: Any }[] {
  switch (side) {
    case 'anthropic':
      return reply.content.filter((block: Any) => block.type === 'tool_use')
    case 'responses':
      return reply.output
        .filter((item: Any) => item.type === 'function_call')
        .map(({ call_id: id, name, arguments: input }: Any) => ({ id, name, input: JSON.parse(input) }))
    case 'gemini':
      return reply.candidates[0].content.parts
        .filter((part: Any) => part.functionCall)
        .map(({ functionCall: { id, name, args } }: Any) => ({ id: id ?? name, name, input: args }))
    case 'openai':
      return (reply.choices[0].message.tool_calls ?? []).map((call: Any) => ({
        id: call.id,
        name: call.function.name,
        input: JSON.parse(call.function.arguments)
      }))
  }
}

export function finishOf(side: Side, reply: Any): string {
  if (side === 'gemini') return reply.candidates[0].finishReason
  if (side === 'responses') return reply.incomplete_details?.reason ?? reply.status
  return side === 'openai' ? reply.choices[0].finish_reason : reply.stop_reason
}

/** Tokens of the prompt and of what was said. */
export function countsOf(side: Side, reply: Any): [number, number] {
  const { usage, usageMetadata } = reply
  if (side === 'gemini') return [usageMetadata.promptTokenCount, usageMetadata.candidatesTokenCount]
  if (side === 'openai') return [usage.prompt_tokens, usage.completion_tokens]
  return [usage.input_tokens, usage.output_tokens]
}
