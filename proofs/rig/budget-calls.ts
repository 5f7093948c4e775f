import type { ClientRequest } from 'node:http'
import type { JsonObject } from '../../src/json.ts'
import { begin } from '../../test/support/client.ts'

/** One of the calls that are thrown at a budget. */
export interface BudgetCall {
  path: string
  headers: Record<string, string>
  body: JsonObject
  /** The client leaves after so many bytes of the answer, or, of a whole one, when it has waited a little. */
  leaves: boolean
  /** About as much would the model say. */
  words: number
}

/** What a client was told. */
export interface Told {
  status: number
  /** Stable code of the error, in a whole answer or a stream. */
  code: string | undefined
}

/** How a mix of calls is made. */
export interface Mix {
  count: number
  /** The same calls for the same seed. */
  random: () => number
  /** Some calls say no limit of their own. */
  open: boolean
  /** Every call asks this model, nobody leaves and nothing fails. */
  model?: string
}

/** What a provider may do to a call: each leads a route that falls back to a dearer model. */
export const FAULTS = [
  '503',
  '429',
  'reset',
  'cut-after-3',
  'stall-after-3',
  'slow-first-token-2000',
  'error-in-stream',
  'garbled-event',
  'silent'
] as const

const WORDS_MIN = 50
const WORDS_MAX = 300
/** The simulated provider counts fewer tokens in a word than this. */
const TOKENS_A_WORD = 1.8
/** How much larger than needed the limits of calls are at most. */
const CAP_SHARE_MAX = 1.4
const LEAVES_AFTER_BYTES = 3_000
const LEAVES_AFTER_MS = 60
const STREAM_PACE_MS = 1

/** Calls of random cost, by several doors, as the official clients write them. */
export function callsOf({ count, random, open, model }: Mix): BudgetCall[] {
  return Array.from({ length: count }, (_, number) => {
    const words = Math.round(WORDS_MIN + random() * (WORDS_MAX - WORDS_MIN))
    const cap = Math.ceil(words * TOKENS_A_WORD * (1 + random() * (CAP_SHARE_MAX - 1)))
    const luck = random()
    const stream = random() < 0.6
    const leaves = model === undefined && luck > 0.85
    const fault = FAULTS[Math.floor(random() * FAULTS.length)]!
    const isFaulty = luck < 0.25
    const asked = model ?? (isFaulty ? `after-${fault}` : leaves && !stream ? 'lab/slow-head-2000' : 'lab/assistant')
    const text = `[[sim:words=${words}${stream ? ` pace=${STREAM_PACE_MS}` : ''}]] Call number ${number}.`
    const isOpen = open && random() < 0.1
    const door = BODIES[Math.floor(random() * BODIES.length)]!
    return { ...door({ model: asked, text, cap: isOpen ? undefined : cap, stream }), leaves, words }
  })
}

interface Said {
  model: string
  text: string
  cap: number | undefined
  stream: boolean
}

type Bodied = Pick<BudgetCall, 'path' | 'headers' | 'body'>

/** The same call in each dialect. Anthropic's always has a limit. */
const BODIES: readonly ((said: Said) => Bodied)[] = [
  ({ model, text, cap, stream }) => ({
    path: '/v1/chat/completions',
    headers: {},
    body: {
      model,
      messages: [{ role: 'user', content: text }],
      ...(cap !== undefined && { max_tokens: cap }),
      ...(stream && { stream, stream_options: { include_usage: true } })
    }
  }),
  ({ model, text, cap, stream }) => ({
    path: '/v1/messages',
    headers: { 'anthropic-version': '2023-06-01' },
    body: {
      model,
      max_tokens: cap ?? 1_000,
      messages: [{ role: 'user', content: text }],
      ...(stream && { stream })
    }
  }),
  ({ model, text, cap, stream }) => ({
    path: '/v1/responses',
    headers: {},
    body: {
      model,
      input: text,
      store: false,
      ...(cap !== undefined && { max_output_tokens: cap }),
      ...(stream && { stream })
    }
  }),
  ({ model, text, cap, stream }) => ({
    path: `/v1beta/models/${encodeURIComponent(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    headers: {},
    body: {
      contents: [{ role: 'user', parts: [{ text }] }],
      ...(cap !== undefined && { generationConfig: { maxOutputTokens: cap } })
    }
  })
]

/** Makes the call to its end, or until its client leaves. Never rejects. */
export function make(url: string, key: string, { path, headers, body, leaves }: BudgetCall): Promise<Told> {
  const outgoing = begin(url + path, { headers: { ...headers, authorization: `Bearer ${key}` }, body })
  return leaves ? leaveEarly(outgoing) : hearOut(outgoing)
}

function hearOut(outgoing: ClientRequest): Promise<Told> {
  return new Promise(resolve => {
    outgoing.once('close', () => resolve({ status: 0, code: undefined }))
    outgoing.once('response', response => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', () => {})
      response.once('close', () => resolve({ status: response.statusCode ?? 0, code: codeIn(text) }))
    })
  })
}

function leaveEarly(outgoing: ClientRequest): Promise<Told> {
  return new Promise(resolve => {
    let [status, heard, text] = [0, 0, '']
    const timer = setTimeout(() => outgoing.destroy(), LEAVES_AFTER_MS)
    outgoing.once('close', () => {
      clearTimeout(timer)
      resolve({ status, code: status >= 400 ? codeIn(text) : undefined })
    })
    outgoing.once('response', response => {
      status = response.statusCode ?? 0
      // Whoever hears something stays for a while.
      if (status === 200) clearTimeout(timer)
      response.on('error', () => {})
      response.on('data', (chunk: Buffer) => {
        heard += chunk.length
        if (status >= 400) text += chunk.toString()
        if (heard > LEAVES_AFTER_BYTES && status === 200) outgoing.destroy()
      })
    })
  })
}

/** The stable code of our errors, wherever a dialect keeps it. */
function codeIn(text: string): string | undefined {
  return /"code":\s?"([a-z_]+)"/.exec(text)?.[1]
}
