import { Failure } from '../errors.ts'

/** Everything that the admin API lets anybody do, each with what it is for the reference page. */
export const PERMISSIONS = {
  'keys:read': 'See keys; never their tokens, which nobody can see.',
  'keys:write': 'Make, change, rotate, disable and remove keys.',
  'keys:read_own': 'See the keys of the user one is.',
  'keys:write_own': 'Make and change keys of the user one is.',
  'tenants:read': 'See organisations, teams, users, customers and agents.',
  'tenants:write': 'Make, change and remove them.',
  'budgets:read': 'See budgets and what is spent of them.',
  'budgets:write': 'Make, change and remove budgets.',
  'limits:read': 'See rate limits.',
  'limits:write': 'Make, change and remove rate limits.',
  'prices:read': 'See prices.',
  'prices:write': 'Change prices.',
  'usage:read': 'See what was used and what it cost.',
  'usage:read_own': 'See what the user one is has used.',
  'logs:read_metadata': 'See calls: when, who, which model, what it cost.',
  'logs:read_content': 'See what was said in calls. Each look is written to the audit log.',
  'logs:write_views': 'Give filters of the log a name, and take it away.',
  'records:erase': 'Erase what records hold of a user, a customer or a key.',
  'audit:read': 'See and export the audit log.',
  'cache:purge': 'Take answers out of the cache.',
  'admins:read': 'See admin tokens; never their text.',
  'admins:write': 'Make, change and remove admin tokens, of roles that may do no more than one may oneself.',
  'routes:explain': 'Ask where a call would go, and why.',
  'guards:test': 'Ask what guards say of a text; models that they ask are charged to nobody.',
  'system:read': 'See how the gateway itself is doing.'
} as const

export type Permission = keyof typeof PERMISSIONS

export const ROLES = ['owner', 'admin', 'billing_viewer', 'auditor', 'developer', 'service'] as const

export type Role = (typeof ROLES)[number]

const EVERYTHING = Object.keys(PERMISSIONS) as Permission[]

/** What each role may do. Content of calls is the owner's alone until another role is given it. */
const GRANTS: Readonly<Record<Role, readonly Permission[]>> = {
  owner: EVERYTHING,
  admin: EVERYTHING.filter(permission => permission !== 'logs:read_content' && permission !== 'records:erase'),
  billing_viewer: ['tenants:read', 'budgets:read', 'limits:read', 'prices:read', 'usage:read'],
  auditor: [
    'keys:read',
    'tenants:read',
    'budgets:read',
    'limits:read',
    'prices:read',
    'usage:read',
    'logs:read_metadata',
    'audit:read',
    'admins:read',
    'system:read'
  ],
  developer: ['keys:read_own', 'keys:write_own', 'usage:read_own', 'prices:read', 'routes:explain'],
  service: [
    'keys:read',
    'keys:write',
    'tenants:read',
    'tenants:write',
    'budgets:read',
    'budgets:write',
    'limits:read',
    'limits:write',
    'prices:read',
    'usage:read',
    'routes:explain'
  ]
}

/** Who uses the admin API. Frozen. */
export interface Actor {
  /** `owner`, or the id of an admin token. */
  readonly id: string
  readonly name: string
  readonly role: Role
  /** Sees and changes this organisation alone; undefined: all. */
  readonly org: string | undefined
  /** A developer's own user: keys and usage of others are not there for them. */
  readonly user: string | undefined
  readonly permissions: ReadonlySet<Permission>
}

/** What is about the whole installation, and so never of those who are held to one organisation. */
const BEYOND_ORGS: readonly Permission[] = ['prices:write', 'audit:read', 'guards:test', 'records:erase', 'system:read']

/** The bearer of the token in the data directory. */
export const OWNER: Actor = actor({ id: 'owner', name: 'owner', role: 'owner', org: null })

export function actor({ id, name, role, org }: { id: string; name: string; role: Role; org: string | null }): Actor {
  return Object.freeze({
    id,
    name,
    role,
    org: org ?? undefined,
    user: role === 'developer' ? name : undefined,
    permissions: permissionsOf(role, org)
  })
}

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text)
}

/** What a role may do: in one organisation, or everywhere (null). */
export function permissionsOf(role: Role, org: string | null): ReadonlySet<Permission> {
  return new Set(GRANTS[role].filter(permission => org === null || !BEYOND_ORGS.includes(permission)))
}

/** Whether the actor has one of them; `keys:read_own` is contained in `keys:read`. */
export function may(actor: Actor, ...permissions: readonly Permission[]): boolean {
  return permissions.some(permission => actor.permissions.has(permission))
}

/** Failure `not_allowed` where the actor has none of them. */
export function must(actor: Actor, ...permissions: readonly Permission[]): void {
  if (may(actor, ...permissions)) return
  throw new Failure('not_allowed', `The role ${actor.role} may not do this: it has no permission ${permissions[0]}.`)
}

/** Whether the actor may hand the role to somebody: it allows nothing that they may not do themselves. */
export function mayGrant(actor: Actor, { role, org }: { role: string; org: string | null }): boolean {
  if (!isRole(role) || (actor.org !== undefined && org !== actor.org)) return false
  return [...permissionsOf(role, org)].every(permission => actor.permissions.has(permission))
}

/** Whether the actor sees what belongs to the organisation, and to the user where they only see their own. */
export function sees(actor: Actor, thing: { org: string | null; user?: string | null }): boolean {
  return (actor.org === undefined || thing.org === actor.org) && (actor.user === undefined || thing.user === actor.user)
}
