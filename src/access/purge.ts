import type { CachePurge } from '../stores/cache.ts'
import type { Stores } from '../stores/stores.ts'
import { record, type Tools } from './changes.ts'
import { type Actor, must } from './permissions.ts'

/**
 * Takes answers out of the cache: written down first, so that every replica hears of it, whether it runs now or not.
 * Whoever is held to an organisation purges its answers alone. Resolves to the number of the purge.
 */
export async function purgeCache(actor: Actor, asked: CachePurge, stores: Stores, tools: Tools): Promise<number> {
  must(actor, 'cache:purge')
  const what = actor.org === undefined ? asked : { ...asked, org: actor.org }
  return stores.transaction(async tx => {
    const object = `cache:${Object.keys(what).sort().join('+') || 'all'}`
    // By its digest alone: an audit log is kept for ever, and what is purged by a name may be about to be forgotten.
    await record(tx, actor, tools, { action: 'cache:purge', object, before: undefined, after: what })
    // Last: the locks of every transaction in one order, audit log, version, purges.
    return tx.cachePurges.append(what, await tx.nowMs())
  })
}
