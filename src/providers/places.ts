import { originFrom, PRIVATE_RANGES, trimUrl } from './address.ts'
import type { Endpoints, Place, Preset } from './presets/preset.ts'
import type { Endpoint } from './provider.ts'
import type { Entry } from './schema.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A preset where the environment and an entry say that it is. */
export interface Located {
  endpoints: Endpoints
  allowPrivate: readonly string[]
  /** The environment names the address. */
  named: boolean
}

/** What an address leaves open and nobody says. */
export interface Open {
  place: string
  variables: readonly string[]
}

export interface Said extends Pick<Entry, 'origin' | 'places'> {
  /** Places that a credential names. */
  known?: Readonly<Record<string, string>>
  /** The address of the entry, which stands in the place of all of the preset's. */
  base_url?: string | undefined
}

/** The preset's addresses with their places filled in and, where one is named, at another origin. */
export function locate(preset: Preset, said: Said, env: Environment): Located | Open {
  const text = preset.address && env[preset.address.variable]?.trim()
  const named = preset.address && text ? originFrom(text, preset.address.port) : undefined
  const origin = said.origin === undefined ? named : trimUrl(said.origin)
  const places = placesOf(preset, said, env)
  const { instead } = preset
  const templates = instead && places.has(instead.place) ? instead.endpoints : preset.endpoints
  const moved = templates.map(each => {
    if (said.base_url !== undefined) return { ...each, baseUrl: said.base_url }
    return origin === undefined ? each : moveTo(origin, each)
  })
  const open = moved.flatMap(placesIn).find(place => !places.has(place))
  if (open !== undefined) return { place: open, variables: variablesFor(preset, open) }
  const [home, ...others] = moved.map(each => filled(each, places)) as [Endpoint, ...Endpoint[]]
  // Who puts a private address into the variable has named it himself.
  const allowPrivate = named !== undefined && said.origin === undefined ? PRIVATE_RANGES : (preset.allowPrivate ?? [])
  return { endpoints: [home, ...others], allowPrivate, named: named !== undefined }
}

/** Every place that is known. One that is derived comes after the one it is derived from. */
function placesOf({ places = {} }: Preset, said: Said, env: Environment): Map<string, string> {
  const known = new Map<string, string>()
  for (const [name, { variables, fallback, derived }] of Object.entries(places) as [string, Place][]) {
    const variable = variables.find(each => env[each]?.trim())
    const from = derived && known.get(derived.from)
    const value =
      said.places?.[name] ??
      (variable && env[variable]!.trim()) ??
      said.known?.[name] ??
      (from === undefined ? fallback : derived!.say(from))
    if (value !== undefined && isPlace(value)) known.set(name, value)
  }
  return known
}

/** A place is part of a host or a path and can lead nowhere else. */
function isPlace(text: string): boolean {
  return /^[A-Za-z0-9][\w.:-]*$/.test(text)
}

/** Whoever has no address yet is best told of the variable that holds it as a whole. */
function variablesFor(preset: Preset, open: string): readonly string[] {
  return [...(preset.address ? [preset.address.variable] : []), ...(preset.places?.[open]?.variables ?? [])]
}

const ORIGIN = /^https?:\/\/[^/]+/

function moveTo(origin: string, endpoint: Endpoint): Endpoint {
  return { ...endpoint, baseUrl: endpoint.baseUrl.replace(ORIGIN, origin) }
}

/** Not `{model}`: that is filled in by each call. */
const PLACE = /\{(?!model\})(\w+)\}/g

function placesIn({ baseUrl, paths = {}, audience = {} }: Endpoint): string[] {
  const texts = [baseUrl, ...Object.values(paths), ...Object.values(audience)]
  return texts.flatMap(text => [...(text ?? '').matchAll(PLACE)].map(match => match[1]!))
}

function filled(endpoint: Endpoint, places: ReadonlyMap<string, string>): Endpoint {
  const fill = (text: string) => text.replace(PLACE, (_, name: string) => places.get(name)!)
  const each = (texts: Readonly<Record<string, string | undefined>>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fill(text ?? '')]))
  return {
    ...endpoint,
    baseUrl: fill(endpoint.baseUrl),
    ...(endpoint.paths && { paths: each(endpoint.paths) }),
    ...(endpoint.audience && { audience: each({ ...endpoint.audience }) })
  }
}
