/** Calls that went from one target to another; fractions where shares are expected. */
export interface Move {
  /** `provider/model`; null: nobody answered. */
  from: string | null
  to: string | null
  calls: number
}

interface Pool {
  from: Map<string | null, number>
  to: Map<string | null, number>
}

/**
 * Who answered, against who would. Calls that chance sends one way or another are alike: which of them goes where is
 * nothing that a configuration decides. So of alike calls as many stay as can, and only what is over moves: the same
 * configuration moves none.
 */
export class Moves {
  readonly #pools = new Map<string, Pool>()

  /** `alike`: the same text for calls whose way differs by chance alone. Shares of `to` add up to 1. */
  add(alike: string, from: string | null, to: Iterable<readonly [target: string | null, share: number]>): void {
    let pool = this.#pools.get(alike)
    if (!pool) {
      pool = { from: new Map(), to: new Map() }
      this.#pools.set(alike, pool)
    }
    add(pool.from, from, 1)
    for (const [target, share] of to) add(pool.to, target, share)
  }

  /** Every pair, those too that stay, the largest first. */
  list(): Move[] {
    const sums = new Map<string, Move>()
    for (const { from, to, calls } of [...this.#pools.values()].flatMap(movesOf)) {
      const pair = JSON.stringify([from, to])
      const move = sums.get(pair) ?? { from, to, calls: 0 }
      move.calls += calls
      sums.set(pair, move)
    }
    return [...sums.values()].sort((a, b) => b.calls - a.calls)
  }
}

function movesOf({ from, to }: Pool): Move[] {
  const moves: Move[] = []
  const leaving = new Map(from)
  const coming = new Map(to)
  for (const [target, calls] of from) {
    const staying = Math.min(calls, to.get(target) ?? 0)
    if (staying === 0) continue
    moves.push({ from: target, to: target, calls: staying })
    leaving.set(target, calls - staying)
    coming.set(target, to.get(target)! - staying)
  }
  const total = sum(leaving)
  if (total < NOTHING) return moves
  for (const [target, calls] of leaving) {
    for (const [other, share] of coming) {
      if (calls * share > NOTHING) moves.push({ from: target, to: other, calls: (calls * share) / total })
    }
  }
  return moves
}

/** What is less is the rest of a subtraction. */
const NOTHING = 1e-6

function add(counts: Map<string | null, number>, target: string | null, calls: number): void {
  counts.set(target, (counts.get(target) ?? 0) + calls)
}

function sum(counts: ReadonlyMap<unknown, number>): number {
  return [...counts.values()].reduce((total, each) => total + each, 0)
}
