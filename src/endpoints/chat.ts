import type { Dialect, Operation } from '../dialects/dialect.ts'
import { Failure } from '../errors.ts'
import { JsonBody } from '../json.ts'
import { PER_CALL_MEMBERS, readPerCall } from '../routing/per-call.ts'
import type { Call } from '../stages/call.ts'
import type { Exchange } from '../wire/exchange.ts'
import { refuse, writeFailure, writeReply } from './answer.ts'
import type { Endpoint, Hall } from './endpoint.ts'
import { KeepAlive } from './keep-alive.ts'

/** Members that decide a call: twice there, a provider might take the other one (D20). */
const ONCE = new Set([
  'model',
  'stream',
  'n',
  'max_tokens',
  'max_completion_tokens',
  'messages',
  'input',
  'contents',
  'tools',
  'system'
])

export interface ChatDoor {
  path: RegExp
  dialect: Dialect
  operation: Operation
  /** The provider that a model nobody knows goes to, if it is configured. */
  provider: string
}

/** A door for calls whose body names the model and the messages, in one dialect. */
export function chatDoor(door: ChatDoor): Endpoint {
  const { path, dialect } = door
  return {
    method: 'POST',
    path,
    dialect: () => dialect,
    async serve(exchange, hall) {
      const id = hall.newId()
      let call: Call
      try {
        call = await readCall(exchange, hall, id, door)
      } catch (thrown) {
        refuse(exchange, hall, dialect, thrown, id)
        return
      }
      const { clock, keepAliveMs: everyMs } = hall
      const keepAlive = call.stream ? new KeepAlive({ exchange, dialect, id, clock, everyMs }) : undefined
      try {
        const reply = await hall.handle(call)
        await writeReply(exchange, call, reply, { nowMs: clock.monotonicMs(), keepAlive })
      } catch (thrown) {
        writeFailure(exchange, dialect, Failure.from(thrown), id)
      } finally {
        keepAlive?.stop()
      }
    }
  }
}

async function readCall(exchange: Exchange, hall: Hall, id: string, door: ChatDoor): Promise<Call> {
  const { dialect, operation } = door
  const credentials = credentialsOf(exchange)
  // A stranger's body is not worth reading.
  hall.authenticate(credentials)
  const type = exchange.headers['content-type'] ?? ''
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new Failure(
      'unsupported_media_type',
      `Send "content-type: application/json"${type ? `, not "${printable(type)}"` : ''}.`
    )
  }
  const sent = JsonBody.scan(await exchange.body(hall.bodyLimits), { depthMax: hall.depthMax, once: ONCE })
  const routing = readPerCall(sent, exchange.headers)
  const body = withoutOurs(sent)
  // Who gives a list of models need not name one of them twice.
  const model = expect(body, 'model', ['string']) ? body.get('model') : routing.models[0]
  const stream = expect(body, 'stream', ['boolean', 'null']) && body.get('stream')
  if (typeof model !== 'string' || model === '') throw missing('model')
  if (!expect(body, 'messages', ['array'])) throw missing('messages')
  return {
    id,
    operation,
    dialect,
    doorProvider: door.provider,
    body,
    model,
    stream: operation === 'chat' && stream === true,
    headers: exchange.headers,
    routing,
    credentials,
    signal: exchange.signal,
    startedMs: exchange.startedMs,
    waitedMs: 0
  }
}

/** The members that are for us do not go on to providers. */
function withoutOurs(body: JsonBody): JsonBody {
  const ours = PER_CALL_MEMBERS.filter(name => body.has(name))
  return ours.length === 0 ? body : body.edit(ours.map(name => ({ path: [name], value: undefined })))
}

function missing(name: string): Failure {
  return new Failure('missing_field', `"${name}" is required.`, { param: name })
}

type JsonKind = NonNullable<ReturnType<JsonBody['kind']>>

/** Whether the member is there; wrong where it is something else. Its value is not read. */
function expect(body: JsonBody, name: string, kinds: readonly [JsonKind, ...JsonKind[]]): boolean {
  const kind = body.kind(name)
  if (kind === undefined) return false
  if (kinds.includes(kind)) return true
  throw new Failure('wrong_type', `"${name}" must be ${aKind(kinds[0])}, not ${aKind(kind)}.`, { param: name })
}

function aKind(kind: JsonKind): string {
  return kind === 'null' ? 'null' : `${/^[ao]/.test(kind) ? 'an' : 'a'} ${kind}`
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)
}

/** Every credential of the call, in whatever header clients send it. */
export function credentialsOf(exchange: Exchange): string[] {
  const { authorization, 'x-api-key': xApiKey, 'api-key': apiKey } = exchange.headers
  const bearer =
    authorization === undefined ? undefined : (/^bearer\s+(.+)$/i.exec(authorization)?.[1]?.trim() ?? authorization)
  return [bearer, xApiKey, apiKey].filter(
    (credential): credential is string => credential !== undefined && credential !== ''
  )
}
