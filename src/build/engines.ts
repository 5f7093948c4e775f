import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { StoreSettings } from '../config/index.ts'
import type { Log } from '../log.ts'
import type { Bus, SharedBus } from '../stores/bus.ts'
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
  const stores = await openStores(what, rooms)
  try {
    const shared = await openShared(settings, deadlineMs, rooms)
    const close = async () => {
      await shared?.bus.close()
      await shared?.counters.close()
      await stores.close()
    }
    return { stores, counters: shared?.counters, bus: shared?.bus, close }
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

/** How long counters in PostgreSQL are waited for (invariant I11). */
const POSTGRES_MS = 500
/** How long whoever listens there waits for an answer. */
const BUS_MS = 5_000

interface Rooms {
  clock: Clock
  log: Log
}

async function openStores({ directory, settings, deadlineMs }: EngineOptions, { clock, log }: Rooms): Promise<Stores> {
  const { databaseUrl } = settings
  if (databaseUrl === undefined) {
    const { openSqlite } = await import('../stores/sql/sqlite.ts')
    return openSqlite({ path: join(directory, 'gatehouse.db'), clock })
  }
  const { openPostgres } = await import('../stores/sql/postgres.ts')
  const onProblem = (problem: Error) => log.warn({ problem: problem.message }, 'a connection to the database broke')
  const { stores } = await openPostgres({
    url: databaseUrl.reveal(),
    onProblem,
    ...(deadlineMs && { deadlineMs })
  })
  return stores
}

/** What replicas share. */
interface Shared {
  counters: CounterStore
  bus: SharedBus
}

/** In Redis, else in PostgreSQL; undefined where there is one process, which counts alone. */
async function openShared(
  { redisUrl, databaseUrl }: StoreSettings,
  deadlineMs: number | undefined,
  rooms: Rooms
): Promise<Shared | undefined> {
  if (redisUrl) return guarded('Redis', await openRedis(redisUrl.reveal()), deadlineMs, rooms)
  if (!databaseUrl) return undefined
  const shared = await openInPostgres(databaseUrl.reveal(), deadlineMs ?? POSTGRES_MS, rooms)
  return guarded('PostgreSQL', shared, deadlineMs ?? POSTGRES_MS, rooms)
}

/** It may go away at any time, but must be there at the start. */
async function openRedis(url: string): Promise<Shared> {
  const [{ connectRedis }, { RedisCounters }, { openRedisBus }] = await Promise.all([
    import('../stores/redis/connect.ts'),
    import('../stores/counters-redis.ts'),
    import('../stores/bus-redis.ts')
  ])
  const redis = await connectRedis(url)
  const counters = new RedisCounters(redis)
  const bus = await openRedisBus({ redis }).catch(async thrown => {
    await counters.close()
    throw thrown
  })
  return { counters, bus }
}

async function openInPostgres(url: string, deadlineMs: number, { log }: Rooms): Promise<Shared> {
  const [{ counterPool }, { PostgresCounters }, { openPostgresBus }] = await Promise.all([
    import('../stores/postgres/connect.ts'),
    import('../stores/counters-postgres.ts'),
    import('../stores/bus-postgres.ts')
  ])
  const onProblem = (problem: Error) => log.warn({ problem: problem.message }, 'a connection of the counters broke')
  const pool = await counterPool({ url, deadlineMs, onProblem })
  try {
    const counters = await PostgresCounters.open(pool)
    return { counters, bus: await openPostgresBus({ url, pool, deadlineMs: BUS_MS, onProblem }) }
  } catch (thrown) {
    await pool.end()
    throw thrown
  }
}

/** A store that does not answer in time is one that is away. */
function guarded(
  name: string,
  { counters, bus }: Shared,
  deadlineMs: number | undefined,
  { clock, log }: Rooms
): Shared {
  const guard = new GuardedCounters(counters, {
    clock,
    ...(deadlineMs && { deadlineMs }),
    local: new MemoryCounters({ clock }),
    // What was so when the store last said: while it is away, each has its part of what they shared (D29).
    replicas: () => bus.replicas(),
    changed: (isDown, why) => {
      if (isDown) log.error({ why }, `${name} does not answer: calls under hard budgets are refused until it does`)
      else log.info(`${name} answers again`)
    }
  })
  return { counters: guard, bus }
}
