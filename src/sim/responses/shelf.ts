import type { Visit } from '../door.ts'
import { isObject, type JsonObject, listOf } from '../json.ts'
import { Refusal } from '../refusal.ts'
import type { Frame } from '../voice.ts'
import type { Item } from './request.ts'

/** A response as it is kept. */
export interface Stored {
  /** As `GET` shows it, once it is done. */
  body: JsonObject
  /** Everything its model was shown, oldest first; each item has an id. */
  input: Item[]
  /** Its events, where it runs in the background and may be listened to later. */
  frames: Frame[]
  /** A background response, until it is asked for or cancelled. */
  isPending: boolean
  /** About what it takes, to bound memory. */
  bytes: number
}

/** An item that was kept, and the id of the thought it came from where it had one. */
interface Kept {
  item: Item
  thought: string | undefined
  owner: string
}

const RESPONSES_MAX = 2_000
const BYTES_MAX = 64 * 1024 * 1024

/** The responses kept in one simulator, and the items in them. */
export class Shelf {
  readonly #responses = new Map<string, Stored>()
  readonly #items = new Map<string, Kept>()
  #bytes = 0

  put(stored: Stored): void {
    const owner = String(stored.body.id)
    if (this.#responses.has(owner)) this.#drop(owner)
    this.#responses.set(owner, stored)
    this.#bytes += stored.bytes
    const output = listOf(stored.body.output).filter(isObject)
    const thought = output.find(item => item.type === 'reasoning')
    for (const item of [...stored.input, ...output]) {
      const isOwn = output.includes(item) && item !== thought && thought !== undefined
      if (this.#items.has(String(item.id))) continue
      this.#items.set(String(item.id), { item, thought: isOwn ? String(thought.id) : undefined, owner })
    }
    for (const oldest of this.#responses.keys()) {
      if (this.#responses.size <= RESPONSES_MAX && this.#bytes <= BYTES_MAX) break
      this.#drop(oldest)
    }
  }

  find(id: string): Stored | undefined {
    return this.#responses.get(id)
  }

  /** The response, or the refusal of an id that nobody knows. */
  get(id: string): Stored {
    const stored = this.#responses.get(id)
    if (stored) return stored
    throw new Refusal(404, 'invalid_request_error', `Response with id '${id}' not found.`)
  }

  delete(id: string): void {
    this.get(id)
    this.#drop(id)
  }

  item(id: string): Kept | undefined {
    return this.#items.get(id)
  }

  #drop(id: string): void {
    const stored = this.#responses.get(id)
    if (!stored) return
    this.#responses.delete(id)
    this.#bytes -= stored.bytes
    for (const item of [...stored.input, ...listOf(stored.body.output).filter(isObject)]) {
      if (this.#items.get(String(item.id))?.owner === id) this.#items.delete(String(item.id))
    }
  }
}

const emptyShelf = (): Shelf => new Shelf()

export function shelfOf(visit: Visit): Shelf {
  return visit.house.memory.of(emptyShelf)
}
