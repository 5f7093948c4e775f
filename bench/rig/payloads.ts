/** What is sent and answered in every benchmark: fixed bytes, so that every answer can be compared whole. */

/** The only model and credential that the mock answers to. */
export const MODEL = 'bench-model'
export const UPSTREAM_KEY = 'sk-bench-upstream-0123456789'

const WHOLE_BYTES = 578
const CONTENT_CHUNKS = 100
const CREATED = 1_700_000_000
const USAGE = { prompt_tokens: 24, completion_tokens: CONTENT_CHUNKS, total_tokens: 24 + CONTENT_CHUNKS }

/** The text that a streamed answer adds up to. */
export const STREAM_TEXT = Array.from({ length: CONTENT_CHUNKS }, (_, index) => word(index)).join('')

/** A completion of 578 bytes, in the shape of OpenAI's chat API. */
export const WHOLE_ANSWER = Buffer.from(completion(wholeText()))

/** The events of a streamed answer: 100 content chunks of about 230 bytes, one with the usage, and `[DONE]`. */
export const STREAM_EVENTS: readonly Buffer[] = [
  ...Array.from({ length: CONTENT_CHUNKS }, (_, index) => event({ choices: [choice(index)], usage: null })),
  event({ choices: [], usage: USAGE }),
  Buffer.from('data: [DONE]\n\n')
]

export const STREAM_ANSWER = Buffer.concat(STREAM_EVENTS)

/** The text of the whole answer: as long as makes the completion 578 bytes. */
export function wholeText(): string {
  const room = WHOLE_BYTES - completion('').length
  return 'A gateway forwards what it need not read. '.repeat(20).slice(0, room)
}

function completion(content: string): string {
  return JSON.stringify({
    id: 'chatcmpl-bench0123456789abcdef',
    object: 'chat.completion',
    created: CREATED,
    model: MODEL,
    choices: [
      { index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: 'stop' }
    ],
    usage: USAGE,
    system_fingerprint: 'fp_bench'
  })
}

function word(index: number): string {
  return ` word${index}`
}

function choice(index: number): object {
  const delta = index === 0 ? { role: 'assistant', content: word(index) } : { content: word(index) }
  return { index: 0, delta, logprobs: null, finish_reason: index === CONTENT_CHUNKS - 1 ? 'stop' : null }
}

function event(rest: object): Buffer {
  const head = { id: 'chatcmpl-bench0123456789abcdef', object: 'chat.completion.chunk', created: CREATED, model: MODEL }
  return Buffer.from(`data: ${JSON.stringify({ ...head, system_fingerprint: 'fp_bench', ...rest })}\n\n`)
}

/** A question of about 200 bytes. */
export function smallBody(model: string): object {
  const system = { role: 'system', content: 'Answer in one sentence.' }
  return {
    model,
    messages: [system, { role: 'user', content: 'What does a gateway do with a body it need not read?' }]
  }
}

/** The same, asking for a stream with its usage, so that no proxy has a reason to take an event out. */
export function streamBody(model: string): object {
  return { ...smallBody(model), stream: true, stream_options: { include_usage: true } }
}

/** A conversation of about 500 KB: 64 turns with line ends, quotes and text outside ASCII, as prompts have them. */
export function longBody(model: string): object {
  const paragraph = 'He said: "Measure first."\n\tThen he measured – twice – and wrote it down, naïvely perhaps.\n'
  const messages = Array.from({ length: 64 }, (_, turn) => ({
    role: turn % 2 === 0 ? 'user' : 'assistant',
    content: `${turn}. ${paragraph.repeat(80)}`
  }))
  return { model, messages: [...messages, { role: 'user', content: 'Sum it up.' }] }
}

/** The small question in Anthropic's dialect. */
export function anthropicBody(model: string, stream: boolean): object {
  const question = 'What does a gateway do with a body it need not read?'
  return {
    model,
    max_tokens: 256,
    ...(stream ? { stream } : {}),
    system: 'Answer in one sentence.',
    messages: [{ role: 'user', content: question }]
  }
}
