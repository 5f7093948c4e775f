import type { Passage } from './guard.ts'

/** A piece of a passage, for services that take no more than so much at a time. */
export interface Excerpt {
  path: string
  text: string
  /** Where in the passage it begins, in UTF-16 units. */
  at: number
}

/**
 * Passages as pieces of at most `units` UTF-16 units (of code points there are never more). Each begins `overlap` before
 * the end of the one before, so that what a cut goes through is whole in one of them. Blank ones are left out.
 */
export function excerptsOf(passages: readonly Pick<Passage, 'path' | 'text'>[], units: number, overlap = 0): Excerpt[] {
  return passages.flatMap(({ path, text }) => [...cuts(text, units, overlap)].map(piece => ({ path, ...piece })))
}

/**
 * Passages as one, for services that say of a text what it is and not where: a conversation has hundreds of them, and
 * every request takes its time.
 */
export function joined(passages: readonly Pick<Passage, 'text'>[]): [Pick<Passage, 'path' | 'text'>] {
  const texts = passages.map(({ text }) => text).filter(text => text.trim() !== '')
  return [{ path: '', text: texts.join('\n\n') }]
}

function* cuts(text: string, units: number, overlap: number): Generator<Omit<Excerpt, 'path'>> {
  for (let at = 0; at < text.length; ) {
    const end = text.length - at <= units ? text.length : cutBefore(text, at + units)
    const piece = text.slice(at, end)
    if (piece.trim() !== '') yield { text: piece, at }
    if (end === text.length) return
    at = Math.max(at + 1, cutBefore(text, end - overlap))
  }
}

/** Never through the two halves of one character. */
function cutBefore(text: string, end: number): number {
  return /[\udc00-\udfff]/.test(text[end] ?? '') && /[\ud800-\udbff]/.test(text[end - 1] ?? '') ? end - 1 : end
}

/** As many at a time as together weigh no more than `weightMax`, and are no more than `countMax`; each alone if need be. */
export function batchesOf<Item>(
  items: readonly Item[],
  { countMax, weightMax, weightOf }: { countMax: number; weightMax: number; weightOf(item: Item): number }
): Item[][] {
  const batches: Item[][] = []
  let weight = 0
  for (const item of items) {
    const last = batches.at(-1)
    weight += weightOf(item)
    if (last && last.length < countMax && weight <= weightMax) last.push(item)
    else {
      batches.push([item])
      weight = weightOf(item)
    }
  }
  return batches
}

/** Runs `ask` for every item, at most `atOnce` at a time; the answers in the order of the items. */
export async function askAll<Item, Answer>(
  items: readonly Item[],
  atOnce: number,
  ask: (item: Item) => Promise<Answer>
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let at = 0; at < items.length; at += atOnce) {
    answers.push(...(await Promise.all(items.slice(at, at + atOnce).map(ask))))
  }
  return answers
}
