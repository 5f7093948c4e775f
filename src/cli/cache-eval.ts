import * as z from 'zod'
import { type CacheEvaluation, evaluatePairs, type QuestionPair } from '../cache/evaluation.ts'
import { isObject, type JsonObject } from '../json.ts'
import { table } from './show.ts'

const BATCH = 64
const pairSchema = z.strictObject({ a: z.string().min(1), b: z.string().min(1), same: z.boolean() })

/** The pairs of a file. Throws an Error that names the line which is none. */
export function pairsIn(text: string, file: string): QuestionPair[] {
  const pairs = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const wrong = (what: string) => new Error(`${file}:${index + 1}: ${what}`)
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      throw wrong('is no JSON')
    }
    const { success, data } = pairSchema.safeParse(value)
    if (success) return [data]
    throw wrong('expected {"a": "…", "b": "…", "same": true or false}')
  })
  if (pairs.some(({ same }) => same) && pairs.some(({ same }) => !same)) return pairs
  throw new Error(`${file} needs pairs with one answer ("same": true), and pairs with two`)
}

/** Where vectors come from: the door of a gateway that runs. */
export interface Embedder {
  url: string
  /** Undefined: the gateway asks for none. */
  key: string | undefined
  model: string
}

/** Has the gateway make vectors of all texts of the pairs, and says what each threshold would do. */
export async function evaluateCache(
  pairs: readonly QuestionPair[],
  allowed: number,
  embedder: Embedder
): Promise<CacheEvaluation> {
  const texts = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))]
  const vectors = new Map<string, readonly number[]>()
  for (let at = 0; at < texts.length; at += BATCH) {
    const some = texts.slice(at, at + BATCH)
    const made = await embed(some, embedder)
    for (const [index, text] of some.entries()) vectors.set(text, made[index]!)
  }
  return evaluatePairs(pairs, vectors, allowed)
}

async function embed(texts: readonly string[], { url, key, model }: Embedder): Promise<(readonly number[])[]> {
  const answer = await fetch(`${url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model, input: texts })
  }).catch(thrown => {
    throw new Error(`no gateway answers at ${url}: ${thrown instanceof Error ? thrown.message : thrown}`)
  })
  const body = (await answer.json().catch(() => ({}))) as JsonObject
  if (!answer.ok) {
    const message = isObject(body.error) ? body.error.message : undefined
    throw new Error(`the gateway answered ${answer.status}: ${message ?? 'without a reason'}`)
  }
  const data = Array.isArray(body.data) ? body.data.filter(isObject) : []
  if (data.length !== texts.length) throw new Error('the gateway answered with another number of vectors than texts')
  return data.map(({ embedding }) => embedding as number[])
}

/** The evaluation in words. */
export function describedCache(evaluation: CacheEvaluation, allowed: number): string {
  const { same, different, rows, proposed, isCertain, differentNeeded } = evaluation
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  const lines = table(
    rows.map(row => ({
      threshold: row.threshold.toFixed(2),
      hits: `${row.hits} (${percent(row.hits / same)})`,
      'false hits': `${row.falseHits} (${percent(row.falseHits / different)})`,
      'at most': percent(row.falseShareMax),
      'by vectors alone': row.falseHitsByVectorAlone
    })),
    ['threshold', 'hits', 'false hits', 'at most', 'by vectors alone']
  )
  const found = `${same} pairs with one answer, ${different} with two.\n\n${lines}\n`
  if (!proposed) return `${found}\nNo threshold up to 0.99 keeps false hits to ${percent(allowed)}.\n`
  const gives = `${percent(proposed.hits / same)} of the pairs with one answer would be hits`
  const sure = isCertain
    ? `, and at most ${percent(proposed.falseShareMax)} of those with two (95 % confidence)`
    : `. That few false hits are no chance is not shown: it takes ${differentNeeded} pairs with two answers and none of them a hit`
  return `${found}\nProposed: threshold ${proposed.threshold.toFixed(2)}. ${gives}${sure}.\n`
}
