import * as z from 'zod'
import { eraseSubject } from '../access/erase.ts'
import { exactlyOne, idText } from '../access/fields.ts'
import type { Governance } from './governance.ts'
import { text } from './replies.ts'
import { type Route, route } from './route.ts'

const subject = exactlyOne({
  user: idText.describe('As keys name it.'),
  customer: z.string().min(1).max(256).describe('As calls name it.'),
  key: idText.describe('Name of a key.')
})

/** What was kept of these calls, here and wherever else; and names that were purged by before are named no more. */
async function purgeCalls(
  places: readonly { requestId: string }[],
  { cache, stores, wallMs }: Governance
): Promise<void> {
  const what = { requestIds: places.map(({ requestId }) => requestId) }
  await stores.transaction(async tx => {
    // The locks of every transaction in one order: the version before the purges.
    await tx.raiseVersion()
    // Who has not followed those purges finds a gap, and lets go of everything.
    await tx.cachePurges.dropBefore(wallMs() + 1)
    await tx.cachePurges.append(what, wallMs())
  })
  await cache.purged()
}

export const eraseRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/erase',
    permission: 'records:erase',
    tag: 'erase',
    summary:
      'Erases a user, a customer or a key from the records: its name and what was said, not what it cost. The audit log has a salted digest of the name.',
    body: z.strictObject({
      subject,
      dry_run: z.boolean().default(false).describe('Only tells what there is.')
    }),
    reply: z.object({
      calls: z.number(),
      keys: z.number().describe('Of a user: disabled, and without a name.'),
      entries: z.number().describe('The user or customer itself, where it was listed.'),
      budgets: z.number().describe('About this subject alone: removed.'),
      limits: z.number(),
      dry_run: z.boolean(),
      note: text.optional()
    }),
    async run({ actor, body, governance, tools }) {
      const [kind, id] = Object.entries(body.subject)[0] as ['user' | 'customer' | 'key', string]
      const rooms = {
        stores: governance.stores,
        bodies: governance.bodies,
        others: [
          { erase: (places: readonly { requestId: string }[]) => purgeCalls(places, governance) },
          governance.stores.idempotency
        ],
        settle: () => governance.settle()
      }
      const erased = await eraseSubject(actor, { kind, id }, body.dry_run, rooms, tools)
      if (!body.dry_run) await governance.changed('access')
      const isDeclared = governance.declared().rows.keys.some(key => key.user === id || key.name === id)
      const note = isDeclared ? 'The configuration file names it too: change it there.' : undefined
      return { ...erased, dry_run: body.dry_run, ...(note && { note }) }
    }
  })
]
