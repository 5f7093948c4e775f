import { isUsed } from '../build/cache.ts'
import { recordRepeats } from '../build/repeats.ts'
import type { Plan, Plant } from '../build.ts'
import { Repeats } from '../stages/repeats.ts'

export interface RepeatsWorld {
  plan(): Plan
  /** Of what is known of keys and teams. */
  generation(): number
  /** Whether new calls are taken just now. */
  isOpen(): boolean
}

/** The requests that may come again, as long as nothing changes that their answers follow from. */
export function buildRepeats(plant: Plant, { plan, generation, isOpen }: RepeatsWorld): Repeats {
  const { clock, random, kept } = plant
  const repeats = new Repeats({
    clock,
    newId: () => random.id(),
    isOn: () => isUsed(plan().config),
    isOpen: () => isOpen() && !kept.ledger.full,
    standing: () => ({
      plan: plan(),
      governed: kept.governed,
      generation: generation(),
      changes: kept.answers.front.changes
    }),
    stands: ({ plan: before, governed, generation: known, changes }) =>
      before === plan() &&
      governed === kept.governed &&
      known === generation() &&
      changes === kept.answers.front.changes,
    record: (recorded, calls) => recordRepeats(recorded, calls, plant)
  })
  kept.ledger.gather(() => repeats.flush())
  return repeats
}
