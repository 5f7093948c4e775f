import { type MessagePort, parentPort } from 'node:worker_threads'
import type { Json, JsonObject } from '../json.ts'
import { check as pii } from './checks/pii.ts'
import { check as secrets } from './checks/secrets.ts'
import type { Check, Finding, Place } from './guard.ts'

/** Bodies that are kept without what is private in them, read where they hold up no call. */
export interface RedactWork {
  id: number
  /** `redacted`: personal data and secrets masked; `metadata`: no text at all, only how long it was. */
  level: 'redacted' | 'metadata'
  /** JSON texts. */
  bodies: readonly Uint8Array[]
}

export interface RedactDone {
  id: number
  /** In their order; undefined where one is no JSON, and nothing of it may be kept. */
  bodies: readonly (string | undefined)[]
}

/** A text without any space that is longer is a file: nobody's name is found in it, and it is not worth keeping. */
const FILE_CHARS = 4_096
/** Members whose texts say what a thing is, never what was said. */
const TELLING: ReadonlySet<string> = new Set([
  'role',
  'type',
  'model',
  'object',
  'finish_reason',
  'stop_reason',
  'status'
])
const TELLING_CHARS_MAX = 100

const PLACE: Place = { side: 'request', role: 'user', kind: 'text', path: '' }
const CHECKS: readonly Check[] = [pii.create(pii.options.parse({})), secrets.create(secrets.options.parse({}))]

if (parentPort) serve(parentPort)

function serve(port: MessagePort): void {
  port.on('message', ({ id, level, bodies }: RedactWork) => {
    port.postMessage({ id, bodies: bodies.map(body => redacted(body, level)) } satisfies RedactDone)
  })
}

function redacted(bytes: Uint8Array, level: RedactWork['level']): string | undefined {
  try {
    const body = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as Json
    return JSON.stringify(level === 'metadata' ? measured(body, '') : masked(body))
  } catch {
    return undefined
  }
}

/** Every text of it, wherever it stands, names of members too. */
function masked(value: Json): Json {
  if (typeof value === 'string') return maskedText(value)
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]) => [maskedText(name), masked(member as Json)])
  return Object.fromEntries(members) as JsonObject
}

function maskedText(text: string): string {
  if (text.length > FILE_CHARS && !/\s/.test(text)) return `[[FILE ${text.length}]]`
  const findings = CHECKS.flatMap(check => check.find!(text, PLACE)).filter(isPlaced)
  findings.sort((one, other) => one.start - other.start || other.end - one.end)
  let left = ''
  let at = 0
  for (const { start, end, label = 'PRIVATE' } of findings) {
    if (end <= at) continue
    // What overlaps the one before is part of it.
    left += start >= at ? `${text.slice(at, start)}[[${label}]]` : ''
    at = end
  }
  return left + text.slice(at)
}

function isPlaced(finding: Finding): finding is Finding & { start: number; end: number } {
  return finding.start !== undefined && finding.end !== undefined
}

/** What it is made of: members, roles, types and numbers; of every text but those its length. */
function measured(value: Json, name: string): Json {
  if (typeof value === 'string') {
    const isTelling = TELLING.has(name) && value.length <= TELLING_CHARS_MAX
    return isTelling ? value : `[[${value.length}]]`
  }
  if (Array.isArray(value)) return value.map(item => measured(item, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([member, inner]) => [member, measured(inner as Json, member)])
  ) as JsonObject
}
