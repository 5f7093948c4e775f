import { usdText } from '../../src/nano.ts'
import { many } from './evidence.ts'
import { type Goal, percentile } from './proof.ts'
import { LIMIT_NANO, TIGHT_CALLS } from './stores-house.ts'
import type { Seen } from './stores-load.ts'
import type { Trial } from './stores-trial.ts'

/** That a call may take longer while a store is away, and that one may take which is refused. */
export const ADDED_MS_MAX = 60
/** After a store is gone, until that must have been noticed. */
const NOTICED_MS = 300
/** A call that took longer to be answered was not waiting for a store that had just come back. */
const ANSWERED_MS = 3_000
const RECOVERED_MS_MAX = 10_000
const QUERIES_TIMES_MAX = 2
/** Of so many transactions in a second nobody counts every one. */
const QUERIES_SPARE = 5
/** Takes that were given up and carried out all the same are held until their lease is over: not more than these. */
const STRAY_NANO_MAX = 1e9

/** The lines of the table for one fault: what goes on, what is refused, and what is there afterwards. */
export function judgeTrial(trial: Trial, addedMsMax: number): Goal[] {
  const own = trial.store === 'Redis' ? judgeRedis(trial, addedMsMax) : judgePostgres(trial)
  return [judgeGoesOn(trial, addedMsMax), ...own, judgeRecovery(trial), judgeLedger(trial), judgeSpent(trial)].map(
    goal => ({
      ...goal,
      name: `${trial.store} ${trial.fault}: ${goal.name}`
    })
  )
}

/** Calls that go on whatever happens: of a key that is remembered, with a soft budget and a rate limit. */
function judgeGoesOn({ store, calm, during, stream }: Trial, addedMsMax: number): Goal {
  const goesOn = (all: readonly Seen[]) =>
    all.filter(({ holder }) => holder === 'soft' || (store === 'PostgreSQL' && holder === 'hard'))
  const [before, after] = [goesOn(calm), goesOn(during)]
  const failed = after.filter(({ status }) => status !== 200)
  const p99 = (all: readonly Seen[]) =>
    percentile(
      all.map(({ tookMs }) => tookMs),
      0.99
    )
  const addedMs = Math.round(p99(after) - p99(before))
  const few = before.length < 10 || after.length < 10 ? 'too few calls to tell' : undefined
  const broken = stream.isWhole ? undefined : `a stream that was under way ended with ${stream.status}`
  return {
    name: 'calls that go on',
    figure: `${after.length}, ${failed.length} of them failed, added p99 ${addedMs} ms (${Math.round(p99(before))} ms before)`,
    goal: `none fails, added p99 at most ${addedMsMax} ms`,
    problem: first(failed) ?? broken ?? (addedMs <= addedMsMax ? few : 'slower than that')
  }
}

function judgeRedis(trial: Trial, addedMsMax: number): Goal[] {
  return [judgeHard(trial, addedMsMax), judgeTight(trial), judgeQueries(trial)]
}

/** Nobody can say that there is room. */
function judgeHard(trial: Trial, addedMsMax: number): Goal {
  const hard = trial.during.filter(({ holder }) => holder === 'hard')
  const away = within(trial, hard)
  const admitted = away.filter(({ status }) => status === 200).length
  const isRefusal = ({ status, code }: Seen) => status === 503 && code === 'store_unavailable'
  const others = hard.filter(seen => seen.status !== 200 && !isRefusal(seen))
  const p99Ms = Math.round(
    percentile(
      away.map(({ tookMs }) => tookMs),
      0.99
    )
  )
  const late = p99Ms > addedMsMax ? 'they had to wait for it' : undefined
  return {
    name: 'calls under a hard budget',
    figure: `${away.length} while it was away, ${admitted} of them admitted, p99 ${p99Ms} ms`,
    goal: `503 store_unavailable at once (${addedMsMax} ms)`,
    problem: first(others) ?? some(admitted, 'were admitted') ?? (away.length === 0 ? 'there are none' : late)
  }
}

function judgeTight({ tight }: Trial): Goal {
  const admitted = tight.filter(({ status }) => status === 200).length
  const refused = tight.filter(({ code }) => code === 'rate_limited_here').length
  const other = tight.find(({ status, code }) => status !== 200 && code !== 'rate_limited_here')
  return {
    name: 'a rate limit',
    figure: `${admitted} of ${tight.length} calls admitted, ${refused} refused`,
    goal: `at most ${TIGHT_CALLS} admitted, the others 429 rate_limited_here`,
    problem: admitted > TIGHT_CALLS ? 'it does not limit' : first(other ? [other] : [])
  }
}

function judgeQueries({ normalPerSecond, faultPerSecond }: Trial): Goal {
  const most = normalPerSecond * QUERIES_TIMES_MAX + QUERIES_SPARE
  return {
    name: 'transactions of PostgreSQL',
    figure: `${faultPerSecond.toFixed(1)} in a second, ${normalPerSecond.toFixed(1)} before`,
    goal: `at most ${QUERIES_TIMES_MAX} times as many, and ${QUERIES_SPARE}`,
    problem: faultPerSecond > most ? 'what Redis does not do PostgreSQL must' : undefined
  }
}

/** Who can be told from nobody only by a store that is away. One that takes no writes can still be read. */
function judgePostgres(trial: Trial): Goal[] {
  const isRefusal = ({ status, code }: Seen) => status === 503 && code === 'store_unavailable'
  const isRead = trial.fault === 'read-only'
  const [cold, nobody] = [within(trial, trial.cold), within(trial, trial.nobody)]
  const wrong = [
    // One that flaps is there now and then, and the key is remembered from then on.
    ...cold.filter(
      seen => (isRead || trial.away.length > 1 ? seen.status !== 200 : true) && (isRead || !isRefusal(seen))
    ),
    ...nobody.filter(seen => (isRead ? seen.status !== 401 : !isRefusal(seen)))
  ]
  return [
    {
      name: 'keys that are not remembered',
      figure: `${many(cold.length, 'call')} with one that is a key, ${nobody.length} with one that is none`,
      goal: isRead ? 'they are looked up' : 'all 503 store_unavailable, not 401',
      problem: first(wrong) ?? (cold.length * nobody.length === 0 ? 'there are none' : undefined)
    }
  ]
}

function judgeRecovery({ recoveredMs }: Trial): Goal {
  const late = recoveredMs === undefined || recoveredMs > RECOVERED_MS_MAX
  return {
    name: 'all as before',
    figure: recoveredMs === undefined ? 'never' : `${(recoveredMs / 1_000).toFixed(1)} s after it was there again`,
    goal: `within ${RECOVERED_MS_MAX / 1_000} s`,
    problem: late ? 'too late' : undefined
  }
}

function judgeLedger({ answered, rows, repeated }: Trial): Goal {
  const { requests, attempts, finished } = rows
  const missing = requests < answered || finished < answered ? 'rows are missing' : undefined
  const tooMany = requests > answered || attempts > answered || repeated > 0 ? 'rows are there twice' : undefined
  return {
    name: 'the ledger of answered calls',
    figure: `${many(answered, 'call')}, ${requests} request rows, ${finished} finished attempts`,
    goal: 'one of each for each call',
    problem: answered === 0 ? 'there are none' : (missing ?? tooMany)
  }
}

/** The counters say no less than the ledger, which is the truth. */
function judgeSpent({ spent }: Trial): Goal {
  const lines = Object.entries(spent).map(([name, both]) => ({ name, both }))
  const dollars = (nano: number) => `$${usdText(Math.round(nano))}`
  const problems = lines.flatMap(({ name, both }) => {
    if (!both) return `the answer under the ${name} budget says nothing of it`
    const moreNano = both.countedNano - both.ledgerNano
    if (moreNano < 0) return `${dollars(-moreNano)} are not counted on the ${name} one`
    return moreNano > STRAY_NANO_MAX ? `${dollars(moreNano)} too much on the ${name} one` : []
  })
  return {
    name: 'budgets',
    figure: lines
      .map(({ name, both }) => both && `${name}: ${dollars(both.countedNano)} of ${dollars(both.ledgerNano)} counted`)
      .join(', '),
    goal: `as the ledger has it, of ${dollars(LIMIT_NANO)}`,
    problem: problems[0]
  }
}

/** Of calls, those that began and ended while the store was away, and that had been noticed. */
function within({ away }: Trial, all: readonly Seen[]): Seen[] {
  return all.filter(({ sentMs, tookMs }) =>
    away.some(
      ({ fromMs, toMs }) => sentMs > fromMs + NOTICED_MS && (sentMs + tookMs < toMs || sentMs < toMs - ANSWERED_MS)
    )
  )
}

function first(wrong: readonly Seen[]): string | undefined {
  const [one] = wrong
  const what = one && (one.status === 0 ? 'no answer' : `${one.status} ${one.code ?? ''}`.trim())
  return one && `${wrong.length} of them: ${what} after ${Math.round(one.tookMs)} ms (${one.holder})`
}

function some(count: number, what: string): string | undefined {
  return count > 0 ? `${count} ${what}` : undefined
}
