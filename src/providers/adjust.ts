import { type Edit, isObject, type Json, type JsonBody } from '../json.ts'
import type { Endpoint, Quirks } from './provider.ts'

interface AdjustOptions {
  losses: string[]
  touches: string[]
  /** Of the client, where it speaks the dialect of the address. */
  headers: Readonly<Record<string, string>>
}

/**
 * What must change in a native body for this endpoint, as splices: bytes no quirk names stay the caller's. Losses get
 * the name of each member that could not be said, touches the name of each that is changed (D20). The name of the model
 * is no member here: `modelName` has it.
 */
export function adjust(endpoint: Endpoint, body: JsonBody, { losses, touches, headers }: AdjustOptions): Edit[] {
  const { quirks } = endpoint
  const edits: Edit[] = []
  const touch = (path: Edit['path'], value: Json | undefined) => {
    edits.push({ path, value })
    touches.push(written(path))
  }
  spellValues(quirks, body, touch)
  renameMembers(quirks, body, losses, touch)
  dropMembers(quirks, body, losses, touch)
  adjustMessages(quirks, body, losses, touch)
  if (quirks.usage_unasked && body.has('stream_options')) touch(['stream_options'], undefined)
  for (const [member, value] of Object.entries(quirks.set ?? {})) if (body.get(member) !== value) touch([member], value)
  // Whether it is there or not: it may be among the edits that were made before these.
  for (const member of quirks.omit ?? []) edits.push({ path: [member], value: undefined })
  touches.push(...(quirks.omit ?? []).filter(member => body.has(member) && !touches.includes(member)))
  readHeaders(quirks, body, { losses, headers, touch })
  return edits
}

/** The model as this endpoint calls it. */
export function modelName({ quirks }: Endpoint, model: string): string {
  return quirks.model_prefix === undefined || model.includes('/') ? model : quirks.model_prefix + model
}

type Touch = (path: Edit['path'], value: Json | undefined) => void

/** Values of headers that are unknown there, as losses; and headers that are said in the body, said. */
function readHeaders(
  quirks: Quirks,
  body: JsonBody,
  { losses, headers, touch }: Pick<AdjustOptions, 'losses' | 'headers'> & { touch: Touch }
): void {
  for (const name of Object.keys(quirks.header_values ?? {})) {
    const { unknown } = sorted(quirks, name, listOf(headers[name]))
    losses.push(...unknown.map(value => `${name}: ${value}`))
  }
  for (const [name, member] of Object.entries(quirks.headers_in_body ?? {})) {
    const { known } = sorted(quirks, name, listOf(headers[name]))
    const there = body.get(member)
    const before = Array.isArray(there) ? there : []
    const added = known.filter(value => !before.includes(value))
    if (added.length > 0) touch([member], [...before, ...added])
  }
}

/** Takes out of a client's headers what this address does not read as a header, in place. `adjust` says what is lost. */
export function fitHeaders({ quirks }: Endpoint, headers: Record<string, string>): void {
  for (const name of Object.keys(quirks.header_values ?? {})) {
    if (headers[name] === undefined) continue
    const { known } = sorted(quirks, name, listOf(headers[name]))
    if (known.length > 0) headers[name] = known.join(',')
    else delete headers[name]
  }
  for (const name of Object.keys(quirks.headers_in_body ?? {})) delete headers[name]
}

function listOf(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map(value => value.trim())
    .filter(value => value !== '')
}

function sorted(quirks: Quirks, name: string, values: readonly string[]): { known: string[]; unknown: string[] } {
  const spellings = quirks.header_values?.[name]
  if (spellings === undefined) return { known: [...values], unknown: [] }
  const isKnown = (value: string) => Object.hasOwn(spellings, value)
  const known = values.filter(isKnown).map(value => spellings[value]!)
  return { known: [...new Set(known)], unknown: values.filter(value => !isKnown(value)) }
}

function spellValues(quirks: Quirks, body: JsonBody, touch: Touch): void {
  for (const member of Object.keys(quirks.values ?? {})) {
    const value = body.get(member)
    const theirs = spelled(quirks, member, value)
    if (theirs !== value) touch([member], theirs)
  }
}

function spelled(quirks: Quirks, member: string, value: Json | undefined): Json | undefined {
  const spellings = quirks.values?.[member] ?? {}
  return typeof value === 'string' && Object.hasOwn(spellings, value) ? spellings[value] : value
}

function renameMembers(quirks: Quirks, body: JsonBody, losses: string[], touch: Touch): void {
  for (const [name, theirs] of Object.entries(quirks.rename ?? {})) {
    if (!body.has(name)) continue
    // Both said: the provider's own name stands, the other cannot be told.
    if (body.has(theirs)) losses.push(name)
    else touch([theirs], spelled(quirks, name, body.get(name)))
    touch([name], undefined)
  }
}

function dropMembers(quirks: Quirks, body: JsonBody, losses: string[], touch: Touch): void {
  for (const member of quirks.drop ?? []) {
    if (member.startsWith(IN_MESSAGES) || !body.has(member)) continue
    losses.push(member)
    touch([member], undefined)
  }
}

const IN_MESSAGES = 'messages[].'

/** Roles and members of messages. Reads the messages only where a quirk is about them: parsing them is the cost. */
function adjustMessages(quirks: Quirks, body: JsonBody, losses: string[], touch: Touch): void {
  const dropped = (quirks.drop ?? [])
    .filter(member => member.startsWith(IN_MESSAGES))
    .map(member => member.slice(IN_MESSAGES.length))
    // A member that is nowhere in the bytes is in no message.
    .filter(member => body.holds([`"${member}"`]))
  const roles = quirks.roles ?? {}
  if (dropped.length === 0 && Object.keys(roles).length === 0) return
  const messages = body.get('messages')
  if (!Array.isArray(messages)) return
  for (const [index, message] of messages.entries()) {
    if (!isObject(message)) continue
    const role = message.role
    if (typeof role === 'string' && Object.hasOwn(roles, role)) touch(['messages', index, 'role'], roles[role])
    for (const member of dropped) {
      if (message[member] === undefined) continue
      // A member that says nothing is no loss.
      if (message[member] !== null) losses.push(written(['messages', index, member]))
      touch(['messages', index, member], undefined)
    }
  }
}

/** `messages[2].name` */
export function written(path: Edit['path']): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
}
