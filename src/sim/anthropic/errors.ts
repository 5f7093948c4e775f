import type { Finding } from '../issues.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { Refusal } from '../refusal.ts'
import type { ErrorName } from '../voice.ts'

export function invalid(message: string): Refusal {
  return new Refusal(400, 'invalid_request_error', message)
}

/** The body of every error; also the data of an `error` event. */
export function errorBody(refusal: Refusal, requestId: string): JsonObject {
  return { type: 'error', error: { type: refusal.type, message: refusal.message }, request_id: requestId }
}

export function errorNamed(name: ErrorName, model: string): Refusal {
  switch (name) {
    case 'rate-limited':
      return new Refusal(
        429,
        'rate_limit_error',
        "This request would exceed your organization's rate limit of 50 requests per minute."
      )
    case 'server-error':
      return new Refusal(500, 'api_error', 'Internal server error')
    case 'unavailable':
      return new Refusal(503, 'api_error', 'Service unavailable')
    case 'overloaded':
    case 'in-stream':
      return new Refusal(529, 'overloaded_error', 'Overloaded')
    case 'context-length':
      return invalid('prompt is too long: 200001 tokens > 200000 maximum')
    case 'content-filter':
      return invalid('Output blocked by content filtering policy')
    case 'prefill':
      return invalid(
        'This model does not support assistant message prefill. The conversation must end with a user message.'
      )
    case 'no-such-model':
      return new Refusal(404, 'not_found_error', `model: ${model}`)
    case 'bad-key':
      return new Refusal(401, 'authentication_error', 'invalid x-api-key')
    case 'spend-limit':
      return new Refusal(402, 'billing_error', 'Your credit balance is too low to access the Anthropic API.')
  }
}

/** Members in which the reader follows a `type` tag, and then names it in paths: `thinking.enabled.budget_tokens`. */
const TAGGED = new Set(['source', 'thinking', 'tool_choice', 'cache_control'])
const TAGGED_LISTS = new Set(['content', 'system'])

/** `messages.0.content.1.image.source.base64.data`, with the tags of the unions on the way. */
export function pathText(path: (string | number)[], body: Json): string {
  const words: string[] = []
  let at: Json | undefined = body
  path.forEach((step, index) => {
    words.push(String(step))
    if (typeof step === 'number') at = Array.isArray(at) ? at[step] : undefined
    else at = isObject(at) ? at[step] : undefined
    const before = path[index - 1]
    const isTagged = typeof step === 'string' ? TAGGED.has(step) : TAGGED_LISTS.has(String(before))
    const isLast = index === path.length - 1
    if (before === 'tools' && isObject(at) && !isLast) words.push(typeof at.type === 'string' ? at.type : 'custom')
    else if (isTagged && isObject(at) && typeof at.type === 'string' && path[index + 1] !== 'type') words.push(at.type)
  })
  return words.join('.')
}

const TYPES: Record<string, string> = {
  string: 'a valid string',
  int: 'a valid integer',
  number: 'a valid number',
  boolean: 'a valid boolean',
  array: 'a valid list',
  object: 'a valid dictionary',
  record: 'a valid dictionary'
}

/** Anthropic's words for what a schema found. */
export function refusalOf({ path, value, fault }: Finding, body: Json): Refusal {
  const at = pathText(path, body)
  const below = (name: string): string => (at === '' ? name : `${at}.${name}`)
  switch (fault.kind) {
    case 'missing':
      return invalid(`${at}: Field required`)
    case 'unknown':
      return invalid(`${below(fault.keys[0]!)}: Extra inputs are not permitted`)
    case 'type':
      if (isWholeMessage(path)) return invalid(`${at}: Input does not match the expected shape.`)
      return invalid(`${at}: Input should be ${fault.expected.map(type => TYPES[type] ?? type).join(' or ')}`)
    case 'value': {
      if (path.at(-1) === 'type' && fault.allowed.length > 1) {
        const expected = fault.allowed.map(one => `'${one}'`).join(', ')
        return invalid(
          `${pathText(path.slice(0, -1), body).replace(/\.[^.]*$/, tag => (tag === `.${value}` ? '' : tag))}: Input tag ` +
            `'${value}' found using 'type' does not match any of the expected tags: ${expected}`
        )
      }
      const quoted = fault.allowed.map(one => `'${one}'`)
      const last = quoted.pop()
      return invalid(`${at}: Input should be ${quoted.length > 0 ? `${quoted.join(', ')} or ` : ''}${last}`)
    }
    case 'pattern':
      return invalid(`${at}: String should match pattern '${fault.pattern}'`)
    case 'small':
    case 'big':
      return outOfBounds(at, fault)
    case 'other':
      return invalid(`${at}: ${fault.message}`)
  }
}

function isWholeMessage(path: (string | number)[]): boolean {
  return path.length === 2 && path[0] === 'messages'
}

function outOfBounds(at: string, fault: Finding['fault'] & { kind: 'small' | 'big' }): Refusal {
  const isBig = fault.kind === 'big'
  if (fault.of === 'number') {
    return invalid(`${at}: Input should be ${isBig ? 'less' : 'greater'} than or equal to ${fault.bound}`)
  }
  if (at === 'messages') return invalid('messages: at least one message is required')
  const noun = fault.of === 'string' ? 'String' : 'List'
  const items = fault.of === 'string' ? 'characters' : 'items'
  return invalid(`${at}: ${noun} should have at ${isBig ? 'most' : 'least'} ${fault.bound} ${items}`)
}
