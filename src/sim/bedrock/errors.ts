import type { Finding } from '../issues.ts'
import type { Json, JsonObject } from '../json.ts'
import { Refusal } from '../refusal.ts'
import type { ErrorName, Frame } from '../voice.ts'

/** An exception by its name in the API reference; AWS says the name in a header, its words in the body. */
export function exception(status: number, name: string, message: string): Refusal {
  const type = `${name}:http://internal.amazon.com/coral/com.amazon.bedrock/`
  return new Refusal(status, name, message, { headers: { 'x-amzn-errortype': type } })
}

export function invalid(message: string): Refusal {
  return exception(400, 'ValidationException', message)
}

/** What the model behind the API refuses: Bedrock passes its words on. */
export function modelRefuses(message: string): Refusal {
  return invalid(`The model returned the following errors: ${message}`)
}

export function errorBody({ message }: Refusal): JsonObject {
  return { message }
}

/** An exception inside a stream: its name begins with a small letter there. */
export function errorFrames({ type, message }: Refusal): Frame[] {
  const event = type.charAt(0).toLowerCase() + type.slice(1)
  const data = type === 'ModelStreamErrorException' ? { message, originalStatusCode: 500 } : { message }
  return [{ kind: 'end', event, data: JSON.stringify(data) }]
}

export function bedrockError(name: ErrorName): Refusal {
  switch (name) {
    case 'rate-limited':
      return exception(429, 'ThrottlingException', 'Too many requests, please wait before trying again.')
    case 'server-error':
      return exception(
        500,
        'InternalServerException',
        'The system encountered an unexpected error during processing. Try your request again.'
      )
    case 'unavailable':
      return exception(503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.')
    case 'overloaded':
      return exception(503, 'ServiceUnavailableException', 'Model is getting throttled. Try your request again.')
    case 'in-stream':
      return exception(
        424,
        'ModelStreamErrorException',
        'The system encountered an unexpected error during processing. Try your request again.'
      )
    case 'context-length':
      return invalid('Input is too long for requested model.')
    case 'content-filter':
      return invalid('Output blocked by content filtering policy')
    case 'prefill':
      return modelRefuses(
        'This model does not support assistant message prefill. The conversation must end with a user message.'
      )
    case 'no-such-model':
      return invalid('The provided model identifier is invalid.')
    case 'bad-key':
      return badKey()
    case 'spend-limit':
      return exception(
        403,
        'AccessDeniedException',
        'Model access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment instrument must be provided. Your AWS ' +
          'Marketplace subscription for this model cannot be completed at this time.'
      )
  }
}

export function badKey(): Refusal {
  return exception(403, 'AccessDeniedException', 'Authentication failed: Please make sure your API Key is valid.')
}

const SHAPES: Record<string, string> = {
  string: 'String',
  int: 'Integer',
  number: 'Float',
  boolean: 'Boolean',
  array: 'List',
  object: 'Structure',
  record: 'Map'
}

/** AWS's words for what a schema found. */
export function refusalOf({ path, value, fault }: Finding): Refusal {
  const at = memberPath(path)
  switch (fault.kind) {
    case 'missing':
      return constraint('null', at, 'Member must not be null')
    case 'unknown':
      return modelRefuses(
        `#${path.map(step => `/${step}`).join('')}: extraneous key [${fault.keys[0]}] is not permitted, please reformat ` +
          'your input and try again.'
      )
    case 'type': {
      const shape = SHAPES[fault.expected[0] ?? ''] ?? fault.expected[0]
      return exception(400, 'SerializationException', `${kindOf(value)} can not be converted to a ${shape}`)
    }
    case 'value':
      return constraint(
        `'${value}'`,
        at,
        `Member must satisfy enum value set: [${fault.allowed.map(String).join(', ')}]`
      )
    case 'pattern':
      return constraint(`'${value}'`, at, `Member must satisfy regular expression pattern: ${fault.pattern}`)
    case 'small':
    case 'big': {
      const isSmall = fault.kind === 'small'
      const noun = fault.of === 'number' ? 'value' : 'length'
      const bound = `${isSmall ? 'greater' : 'less'} than or equal to ${fault.bound}`
      return constraint(`'${shown(value)}'`, at, `Member must have ${noun} ${bound}`)
    }
    case 'other':
      return invalid(`${at}: ${fault.message}`)
  }
}

function constraint(value: string, at: string, rule: string): Refusal {
  return invalid(`1 validation error detected: Value ${value} at '${at}' failed to satisfy constraint: ${rule}`)
}

function shown(value: Json | undefined): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** `messages.1.member.content.2.member.text`: AWS counts from 1. */
function memberPath(path: (string | number)[]): string {
  return path.map(step => (typeof step === 'number' ? `${step + 1}.member` : step)).join('.')
}

function kindOf(value: Json | undefined): string {
  if (typeof value === 'number') return 'NUMBER_VALUE'
  if (typeof value === 'boolean') return value ? 'TRUE_VALUE' : 'FALSE_VALUE'
  if (typeof value === 'string') return 'STRING_VALUE'
  if (value === null || value === undefined) return 'NULL_VALUE'
  return Array.isArray(value) ? 'START_ARRAY' : 'START_OBJECT'
}
