/**
 * `npm run proof:cache`: no answer is given to whom, or to what, it does not belong; identical calls in flight are one
 * call upstream; what is not a whole answer of its own is never kept; budgets, limits and guards act on hits. The
 * provider's own log is the second witness. See docs/guide/proofs.md.
 *
 *   npm run proof:cache
 *   npm run proof:cache -- --quick      a tenth of the fields
 *   npm run proof:cache -- --break      whose an answer is is not part of its key: must fail
 */
import { parseArgs } from 'node:util'
import { proveFields } from './cache/fields.ts'
import { proveReloads } from './cache/reloads.ts'
import { proveRepeats } from './cache/repeats.ts'
import { proveRules } from './cache/rules.ts'
import { proveFlights, proveTenants } from './cache/shared.ts'
import { type Goal, prove } from './rig/proof.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, break: { type: 'boolean', default: false } }
})

const RUN_MS = 300_000
const AT_ONCE = 50

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: whose an answer is is not part of its key; this run must fail.')
  await proveTenants(reach, values.break)
  if (values.break) return
  await proveFlights(reach, AT_ONCE)
  await proveRules(reach)
  await proveReloads(reach)
  await proveRepeats(reach, values.quick)
  await proveFields(reach, values.quick ? 0.1 : 1)
}

process.exitCode = await prove(run, RUN_MS)
