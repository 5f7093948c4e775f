/**
 * `npm run proof:stores`: Redis and PostgreSQL are killed, frozen, made to flap and to take no writes, and the disk is
 * filled, while a gateway is under load. What goes on, what is refused and what is there afterwards is as
 * docs/guide/proofs.md has it.
 *
 *   npm run proof:stores
 *   npm run proof:stores -- --only frozen            or `Redis`, `PostgreSQL`, `disk`; several with commas
 *   npm run proof:stores -- --added 1000             what a call may take longer, on a machine that does other things
 *   npm run proof:stores -- --quick                  short times
 *   npm run proof:stores -- --break                  stores are waited for: must fail
 */
import { parseArgs } from 'node:util'
import { postgresBinaries } from './rig/ledger-postgres.ts'
import { type Goal, prove } from './rig/proof.ts'
import { judgeDisk } from './rig/stores-disk.ts'
import { REAL, SHORT, STORE_FAULTS } from './rig/stores-faults.ts'
import { openHouse } from './rig/stores-house.ts'
import { ADDED_MS_MAX, judgeTrial } from './rig/stores-judge.ts'
import { redisMissing } from './rig/stores-servers.ts'
import { type StoreName, tryFault } from './rig/stores-trial.ts'

const LIMIT_MS = 15 * 60_000
const STORES: readonly StoreName[] = ['Redis', 'PostgreSQL']
/** Stores that are waited for are only seen to be where one says nothing. */
const BREAK_FAULT = 'frozen'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    added: { type: 'string' },
    quick: { type: 'boolean', default: false },
    break: { type: 'boolean', default: false }
  }
})
const addedMsMax = Number(values.added ?? ADDED_MS_MAX)
if (!(addedMsMax > 0)) throw new Error('--added takes milliseconds')
const only = values.only?.split(',') ?? []
const isAsked = (...names: string[]) => only.length === 0 || only.some(each => names.join(' ').includes(each))

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: stores are waited for; this run must fail.')
  const trials = STORES.flatMap(store =>
    STORE_FAULTS.filter(({ name }) => isAsked(store, name) && (!values.break || name === BREAK_FAULT)).map(fault => ({
      store,
      fault
    }))
  )
  const isDisk = isAsked('disk full') && !values.break
  if (trials.length === 0 && !isDisk) throw new Error(`no fault has "${values.only}" in its name`)
  if (isDisk) for (const goal of await judgeDisk()) reach(goal)
  if (trials.length === 0) return
  const missing = redisMissing() ? 'redis-server' : postgresBinaries() === undefined ? 'PostgreSQL' : undefined
  if (missing !== undefined) {
    const goal = 'the table of faults holds'
    return reach({ name: 'Redis and PostgreSQL', figure: 'not run', goal, skipped: `${missing} is not installed` })
  }
  const house = await openHouse(values.break)
  try {
    const times = values.quick ? SHORT : REAL
    for (const { store, fault } of trials) {
      for (const goal of judgeTrial(await tryFault(house, store, fault, times), addedMsMax)) reach(goal)
      const died = house.died()
      if (died !== undefined) throw new Error(`the gateway ended: ${died}`)
    }
  } finally {
    await house.close()
  }
}

process.exitCode = await prove(run, LIMIT_MS)
