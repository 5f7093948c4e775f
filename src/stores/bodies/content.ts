import type { BodyHit, BodyRow } from '../bodies.ts'
import { type Content, type Cut, cut, type Digest, type Node } from './cut.ts'
import { type Packed, pack, unpack } from './packing.ts'
import { indexedWords, snippetOf, textsIn } from './words.ts'

/** One body of a request, as it is kept. */
export interface KeptBody {
  /** `received`, `answered`, or `sent:` and the attempt's id. */
  slot: string
  root: Digest | undefined
  ending: Buffer
}

/** A request, as it is kept. */
export interface KeptRequest extends Omit<BodyRow, 'received' | 'sent' | 'answered'> {
  bodies: KeptBody[]
  /** Words of what it brought. */
  words: string[]
  /** The links it was the first to bring that have words, one after another, 16 characters each. */
  brought: string
}

/** A link, with what it points to. */
export interface Link {
  glue: Buffer
  list: Digest | undefined
  piece: Packed | undefined
}

/** What an engine does for a day, within a transaction. */
export interface DayWriter {
  knownNodes(digests: readonly Digest[]): Promise<Set<Digest>>
  knownPieces(digests: readonly Digest[]): Promise<Set<Digest>>
  /** Answers which of them were not there, also if another process is adding the same. */
  addPieces(pieces: ReadonlyMap<Digest, Packed>): Promise<Set<Digest>>
  addNodes(nodes: ReadonlyMap<Digest, Node>): Promise<void>
  /** One that is there already stays. */
  addRequests(requests: readonly KeptRequest[]): Promise<void>
}

export interface DayReader {
  /** The links of a chain, from its first to its last. */
  chain(last: Digest): Promise<Link[]>
  links(digests: readonly Digest[]): Promise<Map<Digest, Link>>
}

interface Entry {
  request: KeptRequest
  cuts: Cut[]
}

/**
 * Keeps requests of one day. A link that is known has all before it there too, and needs nothing: the cost of a turn is
 * what is new in it. Whatever brings something first also makes it found by its words.
 */
export async function keep(day: DayWriter, rows: readonly BodyRow<Buffer>[]): Promise<void> {
  const content: Content = { nodes: new Map(), pieces: new Map() }
  const inOrder = [...rows].sort((a, b) => a.atMs - b.atMs)
  const entries = inOrder.map(row => entryOf(row, content))
  const known = await day.knownNodes([...content.nodes.keys()])
  const nodes = new Map([...content.nodes].filter(([digest]) => !known.has(digest)))
  const needed = [...new Set([...nodes.values()].flatMap(node => (node.isList ? [] : (node.child ?? []))))]
  const there = await day.knownPieces(needed)
  const packed = new Map<Digest, Packed>()
  for (const digest of needed) {
    if (!there.has(digest)) packed.set(digest, pack(content.pieces.get(digest) as Buffer))
  }
  const added = await day.addPieces(packed)
  await day.addNodes(nodes)
  for (const entry of entries) claim(entry, content, nodes, added)
  await day.addRequests(entries.map(entry => entry.request))
}

function entryOf(row: BodyRow<Buffer>, content: Content): Entry {
  const { received, sent, answered, ...request } = row
  const texts: { slot: string; text: Buffer }[] = []
  if (received) texts.push({ slot: 'received', text: received })
  for (const { attemptId, body } of sent) texts.push({ slot: `sent:${attemptId}`, text: body })
  if (answered) texts.push({ slot: 'answered', text: answered })
  const cuts: { text: Buffer; cut: Cut }[] = []
  const bodies = texts.map(({ slot, text }) => {
    let same = cuts.find(other => other.text.equals(text))
    if (!same) {
      same = { text, cut: cut(text, content) }
      cuts.push(same)
    }
    return { slot, root: same.cut.root, ending: same.cut.ending }
  })
  const kept = { ...request, atMs: Math.floor(row.atMs), bodies, words: [], brought: '' }
  return { request: kept, cuts: cuts.map(each => each.cut) }
}

/** Gives an entry what it is the first to bring: what is claimed is no longer there for the next. */
function claim({ request, cuts }: Entry, content: Content, nodes: Map<Digest, Node>, added: Set<Digest>): void {
  const brought: Digest[] = []
  const parts = cuts.map(each => each.ending)
  for (const digest of cuts.flatMap(each => each.links)) {
    const node = nodes.get(digest)
    if (!node) continue
    nodes.delete(digest)
    const piece = !node.isList && node.child !== undefined && added.delete(node.child) && content.pieces.get(node.child)
    parts.push(node.glue)
    if (piece) parts.push(piece)
    if (piece || !textsOf([node.glue]).next().done) brought.push(digest)
  }
  request.brought = brought.join('')
  request.words = indexedWords(textsOf(parts))
}

function* textsOf(parts: readonly Buffer[]): Generator<string> {
  for (const part of parts) yield* textsIn(part)
}

/** Puts the bodies of a request together again. */
export async function restore(
  day: DayReader,
  { bodies, words: _words, brought: _brought, ...request }: KeptRequest
): Promise<BodyRow> {
  const lists = new Map<Digest, Buffer>()
  const textOf = async ({ root, ending }: KeptBody) => {
    const before = root === undefined ? [] : [await chainBytes(day, root, lists)]
    return Buffer.concat([...before, ending]).toString('utf8')
  }
  const row: BodyRow = { ...request, received: undefined, sent: [], answered: undefined }
  const sent: { attemptId: string; body: string }[] = []
  for (const body of bodies) {
    const text = await textOf(body)
    if (body.slot === 'received') row.received = text
    else if (body.slot === 'answered') row.answered = text
    else sent.push({ attemptId: body.slot.slice('sent:'.length), body: text })
  }
  return { ...row, sent }
}

/** A list is read once, however many bodies of the request share it. */
async function chainBytes(day: DayReader, last: Digest, lists: Map<Digest, Buffer>): Promise<Buffer> {
  const known = lists.get(last)
  if (known) return known
  const parts: Buffer[] = []
  for (const { glue, list, piece } of await day.chain(last)) {
    parts.push(glue)
    if (list !== undefined) parts.push(await chainBytes(day, list, lists))
    else if (piece) parts.push(unpack(piece))
  }
  const bytes = Buffer.concat(parts)
  lists.set(last, bytes)
  return bytes
}

/** The requests that were found, each with where the words are in what it brought: asked for all at once. */
export async function hitsOf(
  day: DayReader,
  requests: readonly KeptRequest[],
  words: readonly string[]
): Promise<BodyHit[]> {
  const broughtBy = requests.map(({ brought }) => brought.match(/[\s\S]{16}/g) ?? [])
  const links = await day.links([...new Set(broughtBy.flat())])
  return requests.map(({ requestId, atMs, bodies }, at) => {
    const parts = bodies.map(each => each.ending)
    for (const digest of broughtBy[at]!) {
      const link = links.get(digest)
      if (link) parts.push(link.glue)
      if (link?.piece) parts.push(unpack(link.piece))
    }
    return { requestId, atMs, snippet: snippetOf(textsOf(parts), words) }
  })
}
