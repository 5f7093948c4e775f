/** What a line of an evaluation came to for one row of its table. */
export interface Marks {
  /** Found, and was to be found. */
  right: number
  /** Found, and was not to be found. */
  wrong: number
  /** Was to be found, and was not. */
  missed: number
}

export interface Score extends Marks {
  /** Of what was found, the share that was to be found; null: nothing was found. */
  precision: number | null
  /** Of what was to be found, the share that was; null: there was nothing. */
  recall: number | null
  /** Both in one figure, recall weighing four times as much: what slips through costs more than a false alarm. */
  f2: number | null
}

export function scoreOf({ right, wrong, missed }: Marks): Score {
  const precision = share(right, right + wrong)
  const recall = share(right, right + missed)
  const f2 = share(5 * right, 5 * right + wrong + 4 * missed)
  return { right, wrong, missed, precision, recall, f2 }
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}

/** The value below which this share of them lies; null where there are none. */
export function quantile(values: readonly number[], of: number): number | null {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(of * sorted.length) - 1)] ?? null
}
