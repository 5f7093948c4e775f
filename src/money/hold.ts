import type { Nano } from '../nano.ts'
import type { SettleRequest, Taken } from '../stores/counters.ts'
import type { BudgetRow, RateLimitRow } from '../stores/rows.ts'
import type { Ask, Holds, Spent } from './holds.ts'
import { budgetFailure, limitFailure } from './refusals.ts'
import { type Applied, type Rules, type Scope, scopesOfTarget } from './rules.ts'
import { type Held, LEASE_MS, type Rated, type Slot, takeFrom } from './taking.ts'
import { windowAt } from './windows.ts'

/** What belongs to one attempt. */
interface Covered {
  target: string
  held: Held[]
  rates: Rated[]
}

/** What is left of a limit, for the headers of the answer. */
export interface LimitView {
  unit: 'requests' | 'tokens'
  limit: number
  remaining: number
  /** Until it is whole again. */
  resetMs: number
}

/**
 * What one call has reserved (D3): taken all or none when it is admitted, raised before each attempt, settled by what
 * each attempt came to. Whoever opens one closes it, however the call ends.
 */
export class Hold {
  readonly id: string
  readonly #desk: Holds
  readonly #rules: Rules
  /** Budgets and limits of who pays. */
  readonly #budgets: readonly Applied<BudgetRow>[]
  readonly #limits: readonly Applied<RateLimitRow>[]
  readonly #attempts = new Map<string, Covered>()
  /** Taken when the call was admitted, for its first target; its first attempt has it. */
  #reserved: Covered | undefined
  /** Of the call itself: its place among the calls in flight, its count as a request, its rates. */
  #own: Covered = { target: '', held: [], rates: [] }
  #usedTokens = 0
  #isAdmitted = false
  /** Takes that the store gave no answer to, or not yet. */
  #unheard = 0
  #isOver = false
  #closed = false
  #settlements = 0
  /** The settlements that are on their way to the store. */
  #settling: Promise<void> | undefined
  #remainingNano: number | undefined

  constructor(desk: Holds, id: string, rules: Rules, payers: readonly Scope[]) {
    this.#desk = desk
    this.id = id
    this.#rules = rules
    this.#budgets = rules.budgets(payers)
    this.#limits = rules.limits(payers)
  }

  /** Something in the counters is ours. */
  get holdsSomething(): boolean {
    return this.#isAdmitted && !this.#rules.isEmpty
  }

  /** What the tightest budget in dollars has left beside this call's own hold; undefined: there is none. */
  get remainingNano(): number | undefined {
    return this.#remainingNano
  }

  /** The tightest limit of each unit. */
  get limits(): LimitView[] {
    const views = new Map<string, LimitView>()
    for (const { row, emissionMicros, aheadMicros } of this.#own.rates) {
      if (row.unit === 'calls') continue
      const remaining = Math.max(0, Math.floor(row.burst - aheadMicros / emissionMicros))
      const known = views.get(row.unit)
      if (known && known.remaining <= remaining) continue
      views.set(row.unit, { unit: row.unit, limit: row.amount, remaining, resetMs: aheadMicros / 1000 })
    }
    return [...views.values()]
  }

  /** Whether dollars of a hard budget hang on what this call comes to: then an open end must be watched. */
  get isBudgeted(): boolean {
    const all = [...(this.#reserved?.held ?? []), ...[...this.#attempts.values()].flatMap(({ held }) => held)]
    return all.some(({ row }) => row.mode === 'hard' && row.unit !== 'requests')
  }

  /**
   * Takes the call in, all or none: its rates, its place, and the worst case of its first target. Failures:
   * `rate_limited_here`, `budget_exceeded` (with the target, where it is a budget or limit of the target), and
   * `store_unavailable`. After one of `budget_exceeded` it may be called again, with another target.
   */
  admit(first: Ask | undefined): void | Promise<void> {
    if (this.#rules.isEmpty) return
    const own: Covered = { target: '', held: this.#requestsHeld(), rates: [] }
    const tokens = first?.expectedTokens ?? 0
    own.rates = this.#rated(this.#limits, tokens)
    const covered = first && this.#coveredBy(first)
    const slots = this.#slots()
    const parts = covered ? [own, covered] : [own]
    if (parts.every(({ held, rates }) => held.length + rates.length === 0) && slots.length === 0) return
    const taken = this.#take(parts, slots, first)
    const done = () => {
      this.#isAdmitted = true
      this.#own = own
      this.#reserved = covered
      this.#desk.opened(this)
    }
    return taken instanceof Promise ? taken.then(done) : done()
  }

  /** Makes sure of the worst case of one attempt. Failures: as `admit`'s, with the target. */
  cover(attempt: string, ask: Ask): void | Promise<void> {
    if (this.#rules.isEmpty) return
    const reserved = this.#reserved
    this.#reserved = undefined
    if (reserved?.target === nameOf(ask) && reserved.held.every(held => held.amount >= amountOf(held.row, ask))) {
      this.#attempts.set(attempt, reserved)
      return
    }
    if (reserved) this.#settle(reserved, { nano: 0 as Nano, tokens: 0 }, 0, false)
    const covered = this.#coveredBy(ask)
    if (covered.held.length + covered.rates.length === 0) return
    const taken = this.#take([covered], [], ask)
    const done = () => {
      if (!this.#isAdmitted) this.#desk.opened(this)
      this.#isAdmitted = true
      this.#attempts.set(attempt, covered)
    }
    return taken instanceof Promise ? taken.then(done) : done()
  }

  /** Raises what an attempt holds while it goes on; false: a budget has no room, and it must end. */
  extend(attempt: string, more: Ask): boolean | Promise<boolean> {
    const covered = this.#attempts.get(attempt)
    if (!covered || covered.held.length === 0) return true
    const raise = { ...covered, rates: [], held: covered.held.map(held => ({ ...held, amount: raiseOf(held, more) })) }
    const asked = { ...raise, held: raise.held.filter(({ amount }) => amount > 0) }
    const raised = () => {
      for (const held of asked.held) covered.held.find(each => each.key === held.key)!.amount += held.amount
      return true
    }
    try {
      const taken = this.#take([asked], [], more)
      return taken instanceof Promise ? taken.then(raised, () => false) : raised()
    } catch {
      return false
    }
  }

  /** What an attempt came to; once for each that was covered. */
  settle(attempt: string, spent: Spent): void {
    const covered = this.#attempts.get(attempt)
    this.#attempts.delete(attempt)
    this.#usedTokens += spent.tokens
    if (covered) this.#settle(covered, spent, 1, false)
    if (this.#isOver) this.close()
  }

  /** The call is over. Attempts that are still under way (the loser of a race) are waited for. */
  close(): void {
    this.#isOver = true
    if (this.#closed || this.#attempts.size > 0) return
    this.#closed = true
    this.#desk.closed(this)
    // What was asked for in vain may have been taken all the same, by a store that was only slow to say so.
    if (!this.#isAdmitted && this.#unheard === 0) return
    if (this.#reserved) this.#settle(this.#reserved, { nano: 0 as Nano, tokens: 0 }, 0, false)
    this.#reserved = undefined
    this.#settle(this.#own, { nano: 0 as Nano, tokens: this.#usedTokens }, 1, true)
  }

  /** Counters of requests: one for the call, whoever pays. */
  #requestsHeld(): Held[] {
    return this.#budgets.filter(({ row }) => row.unit === 'requests').map(each => this.#heldOn(each, 1))
  }

  /** What an attempt takes: of who pays the money, and all that its target has. */
  #coveredBy(ask: Ask): Covered {
    const held: Held[] = []
    for (const each of this.#budgets) {
      if (each.row.unit !== 'requests') held.push(this.#heldOn(each, amountOf(each.row, ask)))
    }
    const scopes = scopesOfTarget(ask.target)
    for (const each of this.#rules.budgets(scopes)) held.push(this.#heldOn(each, amountOf(each.row, ask)))
    return { target: nameOf(ask), held, rates: this.#rated(this.#rules.limits(scopes), ask.expectedTokens) }
  }

  #heldOn({ row, value }: Applied<BudgetRow>, amount: number): Held {
    const { name, slice, slices, startMs, resetMs, expiresAtMs } = windowAt(row.window, this.#desk.nowMs())
    return { row, value, key: `b:${row.id}:${value}:${name}`, slice, slices, startMs, resetMs, expiresAtMs, amount }
  }

  #rated(limits: readonly Applied<RateLimitRow>[], tokens: number): Rated[] {
    const rated: Rated[] = []
    for (const { row, value } of limits) {
      if (row.unit === 'calls') continue
      const emissionMicros = (row.perMs * 1000) / row.amount
      // What is larger than the whole limit is let in when all of it is there; what it used is settled after.
      const units = row.unit === 'requests' ? 1 : Math.min(tokens, row.burst)
      const takenMicros = Math.round(units * emissionMicros)
      rated.push({ row, key: `r:${row.id}:${value}`, emissionMicros, takenMicros, aheadMicros: 0 })
    }
    return rated
  }

  #slots(): Slot[] {
    return this.#limits
      .filter(({ row }) => row.unit === 'calls')
      .map(({ row, value }) => ({ row, key: `c:${row.id}:${value}` }))
  }

  #take(parts: readonly Covered[], slots: readonly Slot[], ask: Ask | undefined): void | Promise<void> {
    const held = parts.flatMap(part => part.held)
    const rates = parts.flatMap(part => part.rates)
    const check = (taken: Exclude<Taken, { why: 'missing' }>) => {
      this.#desk.heard(taken.nowMs)
      if (taken.ok) return this.#took(held, rates, taken)
      const target = parts.at(-1)!.target === '' ? undefined : ask?.target
      if (taken.why === 'budget') {
        throw budgetFailure(held[taken.index]!, taken.remaining, target, this.#desk.rooms.refusalStatus())
      }
      const isSlot = taken.why === 'slot'
      const row = isSlot ? slots[taken.index]!.row : rates[taken.index]!.row
      const isTargets = !isSlot && parts.length > 0 && parts.at(-1)!.rates.includes(rates[taken.index]!) && target
      throw limitFailure(row, isSlot ? undefined : taken.waitMicros / 1000, isTargets ? target : undefined)
    }
    const taken = takeFrom(this.#desk, { id: this.id, held, rates, slots })
    if (!(taken instanceof Promise)) return check(taken)
    this.#unheard++
    return taken.then(answer => {
      this.#unheard--
      check(answer)
    })
  }

  #took(held: readonly Held[], rates: readonly Rated[], taken: Extract<Taken, { ok: true }>): void {
    for (const [index, rate] of rates.entries()) rate.aheadMicros = taken.aheadMicros[index] ?? 0
    for (const [index, { row, value, amount, resetMs }] of held.entries()) {
      const remaining = taken.remaining[index] ?? 0
      if (row.unit === 'usd') this.#remainingNano = Math.min(this.#remainingNano ?? Number.POSITIVE_INFINITY, remaining)
      const now = row.limit - remaining
      for (const share of row.thresholds) {
        const at = share * row.limit
        if (now >= at && now - amount < at) {
          this.#desk.rooms.reached(row, { value, share, spentAndHeld: now, resetMs })
        }
      }
    }
  }

  #settle({ held, rates }: Covered, spent: Spent, requests: number, close: boolean): void {
    if (held.length + rates.length === 0 && !close) return
    this.#send({
      hold: this.id,
      id: `${this.id}:${this.#settlements++}`,
      budgets: held.map(({ row, key, slice, amount, expiresAtMs }) => ({
        key,
        slice,
        release: amount,
        spend: row.unit === 'usd' ? (spent.nano ?? 0) : row.unit === 'tokens' ? spent.tokens : requests,
        expiresAtMs
      })),
      rates: rates
        .filter(({ row }) => row.unit === 'tokens')
        .map(({ key, emissionMicros, takenMicros }) => ({
          key,
          micros: Math.round(spent.tokens * emissionMicros) - takenMicros
        })),
      close,
      leaseMs: LEASE_MS
    })
  }

  /** One after another: a store with several connections would else close the hold before its last attempt is settled. */
  #send(request: SettleRequest): void {
    const { counters, unsettled } = this.#desk.rooms
    const send = (): unknown => {
      try {
        return counters.settle(request)
      } catch (thrown) {
        return unsettled(thrown)
      }
    }
    const settling = this.#settling ? this.#settling.then(send) : send()
    if (!(settling instanceof Promise)) return
    const settled = settling.catch(unsettled).then(() => {
      if (this.#settling === settled) this.#settling = undefined
    })
    this.#settling = settled
  }
}

function nameOf({ target: { provider, model } }: Ask): string {
  return `${provider}/${model}`
}

function amountOf({ unit }: BudgetRow, { nano, tokens }: Ask): number {
  return unit === 'usd' ? (nano ?? 0) : unit === 'tokens' ? tokens : 1
}

function raiseOf({ row }: Held, more: Ask): number {
  return row.unit === 'requests' ? 0 : amountOf(row, more)
}
