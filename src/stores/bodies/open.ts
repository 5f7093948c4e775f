import { extname } from 'node:path'
import type { BodyHit, BodyPartition, BodyQuery, BodyRow, BodyStore, OfferedBodies, RequestPlace } from '../bodies.ts'
import { type Given, type Gives, Thread } from '../threads.ts'
import type { BodyPlace } from './engine.ts'
import { parcel } from './parcel.ts'
import type { BodyTasks, ThreadData } from './thread.ts'
import { askedWords } from './words.ts'

/**
 * Opens the store of bodies: in SQLite, a directory with a file a day; in PostgreSQL, tables of their own with a
 * partition a day, made ahead of use. Rejects, in words for who starts the gateway, where it will not do.
 */
export async function openBodies(place: BodyPlace): Promise<BodyStore> {
  const store = new ThreadedBodies(place)
  try {
    await store.ready()
    return store
  } catch (thrown) {
    await store.close()
    const name = place.engine === 'sqlite' ? `the bodies in ${place.directory}` : 'the bodies in PostgreSQL'
    throw new Error(`${name} cannot be opened: ${thrown instanceof Error ? thrown.message : thrown}`)
  }
}

/** Two threads, so that a long search is in nobody's way; the one that reads comes when it is needed. */
class ThreadedBodies implements BodyStore {
  readonly #place: BodyPlace
  readonly #writer: Thread<BodyTasks>
  #reader: Thread<BodyTasks> | undefined

  constructor(place: BodyPlace) {
    this.#place = place
    this.#writer = thread({ role: 'write', place })
  }

  ready(): Promise<void> {
    return this.#writer.ready()
  }

  async put(rows: readonly OfferedBodies[]): Promise<void> {
    const packed = await parcel(rows)
    await this.#writer.run('put', [packed], [packed.bytes])
  }

  find(requestId: string, atMs: number): Promise<BodyRow | undefined> {
    return this.#read('find', [requestId, atMs])
  }

  async search(query: BodyQuery): Promise<BodyHit[]> {
    const words = askedWords(query.text)
    return words.length === 0 || query.limit < 1 ? [] : await this.#read('search', [words, query])
  }

  async dropBefore(ms: number): Promise<number> {
    await this.#reader?.run('forget', [ms])
    return await this.#writer.run('dropBefore', [ms])
  }

  erase(requests: readonly RequestPlace[]): Promise<void> {
    return this.#writer.run('erase', [requests])
  }

  stats(): Promise<{ partitions: BodyPartition[] }> {
    return this.#read('stats', [])
  }

  async close(): Promise<void> {
    await this.#reader?.close()
    await this.#writer.close()
  }

  #read<T extends 'find' | 'search' | 'stats'>(task: T, given: Given<BodyTasks[T]>): Promise<Gives<BodyTasks[T]>> {
    this.#reader ??= thread({ role: 'read', place: this.#place })
    return this.#reader.run(task, given)
  }
}

const FILE = new URL(`./thread${extname(import.meta.url)}`, import.meta.url)

function thread(data: ThreadData): Thread<BodyTasks> {
  return new Thread({ file: FILE, data, name: 'the thread of the bodies' })
}
