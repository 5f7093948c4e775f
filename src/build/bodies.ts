import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { BodySettings } from '../config/bodies.ts'
import type { StoreSettings } from '../config/index.ts'
import { Redactor } from '../guards/redactor.ts'
import type { Log } from '../log.ts'
import { BodyQueue } from '../records/bodies.ts'
import type { CallRecord } from '../stages/call-record.ts'
import { LazyBodies } from '../stores/bodies/lazy.ts'
import type { BodyStore, OfferedBodies } from '../stores/bodies.ts'

/** Where what is said in calls goes, as far as it is kept. */
export interface Bodies {
  /** Takes what the call's level lets be kept. Never waits, and never throws. */
  take(record: CallRecord): void
  /** Those that were taken so far are in the store. */
  flush(): Promise<void>
  close(): Promise<void>
}

export interface BodiesOptions {
  /** Of the data. */
  directory: string
  settings: StoreSettings
  bodies: BodySettings
}

const TIDY_MS = 3_600_000

/** The store of bodies, and the way to it: in files of the data directory, or in the PostgreSQL that replicas share. */
export function openBodies(
  { directory, settings, bodies }: BodiesOptions,
  rooms: { clock: Clock; log: Log }
): { bodies: Bodies; bodyStore: BodyStore } {
  const { databaseUrl } = settings
  const days = join(directory, 'bodies')
  const store = new LazyBodies(async () => {
    const { openBodies: open } = await import('../stores/bodies/open.ts')
    return open(databaseUrl ? { engine: 'postgres', url: databaseUrl.reveal() } : { engine: 'sqlite', directory: days })
  })
  const queue = new BodyQueue({ store, ...rooms, retention: { days: bodies.days, bytesMax: bodies.bytesMax } })
  const tidy = () => {
    if (store.isUsed || (!databaseUrl && existsSync(days)) || (databaseUrl && bodies.level !== 'none'))
      void queue.tidy()
  }
  const tidying = setInterval(tidy, TIDY_MS)
  tidying.unref()
  tidy()
  const taking = bodiesInto(queue)
  const close = async () => {
    clearInterval(tidying)
    await taking.close()
    await queue.close()
    await store.close()
  }
  return { bodies: { ...taking, close }, bodyStore: store }
}

/** Bodies on their way to the queue: those that are not kept whole are read in a thread first. */
function bodiesInto(queue: BodyQueue): Bodies {
  const redactor = new Redactor()
  const reading = new Set<Promise<void>>()
  return {
    take(record) {
      const row = rowOf(record)
      if (!row) return
      if (row.level === 'full') {
        queue.offer(row)
        return
      }
      const read = redacted(row, redactor).then(kept => {
        reading.delete(read)
        if (kept) queue.offer(kept)
      })
      reading.add(read)
    },
    async flush() {
      await Promise.all(reading)
      await queue.flush()
    },
    async close() {
      await Promise.all(reading)
      await redactor.close()
    }
  }
}

function rowOf({ capture, id, atMs, totalMs, payers, dialect }: CallRecord): OfferedBodies | undefined {
  const { received, answered, attempts, level } = capture ?? {}
  if (!level || (!received && !answered)) return undefined
  return {
    requestId: id,
    atMs: Math.round(atMs - totalMs),
    session: payers.session,
    org: payers.org,
    level,
    dialect,
    received,
    sent: attempts ?? [],
    answered
  }
}

/** Without what is private; nothing at all where that cannot be told apart. How it went upstream says nothing more. */
async function redacted(row: OfferedBodies, redactor: Redactor): Promise<OfferedBodies | undefined> {
  const { level, received, answered } = row
  const bodies = await redactor.redact(level === 'metadata' ? 'metadata' : 'redacted', [
    bytes(received),
    bytes(answered)
  ])
  if (!bodies) return undefined
  return { ...row, received: bodies[0], answered: bodies[1], sent: [] }
}

const NOTHING = new Uint8Array()

function bytes(body: string | Uint8Array | undefined): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body) : (body ?? NOTHING)
}
