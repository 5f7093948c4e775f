import type { TextRef } from '../dialects/dialect.ts'
import type { Guard } from './attached.ts'
import type { Passage } from './guard.ts'
import { askJudges } from './judges.ts'
import { Lane } from './lane.ts'
import { placeOf, type Reading } from './passages.ts'

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

/** Puts what is to be replaced of it into its event. */
export function write(piece: Piece): void {
  if (!piece.lane.isRewritten) return
  const text = piece.ref.get()
  const written = piece.lane.written(piece, text)
  if (written === text) return
  piece.ref.set(written)
  piece.isChanged = true
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
