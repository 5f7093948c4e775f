import type { Finding } from '../issues.ts'
import type { Json, JsonObject } from '../json.ts'
import { Refusal, type RefusalFacts } from '../refusal.ts'
import type { ErrorName } from '../voice.ts'

const INVALID = 'invalid_request_error'

export function invalid(message: string, facts: RefusalFacts = {}): Refusal {
  return new Refusal(400, INVALID, message, facts)
}

/** The body of every error: `error` with `message`, `type`, `param` and `code`, each present. */
export function errorBody(refusal: Refusal): JsonObject {
  const { message, type, param, code } = refusal
  return { error: { message, type, param, code } }
}

export function errorNamed(name: ErrorName, model: string): Refusal {
  switch (name) {
    case 'rate-limited':
      return new Refusal(
        429,
        'requests',
        `Rate limit reached for ${model} in organization org-sim on requests per min (RPM): Limit 3, Used 3, Requested 1.`,
        { code: 'rate_limit_exceeded' }
      )
    case 'server-error':
    case 'in-stream':
      return new Refusal(
        500,
        'server_error',
        'The server had an error while processing your request. Sorry about that!',
        {
          code: 'server_error'
        }
      )
    case 'unavailable':
    case 'overloaded':
      return new Refusal(503, 'server_error', 'The engine is currently overloaded, please try again later.')
    case 'context-length':
      return invalid(
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. " +
          'Please reduce the length of the messages.',
        { param: 'messages', code: 'context_length_exceeded' }
      )
    case 'content-filter':
      return invalid(
        'Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed.',
        { code: 'content_policy_violation' }
      )
    case 'prefill':
      return invalid(
        'The last message must have role `user` or `tool`: this model does not continue assistant messages.',
        {
          param: 'messages'
        }
      )
    case 'no-such-model':
      return new Refusal(404, INVALID, `The model \`${model}\` does not exist or you do not have access to it.`, {
        code: 'model_not_found'
      })
    case 'bad-key':
      return badKey('sk-…')
    case 'spend-limit':
      return new Refusal(
        429,
        'insufficient_quota',
        'You exceeded your current quota, please check your plan and billing details.',
        { code: 'insufficient_quota' }
      )
  }
}

export function badKey(shown: string): Refusal {
  return new Refusal(401, INVALID, `Incorrect API key provided: ${shown}. You can find your API key in your account.`, {
    code: 'invalid_api_key'
  })
}

/** `messages[0].content`. */
export function pathText(path: (string | number)[]): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at > 0 ? `.${step}` : step)).join('')
}

/** OpenAI's words for what a schema found. */
export function refusalOf({ path, value, fault }: Finding): Refusal {
  const param = pathText(path)
  switch (fault.kind) {
    case 'missing':
      return invalid(`Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' })
    case 'unknown': {
      if (path.length === 0) {
        const many = fault.keys.length > 1 ? 's' : ''
        return invalid(`Unrecognized request argument${many} supplied: ${fault.keys.join(', ')}`)
      }
      const unknown = `${param}.${fault.keys[0]}`
      return invalid(`Unknown parameter: '${unknown}'.`, { param: unknown, code: 'unknown_parameter' })
    }
    case 'type': {
      const expected = fault.expected.map(typeName)
      const wanted = expected.length > 1 ? `one of ${expected.join(' or ')}` : expected[0]
      const message = `Invalid type for '${param}': expected ${wanted}, but got ${kindName(value)} instead.`
      return invalid(message, { param, code: 'invalid_type' })
    }
    case 'value': {
      const shown = typeof value === 'object' ? kindName(value) : `'${value}'`
      return invalid(`Invalid value: ${shown}. Supported values are: ${listed(fault.allowed)}.`, {
        param,
        code: 'invalid_value'
      })
    }
    case 'pattern':
      return invalid(
        `Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '${fault.pattern}'.`,
        { param, code: 'invalid_value' }
      )
    case 'small':
    case 'big':
      return outOfBounds(param, value, fault)
    case 'other':
      return invalid(fault.message, { param })
  }
}

/** Parameters whose bounds are told as an integer's; all others are a decimal's, whatever was sent. */
const INTEGERS = new Set([
  'n',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'max_tool_calls',
  'top_logprobs',
  'seed'
])

function outOfBounds(
  param: string,
  value: Json | undefined,
  fault: Finding['fault'] & { kind: 'small' | 'big' }
): Refusal {
  const isBig = fault.kind === 'big'
  if (fault.of === 'number') {
    const what = INTEGERS.has(param) ? 'integer' : 'decimal'
    const message =
      `Invalid '${param}': ${what} ${isBig ? 'above maximum' : 'below minimum'} value. ` +
      `Expected a value ${isBig ? '<=' : '>='} ${fault.bound}, but got ${value} instead.`
    return invalid(message, { param, code: `${what}_${isBig ? 'above_max' : 'below_min'}_value` })
  }
  const length = typeof value === 'string' || Array.isArray(value) ? value.length : 0
  if (!isBig && length === 0) {
    const noun = fault.of === 'string' ? 'a string' : 'an array'
    const message =
      `Invalid '${param}': empty ${fault.of}. Expected ${noun} with minimum length ${fault.bound}, ` +
      `but got an empty ${fault.of} instead.`
    return invalid(message, { param, code: `empty_${fault.of}` })
  }
  const bound = isBig ? 'maximum' : 'minimum'
  const message =
    `Invalid '${param}': ${fault.of} too ${isBig ? 'long' : 'short'}. Expected ${fault.of === 'string' ? 'a string' : 'an array'} ` +
    `with ${bound} length ${fault.bound}, but got ${fault.of === 'string' ? 'a string' : 'an array'} with length ${length} instead.`
  return invalid(message, { param, code: `${fault.of}_${isBig ? 'above_max' : 'below_min'}_length` })
}

function typeName(expected: string): string {
  const names: Record<string, string> = {
    int: 'an integer',
    number: 'a decimal',
    array: 'an array of objects',
    object: 'an object',
    record: 'an object',
    null: 'null'
  }
  return names[expected] ?? `a ${expected}`
}

function kindName(value: Json | undefined): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** `'a', 'b', and 'c'`. */
export function listed(values: Json[]): string {
  const quoted = values.map(value => `'${value}'`)
  if (quoted.length < 2) return quoted.join('')
  const last = quoted.at(-1)
  return `${quoted.slice(0, -1).join(', ')}${quoted.length > 2 ? ',' : ''} and ${last}`
}
