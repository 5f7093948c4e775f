import type { TextRef } from '../dialects/dialect.ts'
import { type Guard, isNoted } from './attached.ts'
import type { Passage } from './guard.ts'
import { askJudges } from './judges.ts'
import { Lane } from './lane.ts'
import { placeOf, type Reading, viewOf } from './passages.ts'

/** A text of an event that waits, and where it stands in its lane. */
export interface Piece {
  ref: TextRef
  lane: Lane
  key: string
  /** Its lane has no other piece. */
  isWhole: boolean
  start: number
  end: number
  /** A judge had it changed already. */
  isChanged: boolean
}

/**
 * Puts what is to be replaced of it into its event. Returns its text as other services may see it: without what its
 * placeholders stand for.
 */
export function write(piece: Piece): string {
  const text = piece.ref.get()
  if (!piece.lane.isRewritten) return text
  const { text: written, hidden } = piece.lane.written(piece, text)
  if (written === text) return hidden
  piece.ref.set(written)
  piece.isChanged = true
  return hidden
}

/** What a stream said, for checks of the whole that hold nothing back: they are asked when all of it is gone. */
export class Heard {
  readonly #texts = new Map<string, { ref: TextRef; texts: string[] }>()
  #units = 0
  readonly #unitsMax: number

  /** `unitsMax`: of more than this, nothing is kept. */
  constructor(unitsMax: number) {
    this.#unitsMax = unitsMax
  }

  add({ ref, key, isWhole }: Piece, text: string): void {
    this.#units += text.length
    if (this.#units > this.#unitsMax) {
      this.#texts.clear()
      return
    }
    const path = isWhole ? `${key} ${this.#texts.size}` : key
    const known = this.#texts.get(path)
    if (known) known.texts.push(text)
    else this.#texts.set(path, { ref, texts: [text] })
  }

  /** Has it judged, and notes what is found. Never rejects: nothing comes of it any more. */
  async judge(judges: readonly Guard[], reading: Reading): Promise<void> {
    const { guarding } = reading
    if (this.#units > this.#unitsMax) {
      for (const guard of judges) guarding.failed(guard, 'response', new Error('The answer is too long to be kept.'))
      return
    }
    const known = new Set<string>()
    const passages: Passage[] = []
    for (const [path, { ref, texts }] of this.#texts) {
      const place = { ...placeOf(ref, 'response'), path }
      const text = viewOf(texts.join(''), place)
      if (!known.has(text)) passages.push({ ...place, text, sealed: ref.sealed })
      known.add(text)
    }
    await askJudges(judges.filter(isNoted), reading, () => passages)
  }
}

/** All pieces of one text, joined anew as the other guards have left them. */
interface Joined {
  lane: Lane
  pieces: { piece: Piece; start: number; end: number }[]
}

/**
 * Has a stream judged that is there to its end. What is to be replaced, and what placeholders stand for, is in the
 * pieces' lanes then. Rejects with what does not let it pass.
 */
export async function judgePieces(pieces: readonly Piece[], judges: readonly Guard[], reading: Reading): Promise<void> {
  const texts = joined(pieces, reading)
  // Some dialects repeat a text whole, and again: it is judged once, and all of them are treated alike.
  const firstPath = new Map<string, string>()
  const passages: Passage[] = []
  for (const [
    path,
    {
      lane,
      pieces: [first]
    }
  ] of texts) {
    const { ref } = first!.piece
    const text = lane.view
    if (firstPath.has(text)) continue
    firstPath.set(text, path)
    passages.push({ ...placeOf(ref, 'response'), path, text, sealed: ref.sealed })
  }
  const spots = await askJudges(judges, reading, () => passages)
  for (const { lane, pieces: placed } of texts.values()) {
    lane.end()
    lane.look(spots.get(firstPath.get(lane.view)!) ?? [])
    for (const { piece, start, end } of placed) Object.assign(piece, { lane, start, end })
  }
}

function joined(pieces: readonly Piece[], { guarding }: Reading): Map<string, Joined> {
  const texts = new Map<string, Joined>()
  for (const piece of pieces) {
    write(piece)
    const { ref, key, isWhole } = piece
    const path = isWhole ? `${key} ${texts.size}` : key
    let text = texts.get(path)
    if (!text) {
      const lane = new Lane({ place: { ...placeOf(ref, 'response'), path }, guards: [], guarding, restores: true })
      text = { lane, pieces: [] }
      texts.set(path, text)
    }
    text.pieces.push({ piece, ...text.lane.push(ref.get(), ref.sealed) })
  }
  return texts
}
