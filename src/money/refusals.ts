import { Failure } from '../errors.ts'
import { usdText } from '../nano.ts'
import type { BudgetRow, RateLimitRow } from '../stores/rows.ts'

interface Exceeded {
  row: BudgetRow
  value: string
  amount: number
  resetMs: number
}

/** What a budget says to a call that it has no room for. With `target`, another target may be cheaper. */
export function budgetFailure(
  { row, value, amount, resetMs }: Exceeded,
  remaining: number,
  target: { provider: string; model: string } | undefined,
  status: number
): Failure {
  const { scope, unit, limit } = row
  const reset = new Date(resetMs).toISOString()
  const message =
    `The budget "${row.id}" (${scope.kind} ${value}, ${said(limit, unit)} ${windowName(row)}) has ${said(Math.max(0, remaining), unit)} left; ` +
    `this call may need ${said(amount, unit)}. ${'rollingMs' in row.window ? 'More is free' : 'It begins anew'} at ${reset}.`
  return new Failure('budget_exceeded', message, {
    status,
    ...target,
    details: { budget: row.id, scope: `${scope.kind}:${value}`, limit: said(limit, unit), reset }
  })
}

/** What a limit says to a call that is too many. `waitMs` undefined: nobody knows when one in flight will end. */
export function limitFailure(
  row: RateLimitRow,
  waitMs: number | undefined,
  target: { provider: string; model: string } | undefined
): Failure {
  const { unit, amount, scope } = row
  const what = unit === 'calls' ? `${amount} calls in flight` : `${amount} ${unit} per ${lengthOf(row.perMs)}`
  return new Failure('rate_limited_here', `The limit "${row.id}" of ${what} for the ${scope.kind} is reached.`, {
    retryAfterMs: Math.max(1, Math.ceil(waitMs ?? 1_000)),
    ...target,
    details: { limit: row.id }
  })
}

function said(amount: number, unit: BudgetRow['unit']): string {
  return unit === 'usd' ? `$${usdText(amount)}` : `${amount} ${unit}`
}

function windowName({ window }: BudgetRow): string {
  return 'rollingMs' in window ? `in any ${lengthOf(window.rollingMs)}` : `a ${window.every}`
}

const LENGTHS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second']
]

function lengthOf(ms: number): string {
  const [unitMs, name] = LENGTHS.find(([length]) => ms % length === 0) ?? [1, 'millisecond']
  const count = ms / unitMs
  return count === 1 ? name : `${count} ${name}s`
}
