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

export const PATHS = { openai: '/v1/chat/completions', anthropic: '/v1/messages' } as const
export type Side = keyof typeof PATHS
export const SIDES: Side[] = ['openai', 'anthropic']

const HEADERS: Record<Side, Record<string, string>> = {
  openai: { 'content-type': 'application/json' },
  anthropic: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }
}

export function post(sim: Sim, side: Side, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return send(sim, 'POST', PATHS[side], body, { ...HEADERS[side], ...headers })
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
    .split('\n\n')
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
  return side === 'openai' ? { model, messages, ...more } : { model, max_tokens: 4096, messages, ...more }
}

/** A stream's events folded to the whole reply it tells. */
export function fold(side: Side, answer: Answer): Any {
  return side === 'openai' ? foldChat(answer) : foldMessage(answer)
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

/** The text a whole reply says. */
export function textOf(side: Side, reply: Any): string {
  if (side === 'openai') return reply.choices[0].message.content
  return reply.content.map((block: Any) => block.text ?? '').join('')
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
  anthropic: (names, schema = OBJECT) => names.map(name => ({ name, input_schema: schema }))
}

const OBJECT = {
  type: 'object',
  properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] }, days: { type: 'integer' } },
  required: ['city']
}

/** Name and parsed arguments of the calls in a whole reply. */
export function callsOf(side: Side, reply: Any): { id: string; name: string; input: Any }[] {
  if (side === 'anthropic') return reply.content.filter((block: Any) => block.type === 'tool_use')
  return (reply.choices[0].message.tool_calls ?? []).map((call: Any) => ({
    id: call.id,
    name: call.function.name,
    input: JSON.parse(call.function.arguments)
  }))
}

export function finishOf(side: Side, reply: Any): string {
  return side === 'openai' ? reply.choices[0].finish_reason : reply.stop_reason
}
