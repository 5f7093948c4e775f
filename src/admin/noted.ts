import { append } from '../access/audit.ts'
import type { Asked } from './route.ts'

/** Writes down who looked at what: reading leaves no other trace. */
export async function noted(
  { governance, actor: { id, role }, tools }: Pick<Asked, 'governance' | 'actor' | 'tools'>,
  action: string,
  object: string
): Promise<void> {
  const { address, requestId } = tools
  const row = { actor: id, role, address, requestId, action, object, before: null, after: null }
  await governance.stores.transaction(tx => append(tx, row))
}
