import { randomUUID } from 'node:crypto'

/** The only source of chance. Ids are from the system's generator; `chance` is for spreading load, never for secrets. */
export interface Random {
  id(): string
  /** From 0 up to, not including, 1. */
  chance(): number
}

export const systemRandom: Random = { id: () => randomUUID(), chance: () => Math.random() }
