/**
 * What is kept of calls beside their rows: the bodies, for as long as they are kept. A day (UTC) is a partition of its
 * own, dropped whole. Bodies of a day are content-addressed: what two of them share is there once.
 */
export interface BodyStore {
  /** A request that is there already stays as it is. Where it rejects, the same may be put again. */
  put(rows: readonly OfferedBodies[]): Promise<void>
  /** The same texts, byte for byte. `atMs` says which day. */
  find(requestId: string, atMs: number): Promise<BodyRow | undefined>
  /**
   * Requests that brought all these words (in any order, whatever their case and accents), newest first. What a request
   * repeats of earlier ones (an agent's history, tools, system prompt) it does not bring.
   */
  search(query: BodyQuery): Promise<BodyHit[]>
  /** Drops the days that ended by then. Resolves to the bytes set free. */
  dropBefore(ms: number): Promise<number>
  /**
   * Removes what is kept of these requests, and content that no other request refers to. Content that others share stays
   * theirs, but is no longer found by its words if an erased request was the first of its day to bring it.
   */
  erase(requests: readonly RequestPlace[]): Promise<void>
  /** Days that are there, oldest first. */
  stats(): Promise<{ partitions: BodyPartition[] }>
  close(): Promise<void>
}

/** Where a request is found: its id, and when it came. */
export interface RequestPlace {
  requestId: string
  atMs: number
}

/** The bodies of a call: JSON texts, at most what the level of the call allows. */
export interface BodyRow<Text = string> extends RequestPlace {
  session: string | undefined
  org: string | undefined
  level: 'metadata' | 'redacted' | 'full'
  dialect: string
  /** As the client sent it. */
  received: Text | undefined
  /** As it went upstream, of each attempt. What is equal to another body costs nothing. */
  sent: readonly { attemptId: string; body: Text }[]
  /** As the client got it, a stream folded into a whole answer. */
  answered: Text | undefined
}

/** A body may be given as its bytes, which nobody changes afterwards. */
export type OfferedBodies = BodyRow<string | Uint8Array>

export interface BodyQuery {
  text: string
  /** The first moment, and the one after the last. */
  fromMs: number
  toMs: number
  /** The last hit of the page before this one. */
  before?: RequestPlace | undefined
  limit: number
  /** Of this organisation alone. */
  org?: string | undefined
}

export interface BodyHit extends RequestPlace {
  /** Where the words are, in one line; empty where they cannot be shown. */
  snippet: string
}

export interface BodyPartition {
  /** 2026-11-23. */
  day: string
  bytes: number
  /** Requests of whom something is kept. */
  bodies: number
}
