/**
 * `npm run proof:simulate`: 2,000 calls under one configuration; what the simulator says that another one would have
 * made of them; then the same 2,000 calls under that other one. What was predicted is what happens: the share of each
 * target within 1 %, the cost within 1 %, the calls that are refused. Nobody is called to find out, and calls that go on
 * meanwhile are not held up. See docs/guide/proofs.md.
 *
 *   npm run proof:simulate
 *   npm run proof:simulate -- --quick      200 calls, whose dice are less even: within 4 %
 *   npm run proof:simulate -- --break      the simulator's conditions know nothing: must fail
 */
import { setImmediate as turn } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { JsonObject } from '../src/json.ts'
import { startSim } from '../src/sim/index.ts'
import { type Goal, prove } from './rig/proof.ts'
import {
  CONFIG_A,
  CONFIG_B,
  configOf,
  makeCalls,
  openHouse,
  predicted,
  proofCalls,
  real,
  type Shares
} from './rig/simulate-load.ts'

const LIMIT_MS = 10 * 60_000
const HELD_MAX_MS = 5

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, break: { type: 'boolean', default: false } }
})
const count = values.quick ? 200 : 2_000
const bound = values.quick ? 0.04 : 0.01
const sameMax = values.quick ? 0.15 : 0.05

async function run(reach: (goal: Goal) => void): Promise<void> {
  if (values.break) console.log('--break: conditions of the simulator know nothing; this run must fail.')
  const sim = await startSim({ port: 0, host: '127.0.0.1', paceMs: 0 })
  const calls = proofCalls(count)
  try {
    const before = await openHouse(configOf(sim.url, CONFIG_A), values.break ? 'conditions' : undefined)
    let expected: Shares
    try {
      await makeCalls(before, calls)
      // A process that has served calls is warm; what reads a configuration is as warm after some of them.
      for (let times = 0; times < (values.quick ? 0 : 8); times++) {
        await before.admin('POST', '/simulate', { config: configOf(sim.url, CONFIG_B) })
      }
      const asked = sim.log().length
      const turns = watchTurns()
      const report = await before.admin('POST', '/simulate', { config: configOf(sim.url, CONFIG_B) })
      const heldMs = await turns.stop()
      reach(judgeNobody(sim.log().length - asked))
      if (!values.quick) reach(judgeHeld(heldMs))
      reach(judgeSame(await before.admin('POST', '/simulate', { config: configOf(sim.url, CONFIG_A) })))
      expected = predicted(report)
    } finally {
      await before.close()
    }
    const after = await openHouse(configOf(sim.url, CONFIG_B))
    try {
      await makeCalls(after, calls)
      judge(expected, await real(after), reach)
    } finally {
      await after.close()
    }
  } finally {
    await sim.close()
  }
}

function judge(expected: Shares, actual: Shares, reach: (goal: Goal) => void): void {
  for (const name of new Set([...actual.of.keys(), ...expected.of.keys()])) {
    const [foreseen, met] = [expected.of.get(name) ?? 0, actual.of.get(name) ?? 0]
    const isNear = Math.abs(foreseen - met) <= bound
    reach({
      name: `share of ${name}`,
      figure: `${percent(foreseen)} predicted, ${percent(met)} met`,
      goal: `within ${percent(bound)} of all calls`,
      problem: isNear ? undefined : `${percent(Math.abs(foreseen - met))} off`
    })
  }
  const off = Math.abs(expected.costUsd / actual.costUsd - 1)
  reach({
    name: 'cost',
    figure: `$${expected.costUsd.toFixed(6)} predicted, $${actual.costUsd.toFixed(6)} met`,
    goal: `within ${percent(bound)}`,
    problem: off <= bound ? undefined : `${percent(off)} off`
  })
}

function judgeNobody(calls: number): Goal {
  return {
    name: 'calls to providers while simulating',
    figure: String(calls),
    goal: '0',
    problem: calls === 0 ? undefined : 'somebody was called'
  }
}

/**
 * How long each turn of the event loop held it, in milliseconds: by the clock, which counts what else runs on the machine,
 * or by the processor's account, which some systems keep in steps of 4 ms; by the one that says less.
 */
function watchTurns(): { stop(): Promise<number[]> } {
  const heldMs: number[] = []
  let isOver = false
  const watch = async () => {
    let before = { cpu: process.threadCpuUsage(), atMs: performance.now() }
    while (!isOver) {
      await turn()
      const now = { cpu: process.threadCpuUsage(), atMs: performance.now() }
      const usedMs = (now.cpu.user + now.cpu.system - before.cpu.user - before.cpu.system) / 1_000
      heldMs.push(Math.min(usedMs, now.atMs - before.atMs))
      before = now
    }
  }
  const watching = watch()
  return {
    async stop() {
      isOver = true
      await watching
      return heldMs.sort((a, b) => b - a)
    }
  }
}

/** The longest turn is that in which the configuration is read, as by any reload. */
function judgeHeld([longestMs = 0, secondMs = 0]: readonly number[]): Goal {
  return {
    name: 'event loop held while simulating',
    figure: `${secondMs.toFixed(1)} ms, and ${longestMs.toFixed(1)} ms to read the configuration`,
    goal: `≤ ${HELD_MAX_MS} ms beside that`,
    problem: secondMs <= HELD_MAX_MS ? undefined : 'calls would wait'
  }
}

/** The configuration that the log was made under moves only what its dice were off: the bound is five times that. */
function judgeSame({ moved, calls }: JsonObject): Goal {
  const share = Number(moved) / Number(calls)
  return {
    name: 'calls moved by the configuration as it is',
    figure: percent(share),
    goal: `≤ ${percent(sameMax)}`,
    problem: share <= sameMax ? undefined : 'nothing was changed'
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}

process.exitCode = await prove(run, LIMIT_MS)
