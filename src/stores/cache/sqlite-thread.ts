import { workerData } from 'node:worker_threads'
import { serveThread } from '../threads.ts'
import { SqliteCacheFile } from './sqlite-file.ts'

/** The thread that owns the file of kept answers. */
export type SqliteCacheTasks = SqliteCacheFile

export type SqliteCacheData = Parameters<typeof SqliteCacheFile.open>[0]

await serveThread(() => SqliteCacheFile.open(workerData as SqliteCacheData))
