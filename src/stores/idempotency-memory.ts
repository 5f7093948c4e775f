import type { Claimed, FinishedClaim, IdempotencyClaim, IdempotencyStore } from './idempotency.ts'

interface Kept extends IdempotencyClaim {
  outcome?: Buffer
}

const BYTES_MAX = 64 * 1024 * 1024

/** Of one process, and gone with it. Where outcomes take more than `bytesMax`, the oldest are forgotten. */
export class MemoryIdempotency implements IdempotencyStore {
  readonly #kept = new Map<string, Kept>()
  readonly #bytesMax: number
  #bytes = 0

  constructor({ bytesMax = BYTES_MAX }: { bytesMax?: number } = {}) {
    this.#bytesMax = bytesMax
  }

  async claim(claim: IdempotencyClaim): Promise<Claimed> {
    const kept = this.#kept.get(claim.id)
    if (kept && kept.keptUntilMs > claim.nowMs) {
      if (kept.fingerprint !== claim.fingerprint) return { how: 'mismatch' }
      if (kept.outcome) return { how: 'finished', outcome: kept.outcome }
      if (kept.leaseUntilMs > claim.nowMs) return { how: 'in_flight' }
    }
    this.#remove(kept)
    this.#kept.set(claim.id, { ...claim })
    return { how: 'claimed' }
  }

  async renew(requestIds: readonly string[], leaseUntilMs: number): Promise<void> {
    const those = new Set(requestIds)
    for (const kept of this.#kept.values()) if (those.has(kept.requestId)) kept.leaseUntilMs = leaseUntilMs
  }

  async finish({ id, requestId, outcome, keptUntilMs }: FinishedClaim): Promise<boolean> {
    const kept = this.#own(id, requestId)
    if (!kept) return false
    this.#remove(kept)
    this.#kept.set(kept.id, { ...kept, outcome, keptUntilMs })
    this.#bytes += outcome.length
    this.#makeRoom(kept.id)
    return true
  }

  async release(id: string, requestId: string): Promise<void> {
    this.#remove(this.#own(id, requestId))
  }

  async reclaim(): Promise<void> {}

  async erase(requests: readonly { requestId: string }[]): Promise<void> {
    const those = new Set(requests.map(({ requestId }) => requestId))
    for (const kept of this.#kept.values()) if (those.has(kept.requestId)) this.#remove(kept)
  }

  async dropExpired(nowMs: number, limit: number): Promise<number> {
    let dropped = 0
    for (const kept of this.#kept.values()) {
      if (kept.keptUntilMs > nowMs) continue
      if (dropped === limit) break
      this.#remove(kept)
      dropped++
    }
    return dropped
  }

  #own(id: string, requestId: string): Kept | undefined {
    const kept = this.#kept.get(id)
    return kept?.requestId === requestId ? kept : undefined
  }

  /** In the order in which they were finished; one that is under way holds no bytes. */
  #makeRoom(newest: string): void {
    for (const kept of this.#kept.values()) {
      if (this.#bytes <= this.#bytesMax) return
      if (kept.outcome && kept.id !== newest) this.#remove(kept)
    }
  }

  #remove(kept: Kept | undefined): void {
    if (!kept) return
    this.#kept.delete(kept.id)
    this.#bytes -= kept.outcome?.length ?? 0
  }
}
