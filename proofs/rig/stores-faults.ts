import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreServer } from './stores-servers.ts'

export interface Times {
  /** Before a fault, to know what is normal. */
  calmMs: number
  /** How long a store is away. */
  awayMs: number
  /** How long it is frozen. */
  frozenMs: number
  /** How long a flapping one is away, and then there. */
  flapMs: number
  flaps: number
}

export const REAL: Times = { calmMs: 6_000, awayMs: 10_000, frozenMs: 30_000, flapMs: 2_000, flaps: 5 }
export const SHORT: Times = { calmMs: 1_000, awayMs: 1_500, frozenMs: 1_500, flapMs: 700, flaps: 2 }

/** A time in which the store was away; of `performance.now()`. */
export interface Away {
  fromMs: number
  toMs: number
}

export interface StoreFault {
  name: string
  /** Breaks the store, and mends it in the end. Tells of each time that it is away when it begins. */
  run(server: StoreServer, times: Times, isAway: () => void): Promise<Away[]>
}

export const STORE_FAULTS: readonly StoreFault[] = [
  {
    name: 'killed',
    async run(server, { awayMs }, isAway) {
      return [
        await away(
          () => server.kill(),
          awayMs,
          isAway,
          () => server.start()
        )
      ]
    }
  },
  {
    name: 'frozen',
    async run(server, { frozenMs }, isAway) {
      const thaw = async () => server.thaw()
      return [await away(async () => server.freeze(), frozenMs, isAway, thaw)]
    }
  },
  {
    name: 'read-only',
    async run(server, { awayMs }, isAway) {
      return [
        await away(
          () => server.setReadOnly(true),
          awayMs,
          isAway,
          () => server.setReadOnly(false)
        )
      ]
    }
  },
  {
    name: 'flapping',
    async run(server, { flapMs, flaps }, isAway) {
      const all: Away[] = []
      while (all.length < flaps) {
        if (all.length > 0) await sleep(flapMs)
        all.push(
          await away(
            () => server.kill(),
            flapMs,
            isAway,
            () => server.start()
          )
        )
      }
      return all
    }
  }
]

async function away(
  begin: () => Promise<void>,
  forMs: number,
  isAway: () => void,
  end: () => Promise<void>
): Promise<Away> {
  await begin()
  const fromMs = performance.now()
  isAway()
  await sleep(forMs)
  const toMs = performance.now()
  await end()
  return { fromMs, toMs }
}
