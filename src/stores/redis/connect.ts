import type { Redis } from 'ioredis'

/** The oldest version whose commands are used (`PEXPIRETIME`). */
const MAJOR_MIN = 7
/** To a connection, and between tries for one at most. */
const CONNECT_MS = 2_000
/** Silence after something was asked: the connection is broken, whatever its socket says, and another is tried. */
const SILENCE_MS = 3_000

/**
 * A connection that fails at once while there is none, instead of queueing what nobody may be waiting for any more.
 * Rejects in words for who starts the gateway: the package is not installed, the server is not there, or too old.
 */
export async function connectRedis(url: string, onProblem: (problem: Error) => void = () => {}): Promise<Redis> {
  const { Redis: Client } = await import('ioredis').catch(() => {
    throw new Error('`stores.redis_url` needs the package "ioredis": npm install ioredis')
  })
  const redis = new Client(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    retryStrategy: tries => Math.min(50 * tries, CONNECT_MS)
  })
  redis.on('error', onProblem)
  try {
    await redis.connect()
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? '0'
    if (Number.parseInt(version, 10) >= MAJOR_MIN) return redis
    throw new Error(`it is version ${version}, and ${MAJOR_MIN}.0 is the oldest that will do`)
  } catch (thrown) {
    redis.disconnect()
    throw new Error(
      `the Redis of \`stores.redis_url\` cannot be used: ${thrown instanceof Error ? thrown.message : thrown}`
    )
  }
}
