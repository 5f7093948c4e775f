import path from 'node:path'
import { openEngines } from '../../src/build/engines.ts'
import { systemClock } from '../../src/clock.ts'
import type { StoreSettings } from '../../src/config/index.ts'
import { createLog } from '../../src/log.ts'
import { Secret } from '../../src/secret.ts'
import type { AttemptRow, RequestRow } from '../../src/stores/rows.ts'
import type { Page } from '../../src/stores/stores.ts'
import { postgresBinaries, startPostgres } from './ledger-postgres.ts'
import type { LedgerEvidence } from './ledger-relations.ts'

/** Where a ledger is kept. */
export interface Engine {
  name: string
  /** Why it cannot be had here. */
  missing(): string | undefined
  open(directory: string): Promise<Database>
}

interface Database {
  /** Further members of `stores` in the configuration, a comma before each. */
  settings: string
  /** All that is in the ledger, when no gateway has it open. */
  read(): Promise<Pick<LedgerEvidence, 'attempts' | 'requests'>>
  close(): Promise<void>
}

const PAGE = 1_000

async function readAll(
  directory: string,
  settings: Partial<StoreSettings>
): Promise<Awaited<ReturnType<Database['read']>>> {
  const data = path.join(directory, 'data')
  const all = { data, databaseUrl: undefined, redisUrl: undefined, durable: 'kernel', ...settings } as StoreSettings
  const log = createLog({ level: 'warn', format: 'text' })
  const engines = await openEngines({ directory: data, settings: all }, { clock: systemClock, log })
  try {
    const { ledger } = engines.stores
    const attempts = await paged<AttemptRow>(page => ledger.attempts(page))
    const requests = await paged<RequestRow>(page => ledger.requests(page))
    return { attempts, requests }
  } finally {
    await engines.close()
  }
}

async function paged<Row extends { id: string }>(list: (page: Page) => Promise<Row[]>): Promise<Row[]> {
  const rows: Row[] = []
  for (;;) {
    const page = await list({ after: rows.at(-1)?.id, limit: PAGE })
    rows.push(...page)
    if (page.length < PAGE) return rows
  }
}

const embedded: Engine = {
  name: 'embedded',
  missing: () => undefined,
  open: async directory => ({
    settings: '',
    read: () => readAll(directory, {}),
    close: async () => {}
  })
}

const postgres: Engine = {
  name: 'PostgreSQL',
  missing: () => (postgresBinaries() === undefined ? 'it is not installed' : undefined),
  open: async directory => {
    const { url, close } = await startPostgres()
    return {
      settings: `, database_url: ${JSON.stringify(url)}`,
      read: () => readAll(directory, { databaseUrl: new Secret(url) }),
      close
    }
  }
}

export const engines: readonly Engine[] = [embedded, postgres]
