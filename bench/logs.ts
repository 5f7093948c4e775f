/**
 * `npm run bench:logs`: a million calls in the log, on SQLite and on PostgreSQL: how long a filtered page, a day's
 * grouping and a search by words take, and what calls that go on meanwhile notice of it. See docs/guide/benchmarks.md.
 *
 *   npm run bench:logs
 *   npm run bench:logs -- --rows 50000   smaller; --engine sqlite | postgres: one of them
 *   npm run bench:logs -- --break        without indexes: must fail
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openLoop } from '../proofs/rig/load.ts'
import { type Goal, percentile, prove } from '../proofs/rig/proof.ts'
import { systemClock } from '../src/clock.ts'
import { startSim } from '../src/sim/index.ts'
import { openBodies } from '../src/stores/bodies/open.ts'
import { openPostgres } from '../src/stores/sql/postgres.ts'
import { openSqlite } from '../src/stores/sql/sqlite.ts'
import { postgresBinaries, startPostgres } from '../test/support/postgres.ts'
import { ADMIN_TOKEN, type Told } from './rig/log-gateway-token.ts'
import { dropIndexes } from './rig/log-indexes.ts'
import { madeBodies, madeRows, RARE_WORD } from './rig/log-rows.ts'

const RUN_MS = 60 * 60_000
const BATCH = 1_000
const DAY_MS = 86_400_000
const TIMES = 7
const PER_SECOND = 100
const QUIET_MS = 8_000
const WINDOWS = 3
/** Who looks at a log also reads: several people together ask so often. */
const BETWEEN_MS = 100

const PAGE_GOAL_MS = 100
const GROUP_GOAL_MS = 300
const TEXT_GOAL_MS = 500
const ADDED_P99_GOAL_MS = 2
const HELD_GOAL_MS = 5

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    engine: { type: 'string' },
    break: { type: 'boolean', default: false }
  }
})
const total = Number(values.rows)
/** The rows end a day ago: what is asked of the last days is of a log that is as full as any. */
const endMs = Math.floor(Date.now() / DAY_MS) * DAY_MS

const day = (before: number) => new Date(endMs - before * DAY_MS).toISOString()

/** What people look for: by who, by what went wrong, by both, by what is rare, and by how long it took. */
const PAGES: Readonly<Record<string, string>> = {
  newest: '',
  'a key': 'key=legal-19',
  'a key, failed': 'key=legal-19&outcome=failed',
  'a model, failed': 'model=gpt-5.5&outcome=failed',
  'a team and an application, failed': 'team=legal&app=codex&outcome=failed',
  'a customer': 'customer=c4999',
  'a session': 'session=s77',
  'a tag': 'tag=eval',
  nobody: 'team=nobody',
  'slow ones of a week': `min_total_ms=25000&from=${day(7)}`
}

const GROUPS: Readonly<Record<string, string>> = {
  'requests by model': 'of=requests&group_by=model',
  'attempts by provider and model': 'of=attempts&group_by=provider,model',
  'requests by team and hour, with percentiles': 'of=requests&group_by=team,hour&percentiles=true'
}

const TEXTS: Readonly<Record<string, string>> = {
  'a rare word': `q=${RARE_WORD}`,
  'two common words': 'q=dembal%20balbal',
  'a word nobody said': 'q=xylotomous'
}

interface Place {
  directory: string
  databaseUrl: string
}

process.exitCode = await prove(async reach => {
  for (const engine of ['sqlite', 'postgres'] as const) {
    if (values.engine !== undefined && values.engine !== engine) continue
    if (engine === 'postgres' && !postgresBinaries()) {
      reach({ name: engine, figure: '–', goal: 'it is there', skipped: 'PostgreSQL is not installed' })
      continue
    }
    await measured(engine, reach)
  }
}, RUN_MS)

async function measured(engine: 'sqlite' | 'postgres', reach: (goal: Goal) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-logs-'))
  const postgres = engine === 'postgres' ? await startPostgres() : undefined
  try {
    const place = { directory, databaseUrl: postgres?.database() ?? '' }
    const tookMs = await fill(place)
    console.log(`${engine}: ${total} calls and their bodies written in ${Math.round(tookMs / 1_000)} s`)
    await ask(engine, place, reach)
  } finally {
    await postgres?.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A month of calls, by the way that rows and bodies always take to their stores. */
async function fill({ directory, databaseUrl }: Place): Promise<number> {
  const fromMs = performance.now()
  const path = join(directory, 'gatehouse.db')
  const stores = databaseUrl
    ? (await openPostgres({ url: databaseUrl, deadlineMs: 60_000 })).stores
    : await openSqlite({ path, clock: systemClock })
  const days = join(directory, 'bodies')
  mkdirSync(days, { recursive: true })
  const bodies = await openBodies(
    databaseUrl ? { engine: 'postgres', url: databaseUrl } : { engine: 'sqlite', directory: days }
  )
  for (let from = 0; from < total; from += BATCH) {
    const made = madeRows(from, Math.min(BATCH, total - from), { total, endMs })
    await Promise.all([stores.ledger.ingest(made), bodies.put(madeBodies(made.requests, from))])
  }
  await bodies.close()
  await stores.close()
  if (values.break) await dropIndexes({ path, databaseUrl })
  return performance.now() - fromMs
}

async function ask(engine: string, place: Place, reach: (goal: Goal) => void): Promise<void> {
  const sim = await startSim({ port: 0, host: '127.0.0.1', paceMs: 0 })
  const child = fork(join(import.meta.dirname, 'rig/log-gateway.ts'), [sim.url, place.directory, place.databaseUrl])
  try {
    const [{ url }] = (await once(child, 'message')) as [Told]
    const get = (path: string) => answered(`${url}/admin${path}`)
    await get('/logs')
    for (const [name, query] of Object.entries(PAGES)) {
      reach(await timed(`${engine}: a page, ${name}`, () => get(`/logs?limit=100&${query}`), PAGE_GOAL_MS))
    }
    const range = `from=${day(5)}&to=${day(4)}`
    for (const [name, query] of Object.entries(GROUPS)) {
      reach(await timed(`${engine}: a day, ${name}`, () => get(`/usage?${range}&${query}`), GROUP_GOAL_MS))
    }
    for (const [name, query] of Object.entries(TEXTS)) {
      reach(await timed(`${engine}: full text, ${name}`, () => get(`/logs?limit=100&${query}`), TEXT_GOAL_MS))
    }
    await beside(engine, { url: url!, child, get, range }, reach)
  } finally {
    child.send('end')
    await once(child, 'exit')
    await sim.close()
  }
}

/** The median of several times: the first brings pages of the file into memory, and what else runs can but add. */
async function timed(name: string, run: () => Promise<number>, goalMs: number): Promise<Goal> {
  const took: number[] = []
  let rows = 0
  for (let turn = 0; turn < TIMES; turn++) {
    const fromMs = performance.now()
    rows = await run()
    took.push(performance.now() - fromMs)
  }
  const median = percentile(took, 0.5)
  const figure = `${median.toFixed(0)} ms (${Math.min(...took).toFixed(0)} to ${Math.max(...took).toFixed(0)}), ${rows} lines`
  const problem = median > goalMs ? 'too slow' : undefined
  return { name, figure, goal: `at most ${goalMs} ms`, problem }
}

interface Beside {
  url: string
  child: ChildProcess
  get(path: string): Promise<number>
  range: string
}

/**
 * The same load of calls, alone and while everything above is asked again and again, by turns. Of the windows of either the
 * best counts: each has all the queries in it, and what else runs on the machine can but add.
 */
async function beside(engine: string, { url, child, get, range }: Beside, reach: (goal: Goal) => void): Promise<void> {
  const held = async (): Promise<NonNullable<Told['held']>> => {
    child.send('held')
    const [told] = (await once(child, 'message')) as [Told]
    return told.held!
  }
  const loaded = async (): Promise<Loaded> => {
    await held()
    const calls = await openLoop({ url, perSecond: PER_SECOND, durationMs: QUIET_MS, call })
    const failed = calls.filter(({ status }) => status !== 200).length
    return {
      p99Ms: percentile(
        calls.map(({ tookMs }) => tookMs),
        0.99
      ),
      held: await held(),
      failed
    }
  }
  await loaded()
  const alone: Loaded[] = []
  const together: Loaded[] = []
  let asked = 0
  for (let turn = 0; turn < WINDOWS; turn++) {
    alone.push(await loaded())
    let isOver = false
    const asking = (async () => {
      const paths = [
        ...Object.values(PAGES).map(query => `/logs?limit=100&${query}`),
        ...Object.values(GROUPS).map(query => `/usage?${range}&${query}`),
        ...Object.values(TEXTS).map(query => `/logs?limit=100&${query}`)
      ]
      for (; !isOver; asked++) {
        await get(paths[asked % paths.length]!)
        await sleep(BETWEEN_MS)
      }
    })()
    together.push(await loaded())
    isOver = true
    await asking
  }
  const least = (windows: readonly Loaded[], of: (one: Loaded) => number) => Math.min(...windows.map(of))
  const [p99Ms, aloneMs] = [least(together, one => one.p99Ms), least(alone, one => one.p99Ms)]
  const failed = together.reduce((sum, one) => sum + one.failed, 0)
  const added = p99Ms - aloneMs
  reach({
    name: `${engine}: calls meanwhile`,
    figure: `p99 ${p99Ms.toFixed(1)} ms, ${aloneMs.toFixed(1)} ms alone, ${asked} queries, ${failed} failed`,
    goal: `at most ${ADDED_P99_GOAL_MS} ms more, none fails`,
    problem: added > ADDED_P99_GOAL_MS || failed > 0 ? `${added.toFixed(1)} ms more` : undefined
  })
  const heldMs = least(together, one => one.held.byWorkMs)
  const clockMs = least(together, one => one.held.byClockMs)
  reach({
    name: `${engine}: the event loop`,
    figure: `held ${heldMs.toFixed(1)} ms at most by work, ${clockMs.toFixed(1)} ms by the clock (by the calls alone ${least(alone, one => one.held.byWorkMs).toFixed(1)} and ${least(alone, one => one.held.byClockMs).toFixed(1)})`,
    goal: `at most ${HELD_GOAL_MS} ms by work`,
    problem: heldMs > HELD_GOAL_MS ? 'held too long' : undefined
  })
}

/** One window of the load. */
interface Loaded {
  p99Ms: number
  held: NonNullable<Told['held']>
  failed: number
}

function call(number: number): { path: string; body: string } {
  const messages = [{ role: 'user', content: `What is ${number} times two?` }]
  return { path: '/v1/chat/completions', body: JSON.stringify({ model: 'lab/assistant', messages }) }
}

/** How many lines the answer has; throws on one that is none. */
async function answered(url: string): Promise<number> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${answer.status} of ${url}: ${text.slice(0, 300)}`)
  return (JSON.parse(text) as { data: unknown[] }).data.length
}
