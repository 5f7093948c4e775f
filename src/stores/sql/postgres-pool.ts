import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { asText } from './text.ts'

/**
 * The driver's pool, as Kysely sees it. A connection on which a statement was not answered is not used again: the network
 * may have forgotten it, and then every statement on it would wait for its deadline until the kernel gives up.
 */
export function steadyPool(pool: Pool): PostgresPool {
  return { options: pool.options, connect: async () => steadyClient(await pool.connect()), end: () => pool.end() }
}

function steadyClient(client: PoolClient): PostgresPoolClient {
  let isLost = false
  const query = async (text: string, parameters: readonly unknown[]) => {
    try {
      return await client.query(text, parameters.map(asText))
    } catch (thrown) {
      // A server that answers says how severe it is.
      isLost ||= !(thrown instanceof Error && 'severity' in thrown)
      throw thrown
    }
  }
  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(isLost) }
}
