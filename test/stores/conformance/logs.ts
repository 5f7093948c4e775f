import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { madeRows } from '../../../bench/rig/log-rows.ts'
import type { LogFilter } from '../../../src/stores/logs.ts'
import type { AttemptRow, RequestRow, VerdictRow } from '../../../src/stores/rows.ts'
import type { Stores, UsageGroup, UsageLine, UsageQuery } from '../../../src/stores/stores.ts'

const END = Date.UTC(2026, 10, 23)
const DAY_MS = 86_400_000
const ROWS = 700
const ALL = { fromMs: END - 31 * DAY_MS, toMs: END + DAY_MS }

const found = (guard: string, rule: string, action = 'flag'): VerdictRow => {
  return { guard, rule, side: 'request', action, count: 1, score: 1, tookMs: 0.5 }
}

/** A month of calls, and some that are about guards, traces and rows without what most have. */
function rows(): { requests: RequestRow[]; attempts: AttemptRow[] } {
  const { requests, attempts } = madeRows(0, ROWS, { total: ROWS, endMs: END })
  return {
    attempts,
    requests: requests.map((row, at) => ({
      ...row,
      ...(at % 7 === 0 && {
        verdicts: [found('pii', 'pii.email', at % 2 === 0 ? 'mask' : 'block'), found('pii', 'pii.iban')]
      }),
      ...(at % 7 === 1 && { verdicts: [found('pii', '', 'pass')] }),
      ...(at % 11 === 0 && { trace: `trace-${at % 3}`, parent: 'p', costNano: null }),
      // Several begin within one millisecond.
      startedAtMs: row.startedAtMs - (row.startedAtMs % 3_600_000)
    }))
  }
}

/** Whether a row is what a filter asks for, said in another way than the engines are told. */
function matches(row: RequestRow, filter: LogFilter): boolean {
  const { payers, usage } = row
  const fields: Record<string, string | null | undefined> = {
    ...payers,
    tags: null,
    provider: row.provider,
    model: row.model,
    model_asked: row.modelAsked,
    dialect: row.dialect,
    operation: row.operation,
    outcome: row.outcome,
    code: row.code,
    finish: row.finish,
    app: row.app,
    trace: row.trace,
    parent: row.parent,
    config: row.configDigest
  }
  const figures: Record<string, number | null | undefined> = {
    status: row.status,
    attempts: row.attempts,
    cost_nano: row.costNano,
    total_ms: row.totalMs,
    first_token_ms: row.firstTokenMs,
    input_tokens: usage?.inputTokens,
    output_tokens: usage?.outputTokens
  }
  const {
    fromMs = 0,
    toMs = Number.POSITIVE_INFINITY,
    is = {},
    least = {},
    most = {},
    tag,
    stream,
    unpriced,
    ids
  } = filter
  const isSaid = (verdict: VerdictRow) =>
    (filter.guard === undefined || verdict.guard === filter.guard) &&
    (filter.rule === undefined || verdict.rule === filter.rule) &&
    (filter.action === undefined ? verdict.action !== 'pass' : verdict.action === filter.action)
  const asksGuards = filter.guard ?? filter.rule ?? filter.action
  return (
    row.startedAtMs >= fromMs &&
    row.startedAtMs < toMs &&
    Object.entries(is).every(([name, values]) => values.includes(fields[name] ?? '')) &&
    Object.entries(least).every(([name, value]) => (figures[name] ?? Number.NaN) >= value) &&
    Object.entries(most).every(([name, value]) => (figures[name] ?? Number.NaN) <= value) &&
    (tag === undefined || (payers.tags ?? []).includes(tag)) &&
    (stream === undefined || row.stream === stream) &&
    (unpriced === undefined || (row.costNano === null) === unpriced) &&
    (ids === undefined || ids.includes(row.id)) &&
    (asksGuards === undefined || row.verdicts.some(isSaid))
  )
}

const FILTERS: readonly LogFilter[] = [
  {},
  { is: { team: ['search'] } },
  { is: { team: ['search', 'legal'], outcome: ['failed'] } },
  { is: { app: [''] } },
  { is: { app: ['', 'codex'], model: ['gpt-5.5'] } },
  { is: { session: ['s3'] } },
  { is: { trace: ['trace-1'], parent: ['p'] } },
  { is: { key: ['nobody'] } },
  { is: { config: ['d0'], finish: ['stop'] } },
  { least: { total_ms: 20_000 }, most: { status: 299 } },
  { least: { cost_nano: 1, output_tokens: 100 }, stream: true },
  { tag: 'nightly' },
  { tag: 'eval', is: { outcome: ['done'] }, fromMs: END - 10 * DAY_MS, toMs: END - 2 * DAY_MS },
  { tag: 'eval', guard: 'pii' },
  { guard: 'pii' },
  { guard: 'pii', rule: 'pii.email' },
  { rule: 'pii.iban', action: 'flag', fromMs: END - 20 * DAY_MS },
  { action: 'pass' },
  { action: 'block' },
  { unpriced: true },
  { unpriced: false, stream: false },
  { ids: [] }
]

const GROUPS: readonly (readonly UsageGroup[])[] = [
  [],
  ['model'],
  ['team', 'day'],
  ['app', 'outcome'],
  ['tag'],
  ['guard'],
  ['label'],
  ['week', 'provider'],
  ['failure'],
  ['minute']
]

/** What every implementation does with the rows of requests: finds them again, and adds them up. */
export function logStores(name: string, open: () => Promise<Stores>): void {
  describe(`${name}: the log`, () => {
    it('finds, counts and adds up what the rows say', async () => {
      const stores = await open()
      try {
        const made = rows()
        await stores.ledger.ingest(made)
        await pages(stores, made.requests)
        await following(stores, made.requests)
        await sessions(stores, made.requests)
        await feedback(stores, made.requests)
        await guardRates(stores, made.requests)
        for (const groupBy of GROUPS) await usage(stores, made.requests, groupBy)
        await attemptFigures(stores, made.attempts)
      } finally {
        await stores.close()
      }
    })
  })
}

/** Newest first; rows of one millisecond by their ids. */
function newestFirst(one: RequestRow, other: RequestRow): number {
  return other.startedAtMs - one.startedAtMs || (other.id < one.id ? -1 : 1)
}

async function pages({ logs }: Stores, requests: readonly RequestRow[]): Promise<void> {
  for (const filter of FILTERS) {
    const wanted = requests.filter(row => matches(row, filter)).sort(newestFirst)
    const seen: RequestRow[] = []
    for (;;) {
      const last = seen.at(-1)
      const before = last && { startedAtMs: last.startedAtMs, id: last.id }
      const page = await logs.search(filter, { before, limit: 90 })
      seen.push(...page)
      if (page.length < 90) break
    }
    assert.deepEqual(
      seen.map(({ id }) => id),
      wanted.map(({ id }) => id),
      JSON.stringify(filter)
    )
    assert.deepEqual(seen[0], wanted[0])
  }
}

async function following({ logs }: Stores, requests: readonly RequestRow[]): Promise<void> {
  const sorted = requests.toSorted(newestFirst)
  const { startedAtMs, id } = sorted[40]!
  const newer = await logs.since({ is: { outcome: ['done'] } }, { after: { startedAtMs, id }, limit: 100 })
  const wanted = sorted.slice(0, 40).filter(({ outcome }) => outcome === 'done')
  assert.deepEqual(
    newer.map(row => row.id),
    wanted.map(row => row.id).reverse()
  )
}

async function sessions({ logs }: Stores, requests: readonly RequestRow[]): Promise<void> {
  const found = await logs.sessions({ ...ALL, limit: 1_000 })
  const of = Map.groupBy(requests, ({ payers }) => payers.session!)
  assert.equal(found.length, of.size)
  for (const row of found) {
    const calls = of.get(row.session)!
    assert.equal(row.calls, calls.length)
    assert.equal(row.failed, calls.filter(({ outcome }) => outcome === 'failed').length)
    assert.equal(row.costNano, sum(calls.map(({ costNano }) => costNano ?? 0)))
    assert.equal(row.firstMs, Math.min(...calls.map(({ startedAtMs }) => startedAtMs)))
    assert.equal(row.lastMs, Math.max(...calls.map(({ startedAtMs }) => startedAtMs)))
  }
  assert.deepEqual(
    found.map(({ lastMs }) => lastMs),
    found.map(({ lastMs }) => lastMs).sort((a, b) => b - a)
  )
}

async function feedback({ feedback: store }: Stores, requests: readonly RequestRow[]): Promise<void> {
  const [one, other] = requests as [RequestRow, RequestRow]
  const row = { id: 'f1', requestId: one.id, atMs: 5, score: 0.5, label: 'good', comment: 'yes\0', key: 'k' }
  await store.put(row)
  await store.put({ ...row, id: 'f2', requestId: other.id, score: -1, label: 'bad', comment: null })
  await store.put({ ...row, id: 'f2', requestId: other.id, score: -0.5, label: 'bad', comment: null })
  assert.deepEqual(await store.of(one.id), [{ ...row, comment: 'yes\ufffd' }])
  assert.equal((await store.of(other.id)).length, 1)
}

async function guardRates({ logs }: Stores, requests: readonly RequestRow[]): Promise<void> {
  const looked = requests.filter(({ verdicts }) => verdicts.length > 0)
  const hits = looked.filter(({ verdicts }) => verdicts.some(({ action }) => action !== 'pass')).length
  const rate = { guard: 'pii', calls: looked.length, hits, errors: 0, tookMs: 0.5 }
  assert.deepEqual(await logs.guardRates(ALL), [rate])
  assert.deepEqual(await logs.guardRates({ ...ALL, org: 'acme' }), [rate])
  assert.deepEqual(await logs.guardRates({ ...ALL, org: 'nobody' }), [])
}

async function usage(
  { ledger }: Stores,
  requests: readonly RequestRow[],
  groupBy: readonly UsageGroup[]
): Promise<void> {
  const query: UsageQuery = { of: 'requests', ...ALL, groupBy, where: {}, percentiles: true, limit: 10_000 }
  const lines = await ledger.usage(query)
  const expected = new Map<string, RequestRow[]>()
  for (const [at, row] of requests.entries()) {
    for (const group of groupsOf(row, at, groupBy)) {
      const key = JSON.stringify(group)
      expected.set(key, [...(expected.get(key) ?? []), row])
    }
  }
  assert.equal(lines.length, expected.size, groupBy.join())
  for (const line of lines) {
    const wanted = expected.get(JSON.stringify(groupBy.map(name => line.group[name])))
    assert.ok(wanted, `${groupBy.join()}: ${JSON.stringify(line.group)}`)
    assertLine(line, wanted)
  }
}

/** Every combination of the groups that a row is in. */
function groupsOf(row: RequestRow, at: number, groupBy: readonly UsageGroup[]): (string | null)[][] {
  const many = (values: readonly string[]): (string | null)[] => (values.length === 0 ? [null] : [...new Set(values)])
  const startOf = (lengthMs: number, fromMs = 0) =>
    new Date(row.startedAtMs - ((row.startedAtMs - fromMs) % lengthMs)).toISOString()
  const values: Partial<Record<UsageGroup, (string | null)[]>> = {
    model: [row.model],
    provider: [row.provider],
    team: [row.payers.team ?? null],
    app: [row.app],
    outcome: [row.outcome],
    failure: [row.code],
    tag: many(row.payers.tags ?? []),
    guard: many(row.verdicts.filter(({ action }) => action !== 'pass').map(({ guard }) => guard)),
    label: [at === 0 ? 'good' : at === 1 ? 'bad' : null],
    minute: [startOf(60_000)],
    day: [startOf(DAY_MS)],
    week: [startOf(7 * DAY_MS, 4 * DAY_MS)]
  }
  let groups: (string | null)[][] = [[]]
  for (const name of groupBy) groups = groups.flatMap(group => values[name]!.map(value => [...group, value]))
  return groups
}

function assertLine(line: UsageLine, rows: readonly RequestRow[]): void {
  const done = rows.filter(({ outcome }) => outcome === 'done')
  assert.equal(line.count, rows.length)
  assert.equal(line.failed, rows.length - done.length)
  assert.equal(line.costNano, sum(rows.map(({ costNano }) => costNano ?? 0)))
  assert.equal(line.unpriced, rows.filter(({ costNano }) => costNano === null).length)
  assert.equal(line.outputTokens, Number(sum(rows.map(({ usage }) => usage?.outputTokens ?? 0))))
  assert.equal(line.generatedTokens, Number(sum(done.map(({ usage }) => usage?.outputTokens ?? 0))))
  assert.equal(line.generationMs, Number(sum(done.map(row => row.totalMs - row.firstTokenMs!))))
  assert.deepEqual(line.percentiles?.totalMs, percentiles(rows.map(({ totalMs }) => totalMs)))
  const first = rows.flatMap(({ firstTokenMs }) => (firstTokenMs === null ? [] : [firstTokenMs]))
  assert.deepEqual(line.percentiles?.firstTokenMs, first.length === 0 ? null : percentiles(first))
}

async function attemptFigures({ ledger }: Stores, attempts: readonly AttemptRow[]): Promise<void> {
  const [line] = await ledger.usage({ of: 'attempts', ...ALL, groupBy: [], where: {}, percentiles: true, limit: 1 })
  assert.equal(line?.count, attempts.length)
  assert.deepEqual(line.percentiles?.totalMs, percentiles(attempts.map(row => row.finishedAtMs! - row.startedAtMs)))
  assert.equal(line.scores, 0)
}

function percentiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) }
}

function sum(values: readonly number[]): bigint {
  return values.reduce((total, value) => total + BigInt(value), 0n)
}
