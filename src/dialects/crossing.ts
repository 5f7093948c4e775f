import type { ChatRequest, ChatResponse, Event, Part } from './canonical.ts'
import type { Dialect } from './dialect.ts'

/** What a reply of another dialect is given where its own does not say it. */
export interface Known {
  id: string
  /** The model that was asked for upstream. */
  model: string
  /** Seconds since 1970. */
  created: number
}

/**
 * A reply on its way from a provider's dialect to a client of another: it gets what its dialect left out, and calls get
 * the names back under which the client had declared its tools.
 */
export class Crossing {
  readonly #known: Known | undefined
  /** The provider's name of a tool → the client's, where the two differ. */
  readonly #names: ReadonlyMap<string, string>

  constructor(
    from: Dialect,
    { request, known }: { request?: Partial<ChatRequest> | undefined; known?: Known | undefined }
  ) {
    this.#known = known
    this.#names = new Map(
      (from.toolName ? (request?.tools ?? []) : []).flatMap(({ name }) => {
        const theirs = from.toolName!(name)
        return theirs === name ? [] : [[theirs, name] as const]
      })
    )
  }

  response(response: ChatResponse): ChatResponse {
    const choices = response.choices.map(choice => ({ ...choice, parts: choice.parts.map(part => this.#named(part)) }))
    return { ...this.#headed(response), choices }
  }

  event(event: Event): Event {
    if (event.type === 'start') return this.#headed(event)
    return event.type === 'open' ? { ...event, part: this.#named(event.part) } : event
  }

  #headed<Head extends { id: string; model: string; created?: number }>(head: Head): Head {
    if (!this.#known) return head
    const { id, model, created } = this.#known
    return { ...head, id: head.id || id, model: head.model || model, created: head.created ?? created }
  }

  #named(part: Part): Part {
    const name = part.type === 'tool-call' ? this.#names.get(part.name) : undefined
    return part.type === 'tool-call' && name !== undefined ? { ...part, name } : part
  }
}

/**
 * A client that keeps the pieces of a stream as they came (Google's does) sends a thought back in pieces, the signature on
 * the last one. A maker that signed the whole refuses pieces of it, so they are put together again.
 */
export function joinThoughts(request: ChatRequest): ChatRequest {
  return { ...request, messages: request.messages.map(message => ({ ...message, parts: joined(message.parts) })) }
}

function joined(parts: readonly Part[]): Part[] {
  const list: Part[] = []
  for (const part of parts) {
    const before = list.at(-1)
    const isPiece = part.type === 'thinking' && before?.type === 'thinking' && !before.seal && !before.rest
    if (isPiece) list[list.length - 1] = { ...part, text: before.text + part.text }
    else list.push(part)
  }
  return list
}
