import * as z from 'zod'
import { openApi } from './openapi.ts'
import { text, textOrNull, texts } from './replies.ts'
import { type Route, route } from './route.ts'

const actorReply = z.object({
  id: text,
  name: text,
  role: text,
  org: textOrNull.describe('Sees and changes this organisation alone; null: all.'),
  user: textOrNull.describe('A developer sees the keys and the usage of this user alone.'),
  permissions: texts
})

/** What the admin API says of itself, and of who asks. */
export function selfRoutes(all: () => readonly Route[]): Route[] {
  return [
    route({
      method: 'GET',
      path: '/openapi.json',
      permission: 'any_actor',
      tag: 'self',
      summary: 'This description of the admin API, as OpenAPI 3.1.',
      reply: z.record(z.string(), z.unknown()),
      keepsNothing: true,
      run: () => openApi(all())
    }),
    route({
      method: 'GET',
      path: '/me',
      permission: 'any_actor',
      tag: 'self',
      summary: 'Who asks, and what they may do.',
      reply: actorReply,
      keepsNothing: true,
      run: ({ actor: { id, name, role, org = null, user = null, permissions } }) => ({
        id,
        name,
        role,
        org,
        user,
        permissions: [...permissions].sort()
      })
    })
  ]
}
