import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { createLog, type Log } from '../../src/log.ts'
import type { Nano } from '../../src/nano.ts'
import type { Entry } from '../../src/records/entries.ts'
import { type AttemptEnd, type AttemptRow, type RequestRow, rowsOfRepeats } from '../../src/stores/rows.ts'
import type { LedgerBatch, LedgerStore } from '../../src/stores/stores.ts'
import { NO_FACTS } from '../support/rows.ts'

/** The rules of a ledger on two maps, with a door that can be shut. */
export class MapLedger implements Pick<LedgerStore, 'ingest' | 'attempt' | 'started'> {
  readonly attempts = new Map<string, AttemptRow>()
  readonly requests = new Map<string, RequestRow>()
  /** Batches asked for, also those that were not taken. */
  batches = 0
  isDown = false
  /** A row it will never take. */
  poison: string | undefined

  async ingest({ attempts, requests: each, repeats = [] }: LedgerBatch): Promise<void> {
    this.batches++
    await Promise.resolve()
    if (this.isDown) throw new Error('the ledger is down')
    const requests = [...each, ...repeats.flatMap(rowsOfRepeats)]
    const rows = [...attempts, ...requests]
    if (rows.some(({ id }) => id === this.poison)) throw new Error('no such row')
    for (const row of attempts) {
      const known = this.attempts.get(row.id)
      if (known?.state === 'finished' && row.state === 'started') continue
      this.attempts.set(row.id, row)
    }
    for (const row of requests) this.requests.set(row.id, row)
  }

  async attempt(id: string): Promise<AttemptRow | undefined> {
    return this.attempts.get(id)
  }

  async started(beforeMs: number, limit: number): Promise<AttemptRow[]> {
    const rows = [...this.attempts.values()]
    return rows.filter(row => row.state === 'started' && row.startedAtMs < beforeMs).slice(0, limit)
  }

  /** All of it, in order, to compare. */
  get rows(): (AttemptRow | RequestRow)[] {
    return [...this.attempts.values(), ...this.requests.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }
}

export function scratch(test: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-records-'))
  test.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export function files(directory: string): string[] {
  return readdirSync(directory).sort()
}

/** A log that keeps its lines. */
export function listening(): { log: Log; lines: string[] } {
  const lines: string[] = []
  return { log: createLog({ level: 'info', format: 'json', to: { write: line => void lines.push(line) } }), lines }
}

export const quiet: Log = createLog({ level: 'silent', format: 'json', to: { write: () => {} } })

const nano = (value: number) => value as Nano

export function attemptRow(id: string, more: Partial<AttemptRow> = {}): AttemptRow {
  return {
    id,
    requestId: `r${id}`,
    number: 1,
    state: 'started',
    startedAtMs: 1_700_000_000_000,
    finishedAtMs: null,
    provider: 'openai',
    model: 'gpt-größer',
    payers: { key: 'a', tags: ['b'] },
    heldNano: nano(700),
    costNano: nano(700),
    lines: null,
    priceVersion: '1',
    usage: null,
    usageSource: 'estimated',
    outcome: null,
    failure: null,
    marks: [],
    firstTokenMs: null,
    ...more
  }
}

export function attemptEnd(more: Partial<AttemptEnd> = {}): AttemptEnd {
  return {
    finishedAtMs: 1_700_000_001_000,
    costNano: nano(500),
    lines: { input: { units: 5, nano: 500 } },
    usage: { inputTokens: 5, outputTokens: 1 },
    usageSource: 'provider',
    outcome: 'done',
    failure: null,
    marks: [],
    firstTokenMs: null,
    ...more
  }
}

export function requestRow(id: string, more: Partial<RequestRow> = {}): RequestRow {
  return {
    id,
    startedAtMs: 1_700_000_000_000,
    finishedAtMs: 1_700_000_001_000,
    dialect: 'openai-chat',
    operation: 'chat',
    stream: false,
    modelAsked: 'gpt',
    provider: 'openai',
    model: 'gpt',
    payers: {},
    attempts: 1,
    status: 200,
    outcome: 'done',
    code: null,
    costNano: nano(500),
    usage: null,
    firstTokenMs: null,
    totalMs: 1_000,
    configDigest: 'd',
    ...NO_FACTS,
    ...more
  }
}

/** What the ledger must have after these entries, when nobody writes any more: those without an end are lost. */
export function expected(entries: readonly Entry[]): (AttemptRow | RequestRow)[] {
  const rows = new Map<string, AttemptRow | RequestRow>()
  for (const entry of entries) {
    if (entry.kind === 'request') rows.set(entry.request.id, entry.request)
    else if (entry.kind === 'repeats') for (const row of rowsOfRepeats(entry)) rows.set(row.id, row)
    else if (entry.kind === 'started') rows.set(entry.attempt.id, { ...entry.attempt, outcome: 'lost' })
  }
  for (const entry of entries) {
    if (entry.kind !== 'finished') continue
    const row = rows.get(entry.id)
    if (row) rows.set(entry.id, { ...row, ...entry.end, state: 'finished' } as AttemptRow)
  }
  return [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Calls that overlap: a few attempts of each, some without an end; and calls that repeat one of two. */
export function someEntries(count: number, random: () => number): Entry[] {
  const entries: Entry[] = []
  const repeated = [requestRow('hit', { attempts: 0 }), requestRow('other', { attempts: 0, payers: { tags: ['x'] } })]
  const open: string[] = []
  for (let number = 0; entries.length < count; number++) {
    const id = `a${String(number).padStart(5, '0')}`
    entries.push({ kind: 'started', attempt: attemptRow(id) })
    open.push(id)
    if (random() < 0.2) {
      const calls = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at) => {
        return [`h${number}-${at}`, 1_700_000_000_000 + number, at / 100] as const
      })
      entries.push({ kind: 'repeats', request: repeated[number % 2]!, calls })
    }
    while (open.length > 0 && random() < 0.5) {
      const [ended] = open.splice(Math.floor(random() * open.length), 1)
      entries.push({ kind: 'finished', id: ended!, end: attemptEnd({ costNano: nano(Math.floor(random() * 700)) }) })
      if (random() < 0.8) entries.push({ kind: 'request', request: requestRow(`r${ended}`) })
    }
  }
  return entries
}

/** Numbers from 0 to 1 that are the same at every run. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

/** The Journal's methods, for an entry. */
export function tell(
  journal: {
    started(row: AttemptRow): void
    append(entries: readonly Entry[]): void
  },
  entry: Entry
): void {
  if (entry.kind === 'started') journal.started(entry.attempt)
  else journal.append([entry])
}
