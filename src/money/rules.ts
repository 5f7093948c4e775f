import type { BudgetRow, Payers, RateLimitRow, ScopeKind } from '../stores/rows.ts'

/** Whose it is: a scope with the name that is counted. */
export interface Scope {
  kind: ScopeKind
  value: string
}

/** A budget or limit, for one of the names it is about. */
export interface Applied<Row> {
  row: Row
  value: string
}

interface Ruled {
  scope: { kind: ScopeKind; match: string }
}

/**
 * Budgets and limits, by what they are about. Those of a call's payers and those of its target are asked for apart: who
 * pays is known at once, who answers only at each attempt.
 */
export class Rules {
  readonly #budgets: ReadonlyMap<ScopeKind, readonly Matching<BudgetRow>[]>
  readonly #limits: ReadonlyMap<ScopeKind, readonly Matching<RateLimitRow>[]>
  /** Nothing is limited: calls need not be reckoned beforehand. */
  readonly isEmpty: boolean

  constructor(budgets: readonly BudgetRow[], limits: readonly RateLimitRow[]) {
    this.#budgets = byKind(budgets)
    this.#limits = byKind(limits)
    this.isEmpty = budgets.length + limits.length === 0
  }

  budgets(scopes: readonly Scope[]): Applied<BudgetRow>[] {
    return applied(this.#budgets, scopes)
  }

  limits(scopes: readonly Scope[]): Applied<RateLimitRow>[] {
    return applied(this.#limits, scopes)
  }
}

/** The scopes of who pays. */
export function scopesOf({ org, team, user, key, customer, agent, tags = [] }: Payers): Scope[] {
  const scopes: Scope[] = []
  const named = { org, team, user, key, customer, agent }
  for (const kind in named) {
    const value = named[kind as keyof typeof named]
    if (value !== undefined) scopes.push({ kind: kind as ScopeKind, value })
  }
  for (const value of new Set(tags)) scopes.push({ kind: 'tag', value })
  return scopes
}

/** The scopes of who answers. */
export function scopesOfTarget({ provider, model }: { provider: string; model: string }): Scope[] {
  return [
    { kind: 'provider', value: provider },
    { kind: 'model', value: model }
  ]
}

type Matching<Row> = { row: Row; matches(value: string): boolean }

function byKind<Row extends Ruled>(rows: readonly Row[]): Map<ScopeKind, Matching<Row>[]> {
  const kinds = new Map<ScopeKind, Matching<Row>[]>()
  for (const row of rows) {
    const list = kinds.get(row.scope.kind) ?? []
    list.push({ row, matches: matcher(row.scope.match) })
    kinds.set(row.scope.kind, list)
  }
  return kinds
}

function applied<Row>(kinds: ReadonlyMap<ScopeKind, readonly Matching<Row>[]>, scopes: readonly Scope[]) {
  const found: Applied<Row>[] = []
  if (kinds.size === 0) return found
  for (const { kind, value } of scopes) {
    for (const { row, matches } of kinds.get(kind) ?? []) if (matches(value)) found.push({ row, value })
  }
  return found
}

/** A pattern in which `*` stands for any text. */
export function matcher(pattern: string): (value: string) => boolean {
  if (pattern === '*') return () => true
  if (!pattern.includes('*')) return value => value === pattern
  const parts = pattern.split('*')
  const first = parts[0]!
  const last = parts.at(-1)!
  const middle = parts.slice(1, -1)
  return value => {
    if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false
    let at = first.length
    for (const part of middle) {
      const found = value.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    return at <= value.length - last.length
  }
}
