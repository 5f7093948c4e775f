import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { FindDone, FindWork, HeavyDone, HeavyWork } from './heavy-thread.ts'

type Done = HeavyDone | FindDone

interface Waiting {
  resolve(done: Done): void
  reject(reason: Error): void
  timeout: NodeJS.Timeout
}

interface Thread {
  worker: Worker
  waiting: Map<number, Waiting>
}

/** A thread that nobody needs for so long goes. */
const IDLE_MS = 30_000
/** Work that is not done by then is given up, with its thread. */
const WORK_MS = 20_000

/**
 * Threads that read large bodies for the guards. They come when they are needed, up to `most`, and go when they are not;
 * none of them keeps the process.
 */
export class GuardThreads {
  readonly #most: number
  readonly #threads = new Set<Thread>()
  #count = 0
  #idle: NodeJS.Timeout | undefined

  constructor(most: number) {
    this.#most = most
  }

  /** A body and all of its texts. Rejects where the thread fails, or takes too long. */
  async run(work: Omit<HeavyWork, 'id'>): Promise<HeavyDone> {
    return (await this.#ask(work)) as HeavyDone
  }

  /** One text. Rejects where the thread fails, or takes too long. */
  async find(work: Omit<FindWork, 'id'>): Promise<FindDone['answers']> {
    const { answers } = (await this.#ask(work)) as FindDone
    return answers
  }

  #ask(work: Omit<HeavyWork | FindWork, 'id'>): Promise<Done> {
    clearTimeout(this.#idle)
    const id = ++this.#count
    const thread = this.#thread()
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => this.#lost(thread, new Error('It took too long.')), WORK_MS)
      timeout.unref()
      thread.waiting.set(id, { resolve, reject, timeout })
      // While somebody waits for it, a thread is worth waiting for.
      thread.worker.ref()
      thread.worker.postMessage({ ...work, id })
    })
  }

  close(): void {
    clearTimeout(this.#idle)
    for (const thread of this.#threads) this.#lost(thread, new Error('The gateway is leaving.'))
  }

  /** The one with the least to do; a new one where all have something to do and there may be more. */
  #thread(): Thread {
    const [best] = [...this.#threads].sort((a, b) => a.waiting.size - b.waiting.size)
    if (best && (best.waiting.size === 0 || this.#threads.size >= this.#most)) return best
    const worker = new Worker(new URL(`./heavy-thread${extname(import.meta.url)}`, import.meta.url))
    const thread: Thread = { worker, waiting: new Map() }
    worker.on('message', (done: Done) => this.#done(thread, done))
    worker.on('error', thrown => this.#lost(thread, thrown as Error))
    worker.unref()
    this.#threads.add(thread)
    return thread
  }

  #done(thread: Thread, done: Done): void {
    const waiting = thread.waiting.get(done.id)
    thread.waiting.delete(done.id)
    clearTimeout(waiting?.timeout)
    waiting?.resolve(done)
    if (thread.waiting.size > 0) return
    thread.worker.unref()
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#rest(), IDLE_MS)
    this.#idle.unref()
  }

  /** Only those that have nothing to do go. */
  #rest(): void {
    for (const thread of this.#threads)
      if (thread.waiting.size === 0) this.#lost(thread, new Error('It is not needed.'))
  }

  #lost(thread: Thread, reason: Error): void {
    this.#threads.delete(thread)
    for (const { reject, timeout } of thread.waiting.values()) {
      clearTimeout(timeout)
      reject(reason)
    }
    thread.waiting.clear()
    void thread.worker.terminate()
  }
}
