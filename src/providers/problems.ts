import type { DialectName } from '../dialects/canonical.ts'
import { nearest } from '../nearest.ts'
import { Secret } from '../secret.ts'
import { addressFault } from './address.ts'
import { PRESETS, presetOf } from './presets.ts'
import type { Endpoint } from './provider.ts'
import type { Entry } from './schema.ts'

type Path = (string | number)[]

/** Something wrong with the entries; the path begins below `providers`. No text shows a key. */
export interface ProviderProblem {
  path: Path
  message: string
  nearest?: string[]
}

/** The dialect spoken at an entry's `base_url`. */
export function homeDialect(entry: Entry, preset: readonly Endpoint[]): DialectName {
  return entry.dialect ?? preset[0]?.dialect ?? 'openai-chat'
}

/** The name state of a key is kept under: its own, else its position. */
export function keyId(key: NonNullable<Entry['keys']>[number], index: number): string {
  return (key instanceof Secret ? undefined : key.id) ?? `key${index + 1}`
}

/** What is wrong with one entry, beyond what its schema sees. */
export function problemsOf(name: string, entry: Entry): ProviderProblem[] {
  const problems = [
    ...nameProblems(name, entry),
    ...placeProblems(name, entry),
    ...addressProblems(name, entry),
    ...repetitions(name, entry)
  ]
  return problems.map(problem => ({ ...problem, path: [name, ...problem.path] }))
}

function nameProblems(name: string, entry: Entry): ProviderProblem[] {
  const problems: ProviderProblem[] = []
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    problems.push({ path: [], message: 'must be named with letters, digits, dots and dashes, and no slash' })
  }
  for (const member of ['like', 'catalog'] as const) {
    const preset = entry[member]
    if (preset === undefined || presetOf(preset)) continue
    const near = nearest(preset, Object.keys(PRESETS), 2)
    problems.push({
      path: [member],
      message: `there is no preset "${preset}"`,
      ...(near.length > 0 && { nearest: near })
    })
  }
  const preset = presetOf(entry.like ?? name)?.endpoints ?? []
  const known = preset.some(endpoint => endpoint.dialect === homeDialect(entry, preset))
  // Endpoints alone will do, unless a preset or a dialect says that there is a home beside them.
  const alone = preset.length === 0 && entry.dialect === undefined && Boolean(entry.endpoints?.length)
  if (entry.base_url === undefined && !known && !alone && problems.length === 0) {
    problems.push({
      path: [],
      message: 'needs a `base_url`, or `like` with the name of a preset that speaks its dialect'
    })
  }
  return problems
}

function placeProblems(name: string, entry: Entry): ProviderProblem[] {
  const preset = presetOf(entry.like ?? name)
  const known = Object.keys(preset?.places ?? {})
  const unknown = Object.keys(entry.places ?? {}).filter(place => !known.includes(place))
  const problems: ProviderProblem[] = unknown.map(place => {
    const near = nearest(place, known, 2)
    const message =
      known.length > 0
        ? `is no place in its addresses; they have ${known.join(', ')}`
        : 'is no place in its addresses; they have none'
    return { path: ['places', place], message, ...(near.length > 0 && { nearest: near }) }
  })
  if (entry.origin === undefined) return problems
  if (!preset || entry.base_url !== undefined)
    return [...problems, { path: ['origin'], message: 'moves the addresses of a preset; here, say `base_url` alone' }]
  return problems
}

function addressProblems(name: string, entry: Entry): ProviderProblem[] {
  const allowed = entry.allow_private ?? presetOf(entry.like ?? name)?.allowPrivate ?? []
  const addresses: { path: Path; url: string | undefined }[] = [
    { path: ['base_url'], url: entry.base_url },
    { path: ['origin'], url: entry.origin },
    ...(entry.endpoints ?? []).map((each, index) => ({ path: ['endpoints', index, 'base_url'], url: each.base_url }))
  ]
  return addresses.flatMap(({ path, url }) => {
    const message = url === undefined ? undefined : addressFault(url, allowed)
    return message === undefined ? [] : [{ path, message }]
  })
}

function repetitions(name: string, entry: Entry): ProviderProblem[] {
  const ids = (entry.keys ?? []).map(keyId)
  const models = (entry.models ?? []).map(model => (typeof model === 'string' ? model : model.name))
  // The address of the entry itself counts as one before them all.
  const preset = presetOf(entry.like ?? name)?.endpoints ?? []
  const home = entry.base_url === undefined && preset.length === 0 ? [] : [homeDialect(entry, preset)]
  // Several addresses of one dialect are for different models.
  const written = (entry.endpoints ?? []).map((endpoint, index) =>
    endpoint.only || endpoint.except ? `${endpoint.dialect} ${index}` : endpoint.dialect
  )
  const dialects: string[] = [...home, ...written]
  return [
    ...repeated(ids).map(index => ({ path: ['keys', index], message: 'has the same id as a key before it' })),
    ...repeated(models).map(index => ({ path: ['models', index], message: 'is in the list before' })),
    ...repeated(dialects).map(index => ({
      path: ['endpoints', index - home.length],
      message: 'speaks the dialect of one before it'
    }))
  ]
}

/** Positions of values that were there before. */
function repeated(values: readonly string[]): number[] {
  return [...values.keys()].filter(index => values.indexOf(values[index]!) < index)
}
