/** The fractional part of the golden ratio: of all steps round a circle it leaves the smallest gaps. */
const STEP = (Math.sqrt(5) - 1) / 2

/**
 * Draws that come out as their weights say. What chance decides (a split's branch) is drawn from a sequence of its own,
 * spread over 0 to 1 as evenly as can be: after n draws every share is right to a few parts in n, where dice would be
 * off by a part in √n.
 */
export class EvenDraws {
  readonly #made = new Map<object, number>()

  next(of: object): number {
    const count = this.#made.get(of) ?? 0
    this.#made.set(of, count + 1)
    return (0.5 + count * STEP) % 1
  }
}
