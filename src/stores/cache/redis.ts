import { createHash } from 'node:crypto'
import { extname } from 'node:path'
import type { Redis } from 'ioredis'
import type { CachedAnswer, CachedFacts, CachedQuestion, CachePurge, CacheSize, CacheStore } from '../cache.ts'
import { connectRedis } from '../redis/connect.ts'
import { Thread } from '../threads.ts'
import { packQuestion } from './nearest-questions.ts'
import type { NearestTasks } from './nearest-thread.ts'
import { CACHE_SCRIPTS } from './redis-scripts.ts'
import { packVector } from './similarity.ts'
import { within } from './within.ts'

export interface RedisCacheOptions {
  /** The server, which gets a connection of its own: large answers are in nobody's way. Or a connection; it stays the caller's. */
  server: { url: string; onProblem?: (problem: Error) => void } | { redis: Redis }
  /** Milliseconds since 1970. */
  nowMs: () => number
  /** It has a hash tag, so that a cluster keeps everything under it in one place. */
  prefix?: string
  /** Questions of one fingerprint that are kept; the oldest go. */
  questionsMax?: number
}

const GET_WITHIN_MS = 50
const WITHIN_MS = 500
const QUESTIONS_MAX = 10_000
/** Questions that are fetched at a time. */
const FETCHED = 400
/** Answers that are looked at in one step, while the server does nothing else. */
const PURGED = 300
const SAMPLE = 100
/** Of answers that are on their way to a server that does not take them. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024
/** How many more of the nearest are looked at, since some may turn out to be gone. */
const SPARE = 20

const DIGESTS = Object.fromEntries(
  Object.entries(CACHE_SCRIPTS).map(([name, text]) => [name, createHash('sha1').update(text).digest('hex')])
) as Record<keyof typeof CACHE_SCRIPTS, string>

/**
 * Opens the cache that replicas share, in Redis 7.0 or newer, or Valkey. How much it may take is the server's
 * `maxmemory`, and what goes then is its policy's: uses are not counted here. Rejects as `connectRedis` does.
 */
export async function openRedisCache(options: RedisCacheOptions): Promise<CacheStore> {
  const { server, nowMs, prefix = '{gatehouse}:cache:', questionsMax = QUESTIONS_MAX } = options
  const isOwn = 'url' in server
  const redis = isOwn ? await connectRedis(server.url, server.onProblem) : server.redis
  return new RedisCache({ redis, isOwn, nowMs, prefix, questionsMax })
}

interface Connected extends Required<Omit<RedisCacheOptions, 'server'>> {
  redis: Redis
  isOwn: boolean
}

class RedisCache implements CacheStore {
  readonly #redis: Redis
  readonly #isOwn: boolean
  readonly #nowMs: () => number
  readonly #prefix: string
  readonly #questionsMax: number
  readonly #thread: Thread<NearestTasks>
  /** Fingerprints whose questions are being fetched. */
  readonly #fetching = new Map<string, Promise<void>>()
  #waitingBytes = 0

  constructor({ redis, isOwn, nowMs, prefix, questionsMax }: Connected) {
    this.#redis = redis
    this.#isOwn = isOwn
    this.#nowMs = nowMs
    this.#prefix = prefix
    this.#questionsMax = questionsMax
    const file = new URL(`./nearest-thread${extname(import.meta.url)}`, import.meta.url)
    this.#thread = new Thread({ file, data: undefined, name: 'the thread that compares questions' })
  }

  async get(key: string): Promise<CachedAnswer | undefined> {
    const found = await within(GET_WITHIN_MS, this.#redis.getBuffer(`${this.#prefix}a:${key}`), 'Redis')
    const answer = found ? unpackAnswer(found) : undefined
    return answer && answer.keptUntilMs > this.#nowMs() ? answer : undefined
  }

  async put(answer: CachedAnswer, question?: CachedQuestion): Promise<void> {
    const value = packAnswer(answer, question?.fingerprint)
    if (this.#waitingBytes + value.length > WAITING_BYTES_MAX) throw new Error('Redis does not take what it is given')
    const keptMs = Math.ceil(answer.keptUntilMs - this.#nowMs())
    const packed = question ? packQuestion(question.keptUntilMs, packVector(question.vector), question.text) : ''
    const fingerprint = question?.fingerprint ?? ''
    this.#waitingBytes += value.length
    const names = JSON.stringify(setsOf(answer))
    const work = this.#run('put', answer.key, value, keptMs, names, fingerprint, packed, this.#questionsMax)
    const isOver = () => {
      this.#waitingBytes -= value.length
    }
    work.then(isOver, isOver)
    await within(WITHIN_MS, work, 'Redis')
  }

  nearest(fingerprint: string, vector: Float32Array, limit: number) {
    return within(WITHIN_MS, this.#nearest(fingerprint, vector, limit), 'Redis')
  }

  used(): void {
    // The server sees what is asked for, and evicts by that.
  }

  async purge(what: CachePurge): Promise<number> {
    const { key, requestIds, ...equal } = what
    if (requestIds?.length === 0) return 0
    const all = Object.entries(equal).flatMap(([member, value]) => (value === undefined ? [] : nameOf(member, value)))
    const any = (requestIds ?? []).map(id => nameOf('requestId', id))
    const [from, name] = key === undefined ? await this.#among(what) : ['key', key]
    let gone = 0
    let cursor = '0'
    do {
      const page = this.#run('purge', from, name, cursor, PURGED, JSON.stringify(all), JSON.stringify(any))
      const [next, count] = (await within(WITHIN_MS, page, 'Redis')) as [Buffer, number]
      cursor = next.toString()
      gone += count
    } while (cursor !== '0')
    return gone
  }

  async size(): Promise<CacheSize> {
    const [answers, bytes] = (await within(WITHIN_MS, this.#run('size', SAMPLE), 'Redis')) as [number, number]
    return { answers, bytes }
  }

  async purgedUpTo(): Promise<number | undefined> {
    const found = await within(WITHIN_MS, this.#redis.get(`${this.#prefix}purged`), 'Redis')
    return found === null ? undefined : Number(found)
  }

  async setPurgedUpTo(seq: number): Promise<void> {
    await within(WITHIN_MS, this.#redis.set(`${this.#prefix}purged`, seq), 'Redis')
  }

  async close(): Promise<void> {
    if (this.#isOwn) this.#redis.disconnect()
    await this.#thread.close()
  }

  async #nearest(fingerprint: string, vector: Float32Array, limit: number) {
    let fetching = this.#fetching.get(fingerprint)
    if (!fetching) {
      fetching = this.#fetch(fingerprint).finally(() => this.#fetching.delete(fingerprint))
      this.#fetching.set(fingerprint, fetching)
    }
    await fetching
    for (;;) {
      const found = await this.#thread.run('nearest', [fingerprint, vector, limit + SPARE, this.#nowMs()])
      if (found.length === 0) return []
      const there = (await this.#run('alive', fingerprint, ...found.map(({ key }) => key))) as number[]
      const gone = found.filter((_, at) => there[at] !== 1).map(({ key }) => key)
      if (gone.length > 0) await this.#thread.run('drop', [fingerprint, gone])
      // Those that are left are enough, or all that there are.
      if (gone.length <= SPARE) return found.filter((_, at) => there[at] === 1).slice(0, limit)
    }
  }

  /** What came since the thread heard of it last. */
  async #fetch(fingerprint: string): Promise<void> {
    for (;;) {
      const known = await this.#thread.run('position', [fingerprint])
      const asked = this.#run('questions', fingerprint, known, FETCHED)
      const [newest, ...rest] = (await within(WITHIN_MS, asked, 'Redis')) as [Buffer, ...Buffer[]]
      // The server lost what it had, and began again.
      if (Number(newest) < known) {
        await this.#thread.run('forget', [fingerprint])
        continue
      }
      const count = rest.length / 3
      if (count === 0) return
      const packed = Array.from({ length: count }, (_, at) => rest[at * 3 + 2] as Buffer)
      const keys = packed.map((_, at) => String(rest[at * 3 + 1]))
      const lengths = packed.map(each => each.length)
      const bytes = new Uint8Array(Buffer.concat(packed))
      await this.#thread.run('add', [fingerprint, Number(rest[count * 3 - 3]), keys, lengths, bytes], [bytes.buffer])
      if (count < FETCHED) return
    }
  }

  /**
   * Which answers are looked at: those of a set, where the server cannot have evicted the set; else all that there are.
   * What is about people goes through all of them, too: what must be gone is not left to what happens to be listed.
   */
  async #among(what: CachePurge): Promise<readonly [from: string, name: string]> {
    const listed = INDEXED.find(member => what[member] !== undefined)
    const isOfPeople = Object.entries(what).some(([member, value]) => value !== undefined && !isIndexed(member))
    if (listed && !isOfPeople) {
      const memory = await within(WITHIN_MS, this.#redis.info('memory'), 'Redis')
      if (!/maxmemory_policy:allkeys/.test(memory)) return ['set', nameOf(listed, what[listed] as string)]
    }
    return ['scan', `${this.#prefix.replaceAll(/[*?[\]\\]/g, '\\$&')}*`]
  }

  async #run(name: keyof typeof CACHE_SCRIPTS, ...given: (string | number | Buffer)[]): Promise<unknown> {
    try {
      return await this.#redis.callBuffer('EVALSHA', [DIGESTS[name], 1, this.#prefix, ...given])
    } catch (thrown) {
      // A server that was restarted, or was never asked before, has no scripts.
      if (!(thrown instanceof Error && thrown.message.startsWith('NOSCRIPT'))) throw thrown
      return this.#redis.callBuffer('EVAL', [CACHE_SCRIPTS[name], 1, this.#prefix, ...given])
    }
  }
}

/** What is purged again and again has sets; the narrowest comes first. */
const INDEXED = ['tag', 'namespace', 'route'] as const
const isIndexed = (member: string) => (INDEXED as readonly string[]).includes(member)

/** A value that comes from outside as a word that any server takes: it may have any characters and any length. */
function nameOf(member: string, value: string): string {
  const digest = createHash('sha256').update(value, 'utf16le').digest('base64url')
  return `${member}:${digest.slice(0, 22)}`
}

function setsOf({ tags, namespace, route }: CachedFacts): string[] {
  return [...new Set(tags.map(tag => nameOf('tag', tag))), nameOf('namespace', namespace), nameOf('route', route)]
}

function namesOf(facts: CachedFacts): string[] {
  const { org, team, user, customer, keyName, requestId } = facts
  const people = Object.entries({ org, team, user, customer, keyName, requestId })
  return [...setsOf(facts), ...people.flatMap(([member, value]) => (value === null ? [] : nameOf(member, value)))]
}

function packAnswer({ body, ...facts }: CachedAnswer, fingerprint: string | undefined): Buffer {
  const answer = { ...facts, body }
  const parts = [
    JSON.stringify({ names: setsOf(answer), purgedBy: namesOf(answer), fingerprint }),
    JSON.stringify(facts)
  ].flatMap(text => {
    const bytes = Buffer.from(text)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return [length, bytes]
  })
  return Buffer.concat([...parts, body])
}

function unpackAnswer(value: Buffer): CachedAnswer {
  const start = 4 + value.readUInt32BE(0)
  const end = start + 4 + value.readUInt32BE(start)
  const facts = JSON.parse(value.toString('utf8', start + 4, end)) as CachedFacts
  // A copy: the bytes are part of what came from the socket, which would be kept with them.
  return { ...facts, body: Buffer.from(value.subarray(end)) }
}
