import type { Json } from '../json.ts'
import { bytesOfDataUrl, imageTypeOf } from '../media.ts'
import { isReasoningName } from '../models.ts'
import { invalid } from './errors.ts'
import type { ChatRequest } from './schema.ts'
import { strictSchemaFault } from './strict-schema.ts'

type Message = ChatRequest['messages'][number]

/** Rules between members that OpenAI checks after the types; throws the refusal of the first one broken. */
export function validate(request: ChatRequest): void {
  checkLimits(request)
  checkTools(request)
  checkFormat(request)
  checkToolTurns(request.messages)
  request.messages.forEach(checkMessage)
}

function checkLimits(request: ChatRequest): void {
  const { max_tokens, max_completion_tokens } = request
  if (isSet(max_tokens) && isSet(max_completion_tokens)) {
    throw invalid("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", {
      param: 'max_tokens',
      code: 'invalid_parameter_combination'
    })
  }
  if (isSet(max_tokens) && isReasoningName(request.model)) {
    throw invalid(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      { param: 'max_tokens', code: 'unsupported_parameter' }
    )
  }
  if (isSet(request.stream_options) && request.stream !== true) {
    throw invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", {
      param: 'stream_options'
    })
  }
  if (isSet(request.top_logprobs) && request.logprobs !== true) {
    throw invalid("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", { param: 'top_logprobs' })
  }
}

function checkTools(request: ChatRequest): void {
  const { tools, tool_choice, parallel_tool_calls } = request
  if (tools === undefined) {
    const orphan =
      tool_choice !== undefined ? 'tool_choice' : parallel_tool_calls !== undefined ? 'parallel_tool_calls' : ''
    if (orphan && tool_choice !== 'none') {
      throw invalid(`Invalid value for '${orphan}': '${orphan}' is only allowed when 'tools' are specified.`, {
        param: orphan
      })
    }
    return
  }
  tools.forEach((tool, index) => {
    if (tool.type !== 'function' || tool.function.strict !== true) return
    const fault = strictSchemaFault(tool.function.parameters as Json)
    if (fault === undefined) return
    throw invalid(`Invalid schema for function '${tool.function.name}': ${fault}`, {
      param: `tools[${index}].function.parameters`,
      code: 'invalid_function_parameters'
    })
  })
  if (typeof tool_choice !== 'object' || tool_choice.type === 'allowed_tools') return
  const wanted = tool_choice.type === 'function' ? tool_choice.function.name : tool_choice.custom.name
  if (!tools.some(tool => (tool.type === 'function' ? tool.function.name : tool.custom.name) === wanted)) {
    throw invalid(`Tool choice '${wanted}' not found in 'tools' parameter.`, { param: 'tool_choice' })
  }
}

function checkFormat(request: ChatRequest): void {
  const format = request.response_format
  if (format?.type === 'json_object' && !/json/i.test(JSON.stringify(request.messages))) {
    throw invalid(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      { param: 'messages' }
    )
  }
  if (format?.type !== 'json_schema') return
  if (format.json_schema.schema === undefined) {
    throw invalid("Missing required parameter: 'response_format.json_schema.schema'.", {
      param: 'response_format.json_schema.schema',
      code: 'missing_required_parameter'
    })
  }
  const fault = format.json_schema.strict === true ? strictSchemaFault(format.json_schema.schema as Json) : undefined
  if (fault !== undefined) {
    throw invalid(`Invalid schema for response_format '${format.json_schema.name}': ${fault}`, {
      param: 'response_format'
    })
  }
}

/** Each tool message answers a call of the assistant turn it follows, and each call is answered before the next turn. */
function checkToolTurns(messages: Message[]): void {
  let open = new Set<string>()
  let hasCalls = false
  let answered = new Set<string>()
  messages.forEach((message, index) => {
    if (message.role === 'tool') {
      if (!hasCalls) {
        throw invalid(
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
          { param: `messages.[${index}].role` }
        )
      }
      if (!open.has(message.tool_call_id) && !answered.has(message.tool_call_id)) {
        throw invalid(
          `Invalid parameter: 'tool_call_id' of '${message.tool_call_id}' not found in 'tool_calls' of previous message.`,
          { param: `messages.[${index}].tool_call_id` }
        )
      }
      open.delete(message.tool_call_id)
      answered.add(message.tool_call_id)
      return
    }
    refuseOpen(open, index)
    const calls = (message.role === 'assistant' ? message.tool_calls : undefined) ?? []
    hasCalls = calls.length > 0
    answered = new Set()
    open = new Set(calls.map(call => call.id))
    if (open.size < calls.length) {
      throw invalid(`Duplicate value for 'tool_call_id' in message[${index}]`, {
        param: `messages.[${index}].tool_calls`
      })
    }
  })
  refuseOpen(open, messages.length)
}

function refuseOpen(open: Set<string>, index: number): void {
  if (open.size === 0) return
  throw invalid(
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
    { param: `messages.[${index}].role` }
  )
}

function checkMessage(message: Message, index: number): void {
  if (message.role === 'assistant') {
    const says = isSet(message.content) || isSet(message.refusal) || isSet(message.audio)
    if (!says && message.tool_calls === undefined && !isSet(message.function_call)) {
      throw invalid("Invalid value for 'content': expected a string, got null.", {
        param: `messages.[${index}].content`
      })
    }
  }
  if (message.role !== 'user' || typeof message.content === 'string') return
  message.content.forEach((part, at) => {
    const path = `messages[${index}].content[${at}]`
    if (part.type === 'image_url') checkImage(part.image_url.url, `${path}.image_url.url`)
    if (part.type === 'file') checkFile(part.file, `${path}.file`)
  })
}

/** An image by URL or as a data URL whose bytes are one. */
export function checkImage(url: string, param: string): void {
  if (/^https?:\/\//.test(url)) {
    if (!URL.canParse(url))
      throw invalid(`Invalid '${param}'. Expected a valid URL, but got a value with an invalid format.`, { param })
    return
  }
  if (!url.startsWith('data:')) {
    throw invalid(`Invalid '${param}'. Expected a valid URL, but got a value with an invalid format.`, {
      param,
      code: 'invalid_value'
    })
  }
  const data = bytesOfDataUrl(url)
  if (!data) {
    throw invalid(`Invalid '${param}'. Expected a base64-encoded data URL with an image MIME type.`, {
      param,
      code: 'invalid_value'
    })
  }
  if (imageTypeOf(data.bytes) === undefined) {
    throw invalid(
      'You uploaded an unsupported image. Please make sure your image is valid and has one of the following formats: ' +
        "['png', 'jpeg', 'gif', 'webp'].",
      { param, code: 'invalid_image_format' }
    )
  }
}

/** A file by id, or as a data URL with its name. */
export function checkFile(
  file: { file_data?: string | undefined; file_id?: string | undefined; filename?: string | undefined },
  param: string
): void {
  if (file.file_id !== undefined) return
  if (file.file_data === undefined) {
    throw invalid(`Missing required parameter: '${param}.file_id'.`, {
      param: `${param}.file_id`,
      code: 'missing_required_parameter'
    })
  }
  if (!bytesOfDataUrl(file.file_data)) {
    throw invalid(`Invalid '${param}.file_data'. Expected a base64-encoded data URL with a MIME type.`, {
      param: `${param}.file_data`,
      code: 'invalid_value'
    })
  }
  if (file.filename === undefined) {
    throw invalid(`Missing required parameter: '${param}.filename'.`, {
      param: `${param}.filename`,
      code: 'missing_required_parameter'
    })
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}
