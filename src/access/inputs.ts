import * as z from 'zod'
import { cacheMode } from '../cache-rules.ts'
import { Failure } from '../errors.ts'
import { duration, secret } from '../fields.ts'
import { demandsSchema } from '../residency.ts'
import {
  BODY_LEVELS,
  type KeyRow,
  type KeyScopes,
  type TenantKind,
  type TenantRow,
  type TenantScopes
} from '../stores/rows.ts'
import { addressRange, idText, metadata, moment, patterns, plainText, tags } from './fields.ts'
import { ROLES } from './permissions.ts'

export {
  type BudgetInput,
  budgetInput,
  declaredBudgetId,
  declaredRateLimitId,
  type PriceInput,
  priceInput,
  type RateLimitInput,
  rateLimitInput,
  toBudgetRow,
  toPriceRow,
  toRateLimitRow
} from './rule-inputs.ts'

/**
 * What people write about keys, tenants and admins: the same in the configuration file and to the admin
 * API. All of them are strict, so that a member nobody knows is refused instead of stored (mass assignment).
 */

/** Doors that a key can be held to. */
export const DOORS = [
  'chat',
  'messages',
  'responses',
  'gemini',
  'embeddings',
  'count-tokens',
  'models',
  'objects',
  'guard',
  'feedback'
] as const

export type Door = (typeof DOORS)[number]

const scopeFields = {
  models: patterns.describe('Model names and routes that may be asked for; `*` stands for any text. Without it: all.'),
  providers: patterns.describe('Providers that may answer. Without it: all.'),
  doors: z.array(z.enum(DOORS)).max(DOORS.length).describe('Doors that may be used. Without it: all.'),
  addresses: z.array(addressRange).max(100).describe('Address ranges that calls may come from. Without it: all.')
}

const bodyLevel = z
  .enum(BODY_LEVELS)
  .describe(
    'How much is kept of what is said in its calls, instead of `bodies.level`; of several that say it, the least.'
  )

const keyFields = {
  name: idText.describe('What logs, budgets and reports call the key; it never changes.'),
  org: idText.describe('Organisation it belongs to.'),
  team: idText.describe('Team it belongs to.'),
  user: idText.describe('User it belongs to.'),
  parent: idText.describe('Key it is made from: it may never do more than that one.'),
  ...scopeFields,
  guards: z
    .array(idText)
    .max(100)
    .describe('Guards of its calls, beside those of the gateway, the route, the team and the keys it is made from.'),
  require: demandsSchema,
  bodies: bodyLevel,
  cache: cacheMode.describe(
    'Whether answers to its calls are kept and given again, instead of what the gateway and the route say; `off` has the last word.'
  ),
  tags: tags.describe('Put on every call of the key: budgets and reports can be about them.'),
  metadata: metadata.describe('What you want to keep with it.'),
  expires: moment.describe('From then on it is refused.'),
  disabled: z.boolean().describe('Refused while this is true.')
}

const { name, ...optionalKeyFields } = keyFields

/** A key to be made: `POST /admin/keys`. */
export const keyInput = z.strictObject({ name, ...z.object(optionalKeyFields).partial().shape })

/** A key of the configuration file: it brings its own secret. */
export const declaredKey = z.strictObject({
  name,
  key: secret.describe('What clients send as `Authorization: Bearer …`, `x-api-key` or `api-key`.'),
  ...z.object(optionalKeyFields).partial().shape
})

/**
 * A change of a key: what is absent stays, `null` takes it away. Its name never changes, or it would leave its budgets
 * behind; nor do its organisation and its parent.
 */
export const keyPatch = z
  .strictObject({
    team: keyFields.team.nullable(),
    user: keyFields.user.nullable(),
    models: scopeFields.models.nullable(),
    providers: scopeFields.providers.nullable(),
    doors: scopeFields.doors.nullable(),
    addresses: scopeFields.addresses.nullable(),
    guards: keyFields.guards.nullable(),
    require: keyFields.require.nullable(),
    bodies: keyFields.bodies.nullable(),
    cache: keyFields.cache.nullable(),
    tags: keyFields.tags,
    metadata: keyFields.metadata,
    expires: keyFields.expires.nullable(),
    disabled: keyFields.disabled
  })
  .partial()

/** How long the tokens of a key that were there before go on being taken. */
export const rotateInput = z.strictObject({
  overlap: duration.prefault('24h').describe('How long the token before goes on being taken; `0s`: not at all.')
})

export type KeyInput = z.output<typeof keyInput>
export type DeclaredKey = z.output<typeof declaredKey>
export type KeyPatch = z.output<typeof keyPatch>

/** The scopes alone, of anything that has them: what is absent stays absent. */
export function scopesOf(input: { [Name in keyof KeyScopes]?: KeyScopes[Name] | null | undefined }): KeyScopes {
  const scopes: KeyScopes = {}
  for (const name of ['models', 'providers', 'doors', 'addresses', 'guards'] as const) {
    const list = input[name]
    if (list) scopes[name] = list
  }
  if (input.require) scopes.require = input.require
  if (input.bodies) scopes.bodies = input.bodies
  if (input.cache) scopes.cache = input.cache
  return scopes
}

export function toKeyRow(input: KeyInput | DeclaredKey, made: { id: string; createdAtMs: number }): KeyRow {
  return {
    id: made.id,
    name: input.name,
    parent: input.parent ?? null,
    org: input.org ?? null,
    team: input.team ?? null,
    user: input.user ?? null,
    scopes: scopesOf(input),
    tags: input.tags ?? [],
    metadata: input.metadata ?? {},
    disabled: input.disabled ?? false,
    expiresAtMs: input.expires ?? null,
    createdAtMs: made.createdAtMs,
    lastUsedAtMs: null
  }
}

const TENANT_KINDS = ['org', 'team', 'user', 'customer', 'agent'] as const satisfies readonly TenantKind[]

/** Kinds whose keys are known by them, so that what they say of calls holds whatever a call says. */
const HOLDS_KEYS: ReadonlySet<TenantKind> = new Set(['org', 'team', 'user'])

const guardsOfTenant = z
  .array(idText)
  .max(100)
  .describe('Guards of its calls, beside those of the gateway, the route and the key.')

const tenantFields = {
  id: idText.describe('What keys, budgets and reports name it by; it never changes.'),
  name: plainText.optional().describe('For people. Without it: the id.'),
  org: idText.optional().describe('Organisation of a team or user.'),
  metadata: metadata.optional().describe('What you want to keep with it.'),
  disabled: z.boolean().optional().describe('Its keys are refused while this is true.')
}

/** An organisation, team, user, end customer or agent. */
export const tenantInput = z
  .strictObject({
    kind: z.enum(TENANT_KINDS),
    ...tenantFields,
    guards: guardsOfTenant.optional(),
    require: demandsSchema.optional(),
    bodies: bodyLevel.optional()
  })
  .refine(({ kind, org }) => org === undefined || kind === 'team' || kind === 'user', {
    path: ['org'],
    error: 'only teams and users have an organisation'
  })

/** A team of the configuration file. */
export const teamInput = z.strictObject({
  ...tenantFields,
  guards: guardsOfTenant.optional(),
  require: demandsSchema.optional(),
  bodies: bodyLevel.optional()
})

/** A change of a tenant. Its organisation never changes: its keys were checked against it. */
export const tenantPatch = z
  .strictObject({
    name: plainText,
    metadata,
    disabled: z.boolean(),
    guards: guardsOfTenant.nullable(),
    require: demandsSchema.nullable(),
    bodies: bodyLevel.nullable()
  })
  .partial()

export type TenantInput = z.output<typeof tenantInput>
export type TenantPatch = z.output<typeof tenantPatch>

type SaidOfCalls = { [Name in keyof TenantScopes]: TenantScopes[Name] | null | undefined }

/** What a tenant says of its calls; nothing, where it says nothing. Failure `invalid_input` of a kind that holds no keys. */
export function tenantScopes(kind: TenantKind, { guards, require, bodies }: SaidOfCalls): Pick<TenantRow, 'scopes'> {
  if (!guards && !require && !bodies) return {}
  if (!HOLDS_KEYS.has(kind)) {
    const param = guards ? 'guards' : require ? 'require' : 'bodies'
    throw new Failure('invalid_input', 'Only organisations, teams and users say this of calls.', { param })
  }
  return { scopes: { ...(guards && { guards }), ...(require && { require }), ...(bodies && { bodies }) } }
}

export function toTenantRow(input: TenantInput, createdAtMs: number): TenantRow {
  return {
    kind: input.kind,
    id: input.id,
    name: input.name ?? input.id,
    org: input.org ?? null,
    ...tenantScopes(input.kind, input),
    metadata: input.metadata ?? {},
    disabled: input.disabled ?? false,
    createdAtMs,
    asSeen: false
  }
}

/** A token of the admin API. */
export const adminInput = z.strictObject({
  name: idText.describe('Whom it is for. Of a developer: the id of the user whose keys and usage are shown.'),
  role: z.enum(ROLES).describe('What it may do.'),
  org: idText.optional().describe('Sees and changes this organisation alone. Without it: all.'),
  expires: moment.optional().describe('From then on it is refused.')
})

/** A change of an admin token. */
export const adminPatch = z
  .strictObject({ name: idText, role: z.enum(ROLES), expires: moment.nullable(), disabled: z.boolean() })
  .partial()

export type AdminInput = z.output<typeof adminInput>
export type AdminPatch = z.output<typeof adminPatch>
