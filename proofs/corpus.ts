/**
 * `npm run corpus`: what providers really said, held against the rules of exact dialects. About 25 seconds; loopback
 * only. See docs/guide/corpus.md.
 *
 *   npm run corpus                                  everything
 *   npm run corpus -- --only openai/chat_stream     one provider, or one operation of it
 *   npm run corpus -- --sample 2                    the first two of each provider and operation
 *   npm run corpus -- --break                       all that it proves is turned off: must fail
 *   npm run corpus -- --break=seals                 one of it, by its word in corpus/breaks.ts
 */
import { parseArgs } from 'node:util'
import type { Dialect } from '../src/dialects/dialect.ts'
import { dialects } from '../src/dialects/index.ts'
import { broken } from './corpus/breaks.ts'
import { readStream, recordings } from './corpus/interactions.ts'
import { run } from './corpus/run.ts'
import { select } from './corpus/selection.ts'
import { type Goal, prove } from './rig/proof.ts'

const RUN_MS = 300_000

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sample: { type: 'string' },
    break: { type: 'string' }
  },
  args: process.argv.slice(2).map(each => (each === '--break' ? '--break=all' : each))
})

async function corpus(reach: (goal: Goal) => void): Promise<void> {
  const real = { dialects: Object.values<Dialect>(dialects), readStream, forceCanonical: false }
  const parts = broken(real, values.break)
  if (values.break) console.log(`--break=${values.break}: this run must fail.`)
  const recorded = recordings()
  if (!recorded) {
    const skipped = 'there is no recorded traffic on this machine'
    reach({ name: 'corpus', figure: 'nothing', goal: 'recorded traffic keeps every rule', skipped })
    return
  }
  const each = values.sample === undefined ? undefined : Number(values.sample)
  const { interactions, left } = select(recorded, { dialects: parts.dialects, only: values.only, each })
  if (interactions.length === 0) throw new Error(`nothing that was recorded is ${values.only}`)
  await run({ interactions, parts, reach, note: line => console.log(line) })
  for (const [why, count] of left) console.log(`left out: ${count} × ${why}`)
}

process.exitCode = await prove(corpus, RUN_MS)
