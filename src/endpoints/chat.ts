import type { Address, Dialect, Operation } from '../dialects/dialect.ts'
import { Failure } from '../errors.ts'
import { JsonBody } from '../json.ts'
import { PER_CALL_MEMBERS, readPerCall } from '../routing/per-call.ts'
import type { Call, Reply } from '../stages/call.ts'
import type { Standing } from '../stages/repeats.ts'
import type { Exchange } from '../wire/exchange.ts'
import { CLIENT_FRAMINGS } from '../wire/framing.ts'
import { refuse, wholeHeaders, writeFailure, writeReply } from './answer.ts'
import { credentialsOf } from './credentials.ts'
import type { Endpoint, Hall } from './endpoint.ts'
import { KeepAlive } from './keep-alive.ts'

/** Members that decide a call: twice there, a provider might take the other one (D20). */
const ONCE = new Set([
  'model',
  'stream',
  'n',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'messages',
  'input',
  'instructions',
  'previous_response_id',
  'conversation',
  'store',
  'contents',
  'generationConfig',
  'tools',
  'system'
])

type JsonKind = NonNullable<ReturnType<JsonBody['kind']>>

export interface ChatDoor {
  /** As the scopes of keys name it. */
  door: string
  path: RegExp
  dialect: Dialect
  operation: Operation
  /** The member that must be there. Default: where the dialect keeps the turns of a conversation. */
  required?: string
  /** What it may be; the first is what a client is told. */
  turns?: readonly [JsonKind, ...JsonKind[]]
  /** It may be left out: something else stands for it. */
  turnsOptional?: boolean
  /** What the address says of the call, beside its body. Throws a Failure. */
  address?(parameters: RegExpExecArray, query: string): DoorAddress
}

export interface DoorAddress extends Partial<Address> {
  framing?: Call['framing']
}

/** A door for calls whose body holds the turns of a conversation, in one dialect. */
export function chatDoor(door: ChatDoor): Endpoint {
  const { path, dialect } = door
  return {
    method: 'POST',
    path,
    dialect: () => dialect,
    async serve(exchange, hall, parameters) {
      const id = hall.newId()
      const standing = exchange.verbatim && hall.repeats?.standing()
      try {
        const call = await readCall(exchange, hall, id, door, parameters)
        await answerCall(exchange, hall, call, standing)
      } catch (thrown) {
        refuse(exchange, hall, dialect, thrown, id)
      }
    }
  }
}

type WholeReply = Extract<Reply, { how: 'whole' }>

/** Has the call handled, and answers with what comes of it; never rejects. */
export async function answerCall(exchange: Exchange, hall: Hall, call: Call, standing?: Standing): Promise<void> {
  const { clock, keepAliveMs: everyMs } = hall
  const { id, dialect } = call
  const framing = CLIENT_FRAMINGS[call.framing]
  const keepAlive = call.stream ? new KeepAlive({ exchange, dialect, framing, id, clock, everyMs }) : undefined
  try {
    const reply = await hall.handle(call)
    await writeReply(exchange, call, reply, { nowMs: clock.monotonicMs(), keepAlive })
    if (standing && reply.how === 'whole') learn(exchange, hall, call, reply, standing)
  } catch (thrown) {
    writeFailure(exchange, dialect, Failure.from(thrown), id, framing)
  } finally {
    keepAlive?.stop()
  }
}

/** The very same request may come again. */
function learn(exchange: Exchange, hall: Hall, call: Call, reply: WholeReply, standing: Standing): void {
  const { verbatim: request, remoteAddress: address } = exchange
  if (!request) return
  const headers = wholeHeaders(call, reply, hall.clock.monotonicMs())
  hall.repeats?.learn({ request, address, call, reply, headers, standing })
}

async function readCall(
  exchange: Exchange,
  hall: Hall,
  id: string,
  door: ChatDoor,
  parameters: RegExpExecArray
): Promise<Call> {
  const { dialect, operation } = door
  const credentials = credentialsOf(exchange)
  const { remoteAddress } = exchange
  // A stranger's body is not worth reading.
  const known = hall.authenticate({ credentials, address: remoteAddress, door: door.door })
  if (known instanceof Promise) await known
  const address = door.address?.(parameters, exchange.query) ?? {}
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
  const model = address.model ?? modelIn(body, dialect) ?? routing.models[0] ?? missing('model')
  const stream = address.stream ?? isStream(body, dialect)
  expectTurns(body, door)
  return {
    id,
    operation,
    dialect,
    doorProvider: dialect.maker,
    body: naming(model, body, dialect),
    model,
    stream: operation === 'chat' && stream,
    framing: address.framing ?? 'sse',
    headers: exchange.headers,
    routing,
    credentials,
    received: sent.bytes,
    signal: exchange.signal,
    address: remoteAddress,
    door: door.door,
    startedMs: exchange.startedMs,
    waitedMs: 0
  }
}

/** Who gives a list of models need not name one of them twice. */
function modelIn(body: JsonBody, { members }: Dialect): string | undefined {
  if (members.model === undefined || !expect(body, members.model, ['string'])) return undefined
  const model = body.get(members.model)
  return typeof model === 'string' && model !== '' ? model : missing(members.model)
}

/** A dialect that has the model in its body has it there, also where the client said it elsewhere. */
function naming(model: string, body: JsonBody, { members }: Dialect): JsonBody {
  if (members.model === undefined || body.has(members.model)) return body
  return body.edit([{ path: [members.model], value: model }])
}

function isStream(body: JsonBody, { members }: Dialect): boolean {
  return (
    members.stream !== undefined &&
    expect(body, members.stream, ['boolean', 'null']) &&
    body.get(members.stream) === true
  )
}

function expectTurns(body: JsonBody, { dialect, required, turns = ['array'], turnsOptional }: ChatDoor): void {
  const name = required ?? dialect.members.conversation
  if (!expect(body, name, turns) && !turnsOptional) missing(name)
}

/** The members that are for us do not go on to providers. */
function withoutOurs(body: JsonBody): JsonBody {
  const ours = PER_CALL_MEMBERS.filter(name => body.has(name))
  return ours.length === 0 ? body : body.edit(ours.map(name => ({ path: [name], value: undefined })))
}

function missing(name: string): never {
  throw new Failure('missing_field', `"${name}" is required.`, { param: name })
}

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
