import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { Pool } from 'pg'
import { systemClock } from '../../src/clock.ts'
import type { CounterStore } from '../../src/stores/counters.ts'
import { MemoryCounters } from '../../src/stores/counters-memory.ts'
import { PostgresCounters } from '../../src/stores/counters-postgres.ts'
import { RedisCounters } from '../../src/stores/counters-redis.ts'
import { connectRedis } from '../../src/stores/redis/connect.ts'
import { postgresBinaries, startPostgres } from '../../test/support/postgres.ts'

/** What the gateways of a run count with: each has its own connection to what they share. */
export interface Engine {
  /** Counters that have counted nothing yet, one for each gateway; of no use after the next call. */
  fresh(): CounterStore[] | Promise<CounterStore[]>
  close(): Promise<void>
}

const SERVER = 'redis-server'
const READY_MS = 10_000
/** Connections of one gateway. */
const POOL_MAX = 5

/** In the memory of the one process that there is. */
export function memoryEngine(): Engine {
  return { fresh: () => [new MemoryCounters({ clock: systemClock })], close: () => Promise.resolve() }
}

/** In a Redis of its own, for so many gateways; undefined where none is installed. */
export async function redisEngine(replicas: number): Promise<Engine | undefined> {
  const server = await startRedis()
  if (!server) return undefined
  const connections: Redis[] = []
  let runs = 0
  while (connections.length < replicas) connections.push(await connectRedis(server.url))
  return {
    fresh() {
      const prefix = `{run ${++runs}}:`
      return connections.map(connection => new RedisCounters(connection, prefix))
    },
    async close() {
      for (const connection of connections) connection.disconnect()
      await server.close()
    }
  }
}

/** In a PostgreSQL of its own, a new database for each run; undefined where none is installed. */
export async function postgresEngine(replicas: number): Promise<Engine | undefined> {
  if (postgresBinaries() === undefined) return undefined
  const server = await startPostgres()
  let pools: Pool[] = []
  const end = async () => {
    await Promise.all(pools.map(pool => pool.end()))
    pools = []
  }
  return {
    async fresh() {
      await end()
      const connectionString = server.database()
      while (pools.length < replicas) {
        const pool = new Pool({ connectionString, max: POOL_MAX })
        // The server ends before the last connection has been told to, idle or on its way out.
        pool.on('connect', client => void client.on('error', () => {}))
        pool.on('error', () => {})
        pools.push(pool)
      }
      return Promise.all(pools.map(pool => PostgresCounters.open(pool)))
    },
    async close() {
      await end()
      await server.close()
    }
  }
}

async function startRedis(): Promise<{ url: string; close(): Promise<void> } | undefined> {
  try {
    execFileSync(SERVER, ['--version'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  const port = await freePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(SERVER, options, { stdio: 'ignore' })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = once(child, 'close')
  const url = `redis://127.0.0.1:${port}`
  const untilMs = performance.now() + READY_MS
  for (;;) {
    try {
      const connection = await connectRedis(url)
      connection.disconnect()
      break
    } catch (thrown) {
      if (performance.now() > untilMs) throw thrown
      await sleep(50)
    }
  }
  return {
    url,
    async close() {
      process.off('exit', kill)
      kill()
      await ended
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
