import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { BodyPlace, BodyReader, BodyWriter } from './engine.ts'
import { type Parcel, unparcel } from './parcel.ts'

/** The thread that cuts, digests, compresses and writes bodies; or the other one, that finds them again. */

export interface ThreadData {
  role: 'write' | 'read'
  place: BodyPlace
}

/** What each thread can be asked for. */
export interface BodyTasks {
  put(parcel: Parcel): Promise<void>
  dropBefore: BodyWriter['dropBefore']
  erase: BodyWriter['erase']
  find: BodyReader['find']
  search: BodyReader['search']
  stats: BodyReader['stats']
  forget: BodyReader['forget']
  close(): Promise<void>
}

export interface ThreadRequest {
  id: number
  task: keyof BodyTasks
  given: readonly unknown[]
}

export type ThreadAnswer = { id: number; value: unknown } | { id: number; error: string }

if (parentPort) await serve(parentPort, workerData as ThreadData)

async function serve(port: MessagePort, { role, place }: ThreadData): Promise<void> {
  let tasks: Partial<BodyTasks>
  try {
    tasks = role === 'write' ? writing(await writerAt(place)) : reading(await readerAt(place))
  } catch (thrown) {
    port.postMessage({ id: 0, error: reason(thrown) } satisfies ThreadAnswer)
    port.close()
    return
  }
  port.postMessage({ id: 0, value: undefined } satisfies ThreadAnswer)
  // One after another: a task is a transaction on the one connection.
  let last: Promise<unknown> = Promise.resolve()
  port.on('message', (request: ThreadRequest) => {
    last = last.then(async () => {
      port.postMessage(await answer(tasks, request))
      if (request.task === 'close') port.close()
    })
  })
}

async function answer(tasks: Partial<BodyTasks>, { id, task, given }: ThreadRequest): Promise<ThreadAnswer> {
  try {
    const work = tasks[task] as ((...given: readonly unknown[]) => Promise<unknown>) | undefined
    if (!work) throw new Error(`this thread does not ${task}`)
    return { id, value: await work(...given) }
  } catch (thrown) {
    return { id, error: reason(thrown) }
  }
}

function writing(writer: BodyWriter): Partial<BodyTasks> {
  return {
    put: parcel => writer.put(unparcel(parcel)),
    dropBefore: ms => writer.dropBefore(ms),
    erase: requests => writer.erase(requests),
    close: () => writer.close()
  }
}

function reading(reader: BodyReader): Partial<BodyTasks> {
  return {
    find: (requestId, atMs) => reader.find(requestId, atMs),
    search: (words, query) => reader.search(words, query),
    stats: () => reader.stats(),
    forget: beforeMs => reader.forget(beforeMs),
    close: () => reader.close()
  }
}

async function writerAt(place: BodyPlace): Promise<BodyWriter> {
  if (place.engine === 'sqlite') return new (await import('./sqlite.ts')).SqliteBodyWriter(place.directory)
  return (await import('./postgres.ts')).PostgresBodyWriter.open(place.url)
}

async function readerAt(place: BodyPlace): Promise<BodyReader> {
  if (place.engine === 'sqlite') return new (await import('./sqlite.ts')).SqliteBodyReader(place.directory)
  return (await import('./postgres.ts')).PostgresBodyReader.open(place.url)
}

function reason(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
