import { join } from 'node:path'
import { Freshness } from '../access/freshness.ts'
import { StoredKeys } from '../access/stored-keys.ts'
import { checkSecret, TokenDigests } from '../access/tokens.ts'
import type { Clock } from '../clock.ts'
import type { BodySettings } from '../config/bodies.ts'
import type { StoreSettings } from '../config/index.ts'
import type { Log } from '../log.ts'
import { recover } from '../records/recovery.ts'
import { Retention } from '../records/retention.ts'
import type { Secret } from '../secret.ts'
import type { Stores } from '../stores/stores.ts'
import { openBodies } from './bodies.ts'
import { KeptAnswers } from './cache-store.ts'
import { openEngines } from './engines.ts'
import { all, followGoverned } from './governed.ts'
import { type Kept, keep } from './kept.ts'
import { openLedger } from './ledger.ts'

/** What of access hangs on the stores. */
export interface Access {
  storedKeys: StoredKeys
  digests: TokenDigests
  freshness: Freshness
}

/** What can be turned off to show that a proof notices. */
export type Breakage = 'journal' | 'deadline' | 'conditions' | 'tenant'

export interface Opened {
  kept: Kept
  /** Undefined: there are no stores. */
  access: Access | undefined
}

export interface OpenOptions {
  directory: string
  /** What keys are digested with; the same on every replica. */
  secret: Secret
  settings: StoreSettings
  bodies: BodySettings
  /** The most that kept answers may take in the directory. */
  cacheBytesMax: number
  /** How long rows of calls are kept, in milliseconds. */
  keepRecordsMs: number
  /** What is turned off to show that a proof notices. */
  breakage?: Breakage | undefined
}

/** How long stores are waited for where their deadlines are turned off. */
const PATIENCE_MS = 60_000
/** How often it is written down when keys were last used. */
const MARKS_MS = 5_000
/** For so long keys that are remembered are taken while the stores cannot be asked (D26). */
const STALE_MAX_MS = 60_000

/**
 * Opens everything that is kept, each on what it stands on: stores and their migrations, what earlier processes left in
 * their journals, the ledger, counters, keys. Rejects with what is wrong, in words for who starts the gateway.
 */
export async function openStores(options: OpenOptions, rooms: { clock: Clock; log: Log }): Promise<Opened> {
  const { directory, secret, settings, breakage } = options
  const deadlineMs = breakage === 'deadline' ? PATIENCE_MS : undefined
  const engines = await openEngines({ directory, settings, deadlineMs }, rooms)
  try {
    const { stores, counters, bus } = engines
    await checkSecret(secret, stores.meta)
    await stores.idempotency.reclaim()
    const journals = join(directory, 'journal')
    const recovered = await recover({ directory: journals, ledger: stores.ledger, log: rooms.log })
    if (recovered.entries > 0)
      rooms.log.info({ ...recovered }, 'what an earlier process had written down is in the ledger')
    const freshness = new Freshness(() => stores.version(), rooms.clock)
    const digests = new TokenDigests(secret)
    const storedKeys = new StoredKeys({ stores, digests, freshness, clock: rooms.clock, staleMaxMs: STALE_MAX_MS })
    const ledger = openLedger({
      stores,
      directory: journals,
      durable: settings.durable,
      log: rooms.log,
      isBroken: breakage === 'journal'
    })
    const stops: (() => void)[] = [freshness.start(), bus?.subscribe(() => freshness.heard()) ?? (() => {})]
    const retention = new Retention({ ledger: stores.ledger, ...rooms, keepMs: options.keepRecordsMs })
    const said = openBodies({ directory, settings, bodies: options.bodies }, rooms)
    const answers = new KeptAnswers(
      { directory, settings, bytesMax: options.cacheBytesMax },
      { clock: rooms.clock, purges: stores.cachePurges }
    )
    const close = async () => {
      for (const stop of stops) stop()
      await said.bodies.close()
      await answers.close()
      await retention.close()
      await markUse(stores, storedKeys, rooms.log)
      await ledger.close()
      await engines.close()
    }
    const kept = keep(
      { stores, ledger, close, ...said, cache: answers, ...(bus && { bus }), ...(counters && { counters }) },
      rooms
    )
    kept.descendantsOf = key => descendants(stores, kept.declaredKeys, key)
    await answers.begin(kept.answers.front)
    const follow = () =>
      void answers
        .follow()
        .catch(thrown => rooms.log.warn({ why: String(thrown) }, 'the cache was not purged; it will be'))
    stops.push(freshness.onChange(follow))
    const marking = setInterval(() => void markUse(stores, storedKeys, rooms.log), MARKS_MS)
    marking.unref()
    stops.push(() => clearInterval(marking), await followGoverned({ stores, freshness, log: rooms.log }, kept))
    return { kept, access: { storedKeys, digests, freshness } }
  } catch (thrown) {
    await engines.close()
    throw thrown
  }
}

async function markUse(stores: Stores, storedKeys: StoredKeys, log: Log): Promise<void> {
  const marks = storedKeys.takeUsed()
  if (marks.length === 0) return
  await stores.keys
    .used(marks)
    .catch(thrown => log.warn({ why: String(thrown) }, 'not written down: when keys were used'))
}

/** The names of all keys that were made from a key, at any remove. Looked up only where a counter must be seeded. */
async function descendants(stores: Stores, declared: Kept['declaredKeys'], name: string): Promise<string[]> {
  // The name of a declared key is its id.
  const keys = [...declared.map(key => ({ id: key.name, ...key })), ...(await all(stores.keys))]
  const found = keys.filter(key => key.name === name)
  for (const { id } of found) found.push(...keys.filter(key => key.parent === id && !found.includes(key)))
  return found.map(key => key.name).filter(each => each !== name)
}
