import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { RedactDone, RedactWork } from './redact-thread.ts'

/** Bodies that may wait for the thread; what is more is not kept. */
const WAITING_MAX = 1_000

/** A thread that takes out of bodies what is not to be kept. It comes when it is needed, and never keeps the process. */
export class Redactor {
  #worker: Worker | undefined
  readonly #waiting = new Map<number, (bodies: RedactDone['bodies'] | undefined) => void>()
  #count = 0

  /** The same bodies, in their order; undefined where none may be kept: one is no JSON, or the thread is behind or gone. */
  redact(level: RedactWork['level'], bodies: readonly Uint8Array[]): Promise<RedactDone['bodies'] | undefined> {
    if (this.#waiting.size >= WAITING_MAX) return Promise.resolve(undefined)
    return new Promise(resolve => {
      const id = ++this.#count
      this.#waiting.set(id, resolve)
      const worker = this.#thread()
      worker.ref()
      worker.postMessage({ id, level, bodies } satisfies RedactWork)
    })
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker
    const worker = new Worker(new URL(`./redact-thread${extname(import.meta.url)}`, import.meta.url))
    worker.on('message', ({ id, bodies }: RedactDone) => {
      const resolve = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) worker.unref()
      resolve?.(bodies)
    })
    worker.once('error', () => {})
    worker.once('exit', () => {
      this.#worker = undefined
      for (const resolve of this.#waiting.values()) resolve(undefined)
      this.#waiting.clear()
    })
    worker.unref()
    this.#worker = worker
    return worker
  }
}
