import { Failure } from '../errors.ts'

/**
 * Where clients look for a door. Their libraries put its path behind a base URL, and people write those with the version
 * (OpenAI's way), without it (Anthropic's), or keep the name of the vendor in front: all of them mean the same door, so
 * the version may be there once, twice or not at all.
 */
export function doorPath(tail: string, version = 'v1'): RegExp {
  return new RegExp(`^(?:/(?:${VENDORS}))?(?:/${version}){0,2}${tail}$`)
}

/** `/openai/v1/…` is Azure's, `/api/v1/…` OpenRouter's. */
const VENDORS = 'api|openai|anthropic|google|gemini'

/** A name in a path: slashes stand in it as they are or percent-encoded. Failure: `unknown_model` where it is no text. */
export function nameIn(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Failure('unknown_model', 'The model name in the path is not well-formed.', { param: 'model' })
  }
}
