import { randomUUID } from 'node:crypto'

/** The only source of chance. `chance` is for spreading load, never for secrets. */
export interface Random {
  /** A UUID of version 7 (RFC 9562): its order is that of time, so that rows of a ledger are added at one end of an index. */
  id(): string
  /** From 0 up to, not including, 1. */
  chance(): number
}

/** Chance of the system's generator; `nowMs` is milliseconds since 1970. */
export function systemRandom(nowMs: () => number): Random {
  return { id: () => uuidV7(nowMs()), chance: () => Math.random() }
}

/** 48 bits of time, the version, and 74 random bits: those of a version 4, which stand in the same places. */
function uuidV7(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
