import { Failure } from '../errors.ts'
import { isObject, type Json } from '../json.ts'
import { mergeUsage, type Usage } from '../usage.ts'
import type { ChatResponse, Choice, Event, Part } from './canonical.ts'

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>

/** A choice that is coming in: its parts by index. */
interface Coming {
  parts: Part[]
  logprobs?: Json
  finish?: EventOf<'finish'>
}

/**
 * Folds the events of a stream into the reply they are the steps of. Events that only their dialect understands
 * (`native`) have no place in a reply and are left out. Throws the Failure that a stream ended with, and
 * `provider_truncated` where it ended before every choice was finished (D30).
 */
export function collect(events: Iterable<Event>): ChatResponse {
  const collector = new Collector()
  for (const event of events) collector.push(event)
  return collector.response()
}

/** `collect`, one event at a time. */
export class Collector {
  #start: EventOf<'start'> | undefined
  #usage: Partial<Usage> | undefined
  readonly #choices = new Map<number, Coming>()
  #failure: Failure | undefined

  push(event: Event): void {
    switch (event.type) {
      case 'start':
        this.#start = event
        if (event.usage) this.#usage = mergeUsage(this.#usage, event.usage)
        return
      case 'open':
        this.#choice(event.choice).parts[event.index] = copyOf(event.part)
        return
      case 'delta':
        this.#delta(event)
        return
      case 'close':
        if (event.seal) Object.assign(this.#part(event) ?? {}, { seal: event.seal })
        return
      case 'finish':
        this.#choice(event.choice).finish = event
        return
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage)
        return
      case 'failed':
        this.#failure ??= event.failure
        return
    }
  }

  response(): ChatResponse {
    if (this.#failure) throw this.#failure
    if (this.#choices.size === 0) throw truncated()
    const choices = [...this.#choices]
      .sort(([left], [right]) => left - right)
      .map(([index, each]) => finished(index, each))
    const { id = '', model = '', created, rest, spelling } = this.#start ?? {}
    const usage = wholeUsage(this.#usage)
    return {
      id,
      model,
      ...(created !== undefined && { created }),
      choices,
      ...(usage && { usage }),
      ...(rest && { rest }),
      ...(spelling && { spelling })
    }
  }

  #choice(index: number): Coming {
    const known = this.#choices.get(index)
    if (known) return known
    const choice: Coming = { parts: [] }
    this.#choices.set(index, choice)
    return choice
  }

  #part(event: { choice: number; index: number }): Part | undefined {
    return this.#choice(event.choice).parts[event.index]
  }

  #delta(event: EventOf<'delta'>): void {
    const { text, citation, seal, logprobs } = event
    if (logprobs !== undefined) {
      const choice = this.#choice(event.choice)
      choice.logprobs = joinLogprobs(choice.logprobs, logprobs)
    }
    const part = this.#part(event)
    if (!part) return
    if (text !== undefined) grow(part, text)
    if (seal) Object.assign(part, { seal })
    if (citation !== undefined && part.type === 'text') {
      if (part.citations) part.citations.push(citation)
      else part.citations = [citation]
    }
  }
}

/** The event's part stays as it was told: growing happens on a copy. */
function copyOf(part: Part): Part {
  return part.type === 'text' && part.citations ? { ...part, citations: [...part.citations] } : { ...part }
}

function grow(part: Part, text: string): void {
  if (part.type === 'tool-call') part.input += text
  else if (part.type === 'text' || part.type === 'thinking' || part.type === 'refusal') part.text += text
}

/** Lists of the same name are one list. */
function joinLogprobs(known: Json | undefined, more: Json): Json {
  if (!isObject(known) || !isObject(more)) return more
  const joined = { ...known }
  for (const [name, value] of Object.entries(more)) {
    const present = joined[name]
    if (Array.isArray(present) && Array.isArray(value)) joined[name] = [...present, ...value]
    else if (value !== null || present === undefined) joined[name] = value
  }
  return joined
}

function finished(index: number, { parts, logprobs, finish }: Coming): Choice {
  if (!finish) throw truncated()
  const all = finish.logprobs === undefined ? logprobs : joinLogprobs(logprobs, finish.logprobs)
  return {
    index,
    // An index that was never opened leaves no hole.
    parts: parts.filter(part => part !== undefined),
    finish: finish.finish,
    ...(all !== undefined && { logprobs: all }),
    ...(finish.rest && { rest: finish.rest }),
    ...(finish.spelling && { spelling: finish.spelling })
  }
}

function truncated(): Failure {
  return new Failure('provider_truncated', "The provider's stream ended before its answer was complete.")
}

/** Usage counts only where tokens were reported; a tier alone is no usage. */
function wholeUsage(usage: Partial<Usage> | undefined): Usage | undefined {
  if (usage?.inputTokens === undefined && usage?.outputTokens === undefined) return undefined
  return { inputTokens: 0, outputTokens: 0, ...usage }
}

/** The steps that lead to a reply: `collect(unroll(reply))` is the reply. */
export function* unroll(response: ChatResponse): Generator<Event> {
  const { id, model, created, rest, spelling, usage } = response
  yield {
    type: 'start',
    id,
    model,
    ...(created !== undefined && { created }),
    ...(rest && { rest }),
    ...(spelling && { spelling })
  }
  for (const choice of response.choices) yield* unrollChoice(choice)
  if (usage) yield { type: 'usage', usage }
  yield { type: 'end' }
}

function* unrollChoice(choice: Choice): Generator<Event> {
  let { logprobs } = choice
  for (const [index, part] of choice.parts.entries()) {
    const at = { choice: choice.index, index }
    const { shell, text, citations, seal } = emptied(part)
    yield { type: 'open', ...at, part: shell }
    if (text !== '') {
      const carries = logprobs !== undefined && (part.type === 'text' || part.type === 'refusal')
      yield { type: 'delta', ...at, text, ...(carries && { logprobs: logprobs! }) }
      if (carries) logprobs = undefined
    }
    for (const citation of citations) yield { type: 'delta', ...at, citation }
    yield { type: 'close', ...at, ...(seal && { seal }) }
  }
  const { finish, rest, spelling } = choice
  yield {
    type: 'finish',
    choice: choice.index,
    finish,
    ...(logprobs !== undefined && { logprobs }),
    ...(rest && { rest }),
    ...(spelling && { spelling })
  }
}

/** A part as it opens, and what the steps after it add. */
function emptied(part: Part): { shell: Part; text: string; citations: Json[]; seal?: EventOf<'close'>['seal'] } {
  switch (part.type) {
    case 'text': {
      const { citations = [], ...shell } = part
      const isListed = citations.length > 0
      return { shell: isListed ? { ...shell, text: '' } : { ...part, text: '' }, text: part.text, citations }
    }
    case 'thinking': {
      const { seal, ...shell } = part
      return { shell: { ...shell, text: '' }, text: part.text, citations: [], seal }
    }
    case 'refusal':
      return { shell: { ...part, text: '' }, text: part.text, citations: [] }
    // The seal of a call is known when it opens, where some dialects must write it.
    case 'tool-call':
      return { shell: { ...part, input: '' }, text: part.input, citations: [] }
    default:
      return { shell: part, text: '', citations: [] }
  }
}
