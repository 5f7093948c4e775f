import type { Caller } from '../access/caller.ts'
import type { Plant } from '../build.ts'
import { Failure } from '../errors.ts'
import type { FeedbackRow } from '../stores/rows.ts'

/** As many opinions of one answer are kept. */
const OPINIONS_MAX = 20

/**
 * Keeps what somebody thinks of an answer. Calls of others are not there for them. Failures: `not_found`, `conflict`,
 * `store_unavailable`.
 */
export async function keepFeedback(caller: Caller, row: FeedbackRow, { kept }: Pick<Plant, 'kept'>): Promise<void> {
  const { stores, ledger } = kept
  if (!stores)
    throw new Failure('store_unavailable', 'This gateway keeps nothing: it was started without a data directory.')
  await ledger.flush().catch(cause => {
    throw new Failure('store_unavailable', 'The ledger does not answer.', { cause })
  })
  const { request } = await stores.ledger.request(row.requestId)
  if (!request || !isOwn(caller, request.payers)) {
    throw new Failure('not_found', 'No call of yours has this id.', { param: 'request_id' })
  }
  const known = await stores.feedback.of(row.requestId)
  if (known.length >= OPINIONS_MAX) {
    throw new Failure('conflict', `${OPINIONS_MAX} opinions of this answer are kept already.`, { param: 'request_id' })
  }
  await stores.feedback.put(row)
}

/** The key's own calls, and those of its team; in open mode there is one caller. */
function isOwn({ name, team }: Caller, payers: { key?: string; team?: string }): boolean {
  if (name === undefined) return true
  return payers.key === name || (team !== undefined && payers.team === team)
}
