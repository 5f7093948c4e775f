import { type OwnedIds, unknownObject } from '../access/owned.ts'
import type { Frame } from '../dialects/canonical.ts'
import type { OwnedKind, ReplyIds } from '../dialects/owned.ts'
import { Failure } from '../errors.ts'
import { type Edit, isObject, JsonBody, type JsonObject, type Path } from '../json.ts'
import type { Provider } from '../providers/provider.ts'
import type { Step } from '../routing/facts.ts'
import type { Source } from '../wire/frames.ts'
import { type Call, copyOf, type Holder, type Reply } from './call.ts'

export interface OwnedRooms {
  ids: OwnedIds
  providers: ReadonlyMap<string, Provider>
}

/**
 * The call as its provider must hear it (D6): ids that we gave out are the provider's own again, and bind the call to
 * the provider and credential that know them. Failures: `unknown_object` for what is not this owner's; `foreign_id` for
 * an id that we did not give out, unless calls are open to all; `held_apart` where one provider cannot know them all.
 */
export function unwrapIds(call: Call, owner: string | undefined, rooms: OwnedRooms): Call {
  if (call.object) return boundToObject(call, call.object, owner, rooms)
  const lens = call.dialect.owned
  if (!lens || !mayHold(call.body, lens.marks)) return call
  const edits: Edit[] = []
  const ids = new Map<string, string>()
  let holder: Holder | undefined
  for (const { kind, path, id } of lens.inRequest(call.body.object())) {
    const param = written(path)
    if (!rooms.ids.isWrapped(id)) {
      if (owner !== undefined) throw foreignId(kind, param)
      continue
    }
    const found = rooms.ids.unwrap(id, { kind, owner, param })
    if (holder && !isSame(holder, found)) throw heldApart(param)
    holder = { provider: found.provider, credential: found.credential }
    ids.set(found.id, id)
    edits.push({ path, value: found.id })
  }
  if (!holder) return call
  checkHolder(holder, rooms)
  const touches = edits.map(({ path }) => written(path))
  return copyOf(call, { body: call.body.edit(edits), references: { holder, ids, touches } })
}

/** A letter or underscore that is written as an escape: then a name does not look like itself. */
const ESCAPED_LETTER = /\\u00(?:4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\da])/i

function mayHold(body: JsonBody, marks: readonly string[]): boolean {
  if (body.holds(marks)) return true
  const { bytes } = body
  return body.mayHaveCodes && bytes.includes('\\u00') && ESCAPED_LETTER.test(bytes.toString('latin1'))
}

function boundToObject(
  call: Call,
  object: NonNullable<Call['object']>,
  owner: string | undefined,
  rooms: OwnedRooms
): Call {
  const { kind, id } = object
  const found = rooms.ids.isWrapped(id) ? rooms.ids.unwrap(id, { kind, owner }) : strangerAt(call, owner, rooms)
  if (!found) throw unknownObject(kind)
  const holder = { provider: found.provider, credential: found.credential }
  checkHolder(holder, rooms)
  const native = found.id ?? id
  const ids = new Map([[native, id]])
  return copyOf(call, {
    // A target like any other: its circuit, its retries and its time are those of the provider's objects.
    model: `${holder.provider}/${kind}s`,
    object: { ...object, id: native },
    references: { holder, ids, touches: [] }
  })
}

/** In open mode a provider's own id is taken for one of the door's provider. */
function strangerAt(call: Call, owner: string | undefined, rooms: OwnedRooms): (Holder & { id?: string }) | undefined {
  const provider = owner === undefined ? rooms.providers.get(call.doorProvider) : undefined
  return provider && { provider: provider.name, credential: provider.credentials[0]!.id }
}

function isSame(one: Holder, other: Holder): boolean {
  return one.provider === other.provider && one.credential === other.credential
}

/** The configuration may have changed since: what is kept under a key that is gone, nobody can reach. */
function checkHolder({ provider, credential }: Holder, { providers }: OwnedRooms): void {
  const found = providers.get(provider)
  if (found?.credentials.some(({ id }) => id === credential)) return
  const what = found ? `a key of ${provider}` : `the provider ${provider}`
  throw new Failure('unknown_object', `What the call refers to is kept under ${what} that is not configured any more.`)
}

function foreignId(kind: OwnedKind, param: string): Failure {
  const message = `\`${param}\` is no id of a ${kind} that this gateway gave out; those begin with "gh_${kind}_".`
  return new Failure('foreign_id', message, { param })
}

function heldApart(param: string): Failure {
  const message = `\`${param}\` is kept by another provider, or under another of its keys, than what the call refers to before it.`
  return new Failure('held_apart', message, { param })
}

type AttemptStage = (call: Call, step: Step) => Promise<Reply>

/**
 * The same attempt, whose answer says who keeps what it names; and who refuses it says so with the ids that the client
 * knows. `isNative`: the target speaks the call's own dialect.
 */
export function holding(attempt: AttemptStage, isNative: (call: Call, step: Step) => boolean): AttemptStage {
  return (call, step) => {
    if (!call.references && !call.dialect.owned?.inReplies) return attempt(call, step)
    return held(call, step, attempt, isNative(call, step))
  }
}

async function held(call: Call, step: Step, attempt: AttemptStage, isNative: boolean): Promise<Reply> {
  try {
    const reply = await attempt(call, step)
    const touches = [...reply.answered.touches, ...(call.references?.touches ?? [])]
    const holder = { provider: step.target.provider, credential: step.credential }
    return { ...reply, answered: { ...reply.answered, touches, ...(isNative && { holder }) } }
  } catch (thrown) {
    const failure = Failure.from(thrown)
    if (call.object && failure.native?.status === 404) throw unknownObject(call.object.kind)
    for (const [theirs, ours] of call.references?.ids ?? []) respell(failure, theirs, ours)
    throw failure
  }
}

/** An id so short would be found in other words. */
const SPELT_MIN = 8

function respell(failure: Failure, theirs: string, ours: string): void {
  if (theirs.length < SPELT_MIN) return
  failure.message = failure.message.replaceAll(theirs, ours)
  if (failure.native) failure.native.body = Buffer.from(failure.native.body.toString('utf8').replaceAll(theirs, ours))
}

/** The reply with ids of ours for what its provider keeps. Every other byte stays; where it names nothing, all do. */
export function wrapIds(call: Call, owner: string | undefined, reply: Reply, { ids }: OwnedRooms): Reply {
  const { holder } = reply.answered
  const places = holder && call.dialect.owned?.inReplies?.(call.body)
  if (!places) return reply
  const wrap = (kind: OwnedKind, id: string) => ids.wrap({ kind, id, owner, ...holder })
  if (reply.how === 'whole') return { ...reply, body: rewritten(reply.body, places, wrap) }
  return { ...reply, source: rewriting(reply.source, raw => rewrittenEvents(raw, places, wrap)) }
}

type Wrap = (kind: OwnedKind, id: string) => string

function rewritten(bytes: Buffer, places: ReplyIds, wrap: Wrap): Buffer {
  if (!places.marks.some(mark => bytes.includes(mark))) return bytes
  const data = parsed(bytes)
  const edits = data === undefined ? [] : places.in(data).map(({ kind, path, id }) => ({ path, value: wrap(kind, id) }))
  return edits.length === 0 ? bytes : JsonBody.of(bytes).edit(edits).bytes
}

function parsed(bytes: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The same for every event of some server-sent events, whole ones: each stands on one line, as providers write it. */
function rewrittenEvents(raw: Buffer, places: ReplyIds, wrap: Wrap): Buffer {
  if (!places.marks.some(mark => raw.includes(mark))) return raw
  const pieces: Buffer[] = []
  let from = 0
  for (let at = raw.indexOf(DATA); at !== -1; at = raw.indexOf(DATA, from)) {
    const lineEnd = raw.indexOf(LF, at)
    const end = lineEnd === -1 ? raw.length : lineEnd
    const isLine = at === 0 || raw[at - 1] === LF
    const start = at + DATA.length
    if (isLine) pieces.push(raw.subarray(from, start), rewritten(raw.subarray(start, end), places, wrap))
    else pieces.push(raw.subarray(from, end))
    from = end
  }
  pieces.push(raw.subarray(from))
  return Buffer.concat(pieces)
}

const DATA = Buffer.from('data:')
const LF = 10

function rewriting(source: Source<Frame>, rewrite: (raw: Buffer) => Buffer): Source<Frame> {
  return {
    start: sink =>
      source.start({
        frame: frame => {
          const raw = rewrite(frame.raw)
          return sink.frame(raw === frame.raw ? frame : { raw, events: frame.events })
        },
        close: outcome => sink.close(outcome)
      }),
    resume: () => source.resume(),
    destroy: reason => source.destroy(reason)
  }
}

/** `input[2].content[0].file_id` */
function written(path: Path): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
}
