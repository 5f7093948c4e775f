import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { openSqlite } from '../../src/stores/sql/sqlite.ts'
import { many } from './evidence.ts'
import type { Goal } from './proof.ts'
import { startHouse, waitFor } from './stores-house.ts'
import type { Seen } from './stores-load.ts'

const DISK_MB = 12
const STREAMS = 10
const STREAM_WORDS = 60
const PACE_MS = 40
const FULL_MS = 5_000
const FILL_BYTES = 4_096
const NAMES = [
  'disk full: new calls',
  'disk full: streams under way',
  'disk full: their rows, when there is room again'
]
const GOALS = ['503 ledger_full', 'all go on to their end', 'one for each, finished']

/** A gateway without servers, in a directory on a small disk that is filled while streams are under way. */
export async function judgeDisk(): Promise<Goal[]> {
  const mount = mkdtempSync(path.join(tmpdir(), 'gatehouse-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', mount], { stdio: 'ignore' })
  } catch {
    rmdirSync(mount)
    const skipped = 'a small disk can only be mounted by root'
    return NAMES.map((name, index) => ({ name, figure: 'not run', goal: GOALS[index]!, skipped }))
  }
  try {
    return await fillUnderLoad(mount)
  } finally {
    execFileSync('umount', [mount])
    rmdirSync(mount)
  }
}

async function fillUnderLoad(mount: string): Promise<Goal[]> {
  const data = path.join(mount, 'data')
  const house = await startHouse({ data, isBroken: false })
  try {
    const { client, tokens } = house
    const ask = (more = {}) => client.call({ holder: 'soft', token: tokens.soft, ...more })
    await ask()
    const streaming = Array.from({ length: STREAMS }, () => ask({ words: STREAM_WORDS, paceMs: PACE_MS }))
    await waitFor(async () => house.sim.log().filter(({ stream }) => stream).length === STREAMS, FULL_MS)
    const filler = path.join(mount, 'filler')
    fill(filler)
    const refused: Seen[] = []
    const isFull = await waitFor(async () => {
      // What was let in last took the last room.
      const seen = await ask()
      if (seen.status !== 200) refused.push(seen)
      return refused.length > 0
    }, FULL_MS)
    while (isFull && refused.length < 20) refused.push(await ask())
    const streams = await Promise.all(streaming)
    rmSync(filler)
    const admitsAgain = await waitFor(async () => (await ask()).status === 200, FULL_MS)
    const ids = streams.flatMap(({ id }) => id ?? [])
    // Its database is no other process's while it is there.
    await house.leave()
    const rows = await rowsOf(data, ids)
    return [judgeRefused(refused), judgeStreams(streams), judgeRows(ids, rows, admitsAgain)]
  } finally {
    await house.close()
  }
}

function fill(file: string): void {
  const descriptor = openSync(file, 'w')
  try {
    for (let bytes = FILL_BYTES; ; ) writeSync(descriptor, Buffer.alloc(bytes))
  } catch {
    // That is what it is for.
  } finally {
    closeSync(descriptor)
  }
}

/** Attempts of these calls that are in the ledger and over, as soon as that is all of them. */
async function rowsOf(data: string, ids: readonly string[]): Promise<{ attempts: number; finished: number }> {
  const stores = await openSqlite({ path: path.join(data, 'gatehouse.db'), clock: systemClock })
  const rows = { attempts: 0, finished: 0 }
  try {
    await waitFor(async () => {
      const found = await Promise.all(ids.map(id => stores.ledger.request(id)))
      const attempts = found.flatMap(each => each.attempts)
      rows.attempts = attempts.length
      rows.finished = attempts.filter(({ state, outcome }) => state === 'finished' && outcome === 'done').length
      return rows.finished >= ids.length && found.every(({ request }) => request !== undefined)
    }, FULL_MS)
  } finally {
    await stores.close()
  }
  return rows
}

function judgeRefused(refused: readonly Seen[]): Goal {
  const other = refused.find(({ status, code }) => status !== 503 || code !== 'ledger_full')
  return {
    name: NAMES[0]!,
    figure: `${many(refused.length, 'call')} refused`,
    goal: GOALS[0]!,
    problem: refused.length < 2 ? 'they are let in' : other && `${other.status} ${other.code}`
  }
}

function judgeStreams(streams: readonly Seen[]): Goal {
  const whole = streams.filter(({ isWhole }) => isWhole).length
  return {
    name: NAMES[1]!,
    figure: `${whole} of ${streams.length} whole`,
    goal: GOALS[1]!,
    problem: whole < streams.length ? 'some were broken off' : undefined
  }
}

function judgeRows(
  ids: readonly string[],
  { attempts, finished }: { attempts: number; finished: number },
  admitsAgain: boolean
): Goal {
  const missing = finished < ids.length ? 'rows are missing' : undefined
  return {
    name: NAMES[2]!,
    figure: `${many(finished, 'row')} for ${many(ids.length, 'call')}`,
    goal: GOALS[2]!,
    problem: !admitsAgain
      ? 'calls are refused for good'
      : (missing ?? (attempts > ids.length ? 'there twice' : undefined))
  }
}
