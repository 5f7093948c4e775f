import type { IncomingHttpHeaders } from 'node:http'
import { anthropicVoice } from './anthropic/index.ts'
import { badKey } from './openai/errors.ts'
import { openaiVoice } from './openai/index.ts'
import { Refusal } from './refusal.ts'
import type { Voice } from './voice.ts'

export interface Request {
  method: string
  /** Path without its query. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
}

export type Door =
  | { name: 'generate' | 'count-tokens' | 'models'; voice: Voice }
  | { name: 'unknown' | 'wrong-method'; voice: Voice }

/** Which door a request is at, and the language in which it is answered there. */
export function doorOf({ method, path, headers }: Request): Door {
  const byHeader = headers['anthropic-version'] === undefined ? openaiVoice : anthropicVoice
  const posts: Record<string, Door> = {
    '/v1/chat/completions': { name: 'generate', voice: openaiVoice },
    '/v1/messages': { name: 'generate', voice: anthropicVoice },
    '/v1/messages/count_tokens': { name: 'count-tokens', voice: anthropicVoice }
  }
  const door =
    posts[path] ?? (/^\/v1\/models(\/.+)?$/.test(path) ? { name: 'models' as const, voice: byHeader } : undefined)
  if (!door) return { name: 'unknown', voice: byHeader }
  const wanted = door.name === 'models' ? 'GET' : 'POST'
  return method === wanted ? door : { name: 'wrong-method', voice: door.voice }
}

/** Refuses what never reaches a model: no door, wrong credential, missing version, no JSON content type. */
export function checkEntry(request: Request, door: Door, keys: readonly string[]): void {
  const isAnthropic = door.voice === anthropicVoice
  const { method, path, headers } = request
  if (door.name === 'unknown') {
    if (isAnthropic) throw new Refusal(404, 'not_found_error', 'Not found')
    throw new Refusal(404, 'invalid_request_error', `Invalid URL (${method} ${path})`)
  }
  if (door.name === 'wrong-method') {
    if (isAnthropic) throw new Refusal(405, 'invalid_request_error', 'Method Not Allowed')
    throw new Refusal(
      405,
      'invalid_request_error',
      `Not allowed to ${method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`,
      { code: 'method_not_supported' }
    )
  }
  if (keys.length > 0) checkKey(headers, isAnthropic, keys)
  if (isAnthropic && headers['anthropic-version'] === undefined) {
    throw new Refusal(400, 'invalid_request_error', 'anthropic-version: header is required')
  }
  if (method === 'POST') checkContentType(headers['content-type'] ?? '', isAnthropic)
}

function checkKey(headers: IncomingHttpHeaders, isAnthropic: boolean, keys: readonly string[]): void {
  const bearer = /^Bearer\s+(.*)$/i.exec(headers.authorization ?? '')?.[1]
  const sent = (isAnthropic ? String(headers['x-api-key'] ?? '') : '') || bearer || ''
  if (sent !== '' && keys.includes(sent)) return
  if (isAnthropic) {
    throw new Refusal(401, 'authentication_error', sent === '' ? 'x-api-key header is required' : 'invalid x-api-key')
  }
  if (sent !== '') throw badKey(`${sent.slice(0, 3)}***${sent.slice(-4)}`)
  throw new Refusal(
    401,
    'invalid_request_error',
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
      '(i.e. Authorization: Bearer YOUR_KEY).'
  )
}

function checkContentType(contentType: string, isAnthropic: boolean): void {
  const mediaType = contentType.split(';')[0]!.trim().toLowerCase()
  if (mediaType === 'application/json') return
  if (isAnthropic) throw new Refusal(400, 'invalid_request_error', 'content-type: must be application/json')
  throw new Refusal(
    400,
    'invalid_request_error',
    `Unsupported content type: '${mediaType}'. This API method only accepts 'application/json' requests, but you ` +
      `specified the header 'Content-Type: ${contentType}'. Please try again with a supported content type.`,
    { code: 'unsupported_content_type' }
  )
}

/** A body that is no JSON object, as each provider says it. */
export function notJson(voice: Voice, reason: string): Refusal {
  if (voice === anthropicVoice) {
    return new Refusal(400, 'invalid_request_error', `The request body is not valid JSON: ${reason}`)
  }
  return new Refusal(
    400,
    'invalid_request_error',
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library " +
      'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)'
  )
}

export function tooLarge(voice: Voice): Refusal {
  const type = voice === anthropicVoice ? 'request_too_large' : 'invalid_request_error'
  return new Refusal(413, type, 'Request exceeds the maximum size')
}
