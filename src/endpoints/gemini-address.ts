import type { DoorAddress } from './chat.ts'
import { doorPath, nameIn } from './paths.ts'

/**
 * Where Google's clients call a method of a model: as Google AI Studio has it (`/v1beta/models/{model}:{method}`), and as
 * Vertex AI has it, with project, location and publisher before the model. The AI SDK leaves `models/` out before a name
 * that has a slash of its own.
 */
export function modelPath(method: string): RegExp {
  return doorPath(
    `(?:/projects/[^/]+/locations/[^/]+)?(?:/publishers/([^/]+))?/(?:models/)?(.*[^/]):${method}`,
    VERSION
  )
}

/** Of Google's APIs. */
export const VERSION = 'v1(?:(?:alpha|beta)\\d?)?'

/** A publisher other than Google is part of the model's name: its client splits `openai/gpt-5.5` there. */
export function modelOf([, publisher, model]: RegExpExecArray): string {
  const name = nameIn(model!)
  return publisher === undefined || publisher === 'google' ? name : `${nameIn(publisher)}/${name}`
}

/** A stream is one JSON array unless the query asks for server-sent events. */
export function streamAddress(parameters: RegExpExecArray, query: string): DoorAddress {
  const isSse = new URLSearchParams(query).get('alt') === 'sse'
  return { model: modelOf(parameters), stream: true, framing: isSse ? 'sse' : 'json-array' }
}
