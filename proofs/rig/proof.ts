import { closing, type Judged } from '../../bench/rig/report.ts'

/** One goal of a proof, measured. A `problem` fails it; `skipped` says why it could not be judged. */
export interface Goal {
  name: string
  figure: string
  goal: string
  problem?: string | undefined
  skipped?: string | undefined
}

/** `name: figure (goal: …) PASS|FAIL|SKIPPED why`, the form that every proof of the house has (D22). */
export function judged({ name, figure, goal, problem, skipped }: Goal): Judged {
  const verdict = skipped !== undefined ? 'SKIPPED' : problem !== undefined ? 'FAIL' : 'PASS'
  const why = skipped ?? problem
  return { verdict, line: `${name}: ${figure} (goal: ${goal}) ${verdict}${why === undefined ? '' : ` ${why}`}` }
}

/**
 * Runs a proof: prints a line for each goal as it is reached, then `N passed, N failed, N skipped`. Returns the exit
 * code: 1 where a goal failed, and where one was skipped although CI asks for all. What takes longer than `limitMs` is
 * stopped and has failed.
 */
export async function prove(run: (reach: (goal: Goal) => void) => Promise<void>, limitMs: number): Promise<number> {
  const all: Judged[] = []
  const reach = (goal: Goal) => {
    const one = judged(goal)
    all.push(one)
    console.log(one.line)
  }
  const overdue = setTimeout(() => {
    console.error(`stopped: not done after ${limitMs / 1_000} s`)
    process.exit(1)
  }, limitMs)
  try {
    await run(reach)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    reach({ name: 'the proof itself', figure: 'broken off', goal: 'it runs to its end', problem: why })
  } finally {
    clearTimeout(overdue)
  }
  const { line, failed } = closing(all, process.env.CI === 'true')
  console.log(line)
  return failed ? 1 : 0
}

/** The value below which `share` (0 to 1) of the values lie; NaN where there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
