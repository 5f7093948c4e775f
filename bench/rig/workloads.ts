import {
  anthropicBody,
  longBody,
  STREAM_ANSWER,
  STREAM_TEXT,
  smallBody,
  streamBody,
  WHOLE_ANSWER,
  wholeText
} from './payloads.ts'
import type { Subject } from './proxies.ts'

/** One kind of call, and how many are open at once. */
export interface Workload {
  name: string
  /** What the CPU time is divided by: a call, or an event of a stream. */
  unit: 'request' | 'chunk'
  /** Connections, each with one call at a time. */
  connections: number
  /** The connections begin evenly spread over this time, so that streams do not run in step. */
  rampMs: number
  /** The bytes of one call to this proxy. */
  request(proxy: Pick<Subject, 'model' | 'key'>): Buffer
  /** What is wrong with the body of an answer; undefined for a right one. */
  fault(body: Buffer): string | undefined
}

type Caller = Pick<Subject, 'model' | 'key'>

export const WHOLE_8: Workload = wholeCalls('whole body, 8 at once', 8, smallBody)
export const WHOLE_32: Workload = wholeCalls('whole body, 32 at once', 32, smallBody)
export const LONG: Workload = wholeCalls('500 KB request body, 4 at once', 4, longBody)

export const STREAMS: Workload = {
  name: 'stream chunk, 50 streams',
  unit: 'chunk',
  connections: 50,
  rampMs: 700,
  request: caller => openAiRequest(caller, streamBody(caller.model)),
  fault: body => differs(body, STREAM_ANSWER)
}

export const CROSS_WHOLE: Workload = {
  name: 'Anthropic to OpenAI, whole, 8 at once',
  unit: 'request',
  connections: 8,
  rampMs: 0,
  request: caller => anthropicRequest(caller, anthropicBody(caller.model, false)),
  fault: body => {
    const message = JSON.parse(body.toString())
    return differs(Buffer.from(String(message.content?.[0]?.text)), Buffer.from(wholeText()))
  }
}

export const CROSS_STREAMS: Workload = {
  ...STREAMS,
  name: 'Anthropic to OpenAI, stream chunk, 50 streams',
  request: caller => anthropicRequest(caller, anthropicBody(caller.model, true)),
  fault: body => {
    const events = body.toString().matchAll(/^data: (.*)$/gm)
    const messages = [...events].map(([, data]) => JSON.parse(data!))
    if (messages.at(-1)?.type !== 'message_stop') return 'no message_stop at the end'
    return differs(Buffer.from(messages.map(({ delta }) => delta?.text ?? '').join('')), Buffer.from(STREAM_TEXT))
  }
}

function wholeCalls(name: string, connections: number, body: (model: string) => object): Workload {
  return {
    name,
    unit: 'request',
    connections,
    rampMs: 0,
    request: caller => openAiRequest(caller, body(caller.model)),
    fault: answer => differs(answer, WHOLE_ANSWER)
  }
}

function openAiRequest(caller: Caller, body: object): Buffer {
  return request('/v1/chat/completions', { authorization: `Bearer ${caller.key}` }, body)
}

function anthropicRequest(caller: Caller, body: object): Buffer {
  return request('/v1/messages', { 'x-api-key': caller.key, 'anthropic-version': '2023-06-01' }, body)
}

function request(path: string, headers: Record<string, string>, body: object): Buffer {
  const bytes = Buffer.from(JSON.stringify(body))
  const all = {
    host: 'bench.local',
    'user-agent': 'gatehouse-bench',
    accept: 'application/json',
    'content-type': 'application/json',
    ...headers,
    'content-length': String(bytes.length)
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), bytes])
}

function differs(got: Buffer, expected: Buffer): string | undefined {
  if (got.equals(expected)) return undefined
  const most = Math.min(got.length, expected.length)
  let at = 0
  while (at < most && got[at] === expected[at]) at++
  const near = JSON.stringify(got.toString('utf8', at, at + 60))
  return `${got.length} bytes instead of ${expected.length}; from byte ${at} on: ${near}`
}
