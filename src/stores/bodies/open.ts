import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { BodyHit, BodyPartition, BodyQuery, BodyRow, BodyStore, OfferedBodies, RequestPlace } from '../bodies.ts'
import type { BodyPlace } from './engine.ts'
import { parcel } from './parcel.ts'
import type { BodyTasks, ThreadAnswer, ThreadData, ThreadRequest } from './thread.ts'
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
  readonly #writer: Thread
  #reader: Thread | undefined

  constructor(place: BodyPlace) {
    this.#place = place
    this.#writer = new Thread({ role: 'write', place })
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

  #read<T extends 'find' | 'search' | 'stats'>(
    task: T,
    given: Parameters<BodyTasks[T]>
  ): Promise<Awaited<ReturnType<BodyTasks[T]>>> {
    this.#reader ??= new Thread({ role: 'read', place: this.#place })
    return this.#reader.run(task, given)
  }
}

const CLOSE_WITHIN_MS = 5_000

interface Waiting {
  resolve(value: never): void
  reject(error: Error): void
}

/** A thread, as the process sees it. One that fell is made anew for who asks next. */
class Thread {
  readonly #data: ThreadData
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #ready: Promise<void> | undefined
  #next = 1
  #isClosed = false

  constructor(data: ThreadData) {
    this.#data = data
  }

  /** Rejects where the store cannot be opened. */
  ready(): Promise<void> {
    this.#ready ??= this.#start().catch(thrown => {
      this.#ready = undefined
      throw thrown
    })
    return this.#ready
  }

  async run<T extends keyof BodyTasks>(
    task: T,
    given: Parameters<BodyTasks[T]>,
    handedOver: ArrayBuffer[] = []
  ): Promise<Awaited<ReturnType<BodyTasks[T]>>> {
    if (this.#isClosed) throw new Error('the store of bodies is closed')
    await this.ready()
    return await this.#ask({ id: this.#next++, task, given }, handedOver)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#ready?.catch(() => {})
    const worker = this.#worker
    if (!worker) return
    const exited = once(worker, 'exit')
    // One that is waiting for a server that says nothing is not waited for.
    const late = setTimeout(() => void worker.terminate(), CLOSE_WITHIN_MS)
    await this.#ask({ id: this.#next++, task: 'close', given: [] }, []).catch(() => {})
    await exited
    clearTimeout(late)
  }

  async #start(): Promise<void> {
    const file = new URL(`./thread${extname(import.meta.url)}`, import.meta.url)
    const worker = new Worker(file, { workerData: this.#data })
    this.#worker = worker
    worker.on('message', (answer: ThreadAnswer) => this.#answered(answer))
    worker.once('error', error => this.#over(worker, error))
    worker.once('exit', () => this.#over(worker, new Error('the thread of the bodies ended')))
    await new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }))
  }

  #ask(request: ThreadRequest, handedOver: ArrayBuffer[]): Promise<never> {
    return new Promise((resolve, reject) => {
      const worker = this.#worker
      if (!worker) {
        reject(new Error('the thread of the bodies ended'))
        return
      }
      this.#waiting.set(request.id, { resolve, reject })
      // As long as somebody waits for an answer, the process must not end.
      worker.ref()
      worker.postMessage(request, handedOver)
    })
  }

  #answered(answer: ThreadAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0 && !this.#isClosed) this.#worker?.unref()
    if ('error' in answer) waiting?.reject(new Error(answer.error))
    else waiting?.resolve(answer.value as never)
  }

  #over(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#ready = undefined
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
