import { z } from 'zod'

/**
 * Requests of `POST /v1/chat/completions`, as strict as OpenAI reads them: members it does not know are refused.
 * Written from the API reference (platform.openai.com/docs/api-reference/chat/create). Rules that hold between
 * members are in `validate.ts`.
 */
const cacheBreakpoint = z.looseObject({}).nullish()
const textPart = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  prompt_cache_breakpoint: cacheBreakpoint,
  // not in the reference, but recorded as accepted
  cache_control: z.looseObject({}).nullish()
})
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({ url: z.string(), detail: z.enum(['auto', 'low', 'high', 'original']).nullish() }),
  prompt_cache_breakpoint: cacheBreakpoint
})
const audioPart = z.strictObject({
  type: z.literal('input_audio'),
  input_audio: z.strictObject({ data: z.string(), format: z.enum(['wav', 'mp3']) }),
  prompt_cache_breakpoint: cacheBreakpoint
})
const filePart = z.strictObject({
  type: z.literal('file'),
  file: z.strictObject({
    file_data: z.string().optional(),
    file_id: z.string().optional(),
    filename: z.string().optional()
  }),
  prompt_cache_breakpoint: cacheBreakpoint
})
const refusalPart = z.strictObject({ type: z.literal('refusal'), refusal: z.string() })

const name = z
  .string()
  .regex(/^[^\s<|\\/>]+$/)
  .optional()
const texts = z.union([z.string(), z.array(textPart).min(1)])
const toolName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[a-zA-Z0-9_-]+$/)

const toolCall = z.discriminatedUnion('type', [
  z.strictObject({
    id: z.string().max(40),
    type: z.literal('function'),
    function: z.strictObject({ name: toolName, arguments: z.string() })
  }),
  z.strictObject({
    id: z.string().max(40),
    type: z.literal('custom'),
    custom: z.strictObject({ name: toolName, input: z.string() })
  })
])

const assistantMembers = {
  role: z.literal('assistant'),
  content: z
    .union([z.null(), z.string(), z.array(z.discriminatedUnion('type', [textPart, refusalPart])).min(1)])
    .optional(),
  refusal: z.string().nullish(),
  name,
  audio: z.strictObject({ id: z.string() }).nullish(),
  tool_calls: z.array(toolCall).min(1).optional(),
  function_call: z.strictObject({ name: toolName, arguments: z.string() }).nullish(),
  annotations: z.array(z.looseObject({})).nullish()
}

function messageWith<Assistant extends z.core.$ZodTypeDiscriminable>(assistant: Assistant) {
  return z.discriminatedUnion('role', [
    z.strictObject({ role: z.literal('developer'), content: texts, name }),
    z.strictObject({ role: z.literal('system'), content: texts, name }),
    z.strictObject({
      role: z.literal('user'),
      content: z.union([
        z.string(),
        z.array(z.discriminatedUnion('type', [textPart, imagePart, audioPart, filePart])).min(1)
      ]),
      name
    }),
    assistant,
    // `name` is not in the reference, but recorded as accepted
    z.strictObject({ role: z.literal('tool'), content: texts, tool_call_id: z.string(), name }),
    z.strictObject({ role: z.literal('function'), content: z.string().nullable(), name: z.string() })
  ])
}

const functionShape = z.strictObject({
  name: toolName,
  description: z.string().optional(),
  parameters: z.looseObject({}).optional(),
  strict: z.boolean().nullish()
})
const tool = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('function'), function: functionShape }),
  z.strictObject({
    type: z.literal('custom'),
    custom: z.strictObject({ name: toolName, description: z.string().optional(), format: z.looseObject({}).optional() })
  })
])

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string() }) }),
    z.strictObject({ type: z.literal('custom'), custom: z.strictObject({ name: z.string() }) }),
    z.strictObject({
      type: z.literal('allowed_tools'),
      allowed_tools: z.strictObject({ mode: z.enum(['auto', 'required']), tools: z.array(z.looseObject({})) })
    })
  ])
])

const responseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z
        .string()
        .max(64)
        .regex(/^[a-zA-Z0-9_-]+$/),
      description: z.string().optional(),
      schema: z.looseObject({}).optional(),
      strict: z.boolean().nullish()
    })
  })
])

const members = {
  model: z.string().min(1),
  audio: z.looseObject({}).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  function_call: z.union([z.enum(['none', 'auto']), z.strictObject({ name: z.string() })]).optional(),
  functions: z.array(functionShape).min(1).max(128).optional(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  logprobs: z.boolean().nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  modalities: z.array(z.enum(['text', 'audio'])).nullish(),
  moderation: z.looseObject({}).nullish(),
  n: z.int().min(1).max(128).nullish(),
  parallel_tool_calls: z.boolean().optional(),
  prediction: z.strictObject({ type: z.literal('content'), content: texts }).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_options: z.looseObject({}).optional(),
  prompt_cache_retention: z.enum(['in_memory', '24h']).nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).nullish(),
  response_format: responseFormat.optional(),
  safety_identifier: z.string().nullish(),
  seed: z.int().nullish(),
  service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast']).nullish(),
  stop: z.union([z.null(), z.string(), z.array(z.string()).min(1).max(4)]).optional(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  tool_choice: toolChoice.optional(),
  tools: z.array(tool).min(1).max(128).optional(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  user: z.string().optional(),
  verbosity: z.enum(['low', 'medium', 'high']).nullish(),
  web_search_options: z.looseObject({}).optional()
}

export const requestSchema = z.strictObject({
  messages: z.array(messageWith(z.strictObject(assistantMembers))).min(1),
  ...members
})

/** The `reasoner` takes what DeepSeek takes: its own thoughts in the history, and `thinking`. */
export const reasonerRequestSchema = z.strictObject({
  messages: z
    .array(messageWith(z.strictObject({ ...assistantMembers, reasoning_content: z.string().nullish() })))
    .min(1),
  ...members,
  thinking: z.strictObject({ type: z.enum(['enabled', 'disabled']) }).nullish()
})

export type ChatRequest = z.infer<typeof requestSchema>
