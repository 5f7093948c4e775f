import type { Caller } from '../access/caller.ts'
import { declaredBudgetId, declaredRateLimitId, toBudgetRow, toPriceRow, toRateLimitRow } from '../access/inputs.ts'
import type { Plant } from '../build.ts'
import { catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/index.ts'
import { Failure } from '../errors.ts'
import { PriceBook } from '../money/price-book.ts'
import { Reckoning } from '../money/reckoning.ts'
import type { Scope } from '../money/rules.ts'
import { Rules } from '../money/rules.ts'
import type { Nano } from '../nano.ts'
import { modelFacts, type Provider } from '../providers/provider.ts'
import type { Step } from '../routing/facts.ts'
import type { Account, Call } from '../stages/call.ts'
import type { ChargeRooms } from '../stages/charge.ts'
import { payersOf } from '../stages/payers.ts'
import { sizeOf, sizeWith } from '../stages/request-size.ts'
import type { Governed } from './kept.ts'

/** What governs money now: what the file declares, and what the admin API made. */
interface Governing {
  rules: Rules
  prices: PriceBook
}

export interface Money {
  admit(call: Call, caller: Caller, first: Step | undefined): void | Promise<void>
  charge: ChargeRooms
  /** The prices in force. */
  prices(): PriceBook
  rules(): Rules
}

/** Admission and the books of attempts, for one version of the configuration. */
export function buildMoney(plan: { config: Config; providers: ReadonlyMap<string, Provider> }, plant: Plant): Money {
  const { kept, clock, random } = plant
  const governing = governed(plan, plant)
  const reckoning = (call: Call, { target }: Step): Reckoning => {
    const { prices } = governing()
    const { provider, model } = target
    const tariff = prices.pricesFor(provider, model, clock.wallMs())
    const asksNoModel = call.operation === 'object' || call.operation === 'count-tokens'
    const isFree = asksNoModel || (tariff.prices === null && plan.providers.get(provider)?.simulated === true)
    if (!isFree && tariff.prices === null && plan.config.unknownPrice === 'block') throw unpriced(provider, model)
    const { key } = call.account?.payers ?? {}
    const size = sizeWith(sizeIn(call, !governing().rules.isEmpty), target.params)
    return new Reckoning({ provider, model, key, size, tariff, isFree, wallMs: clock.wallMs() }, kept.learned)
  }
  return {
    rules: () => governing().rules,
    prices: () => governing().prices,
    admit(call, caller, first) {
      if (kept.ledger.full) throw new Failure('ledger_full', 'The gateway has no room to record the call.')
      // A plan may be asked for another first step, where a budget has no room for the one before.
      call.account ??= open(call, caller, governing().rules, plant)
      const { account } = call
      account.reckoned = first && { step: first, reckoning: reckoning(call, first) }
      const admission = account.hold.admit(account.reckoned?.reckoning.ask)
      const taken = () => {
        account.admittedMs = clock.monotonicMs() - call.startedMs
      }
      return admission instanceof Promise ? admission.then(taken) : taken()
    },
    charge: {
      clock,
      newId: () => random.id(),
      books: kept.ledger,
      reckoning(call, step) {
        const { account } = call
        const reckoned = account?.reckoned
        // For one attempt alone: it keeps count of what its hold was raised by.
        if (account) account.reckoned = undefined
        return reckoned?.step === step ? reckoned.reckoning : reckoning(call, step)
      }
    }
  }
}

function open(call: Call, caller: Caller, rules: Rules, { kept }: Plant): Account {
  const payers = payersOf(call, caller)
  // What a key was made from pays too: a child never gets round the budgets of its parent.
  const above = caller.parents.map((value): Scope => ({ kind: 'key', value }))
  const hold = kept.holds.open(call.id, payers, rules, above)
  return {
    payers,
    hold,
    size: undefined,
    costNano: 0 as Nano,
    begun: 0,
    tries: [],
    admittedMs: 0,
    reckoned: undefined,
    ended: []
  }
}

function sizeIn(call: Call, exactly: boolean) {
  const { account } = call
  if (!account) return sizeOf(call, exactly)
  account.size ??= sizeOf(call, exactly)
  return account.size
}

/** Rules and prices, made anew when what the stores hold has changed. */
function governed(
  { config, providers }: { config: Config; providers: ReadonlyMap<string, Provider> },
  { kept }: Plant
) {
  const declared = {
    budgets: config.budgets.map(input => toBudgetRow(input, { id: declaredBudgetId(input), createdAtMs: 0 })),
    rateLimits: config.rateLimits.map(input =>
      toRateLimitRow(input, { id: declaredRateLimitId(input), createdAtMs: 0 })
    ),
    prices: config.prices.map((input, at) => toPriceRow(input, { id: `file ${at}`, createdAtMs: 0 }))
  }
  const factsOf = (name: string, model: string) => {
    const provider = providers.get(name)
    return (provider && modelFacts(provider, model)?.prices) ?? null
  }
  let known: Governed | undefined
  let now: Governing | undefined
  return (): Governing => {
    if (now && known === kept.governed) return now
    known = kept.governed
    const { budgets, rateLimits, prices } = known
    now = {
      rules: new Rules([...declared.budgets, ...budgets], [...declared.rateLimits, ...rateLimits]),
      prices: new PriceBook({ lookup: factsOf, overrides: [...prices, ...declared.prices], version: catalog.version })
    }
    return now
  }
}

function unpriced(provider: string, model: string): Failure {
  return new Failure('unpriced_model', `No price is known for ${provider}/${model}, and such calls are refused here.`, {
    provider,
    model
  })
}
