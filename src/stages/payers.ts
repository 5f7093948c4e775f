import type { Caller } from '../access/caller.ts'
import { isObject, type Json } from '../json.ts'
import type { Payers } from '../stores/rows.ts'
import type { Call } from './call.ts'

/** Names come from clients, and become rows, counters and labels: of a reasonable length, and printable. */
const NAME_CHARS_MAX = 256
const TAGS_MAX = 32

/** Where clients say which session a call belongs to: ours first, then those of the common clients. */
export const SESSION_HEADERS = [
  'x-gatehouse-session',
  'x-session-id',
  'x-claude-code-session-id',
  'session-id',
  'session_id'
] as const

/**
 * Who a call is charged to: what the key says, and what only the call can say (`x-gatehouse-metadata` before the
 * members that clients have for it). A call never changes what its key says; it adds tags.
 */
export function payersOf(call: Call, caller: Caller): Payers {
  const metadata = call.routing?.metadata ?? {}
  const { name: key, org, team, user } = caller
  const said = sayings(call)
  const tags = [...caller.tags, ...tagsIn(metadata.tags)].slice(0, TAGS_MAX)
  const payers: Record<keyof Payers, unknown> = {
    org,
    team,
    user,
    key,
    customer: nameIn(metadata.customer) ?? said.customer,
    agent: nameIn(metadata.agent) ?? nameIn(call.headers['x-gatehouse-agent']),
    session: sessionSaid(call) ?? said.session,
    tags: tags.length > 0 ? tags : undefined
  }
  for (const name in payers) if (payers[name as keyof Payers] === undefined) delete payers[name as keyof Payers]
  return payers as Payers
}

/** The session that a call says it belongs to, by whatever its client has for it. */
export function sessionOf(call: Call): string | undefined {
  return sessionSaid(call) ?? sayings(call).session
}

function sessionSaid(call: Call): string | undefined {
  const metadata = call.routing?.metadata ?? {}
  return nameIn(metadata.session) ?? nameIn(metadata.session_id) ?? sessionIn(call)
}

function sessionIn({ headers }: Call): string | undefined {
  for (const name of SESSION_HEADERS) {
    const session = nameIn(headers[name])
    if (session !== undefined) return session
  }
  return undefined
}

/** What the body says in members of its dialects: `user`, `safety_identifier`, and Anthropic's `metadata.user_id`. */
function sayings({ body }: Call): { customer: string | undefined; session: string | undefined } {
  const metadata = body.has('metadata') ? body.get('metadata') : undefined
  const userId = isObject(metadata) ? nameIn(metadata.user_id) : undefined
  const { customer, session } = splitUserId(userId)
  const inBody = (name: string) => (body.has(name) ? nameIn(body.get(name)) : undefined)
  return { customer: inBody('user') ?? inBody('safety_identifier') ?? customer, session }
}

/** Claude Code writes its session into `user_id`: `user_…_account_…_session_<uuid>`, or a JSON object with it. */
function splitUserId(userId: string | undefined): { customer: string | undefined; session: string | undefined } {
  const [, customer, session] = /^(.+?)_(?:account_.*)?_?session_([\w-]+)$/.exec(userId ?? '') ?? []
  if (session !== undefined) return { customer, session }
  if (!userId?.startsWith('{')) return { customer: userId, session: undefined }
  try {
    const { device_id, account_uuid, session_id } = JSON.parse(userId) as Record<string, Json>
    return { customer: nameIn(account_uuid) ?? nameIn(device_id), session: nameIn(session_id) }
  } catch {
    return { customer: userId, session: undefined }
  }
}

function tagsIn(value: Json | undefined): string[] {
  const list = Array.isArray(value) ? value : [value]
  return list.map(nameIn).filter(name => name !== undefined)
}

function nameIn(value: Json | undefined): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > NAME_CHARS_MAX) return undefined
  return /^[^\p{Cc}\p{Cs}]+$/u.test(value) ? value : undefined
}
