import { setTimeout as sleep } from 'node:timers/promises'
import type { Away, StoreFault, Times } from './stores-faults.ts'
import { type House, LIMIT_NANO, Witness, waitFor } from './stores-house.ts'
import { Load, type Seen } from './stores-load.ts'

export type StoreName = 'Redis' | 'PostgreSQL'

/** What one fault of one store has shown. */
export interface Trial {
  store: StoreName
  fault: string
  away: readonly Away[]
  /** From when the store was first away until it was there for good. */
  whole: Away
  calm: readonly Seen[]
  /** Calls that began in `whole`. */
  during: readonly Seen[]
  /** Begun before it, and over after it began, with a hold on the hard budget. */
  stream: Seen
  /** The first calls of a key with a narrow limit, made while the store was away. */
  tight: readonly Seen[]
  /** Calls with keys that are in the stores and were never used, and with texts that are none, while it was away. */
  cold: readonly Seen[]
  nobody: readonly Seen[]
  /** Until all was as before: hard budgets admitted, texts that are no keys were told from those that are; or it never was. */
  recoveredMs: number | undefined
  /** Calls that were answered from the calm on, and what the ledger has of them. */
  answered: number
  rows: { requests: number; attempts: number; finished: number }
  /** Attempts that the provider saw and those that it saw twice. */
  repeated: number
  /** Of the hard budget and the soft: by the counters, and by the ledger, in nano-dollars. */
  spent: Record<'hard' | 'soft', { countedNano: number; ledgerNano: number } | undefined>
  /** Transactions of PostgreSQL in a second. */
  normalPerSecond: number
  faultPerSecond: number
}

const PROBE_EVERY_MS = 150
/** Longer than a look-up may take. */
const PROBE_TIMEOUT_MS = 3_000
const RECOVERY_MS = 20_000
const SHIPPED_MS = 20_000
const WARM_UP_MS = 300
const TIGHT_TRIES = 10
const STREAM_WORDS = 100

const CALLERS = [
  { holder: 'hard', restMs: 60 },
  { holder: 'soft', restMs: 40 },
  { holder: 'soft', restMs: 40 },
  { holder: 'soft', restMs: 40 }
] as const

/** Load throughout, a calm, a fault, and then questions whether all is as it should be. */
export async function tryFault(house: House, store: StoreName, fault: StoreFault, times: Times): Promise<Trial> {
  const { client, tokens, sim } = house
  const witness = new Witness(house.postgres!.url)
  const server = store === 'Redis' ? house.redis! : house.postgres!
  // Every key but the cold one is known before: what is remembered is what is to go on.
  await client.call({ holder: 'tight', token: tokens.tight })
  const load = new Load(
    client,
    CALLERS.map(caller => ({ ...caller, token: tokens[caller.holder] }))
  )
  await sleep(WARM_UP_MS)
  const simBefore = sim.log().at(-1)?.seq ?? 0
  const calmFromMs = performance.now()
  const normalPerSecond = await perSecond(witness, () => sleep(times.calmMs))
  const calmToMs = performance.now()
  const streaming = client.call({
    holder: 'hard',
    token: tokens.hard,
    words: STREAM_WORDS,
    paceMs: Math.ceil((times.calmMs + 500) / STREAM_WORDS),
    timeoutMs: 60_000
  })
  await sleep(300)
  const probes = new Probes(house, store)
  let away: readonly Away[] = []
  const run = async () => {
    away = await fault.run(server, times, () => probes.isAway())
    probes.isOver()
  }
  // One that is away itself cannot be asked how it is.
  let faultPerSecond = 0
  if (store === 'Redis') faultPerSecond = await perSecond(witness, run)
  else await run()
  const whole = { fromMs: away[0]!.fromMs, toMs: performance.now() }
  const recoveredMs = await recovery(house, store, away.at(-1)!.toMs)
  await sleep(WARM_UP_MS)
  await load.stop()
  const stream = await streaming
  const all = [...load.seen, stream, ...(await probes.seen())]
  const answered = all.flatMap(({ status, id }) => (status === 200 && id !== undefined ? id : []))
  const rows = await shipped(witness, answered)
  const ids = sim.log().flatMap(({ seq, headers }) => (seq > simBefore ? (headers['x-client-request-id'] ?? []) : []))
  const during = load.between(whole.fromMs, whole.toMs)
  const [hard, soft] = await Promise.all([spentOf(house, witness, 'hard'), spentOf(house, witness, 'soft')])
  return {
    store,
    fault: fault.name,
    away,
    whole,
    calm: load.between(calmFromMs, calmToMs),
    during,
    stream,
    ...probes,
    recoveredMs,
    answered: answered.length,
    rows,
    repeated: ids.length - new Set(ids).size,
    spent: { hard, soft },
    normalPerSecond,
    faultPerSecond
  }
}

/** Calls that are made while the store is away, and tell what becomes of those that are not remembered. */
class Probes {
  readonly tight: Seen[] = []
  readonly cold: Seen[] = []
  readonly nobody: Seen[] = []
  readonly #house: House
  /** Else keys that were never used would be remembered afterwards. */
  readonly #asksKeys: boolean
  #running: Promise<void> | undefined
  #isOver = false

  constructor(house: House, store: StoreName) {
    this.#house = house
    this.#asksKeys = store === 'PostgreSQL'
  }

  /** Only the first time: what a store forgets that is killed again and again, it lets in again. */
  isAway(): void {
    this.#running ??= this.#ask()
  }

  isOver(): void {
    this.#isOver = true
  }

  async seen(): Promise<Seen[]> {
    await this.#running
    return [...this.tight, ...this.cold, ...this.nobody]
  }

  async #ask(): Promise<void> {
    const { client, tokens } = this.#house
    const timeoutMs = PROBE_TIMEOUT_MS
    while (this.tight.length < TIGHT_TRIES)
      this.tight.push(await client.call({ holder: 'tight', token: tokens.tight, timeoutMs }))
    for (let tries = 0; this.#asksKeys && !this.#isOver; tries++) {
      this.cold.push(await client.call({ holder: 'cold', token: tokens.cold, timeoutMs }))
      // Each another text: what was found to be none is remembered for a while.
      const token = `nobody-${performance.now()}-${tries}`
      this.nobody.push(await client.call({ holder: 'nobody', token, timeoutMs }))
      await sleep(PROBE_EVERY_MS)
    }
  }
}

async function perSecond(witness: Witness, run: () => Promise<unknown>): Promise<number> {
  const [before, fromMs] = [await witness.transactions(), performance.now()]
  await run()
  return (((await witness.transactions()) - before) * 1_000) / (performance.now() - fromMs)
}

/** How long after the store is there again hard budgets admit, and keys are told from what is none. */
async function recovery({ client, tokens }: House, store: StoreName, sinceMs: number): Promise<number | undefined> {
  const isAsBefore = async () => {
    const hard = await client.call({ holder: 'hard', token: tokens.hard })
    if (store === 'Redis') return hard.status === 200
    const nobody = await client.call({ holder: 'nobody', token: `nobody-${performance.now()}` })
    return hard.status === 200 && nobody.status === 401
  }
  return (await waitFor(isAsBefore, RECOVERY_MS)) ? performance.now() - sinceMs : undefined
}

/** What the ledger has of calls, as soon as that is all of them. */
async function shipped(witness: Witness, ids: readonly string[]): Promise<Trial['rows']> {
  let rows = { requests: 0, attempts: 0, finished: 0 }
  await waitFor(async () => {
    rows = await witness.rowsOf(ids)
    return rows.requests >= ids.length && rows.finished >= ids.length
  }, SHIPPED_MS)
  return rows
}

async function spentOf(
  { client, tokens }: House,
  witness: Witness,
  holder: 'hard' | 'soft'
): Promise<Trial['spent']['hard']> {
  const { id, remainingUsd } = await client.call({ holder, token: tokens[holder] })
  if (id === undefined || remainingUsd === undefined) return undefined
  await shipped(witness, [id])
  const { spentNano, heldNano } = await witness.spentBy(holder, id)
  return { countedNano: LIMIT_NANO - Math.round(Number(remainingUsd) * 1e9) - heldNano, ledgerNano: spentNano }
}
