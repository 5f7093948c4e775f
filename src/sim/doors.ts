import { anthropicDoors } from './anthropic/doors.ts'
import { signed } from './auth/admit.ts'
import { azureDoors } from './azure.ts'
import { bedrockDoors } from './bedrock/doors.ts'
import type { Door, Request } from './door.ts'
import { embeddingsDoors, invokeDoors } from './embeddings/doors.ts'
import { geminiDoors } from './gemini/doors.ts'
import { openaiDoors } from './openai/doors.ts'
import { openaiVoice } from './openai/index.ts'
import { responsesDoors } from './responses/doors.ts'
import { vertexDoors } from './vertex.ts'
import type { Voice } from './voice.ts'

/** Every door of the simulator. Where two stand at one place, the first whose `when` agrees is meant. */
export const DOORS: readonly Door[] = [
  ...anthropicDoors,
  ...signed([...invokeDoors, ...bedrockDoors]),
  ...geminiDoors,
  ...vertexDoors,
  ...azureDoors,
  ...openaiDoors,
  ...responsesDoors,
  ...embeddingsDoors
]

const PLACES = DOORS.map(door => ({ door, pattern: patternOf(door.path) }))

/** Where the simulator can be asked, and in which dialect: one line a method and path. */
export function listedDoors(): { method: string; path: string; dialects: string[] }[] {
  const places = [...new Set(DOORS.map(({ method, path }) => `${method} ${path}`))]
  return places.map(place => {
    const [method, path] = place.split(' ') as [string, string]
    const here = DOORS.filter(door => door.method === method && door.path === path)
    return { method, path, dialects: [...new Set(here.map(({ voice }) => voice.dialect))] }
  })
}

export type Found =
  | { door: Door; voice: Voice; params: Record<string, string>; missing?: undefined }
  | { door?: undefined; voice: Voice; missing: 'path' | 'method' }

/** Which door a request is at, and the voice in which it is answered there. */
export function doorOf(request: Request): Found {
  const here = PLACES.flatMap(({ door, pattern }) => {
    const match = pattern.exec(request.path)
    return match && (door.when?.(request) ?? true) ? [{ door, params: decoded(match.groups) }] : []
  })
  const found = here.find(({ door }) => door.method === request.method)
  if (found) return { ...found, voice: found.door.voice }
  if (here[0]) return { voice: here[0].door.voice, missing: 'method' }
  const claiming = DOORS.find(({ voice }) => voice.gate.claims(request))
  return { voice: claiming?.voice ?? openaiVoice, missing: 'path' }
}

function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.*?^$()[\]|\\]/g, '\\$&')
    .replace(/\{(\w+)(\+?)\}/g, (_, name: string, many: string) => `(?<${name}>${many === '+' ? '.+' : '[^/]+'})`)
  return new RegExp(`^${source}$`)
}

function decoded(groups: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(groups ?? {}).map(([name, text]) => [name, decode(text)]))
}

/** What is no percent-encoding is taken as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
