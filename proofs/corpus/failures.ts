import type { Kind } from '../../src/errors.ts'
import { isObject, type Json, type JsonObject } from '../../src/json.ts'
import { text } from './hear/heard.ts'
import type { Interaction } from './interactions.ts'
import type { Rule } from './rule.ts'

/** A row fits where the status does, and the words do if it has any; the first that fits decides. */
interface Row {
  statuses: readonly number[]
  words?: RegExp
  kinds: readonly Kind[]
}

/** What an error is to the routing, by its status and the words of its body: a table that shares nothing with ours. */
const TABLE: readonly Row[] = [
  {
    statuses: [400, 413, 422],
    words: /context (length|size|window)|prompt length|total length of all messages|too many total/i,
    kinds: ['too_long']
  },
  { statuses: [429], words: /tokens must be reduced/, kinds: ['too_long'] },
  {
    statuses: [400, 401, 403],
    words: /api.?key|auth|token (in|is|could)|signature|credential/i,
    kinds: ['our_credential']
  },
  { statuses: [401], kinds: ['our_credential'] },
  { statuses: [403], kinds: ['our_credential', 'no_such_model'] },
  { statuses: [402], kinds: ['spend_limit'] },
  { statuses: [429], words: /insufficient_quota/, kinds: ['spend_limit'] },
  { statuses: [429], kinds: ['rate_limited', 'overloaded'] },
  {
    statuses: [400, 404],
    words:
      /model\b.{0,120}(not found|not exist|decommission|has ended)|invalid model|model identifier is invalid|model names|no endpoints|model: /i,
    kinds: ['no_such_model']
  },
  { statuses: [404], kinds: ['no_such_model', 'bad_request'] },
  { statuses: [400, 422], kinds: ['bad_request', 'content_filter'] },
  { statuses: [413], kinds: ['too_large', 'too_long'] },
  { statuses: [408], kinds: ['server_error', 'silent'] },
  { statuses: [503, 529], kinds: ['overloaded', 'server_error', 'rate_limited'] },
  { statuses: [500, 502, 504], kinds: ['server_error', 'overloaded'] }
]

/** What kinds an error answer may be of; undefined where the table does not know. */
export function expectedKinds(status: number, body: Json): readonly Kind[] | undefined {
  const said = typeof body === 'string' ? body : JSON.stringify(body)
  return TABLE.find(({ statuses, words }) => statuses.includes(status) && (!words || words.test(said)))?.kinds
}

/** An error is of the right kind and keeps its message. */
export const errorKind: Rule = {
  name: 'error',
  check({ operation, dialect, status, headers, reply }: Interaction) {
    if (operation !== 'error') return undefined
    const body = typeof reply === 'string' || isObject(reply) ? reply : JSON.stringify(reply)
    const failure = dialect.readFailure(status, body, headers)
    const kinds = expectedKinds(status, body)
    if (!kinds) return [`no row of the table fits a status ${status}`]
    const findings = kinds.includes(failure.kind) ? [] : [`read as ${failure.kind}, not as ${kinds.join(' or ')}`]
    const message = messageIn(body)
    // What is said of our account is for the log alone (D34).
    const kept = failure.message + (failure.native?.body.toString() ?? '')
    if (message !== '' && !kept.includes(message) && !kept.includes(JSON.stringify(message).slice(1, -1)))
      findings.push(`the message is ${failure.message}`)
    const after = headers['retry-after']
    if (after !== undefined && failure.retryAfterMs !== Number(after) * 1_000)
      findings.push(`retry-after ${after} is read as ${failure.retryAfterMs} ms`)
    return findings
  }
}

const MESSAGE_CHARACTERS = 200

function messageIn(body: JsonObject | string): string {
  if (typeof body === 'string') return body.trim().slice(0, MESSAGE_CHARACTERS)
  const { error, message, detail } = body
  const inner = isObject(error) ? error.message : error
  return text(inner ?? message ?? detail).slice(0, MESSAGE_CHARACTERS)
}
