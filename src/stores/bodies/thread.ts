import { workerData } from 'node:worker_threads'
import { serveThread } from '../threads.ts'
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

await serveThread(async (): Promise<Partial<BodyTasks> & Pick<BodyTasks, 'close'>> => {
  const { role, place } = workerData as ThreadData
  return role === 'write' ? writing(await writerAt(place)) : reading(await readerAt(place))
})

function writing(writer: BodyWriter): Partial<BodyTasks> & Pick<BodyTasks, 'close'> {
  return {
    put: parcel => writer.put(unparcel(parcel)),
    dropBefore: ms => writer.dropBefore(ms),
    erase: requests => writer.erase(requests),
    close: () => writer.close()
  }
}

function reading(reader: BodyReader): Partial<BodyTasks> & Pick<BodyTasks, 'close'> {
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
