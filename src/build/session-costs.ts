import type { Payers } from '../stores/rows.ts'

const SESSIONS_MAX = 10_000
/** Other replicas charge the same session: what was read is believed for so long. */
const FRESH_MS = 30_000

interface Known {
  nano: bigint
  readMs: number
  reading: Promise<void> | undefined
}

interface World {
  /** What the ledger holds of a session's finished calls, in nano-dollars. */
  spentOf(session: OwnSession): Promise<bigint>
  nowMs(): number
}

/** A session as one tenant has it: clients choose the name, and two may choose the same. */
export interface OwnSession {
  session: string
  team?: string
  key?: string
}

/** Whose session a call belongs to: its team's, else its key's; undefined where it names none. */
export function sessionOf({ session, team, key }: Payers): OwnSession | undefined {
  if (session === undefined) return undefined
  return team !== undefined ? { session, team } : { session, ...(key !== undefined && { key }) }
}

/** What the finished calls of each session came to so far: kept for the sessions used last, read from the ledger. */
export class SessionCosts {
  readonly #sessions = new Map<string, Known>()
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** A call is finished. */
  add(payers: Payers, costNano: number): void {
    const own = sessionOf(payers)
    // One that nobody asked about is read when somebody does.
    const known = own && this.#sessions.get(JSON.stringify(own))
    if (known) known.nano += BigInt(costNano)
  }

  /** In nano-dollars, without calls that are still going on. Rejects where the ledger cannot be read. */
  async spentNano(own: OwnSession): Promise<number> {
    const known = this.#known(JSON.stringify(own))
    if (this.#world.nowMs() - known.readMs >= FRESH_MS) {
      known.reading ??= this.#read(own, known).finally(() => {
        known.reading = undefined
      })
      await known.reading
    }
    return Number(known.nano)
  }

  /** The ledger may lag behind what was added here, and never holds too much: the greater of both is nearer. */
  async #read(own: OwnSession, known: Known): Promise<void> {
    const nano = await this.#world.spentOf(own)
    if (nano > known.nano) known.nano = nano
    known.readMs = this.#world.nowMs()
  }

  #known(name: string): Known {
    const known = this.#sessions.get(name) ?? { nano: 0n, readMs: Number.NEGATIVE_INFINITY, reading: undefined }
    this.#sessions.delete(name)
    this.#sessions.set(name, known)
    if (this.#sessions.size > SESSIONS_MAX) this.#sessions.delete(this.#sessions.keys().next().value!)
    return known
  }
}
