import type { Redis } from 'ioredis'
import type { BusTopic, SharedBus } from './bus.ts'
import { COUNT_MS, Listeners } from './bus-listeners.ts'

/** Silence on a connection of which something was asked: it is broken, whatever the socket says. */
const SILENCE_MS = 3_000

export interface RedisBusOptions {
  /** Publishes. It stays the caller's. */
  redis: Redis
  channel?: string
  onProblem?: (problem: Error) => void
  countMs?: number
}

/** A bus by Redis' pub/sub, on a connection of its own that comes back by itself and subscribes anew. */
export async function openRedisBus(options: RedisBusOptions): Promise<SharedBus> {
  const { redis, channel = 'gatehouse', onProblem = () => {}, countMs = COUNT_MS } = options
  const listeners = new Listeners()
  const ear = redis.duplicate({ lazyConnect: true, enableOfflineQueue: true, socketTimeout: SILENCE_MS })
  ear.on('error', onProblem)
  ear.on('message', (_, topic) => listeners.heard(topic))
  let replicas = 1
  let isAsking = false
  const count = async () => {
    // One that is frozen must not pile up what was asked of it.
    if (isAsking) return
    isAsking = true
    try {
      await ear.ping()
      const [, found] = await redis.pubsub('NUMSUB', channel)
      replicas = Math.max(1, Number(found))
    } catch {
      // As many as there were; the connection's own events say what is wrong.
    } finally {
      isAsking = false
    }
  }
  try {
    await ear.connect()
    await ear.subscribe(channel)
  } catch (thrown) {
    ear.disconnect()
    throw thrown
  }
  ear.on('ready', () => listeners.heardNothing())
  await count()
  const counting = setInterval(() => void count(), countMs)
  counting.unref()
  return {
    async publish(topic: BusTopic) {
      await redis.publish(channel, topic)
    },
    subscribe: hear => listeners.add(hear),
    replicas: () => replicas,
    async close() {
      clearInterval(counting)
      ear.disconnect()
    }
  }
}
