import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { StoreSettings } from '../config/index.ts'
import type { Log } from '../log.ts'
import type { Bus } from '../stores/bus.ts'
import type { CounterStore } from '../stores/counters.ts'
import { MemoryCounters } from '../stores/counters-memory.ts'
import { GuardedCounters } from '../stores/guarded-counters.ts'
import type { Stores } from '../stores/stores.ts'

export interface Engines {
  stores: Stores
  counters: CounterStore | undefined
  bus: Bus | undefined
  close(): Promise<void>
}

/** Opens what the configuration names: SQLite in the directory, or PostgreSQL; counters in memory, or those that replicas share. */
export async function openEngines(what: EngineOptions, rooms: Rooms): Promise<Engines> {
  const { settings, deadlineMs } = what
  const { stores, countAlone } = await openStores(what, rooms)
  try {
    const release = settings.redisUrl === undefined ? await countAlone() : () => {}
    const shared = settings.redisUrl && (await openRedis(settings.redisUrl.reveal(), deadlineMs, rooms))
    const close = async () => {
      await shared?.close()
      release()
      await stores.close()
    }
    return { stores, counters: shared, bus: undefined, close }
  } catch (thrown) {
    await stores.close()
    throw thrown
  }
}

export interface EngineOptions {
  directory: string
  settings: StoreSettings
  /** How long servers are waited for, where it is not as long as is good for them: to show that a proof notices. */
  deadlineMs?: number | undefined
}

interface Rooms {
  clock: Clock
  log: Log
}

async function openStores(
  { directory, settings, deadlineMs }: EngineOptions,
  { clock, log }: Rooms
): Promise<{ stores: Stores; countAlone: () => Promise<() => void> }> {
  const { databaseUrl } = settings
  if (databaseUrl === undefined) {
    const { openSqlite } = await import('../stores/sql/sqlite.ts')
    const stores = await openSqlite({ path: join(directory, 'gatehouse.db'), clock })
    // Its file has one process.
    return { stores, countAlone: async () => () => {} }
  }
  const { openPostgres, countAlone } = await import('../stores/sql/postgres.ts')
  const onProblem = (problem: Error) => log.warn({ problem: problem.message }, 'a connection to the database broke')
  const { stores, pool } = await openPostgres({
    url: databaseUrl.reveal(),
    onProblem,
    ...(deadlineMs && { deadlineMs })
  })
  return { stores, countAlone: () => countAlone(pool) }
}

/** Counters in a Redis that replicas share. It may go away at any time, but must be there at the start. */
async function openRedis(url: string, deadlineMs: number | undefined, { clock, log }: Rooms): Promise<CounterStore> {
  const [{ connectRedis }, { RedisCounters }] = await Promise.all([
    import('../stores/redis/connect.ts'),
    import('../stores/counters-redis.ts')
  ])
  return new GuardedCounters(new RedisCounters(await connectRedis(url)), {
    clock,
    ...(deadlineMs && { deadlineMs }),
    local: new MemoryCounters({ clock }),
    replicas: () => 1,
    changed: (isDown, why) => {
      if (isDown) log.error({ why }, 'Redis does not answer: calls under hard budgets are refused until it does')
      else log.info('Redis answers again')
    }
  })
}
