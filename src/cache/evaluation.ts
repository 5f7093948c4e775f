import { unit } from './semantic.ts'
import { differs } from './veto.ts'

/** Two questions, and whether one answer is right for both. */
export interface QuestionPair {
  a: string
  b: string
  same: boolean
}

/** What a threshold would do with the pairs. */
export interface EvaluationRow {
  threshold: number
  /** Pairs with one answer that would be given one, of all such. */
  hits: number
  /** Pairs with two answers that would be given one all the same. */
  falseHits: number
  /** The same if nothing but the vectors decided. */
  falseHitsByVectorAlone: number
  /** Of the share of false hits among pairs with two answers: what it is at most, with 95 % confidence. */
  falseShareMax: number
}

export interface CacheEvaluation {
  same: number
  different: number
  rows: EvaluationRow[]
  /** The lowest threshold with no more false hits than are allowed; undefined: there is none. */
  proposed: EvaluationRow | undefined
  /** Whether the pairs are enough to say so with 95 % confidence; else how many with two answers it takes, without a false hit. */
  isCertain: boolean
  differentNeeded: number
}

const FROM = 70
const TO = 99
/** Of the standard normal distribution, for 95 % on both sides. */
const Z = 1.959964

/**
 * What each threshold would do with pairs of known sameness. `vectors`: of each text, of whatever length. Of a share
 * `allowed` (0 to 1) of false hits, the lowest threshold that keeps to it is proposed: it has most hits.
 */
export function evaluatePairs(
  pairs: readonly QuestionPair[],
  vectors: ReadonlyMap<string, readonly number[]>,
  allowed: number
): CacheEvaluation {
  const judged = pairs.map(({ a, b, same }) => ({
    same,
    score: cosine(vectors.get(a), vectors.get(b)),
    isVetoed: differs(a, b) !== undefined
  }))
  const different = judged.filter(({ same }) => !same).length
  const rows = Array.from({ length: TO - FROM + 1 }, (_, at) => {
    const threshold = (FROM + at) / 100
    const near = judged.filter(({ score }) => score >= threshold)
    const given = near.filter(({ isVetoed }) => !isVetoed)
    const falseHits = given.filter(({ same }) => !same).length
    return {
      threshold,
      hits: given.length - falseHits,
      falseHits,
      falseHitsByVectorAlone: near.filter(({ same }) => !same).length,
      falseShareMax: upperBound(falseHits, different)
    }
  })
  const keeps = rows.filter(({ falseHits }) => different > 0 && falseHits / different <= allowed)
  // A higher threshold never has more false hits: the first that keeps to it is the lowest.
  const certain = keeps.find(({ falseShareMax }) => falseShareMax <= allowed)
  return {
    same: pairs.length - different,
    different,
    rows,
    proposed: certain ?? keeps[0],
    isCertain: certain !== undefined,
    differentNeeded: Math.ceil((Z * Z * (1 - allowed)) / allowed)
  }
}

function cosine(one: readonly number[] | undefined, other: readonly number[] | undefined): number {
  const [left, right] = [one && unit(one), other && unit(other)]
  if (!left || !right || left.length !== right.length) return Number.NEGATIVE_INFINITY
  return left.reduce((sum, value, at) => sum + value * right[at]!, 0)
}

/** Of Wilson's interval for a share (E. B. Wilson, 1927): it holds for few, and where none was seen. */
function upperBound(seen: number, of: number): number {
  if (of === 0) return 1
  const share = seen / of
  const square = Z * Z
  const middle = share + square / (2 * of)
  const spread = Z * Math.sqrt((share * (1 - share)) / of + square / (4 * of * of))
  return Math.min(1, (middle + spread) / (1 + square / of))
}
