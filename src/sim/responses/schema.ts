import { z } from 'zod'

/**
 * Requests of `POST /v1/responses`, as strict as OpenAI reads them. Written from the API reference
 * (platform.openai.com/docs/api-reference/responses/create). Items, parts and tools are read one by one, each by the
 * schema of its type; rules that hold between members are in `validate.ts`.
 */
const name = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[a-zA-Z0-9_-]+$/)
const callId = z.string().min(1).max(64)
const id = z.string().max(64).nullish()
const status = z.enum(['in_progress', 'completed', 'incomplete']).nullish()
const typed = z.looseObject({ type: z.string() })
const schemaObject = z.looseObject({})

export const PARTS = {
  input_text: z.strictObject({
    type: z.literal('input_text'),
    text: z.string(),
    prompt_cache_breakpoint: schemaObject.nullish()
  }),
  input_image: z.strictObject({
    type: z.literal('input_image'),
    image_url: z.string().nullish(),
    file_id: z.string().nullish(),
    detail: z.enum(['auto', 'low', 'high', 'original']).nullish()
  }),
  input_file: z.strictObject({
    type: z.literal('input_file'),
    file_id: z.string().nullish(),
    file_data: z.string().nullish(),
    file_url: z.string().nullish(),
    filename: z.string().nullish(),
    detail: z.enum(['low', 'high']).nullish()
  }),
  output_text: z.strictObject({
    type: z.literal('output_text'),
    text: z.string(),
    annotations: z.array(schemaObject).nullish(),
    logprobs: z.array(schemaObject).nullish()
  }),
  refusal: z.strictObject({ type: z.literal('refusal'), refusal: z.string() })
}
/** All parts that the reader names where it knows none by that type. */
export const PART_TYPES = [...Object.keys(PARTS), 'computer_screenshot', 'summary_text']
export const PARTS_OF_INPUT = ['input_text', 'input_image', 'input_file']
export const PARTS_OF_ASSISTANT = ['output_text', 'refusal']
export const ROLES = ['assistant', 'system', 'developer', 'user']

const output = z.union([z.string(), z.array(typed)])
const call = { id, status, call_id: callId, namespace: z.string().nullish(), caller: schemaObject.nullish() }

export const ITEMS = {
  message: z.strictObject({
    type: z.literal('message').optional(),
    id,
    status,
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content: z.union([z.string(), z.array(typed)]),
    phase: z.enum(['commentary', 'final_answer']).nullish()
  }),
  function_call: z.strictObject({ type: z.literal('function_call'), ...call, name, arguments: z.string() }),
  function_call_output: z.strictObject({ type: z.literal('function_call_output'), ...call, output }),
  custom_tool_call: z.strictObject({ type: z.literal('custom_tool_call'), ...call, name, input: z.string() }),
  custom_tool_call_output: z.strictObject({ type: z.literal('custom_tool_call_output'), ...call, output }),
  reasoning: z.strictObject({
    type: z.literal('reasoning'),
    id,
    status,
    summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
    content: z.array(z.strictObject({ type: z.literal('reasoning_text'), text: z.string() })).nullish(),
    encrypted_content: z.string().nullish()
  }),
  item_reference: z.strictObject({ type: z.literal('item_reference').nullish(), id: z.string().min(1) })
}

/** Items of hosted tools: known by name, not looked into. */
export const HOSTED_ITEMS = [
  'file_search_call',
  'computer_call',
  'computer_call_output',
  'web_search_call',
  'image_generation_call',
  'code_interpreter_call',
  'local_shell_call',
  'local_shell_call_output',
  'shell_call',
  'shell_call_output',
  'apply_patch_call',
  'apply_patch_call_output',
  'mcp_list_tools',
  'mcp_approval_request',
  'mcp_approval_response',
  'mcp_call',
  'tool_search_call',
  'tool_search_output',
  'additional_tools',
  'program',
  'program_output',
  'compaction'
]

/** Members that no tool has are let pass, as recorded. */
export const TOOLS = {
  function: z.looseObject({
    type: z.literal('function'),
    name,
    description: z.string().nullish(),
    parameters: schemaObject.nullish(),
    strict: z.boolean().nullish()
  }),
  custom: z.looseObject({
    type: z.literal('custom'),
    name,
    description: z.string().nullish(),
    format: z
      .discriminatedUnion('type', [
        z.strictObject({ type: z.literal('text') }),
        z.strictObject({
          type: z.literal('grammar'),
          syntax: z.enum(['lark', 'regex']),
          definition: z.string().min(1)
        })
      ])
      .nullish()
  }),
  file_search: z.looseObject({ type: z.literal('file_search'), vector_store_ids: z.array(z.string()).min(1) }),
  code_interpreter: z.looseObject({
    type: z.literal('code_interpreter'),
    container: z.union([z.string(), z.looseObject({ type: z.literal('auto') })])
  }),
  mcp: z.looseObject({ type: z.literal('mcp'), server_label: z.string() })
}

export const HOSTED_TOOLS = [
  'web_search',
  'web_search_2025_08_26',
  'web_search_preview',
  'web_search_preview_2025_03_11',
  'computer',
  'computer_use_preview',
  'image_generation',
  'local_shell',
  'shell',
  'apply_patch',
  'tool_search',
  'namespace',
  'programmatic_tool_calling'
]

const toolChoice = z.union([z.enum(['none', 'auto', 'required']), typed])

const textFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    name: name.max(64),
    description: z.string().nullish(),
    schema: schemaObject,
    strict: z.boolean().nullish()
  })
])

const members = {
  model: z.string().min(1).optional(),
  input: z.union([z.string(), z.array(z.looseObject({}))]).optional(),
  background: z.boolean().nullish(),
  client_metadata: schemaObject.nullish(),
  context_management: z.array(schemaObject).nullish(),
  conversation: z.union([z.string(), z.strictObject({ id: z.string() })]).nullish(),
  include: z.array(z.string()).nullish(),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  max_tool_calls: z.int().min(1).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  moderation: schemaObject.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  prompt: z
    .strictObject({ id: z.string(), version: z.string().nullish(), variables: schemaObject.nullish() })
    .nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_options: schemaObject.nullish(),
  prompt_cache_retention: z.enum(['in_memory', 'in-memory', '24h']).nullish(),
  reasoning: z
    .strictObject({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
      generate_summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
      context: z.enum(['auto', 'current_turn', 'all_turns']).nullish(),
      mode: z.string().nullish()
    })
    .nullish(),
  safety_identifier: z.string().max(64).nullish(),
  service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast']).nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  text: z
    .strictObject({ format: textFormat.nullish(), verbosity: z.enum(['low', 'medium', 'high']).nullish() })
    .nullish(),
  tool_choice: toolChoice.nullish(),
  tools: z.array(typed).max(128).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  user: z.string().nullish()
}

export const requestSchema = z.strictObject(members)

/** What `include` may name. */
export const INCLUDES = [
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'message.input_image.image_url',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
  'reasoning.encrypted_content',
  'message.output_text.logprobs'
]
