import { z } from 'zod'

/**
 * Requests of `POST /v1/messages` and `/v1/messages/count_tokens`, as strict as Anthropic reads them. Written from
 * the API reference (platform.claude.com/docs/en/api/messages). Rules that hold between members are in `validate.ts`.
 */
const cacheControl = z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() }).nullish()
const citationsSwitch = z.strictObject({ enabled: z.boolean().optional() }).nullish()

const textBlock = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  cache_control: cacheControl,
  citations: z.array(z.looseObject({ type: z.string() })).nullish()
})
const imageBlock = z.strictObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('base64'),
      media_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
      data: z.string()
    }),
    z.strictObject({ type: z.literal('url'), url: z.string() }),
    z.strictObject({ type: z.literal('file'), file_id: z.string() })
  ]),
  cache_control: cacheControl
})
const documentBlock = z.strictObject({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('base64'), media_type: z.literal('application/pdf'), data: z.string() }),
    z.strictObject({ type: z.literal('text'), media_type: z.literal('text/plain'), data: z.string() }),
    z.strictObject({ type: z.literal('url'), url: z.string() }),
    z.strictObject({ type: z.literal('file'), file_id: z.string() }),
    z.strictObject({
      type: z.literal('content'),
      content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textBlock, imageBlock]))])
    })
  ]),
  title: z.string().nullish(),
  context: z.string().nullish(),
  citations: citationsSwitch,
  cache_control: cacheControl
})
const searchResultBlock = z.strictObject({
  type: z.literal('search_result'),
  source: z.string(),
  title: z.string(),
  content: z.array(textBlock).min(1),
  citations: citationsSwitch,
  cache_control: cacheControl
})
const toolReferenceBlock = z.strictObject({
  type: z.literal('tool_reference'),
  tool_name: z.string(),
  cache_control: cacheControl
})
const toolResultBlock = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
  content: z
    .union([
      z.string(),
      z.array(
        z.discriminatedUnion('type', [textBlock, imageBlock, documentBlock, searchResultBlock, toolReferenceBlock])
      )
    ])
    .optional(),
  is_error: z.boolean().optional(),
  cache_control: cacheControl
})
const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/)
const toolUseBlock = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
  name: toolName,
  input: z.record(z.string(), z.json()),
  caller: z.looseObject({ type: z.string() }).optional(),
  cache_control: cacheControl
})
const thinkingBlock = z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() })
const redactedBlock = z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() })

/** Blocks of hosted tools: carried in histories; their insides are the provider's own. */
const hostedBlocks = [
  'server_tool_use',
  'mcp_tool_use',
  'mcp_tool_result',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'container_upload'
] as const
const hostedBlock = z.looseObject({ type: z.enum(hostedBlocks) })

const block = z.discriminatedUnion('type', [
  textBlock,
  imageBlock,
  documentBlock,
  searchResultBlock,
  toolResultBlock,
  toolUseBlock,
  thinkingBlock,
  redactedBlock,
  hostedBlock
])

const message = z.strictObject({ role: z.string(), content: z.union([z.string(), z.array(block)]) })

const customTool = z.strictObject({
  type: z.literal('custom').nullish(),
  name: toolName,
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal('object') }),
  cache_control: cacheControl,
  strict: z.boolean().optional(),
  defer_loading: z.boolean().optional(),
  allowed_callers: z.array(z.string()).optional(),
  eager_input_streaming: z.boolean().nullish(),
  input_examples: z.array(z.looseObject({})).optional()
})
const hostedTool = z.looseObject({
  type: z.string().regex(/^(?:[a-z_]+_\d{8}|tool_search_tool_(?:bm25|regex)(?:_\d{8})?)$/),
  name: z.string().optional()
})

const thinking = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('enabled'),
    budget_tokens: z.int().min(1024),
    display: z.enum(['summarized', 'omitted']).nullish()
  }),
  z.strictObject({ type: z.literal('adaptive'), display: z.enum(['summarized', 'omitted']).nullish() }),
  z.strictObject({ type: z.literal('disabled') })
])
const isSingle = z.boolean().optional()
const toolChoice = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auto'), disable_parallel_tool_use: isSingle }),
  z.strictObject({ type: z.literal('any'), disable_parallel_tool_use: isSingle }),
  z.strictObject({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use: isSingle }),
  z.strictObject({ type: z.literal('none') })
])
const format = z.strictObject({ type: z.literal('json_schema'), schema: z.looseObject({}) })

const promptMembers = {
  model: z.string().min(1),
  messages: z.array(message).min(1),
  system: z.union([z.string(), z.array(textBlock)]).optional(),
  tools: z.array(z.union([customTool, hostedTool])).optional(),
  tool_choice: toolChoice.optional(),
  thinking: thinking.optional(),
  cache_control: cacheControl,
  output_config: z
    .strictObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: format.nullish()
    })
    .optional()
}

/** Taken with an `anthropic-beta` header or `?beta=true` only. */
const betaMembers = {
  mcp_servers: z.array(z.looseObject({})).optional(),
  context_management: z.looseObject({}).nullish(),
  output_format: format.nullish()
}

const members = {
  ...promptMembers,
  max_tokens: z.int().min(1),
  container: z.union([z.string(), z.looseObject({})]).nullish(),
  inference_geo: z.string().nullish(),
  metadata: z.strictObject({ user_id: z.string().max(512).nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  speed: z.enum(['standard', 'fast']).nullish(),
  stop_sequences: z.array(z.string()).max(8191).optional(),
  stream: z.boolean().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  top_p: z.number().min(0).max(1).optional()
}

export const requestSchema = z.strictObject(members)
export const betaRequestSchema = z.strictObject({ ...members, ...betaMembers })
export const countSchema = z.strictObject(promptMembers)
export const betaCountSchema = z.strictObject({ ...promptMembers, ...betaMembers })

export type MessagesRequest = z.infer<typeof betaRequestSchema>
export type Message = MessagesRequest['messages'][number]
export type ContentBlock = Exclude<Message['content'], string>[number]
