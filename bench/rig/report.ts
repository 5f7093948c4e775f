import type { Window } from './windows.ts'

/** What a workload has shown: the windows of both, pair by pair, as far as they could be taken, and what was wrong. */
export interface Outcome {
  gateway: readonly Window[]
  nginx: readonly Window[]
  /** Why there is nothing to compare. */
  problem?: { verdict: 'FAIL' | 'SKIPPED'; why: string }
}

export interface Spread {
  median: number
  least: number
  most: number
}

/** The three ends of D22: a goal was met, was missed, or could not be judged. */
export type Verdict = 'PASS' | 'FAIL' | 'SKIPPED'

export interface Judged {
  line: string
  verdict: Verdict
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, least: sorted[0]!, most: sorted.at(-1)! }
}

/** Gateway ÷ nginx, of each pair of neighbouring windows: what slows the machine for a while slows both. */
export function ratios({ gateway, nginx }: Outcome): Spread {
  return spread(gateway.map((window, turn) => window.cpuUsPerUnit / nginx[turn]!.cpuUsPerUnit))
}

/** `name: 4.20 × nginx (goal: at most 6 ×) PASS`. Judged on the median. */
export function judge(name: string, goal: number, outcome: Outcome, beside = 'nginx'): Judged {
  const limit = `(goal: at most ${goal} ×)`
  if (outcome.problem) {
    const { verdict, why } = outcome.problem
    return { verdict, line: `${name}: – ${limit} ${verdict} ${why}` }
  }
  const { median } = ratios(outcome)
  const verdict = median <= goal ? 'PASS' : 'FAIL'
  const why = verdict === 'FAIL' ? ` ${(median / goal).toFixed(2)} times the goal` : ''
  return { verdict, line: `${name}: ${median.toFixed(2)} × ${beside} ${limit} ${verdict}${why}` }
}

/** `N passed, N failed, N skipped`, and whether the run has failed: a skip counts as one where CI asks for all of it. */
export function closing(judged: readonly Judged[], isCi: boolean): { line: string; failed: boolean } {
  const count = (verdict: Verdict) => judged.filter(one => one.verdict === verdict).length
  const [passed, failed, skipped] = [count('PASS'), count('FAIL'), count('SKIPPED')]
  return {
    line: `${passed} passed, ${failed} failed, ${skipped} skipped`,
    failed: failed > 0 || (isCi && skipped > 0)
  }
}

/** The cells of one workload: CPU µs as `41.3 (38.9–47.0)`, median, least and most; the ratio; the rates. */
export function cells(name: string, outcome: Outcome): string[] {
  const { gateway, nginx } = outcome
  const both = gateway.length > 0 && nginx.length === gateway.length
  const ratio = both ? `${ratios(outcome).median.toFixed(2)} ×` : '–'
  return [name, cpu(gateway), cpu(nginx), ratio, rate(gateway), rate(nginx)]
}

function cpu(windows: readonly Window[]): string {
  if (windows.length === 0) return '–'
  const { median, least, most } = spread(windows.map(window => window.cpuUsPerUnit))
  return `${median.toFixed(1)} (${least.toFixed(1)}–${most.toFixed(1)})`
}

function rate(windows: readonly Window[]): string {
  return windows.length === 0 ? '–' : spread(windows.map(window => window.unitsPerSecond)).median.toFixed(0)
}

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)
  return rows.map(row => `  ${row.map(cell).join('   ')}`.trimEnd()).join('\n')
}
