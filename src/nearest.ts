/**
 * The candidates that a person may have meant by `name`, nearest first: at most a third of the letters wrong, missing,
 * too many or swapped with their neighbour (Damerau-Levenshtein, optimal string alignment). Case does not count.
 */
export function nearest(name: string, candidates: Iterable<string>, max = 3): string[] {
  const bound = Math.max(1, Math.floor(name.length / 3))
  const wanted = name.toLowerCase()
  const near: { candidate: string; distance: number }[] = []
  for (const candidate of candidates) {
    const distance = distanceWithin(wanted, candidate.toLowerCase(), bound)
    if (distance !== undefined) near.push({ candidate, distance })
  }
  near.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
  return near.slice(0, max).map(entry => entry.candidate)
}

/** The number of single edits between two texts; undefined when it is more than `bound`. */
function distanceWithin(a: string, b: string, bound: number): number | undefined {
  if (Math.abs(a.length - b.length) > bound) return undefined
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, beforeLast[column - 2]! + 1)
      current.push(cost)
    }
    // A later row never has less than the least of this one and the one before, so far names are left early.
    if (Math.min(...current, ...last) > bound) return undefined
    beforeLast = last
    last = current
  }
  const distance = last[b.length]!
  return distance <= bound ? distance : undefined
}
