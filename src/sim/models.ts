/**
 * What the simulated models do: the one table behind `GET /v1/models`, the documentation and the faults.
 * A name may be asked for bare or behind `sim/`. Names that are not here (`gpt-5.5`, `claude-opus-4-7`) are the
 * `assistant`.
 */
export interface Model {
  /** As documented; `-N`, `-MS`, `-KB` or `-S` stands for a number. */
  name: string
  /** `reply`: answers well. `refuses`: answers with an error. `breaks`: the wire misbehaves. */
  group: 'reply' | 'refuses' | 'breaks'
  does: string
  /** The number when the name carries none; without a default the name must carry one. */
  amount?: number
  /** A name to list and to try, where the documented one has a placeholder that must be filled. */
  example?: string
}

export const MODELS: readonly Model[] = [
  {
    name: 'assistant',
    group: 'reply',
    does:
      'The default. Says back what it was told; calls every tool whose name is in the last user text (or the first ' +
      'one when a call is required), with a text before the calls if it holds EXPLAIN; names tool results, images ' +
      'and documents it was given; fills a JSON schema; refuses if the text holds REFUSE; thinks when asked to, and ' +
      'hides one thought if the text holds REDACT.'
  },
  { name: 'echo', group: 'reply', does: 'Repeats the last user text and nothing else.' },
  { name: 'story', group: 'reply', does: 'Tells a story of about 120 words, in a stream at 30 ms a word.' },
  {
    name: 'reasoner',
    group: 'reply',
    does: 'The assistant, with `reasoning_content` before the content on chat completions (as DeepSeek sends it).'
  },
  { name: 'big-KB', group: 'reply', does: 'Answers with a text of that many kilobytes.', example: 'big-64' },
  { name: 'huge-event', group: 'reply', does: 'Answers with 2 MB of text in one stream event.' },
  { name: 'usage-over-estimate', group: 'reply', does: 'Answers, and reports three times the tokens.' },
  { name: 'bytes-1', group: 'reply', does: 'Answers with one byte a write.' },
  { name: 'content-filter-finish', group: 'reply', does: 'Stops half-way with the finish of a content filter.' },

  { name: '429', group: 'refuses', does: 'Rate limited, without saying for how long.' },
  {
    name: '429-retry-after-S',
    group: 'refuses',
    does: 'Rate limited, with `retry-after` in seconds (Gemini: `retryDelay` in the body).',
    example: '429-retry-after-2'
  },
  { name: 'retry-after-1e9', group: 'refuses', does: 'Rate limited, with a `retry-after` of 1,000,000,000 seconds.' },
  { name: '500-once', group: 'refuses', does: 'Server error on the first call with a given user text, then answers.' },
  { name: '503', group: 'refuses', does: 'Unavailable.' },
  { name: '529', group: 'refuses', does: 'Overloaded, as status 529.' },
  { name: 'overloaded-error', group: 'refuses', does: 'Overloaded, as the dialect says it (503 or 529).' },
  { name: 'flap-MS', group: 'refuses', does: 'Good and unavailable by turns of that length (5000).', amount: 5000 },
  { name: 'context-length', group: 'refuses', does: 'The request does not fit the context.' },
  {
    name: 'content-filter',
    group: 'refuses',
    does: 'The request is refused for its content (Gemini: a reply without candidates).'
  },
  { name: 'refuses-prefill', group: 'refuses', does: 'Refuses a conversation that ends with an assistant message.' },
  { name: 'no-such-model', group: 'refuses', does: 'The model does not exist.' },
  { name: 'bad-key', group: 'refuses', does: 'The credential is not accepted.' },
  { name: 'spend-limit', group: 'refuses', does: 'The account has no money left.' },

  { name: 'reset', group: 'breaks', does: 'Resets the connection before the head.' },
  { name: 'silent', group: 'breaks', does: 'Takes the request and never answers.' },
  { name: 'slow-head-MS', group: 'breaks', does: 'Sends the head after that time (5000), then answers.', amount: 5000 },
  {
    name: 'slow-first-token-MS',
    group: 'breaks',
    does: 'Sends the head and what comes before the content at once, the content after that time (12000).',
    amount: 12_000
  },
  {
    name: 'cut-after-N',
    group: 'breaks',
    does: 'Destroys the connection after that many content events (whole replies: in the middle of the body).',
    example: 'cut-after-3'
  },
  {
    name: 'stall-after-N',
    group: 'breaks',
    does: 'Says nothing more after that many content events (whole replies: from the middle of the body on).',
    example: 'stall-after-3'
  },
  { name: 'garbled-event', group: 'breaks', does: 'One more event of broken JSON in the middle; whole: broken JSON.' },
  {
    name: 'no-end-marker',
    group: 'breaks',
    does: 'Everything but the mark of the end (`[DONE]`, `message_stop`, the bracket of an array; other dialects have none), then a clean close.'
  },
  { name: 'eof-without-finish', group: 'breaks', does: 'A clean close after the content, without any finish.' },
  {
    name: 'error-in-stream',
    group: 'breaks',
    does: 'An error event after two content events, then the end; whole replies: the same error with its status.'
  },
  { name: 'error-200-first-event', group: 'breaks', does: 'Status 200 with an error as first event, or as the body.' },
  { name: 'wrong-length', group: 'breaks', does: 'Content-Length says more than is sent before the close.' }
]

const PREFIX = 'sim/'

export interface Behaviour {
  /** Name without its number: what the code asks for. */
  id: string
  group: Model['group']
  amount: number
}

interface Matcher {
  pattern: RegExp
  model: Model
  id: string
}

const MATCHERS: readonly Matcher[] = MODELS.map(model => {
  const id = model.name.replace(/-(?:N|MS|KB|S)$/, '')
  const isFilled = id !== model.name
  const number = isFilled ? (model.amount === undefined ? '-(\\d+)' : '(?:-(\\d+))?') : ''
  return { pattern: new RegExp(`^${id}${number}$`), model, id }
})

/** The name without the prefix under which the gateway knows the simulator. */
export function bareName(model: string): string {
  return model.startsWith(PREFIX) ? model.slice(PREFIX.length) : model
}

/** How a model of this name behaves; unknown names are the assistant. */
export function behaviourOf(model: string): Behaviour {
  const name = bareName(model)
  for (const { pattern, model: row, id } of MATCHERS) {
    const match = pattern.exec(name)
    if (match) return { id, group: row.group, amount: Number(match[1] ?? row.amount ?? 0) }
  }
  return { id: 'assistant', group: 'reply', amount: 0 }
}

/** The names that `GET /v1/models` lists. */
export function listedNames(): string[] {
  return MODELS.map(model => model.example ?? model.name.replace(/-(?:N|MS|KB|S)$/, ''))
}

/** OpenAI models that think and therefore do not take `max_tokens`. */
export function isReasoningName(model: string): boolean {
  return /^(?:o\d|gpt-5(?!(?:\.\d+)?-chat))/.test(bareName(model))
}
