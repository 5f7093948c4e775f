import { Failure } from '../errors.ts'
import type { KeyRow, ScopeKind, TenantKind, TenantRow } from '../stores/rows.ts'
import type { Page, Stores } from '../stores/stores.ts'
import { append, digestOf } from './audit.ts'
import type { Actor } from './permissions.ts'
import type { TokenDigests } from './tokens.ts'

/** What the configuration file declares: it wins over the admin API, which refuses to change it. */
export interface Declared {
  /** Names of keys, which are their ids too. */
  keys: ReadonlySet<string>
  /** Ids of budgets, rate limits and prices. */
  rules: ReadonlySet<string>
  tenant(kind: TenantKind, id: string): TenantRow | undefined
}

/** What a change needs beside the stores, and what the audit log wants to know of where it came from. */
export interface Tools {
  randomBytes(size: number): Buffer
  digests: TokenDigests
  declared: Declared
  address: string | null
  requestId: string
}

export const NOTHING_DECLARED: Declared = { keys: new Set(), rules: new Set(), tenant: () => undefined }

/** What was done, to what: `keys:create`, `key:…`. */
export interface Change {
  action: string
  object: string
  before: object | undefined
  after: object | undefined
}

/** Ends every change: its line in the audit log, and the number that tells caches to look again (D27). */
export async function record(tx: Stores, actor: Actor, tools: Tools, change: Change): Promise<void> {
  await append(tx, {
    actor: actor.id,
    role: actor.role,
    address: tools.address,
    action: change.action,
    object: change.object,
    before: digestOf(change.before),
    after: digestOf(change.after),
    requestId: tools.requestId
  })
  await tx.raiseVersion()
}

/** A tenant, of the file or of the stores. */
export async function tenantOf(tx: Stores, { declared }: Tools, kind: TenantKind, id: string) {
  return declared.tenant(kind, id) ?? (await tx.tenants.find(kind, id))
}

export function invalid(param: string, message: string): Failure {
  return new Failure('invalid_input', message, { param })
}

/** What is not there, and what the actor may not see, is told in the same words. */
export function notFound(what: string): Failure {
  return new Failure('not_found', `There is no such ${what}.`)
}

export function inFile(what: string): Failure {
  return new Failure('declared_in_file', `This ${what} is declared in the configuration file; change it there.`)
}

/** Whether a budget or limit is about something of the actor's organisation alone. */
export async function ownsScope(
  actor: Actor,
  { kind, match }: { kind: ScopeKind; match: string },
  tx: Stores,
  tools: Tools
): Promise<boolean> {
  if (actor.org === undefined) return true
  if (kind === 'org') return match === actor.org
  if (kind === 'team' || kind === 'user') return (await tenantOf(tx, tools, kind, match))?.org === actor.org
  if (kind === 'key') return (await keyNamed(tx, match))?.org === actor.org
  // Customers, agents, tags, models and providers are everybody's.
  return false
}

/** The key of a name, which is what budgets and reports know it by. */
export async function keyNamed(tx: Stores, name: string): Promise<KeyRow | undefined> {
  for await (const key of eachRow(page => tx.keys.list(page))) if (key.name === name) return key
  return undefined
}

/** All rows of a list, page by page. */
export async function* eachRow<Row extends { id: string }>(list: (page: Page) => Promise<Row[]>): AsyncGenerator<Row> {
  const limit = 1_000
  let after: string | undefined
  for (;;) {
    const rows = await list({ after, limit })
    yield* rows
    if (rows.length < limit) return
    after = rows.at(-1)!.id
  }
}
