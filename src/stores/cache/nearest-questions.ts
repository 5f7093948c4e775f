import type { SimilarQuestion } from '../cache.ts'
import { dot, unpackVector } from './similarity.ts'

/** Vectors and texts that are kept between questions, in bytes; the fingerprint asked for longest ago goes first. */
const BYTES_MAX = 256 * 1024 * 1024
const HEAD_BYTES = 12

interface Known {
  vector: Float32Array
  text: string
  keptUntilMs: number
}

interface Group {
  /** How far it is: see `z:` in redis-scripts.ts. */
  number: number
  questions: Map<string, Known>
  bytes: number
}

/** As it is kept on the server: end, dimension, vector, text. */
export function packQuestion(keptUntilMs: number, vector: Buffer, text: string): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeDoubleLE(keptUntilMs, 0)
  head.writeUInt32LE(vector.length, 8)
  return Buffer.concat([head, vector, Buffer.from(text)])
}

/** Questions that a server keeps, as far as they were fetched: in a thread, which compares. */
export class NearestQuestions {
  /** The one asked for last is the last. */
  readonly #groups = new Map<string, Group>()
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  /** How far the fingerprint is; 0: nothing is known of it. */
  position(fingerprint: string): number {
    return this.#groups.get(fingerprint)?.number ?? 0
  }

  /** `packed`: one question behind the other, in the order of `keys`. */
  add(
    fingerprint: string,
    number: number,
    keys: readonly string[],
    lengths: readonly number[],
    packed: Uint8Array
  ): void {
    const group = this.#groups.get(fingerprint) ?? { number: 0, questions: new Map(), bytes: 0 }
    this.#groups.set(fingerprint, group)
    group.number = Math.max(group.number, number)
    let at = 0
    for (const [index, key] of keys.entries()) {
      const end = at + (lengths[index] ?? 0)
      this.#remove(group, key)
      const question = unpackQuestion(packed.subarray(at, end))
      if (question) this.#put(group, key, question)
      at = end
    }
    for (const [oldest] of this.#groups) {
      if (this.#bytes <= this.#bytesMax || oldest === fingerprint) break
      this.forget(oldest)
    }
  }

  nearest(fingerprint: string, vector: Float32Array, limit: number, nowMs: number): SimilarQuestion[] {
    const group = this.#groups.get(fingerprint)
    const length = Math.sqrt(dot(vector, vector))
    if (!group || length === 0) return []
    this.#groups.delete(fingerprint)
    this.#groups.set(fingerprint, group)
    const found: SimilarQuestion[] = []
    for (const [key, question] of group.questions) {
      if (question.vector.length !== vector.length || question.keptUntilMs <= nowMs) continue
      const score = dot(question.vector, vector) / length
      if (found.length === limit && score <= (found.at(-1)?.score ?? -1)) continue
      const place = found.findIndex(other => other.score < score)
      found.splice(place < 0 ? found.length : place, 0, { key, text: question.text, score })
      if (found.length > limit) found.pop()
    }
    return found
  }

  drop(fingerprint: string, keys: readonly string[]): void {
    const group = this.#groups.get(fingerprint)
    if (group) for (const key of keys) this.#remove(group, key)
  }

  /** Without a fingerprint: everything. */
  forget(fingerprint?: string): void {
    for (const each of fingerprint === undefined ? [...this.#groups.keys()] : [fingerprint]) {
      this.#bytes -= this.#groups.get(each)?.bytes ?? 0
      this.#groups.delete(each)
    }
  }

  close(): void {
    this.forget()
  }

  #put(group: Group, key: string, question: Known): void {
    group.questions.set(key, question)
    this.#count(group, question, 1)
  }

  #remove(group: Group, key: string): void {
    const known = group.questions.get(key)
    if (!known) return
    group.questions.delete(key)
    this.#count(group, known, -1)
  }

  #count(group: Group, { vector, text }: Known, sign: 1 | -1): void {
    const bytes = sign * (vector.byteLength + text.length * 2 + 200)
    group.bytes += bytes
    this.#bytes += bytes
  }
}

/** Its vector of length one; undefined where it has no direction, or is gone. */
function unpackQuestion(packed: Uint8Array): Known | undefined {
  if (packed.length < HEAD_BYTES) return undefined
  const view = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const end = HEAD_BYTES + view.readUInt32LE(8)
  const vector = unpackVector(view.subarray(HEAD_BYTES, end))
  const length = Math.sqrt(dot(vector, vector))
  if (!(length > 0 && Number.isFinite(length))) return undefined
  const unit = vector.map(each => each / length)
  return { vector: unit, text: view.toString('utf8', end), keptUntilMs: view.readDoubleLE(0) }
}
