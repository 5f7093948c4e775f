/** A call that wants to be the one that is carried out under its key. */
export interface IdempotencyClaim {
  /** Digest of the key, and of whose it is: see cache/idempotency.ts. */
  id: string
  /** Digest of what is asked for. Under one key it is always the same. */
  fingerprint: string
  /** The call that claims: it alone can renew the claim, finish it or let it go. */
  requestId: string
  /** Milliseconds since 1970, and by the clock of who claims: leases are long beside what clocks of replicas differ by. */
  nowMs: number
  /** Whoever has not finished or renewed it by then is gone, and the next call takes it over. */
  leaseUntilMs: number
  /** How long the key is remembered. */
  keptUntilMs: number
}

export interface FinishedClaim extends Pick<IdempotencyClaim, 'id' | 'requestId' | 'keptUntilMs'> {
  outcome: Buffer
}

export type Claimed =
  /** It is this call's to carry out. */
  | { how: 'claimed' }
  | { how: 'in_flight' }
  /** The key stands for another request. */
  | { how: 'mismatch' }
  /** What came of it, as `finish` was given it. */
  | { how: 'finished'; outcome: Buffer }

/**
 * What calls with an `Idempotency-Key` came to, in memory or in what replicas share. A claim is decided in one step: of
 * all that ask at once one has it. Every method rejects where the engine does not answer in time.
 */
export interface IdempotencyStore {
  claim(claim: IdempotencyClaim): Promise<Claimed>
  /** Longer leases for claims that are still carried out. */
  renew(requestIds: readonly string[], leaseUntilMs: number): Promise<void>
  /** What came of it. False, and nothing is kept, where another call has taken it over. */
  finish(done: FinishedClaim): Promise<boolean>
  /** The key is as new, finished or not. Nothing, where another call has taken it over. */
  release(id: string, requestId: string): Promise<void>
  /** Lets go of what an earlier process left unfinished, where there can be no other process than this. */
  reclaim(): Promise<void>
  /** Forgets these calls, and what they were answered. */
  erase(requests: readonly { requestId: string }[]): Promise<void>
  /** Removes at most so many whose time is over. Resolves to how many. */
  dropExpired(nowMs: number, limit: number): Promise<number>
}
