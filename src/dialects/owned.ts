import { isObject, type Json, type JsonBody, type JsonObject, type Path } from '../json.ts'

/** What a provider keeps for whoever made it, under an id (D6). */
export type OwnedKind = 'response' | 'conversation' | 'file' | 'container' | 'cache'

/** An id of such a thing, where it stands in a native body. */
export interface OwnedId {
  kind: OwnedKind
  path: Path
  id: string
}

/** Where ids stand in replies. */
export interface ReplyIds {
  /** Bytes of which a reply, or one event of its stream, holds some if it names anything: looked for before it is read. */
  readonly marks: readonly string[]
  /** Of a whole reply, or of the data of one event. */
  in(data: JsonObject): OwnedId[]
}

/** Where a dialect names things that are kept at its provider. */
export interface OwnedLens {
  /** Member names of which a native request holds some if it names anything. */
  readonly marks: readonly string[]
  inRequest(body: JsonObject): OwnedId[]
  /** Undefined where replies to this request name nothing, so that nobody has to look. */
  inReplies?(request: JsonBody): ReplyIds | undefined
}

/** A place in a body: names joined by dots, `[]` for every element of a list, `*` for every member of an object. */
export interface Place {
  kind: OwnedKind
  steps: readonly string[]
  /** Which texts there are ids; without it all. */
  isId: (text: string) => boolean
}

/** `place('file', 'input[].content[].file_id')` */
export function place(kind: OwnedKind, path: string, isId: Place['isId'] = () => true): Place {
  return { kind, steps: path.replaceAll('[]', '.[]').split('.'), isId }
}

/** The same places below another member, as the data of a stream's event has them. */
export function below(prefix: string, places: readonly Place[]): Place[] {
  return places.map(each => ({ ...each, steps: [...prefix.split('.'), ...each.steps] }))
}

/** The ids that stand at these places. */
export function idsAt(body: JsonObject, places: readonly Place[]): OwnedId[] {
  return places.flatMap(({ kind, steps, isId }) =>
    [...textsAt(body, steps, [])].filter(({ id }) => isId(id)).map(({ path, id }) => ({ kind, path, id }))
  )
}

function* textsAt(
  value: Json | undefined,
  steps: readonly string[],
  path: Path
): Generator<{ path: Path; id: string }> {
  const [step, ...rest] = steps
  if (step === undefined) {
    if (typeof value === 'string' && value !== '') yield { path, id: value }
  } else if (step === '[]') {
    if (Array.isArray(value)) for (const [at, each] of value.entries()) yield* textsAt(each, rest, [...path, at])
  } else if (isObject(value)) {
    const names = step === '*' ? Object.keys(value) : Object.hasOwn(value, step) ? [step] : []
    for (const name of names) yield* textsAt(value[name], rest, [...path, name])
  }
}
