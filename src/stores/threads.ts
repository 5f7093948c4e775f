import { once } from 'node:events'
import { parentPort, Worker } from 'node:worker_threads'

export type Given<Task> = Task extends (...given: infer List) => unknown ? List : never
export type Gives<Task> = Task extends (...given: never[]) => infer Value ? Awaited<Value> : never

interface ThreadRequest {
  id: number
  task: string
  given: readonly unknown[]
}

/** Number 0 is that it began, or why it could not. */
type ThreadAnswer = { id: number; value: unknown } | { id: number; error: string }

interface Waiting {
  resolve(value: never): void
  reject(error: Error): void
}

export interface ThreadOptions {
  /** Its module, which calls `serveThread`. */
  file: URL
  /** What that gets as `workerData`. */
  data: unknown
  /** For errors: `the thread of the cache`. */
  name: string
}

const CLOSE_WITHIN_MS = 5_000

/**
 * A thread that does `Tasks` one after another, as the process sees it. One that fell is made anew for who asks next. It
 * keeps the process alive as long as somebody waits for an answer, and no longer.
 */
export class Thread<Tasks extends { close(): unknown }> {
  readonly #options: ThreadOptions
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #ready: Promise<void> | undefined
  #next = 1
  #isClosed = false

  constructor(options: ThreadOptions) {
    this.#options = options
  }

  /** Rejects where the thread cannot begin its work. */
  ready(): Promise<void> {
    this.#ready ??= this.#start().catch(thrown => {
      this.#ready = undefined
      throw thrown
    })
    return this.#ready
  }

  /** Rejects with the message of what the task threw. `handedOver` is of no more use here. */
  async run<Name extends keyof Tasks & string>(
    task: Name,
    given: Given<Tasks[Name]>,
    handedOver: ArrayBuffer[] = []
  ): Promise<Gives<Tasks[Name]>> {
    if (this.#isClosed) throw new Error(`${this.#options.name} is closed`)
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
    const worker = new Worker(this.#options.file, { workerData: this.#options.data })
    this.#worker = worker
    worker.on('message', (answer: ThreadAnswer) => this.#answered(answer))
    worker.once('error', error => this.#over(worker, error))
    worker.once('exit', () => this.#over(worker, this.#ended()))
    await new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }))
  }

  #ask(request: ThreadRequest, handedOver: ArrayBuffer[]): Promise<never> {
    return new Promise((resolve, reject) => {
      const worker = this.#worker
      if (!worker) {
        reject(this.#ended())
        return
      }
      this.#waiting.set(request.id, { resolve, reject })
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

  #ended(): Error {
    return new Error(`${this.#options.name} ended`)
  }
}

/** In the thread: does what it is asked for, one task after another, until it is told to close. No thread: nothing. */
export async function serveThread(open: () => { close(): unknown } | Promise<{ close(): unknown }>): Promise<void> {
  const port = parentPort
  if (!port) return
  const post = (answer: ThreadAnswer) => port.postMessage(answer)
  let tasks: Record<string, (...given: readonly unknown[]) => unknown>
  try {
    tasks = (await open()) as unknown as typeof tasks
  } catch (thrown) {
    post({ id: 0, error: reason(thrown) })
    port.close()
    return
  }
  post({ id: 0, value: undefined })
  let last: Promise<unknown> = Promise.resolve()
  port.on('message', ({ id, task, given }: ThreadRequest) => {
    last = last.then(async () => {
      try {
        if (!tasks[task]) throw new Error(`this thread does not ${task}`)
        post({ id, value: await tasks[task](...given) })
      } catch (thrown) {
        post({ id, error: reason(thrown) })
      }
      if (task === 'close') port.close()
    })
  })
}

function reason(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
