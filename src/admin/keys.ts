import * as z from 'zod'
import { notFound } from '../access/changes.ts'
import { keyInput, keyPatch, rotateInput } from '../access/inputs.ts'
import { createKey, disableKey, type KeyMade, removeKey, rotateKey, updateKey } from '../access/keys-admin.ts'
import { sees } from '../access/permissions.ts'
import type { KeyRow, KeySecretRow } from '../stores/rows.ts'
import type { Governance } from './governance.ts'
import { pageOf, pageQuery, pageReply, rowsFrom } from './pages.ts'
import {
  bodiesReply,
  cacheReply,
  demands,
  demandsReply,
  metadataReply,
  moment,
  momentOrNull,
  momentText,
  source,
  text,
  textOrNull,
  texts,
  textsOrNull
} from './replies.ts'
import { type Asked, type Route, route } from './route.ts'

const tokenReply = z.object({
  hint: text.describe('The last four characters of the token.'),
  created_at: momentText,
  expires: momentOrNull
})

const keyMembers = {
  id: text,
  name: text,
  parent: textOrNull,
  org: textOrNull,
  team: textOrNull,
  user: textOrNull,
  models: textsOrNull,
  providers: textsOrNull,
  doors: textsOrNull,
  addresses: textsOrNull,
  guards: textsOrNull,
  require: demandsReply,
  bodies: bodiesReply,
  cache: cacheReply,
  tags: texts,
  metadata: metadataReply,
  expires: momentOrNull,
  disabled: z.boolean(),
  created_at: momentOrNull,
  last_used_at: momentOrNull,
  source
}

const keyReply = z.object(keyMembers).meta({ id: 'Key' })
const keyWithTokens = z.object({ ...keyMembers, tokens: z.array(tokenReply) })
const keyMade = z.object({
  key: keyReply,
  token: text.describe('What clients send. It is shown this once and kept nowhere.')
})

const listQuery = z.strictObject({
  ...pageQuery,
  name: text.optional().describe('The key of this name.'),
  org: text.optional(),
  team: text.optional(),
  user: text.optional(),
  parent: text.optional().describe('Keys that were made from this one.')
})

const READ = ['keys:read', 'keys:read_own'] as const
const WRITE = ['keys:write', 'keys:write_own'] as const
const tag = 'keys'

export const keyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/keys',
    permission: READ,
    tag,
    summary: 'Lists keys, those of the file first.',
    query: listQuery,
    reply: pageReply(keyReply),
    async run({ actor, governance, query: { limit, after, ...where } }) {
      const isAsked = (key: KeyRow) =>
        Object.entries(where).every(([name, value]) => value === undefined || key[name as keyof typeof where] === value)
      const { rows } = governance.declared()
      const found = rowsFrom(rows.keys, page => governance.stores.keys.list(page), after)
      const { data, next } = await pageOf(found, limit, key => sees(actor, key) && isAsked(key))
      return { data: data.map(key => shown(key, governance)), next }
    }
  }),
  route({
    method: 'POST',
    path: '/keys',
    permission: WRITE,
    tag,
    summary: 'Makes a key; its token is in this answer and nowhere else.',
    body: keyInput,
    status: 201,
    reply: keyMade,
    run: async ({ actor, body, change, governance }) =>
      made(await change('access', (tx, tools) => createKey(actor, body, tx, tools)), governance)
  }),
  route({
    method: 'GET',
    path: '/keys/:id',
    permission: READ,
    tag,
    summary: 'One key, with what is known of its tokens.',
    reply: keyWithTokens,
    async run(asked) {
      const key = await findKey(asked)
      const secrets = await asked.governance.stores.keys.secretsOf(key.id)
      return { ...shown(key, asked.governance), tokens: secrets.map(shownToken) }
    }
  }),
  route({
    method: 'PATCH',
    path: '/keys/:id',
    permission: WRITE,
    tag,
    summary: 'Changes what is named; `null` takes it away.',
    body: keyPatch,
    reply: keyReply,
    run: async ({ actor, params, body, change, governance }) =>
      shown(await change('access', (tx, tools) => updateKey(actor, params.id!, body, tx, tools)), governance)
  }),
  route({
    method: 'POST',
    path: '/keys/:id/disable',
    permission: WRITE,
    tag,
    summary: 'Refuses the key, and all that were made from it, from now on.',
    reply: keyReply,
    run: async ({ actor, params, change, governance }) =>
      shown(await change('access', (tx, tools) => disableKey(actor, params.id!, tx, tools)), governance)
  }),
  route({
    method: 'POST',
    path: '/keys/:id/rotate',
    permission: WRITE,
    tag,
    summary: 'Makes a new token; the one before is taken for a while longer.',
    body: rotateInput,
    reply: keyMade,
    run: async ({ actor, params, body, change, governance }) =>
      made(
        await change('access', (tx, tools) => rotateKey(actor, params.id!, { overlapMs: body.overlap }, tx, tools)),
        governance
      )
  }),
  route({
    method: 'DELETE',
    path: '/keys/:id',
    permission: WRITE,
    tag,
    summary: 'Removes a key for good.',
    run: ({ actor, params, change }) => change('access', (tx, tools) => removeKey(actor, params.id!, tx, tools))
  })
]

async function findKey({ actor, params, governance }: Asked): Promise<KeyRow> {
  const declared = governance.declared().rows.keys.find(({ id }) => id === params.id)
  const key = declared ?? (await governance.stores.keys.find(params.id!))
  if (!key || !sees(actor, key)) throw notFound('key')
  return key
}

function made({ key, token }: KeyMade, governance: Governance) {
  return { key: shown(key, governance), token: token.reveal() }
}

function shown(key: KeyRow, governance: Governance): z.input<typeof keyReply> {
  const { models, providers, doors, addresses, guards, require, bodies, cache } = key.scopes
  const isDeclared = governance.declared().names.keys.has(key.id)
  return {
    id: key.id,
    name: key.name,
    parent: key.parent,
    org: key.org,
    team: key.team,
    user: key.user,
    models: listed(models),
    providers: listed(providers),
    doors: listed(doors),
    addresses: listed(addresses),
    guards: listed(guards),
    require: demands(require),
    bodies: bodies ?? null,
    cache: cache ?? null,
    tags: [...key.tags],
    metadata: key.metadata,
    expires: moment(key.expiresAtMs),
    disabled: key.disabled,
    created_at: isDeclared ? null : moment(key.createdAtMs),
    last_used_at: moment(key.lastUsedAtMs),
    source: isDeclared ? 'file' : 'api'
  }
}

function listed(list: readonly string[] | undefined): string[] | null {
  return list ? [...list] : null
}

function shownToken({ hint, createdAtMs, expiresAtMs }: KeySecretRow): z.input<typeof tokenReply> {
  return { hint, created_at: moment(createdAtMs), expires: moment(expiresAtMs) }
}
