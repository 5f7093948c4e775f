import type { Plant } from '../build.ts'
import type { JsonObject } from '../json.ts'
import { type Recorded, repeatedRecord } from '../stages/call-record.ts'
import type { RepeatedCall, RequestRow } from '../stores/rows.ts'
import { countCache } from './cache.ts'
import { hearsOfCalls, note } from './note.ts'
import { requestRow } from './request-row.ts'

/** Rows that calls have repeated: the same object for all of them, by which they are brought together on their way. */
const rows = new WeakMap<Recorded, RequestRow>()

/** Calls that repeated a recorded one, to everybody who hears of calls. */
export function recordRepeats(recorded: Recorded, calls: readonly RepeatedCall[], plant: Plant): void {
  const { record, caller } = recorded
  const { kept, telemetry, log } = plant
  const request = rows.get(recorded) ?? repeatedRow(recorded)
  rows.set(recorded, request)
  kept.ledger.repeated({ request, calls })
  const recordOf = (call: RepeatedCall) => repeatedRecord(record, call)
  telemetry?.repeated(record, calls, recordOf)
  countCache(record, kept.answers, calls.length)
  // The front page shows the last calls where there are no keys.
  if (caller.key === undefined || hearsOfCalls(log)) {
    for (const call of calls) note(recordOf(call), plant)
  }
}

function repeatedRow({ record }: Recorded): RequestRow {
  const row = requestRow(record)
  const { cache } = row.details as { cache: JsonObject }
  return { ...row, details: { ...row.details, cache: { ...cache, repeats: record.id } } }
}
