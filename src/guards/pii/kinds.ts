/** What is looked for where a number, or a word with digits, begins. */
export interface Kind {
  /** As `types` of the configuration has it; several kinds may be of one type. */
  type: string
  /** Sticky. Reads no further than 48 units. */
  shape: RegExp
  /** Whether it is one, of what the shape has read. */
  holds(text: string): boolean
  /** Must stand shortly before, where the shape alone says too little. Lower case, without accents. */
  context?: RegExp
  /** Must not stand there: what it would say is that the number is something else. */
  unless?: RegExp
  score: number
}

/** How far before it a word says what a number is. */
export const CONTEXT_UNITS = 48

/** Something found, by offsets in the text that was looked through; the end is exclusive. */
export interface Spotted {
  type: string
  start: number
  end: number
  /** 0 to 1. */
  score: number
}
