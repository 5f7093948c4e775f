import { z } from 'zod'

/**
 * Requests of Converse, ConverseStream and CountTokens, as strict as Bedrock reads them. Written from the API reference
 * (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). Rules between members are elsewhere.
 */
const NAME = /^[a-zA-Z0-9_-]+$/
const name = z.string().min(1).max(64).regex(NAME)
const struct = z.looseObject({})
const base64 = z.base64().min(1)

/** A union of AWS: an object with exactly one of its members. */
function union<Members extends z.ZodRawShape>(members: Members) {
  const partial = z.strictObject(members).partial()
  return partial.refine(value => Object.values(value).filter(one => one !== undefined).length === 1, {
    message: `a union must have exactly one member set: ${Object.keys(members).join(', ')}`
  })
}

const cachePoint = z.strictObject({ type: z.literal('default'), ttl: z.enum(['5m', '1h']).optional() })
const s3Location = z.strictObject({ uri: z.string().regex(/^s3:\/\/.+/), bucketOwner: z.string().optional() })
const mediaSource = union({ bytes: base64, s3Location })
const image = z.strictObject({ format: z.enum(['png', 'jpeg', 'gif', 'webp']), source: mediaSource })
const video = z.strictObject({
  format: z.enum(['mkv', 'mov', 'mp4', 'webm', 'flv', 'mpeg', 'mpg', 'wmv', 'three_gp']),
  source: mediaSource
})
const audio = z.strictObject({ format: z.string().min(1), source: mediaSource })
const citations = z.strictObject({ enabled: z.boolean() })
const document = z.strictObject({
  format: z.enum(['pdf', 'csv', 'doc', 'docx', 'xls', 'xlsx', 'html', 'txt', 'md']).optional(),
  name: z.string().min(1).max(200),
  source: union({
    bytes: base64,
    s3Location,
    text: z.string(),
    content: z.array(z.strictObject({ text: z.string() })).min(1)
  }),
  context: z.string().optional(),
  citations: citations.optional()
})
const searchResult = z.strictObject({
  source: z.string(),
  title: z.string(),
  content: z.array(z.strictObject({ text: z.string() })),
  citations: citations.optional()
})
const toolUse = z.strictObject({
  toolUseId: name,
  name,
  input: z.json(),
  type: z.literal('server_tool_use').optional()
})
const toolResult = z.strictObject({
  toolUseId: name,
  content: z.array(union({ text: z.string(), json: z.json(), image, document, video, searchResult })),
  status: z.enum(['success', 'error']).optional(),
  type: z.string().optional()
})
const reasoningContent = union({
  reasoningText: z.strictObject({ text: z.string(), signature: z.string().optional() }),
  redactedContent: base64
})
const guardContent = union({
  text: z.strictObject({ text: z.string(), qualifiers: z.array(z.string()).optional() }),
  image: z.strictObject({ format: z.enum(['png', 'jpeg']), source: mediaSource })
})
const citationsContent = z.strictObject({
  content: z.array(union({ text: z.string() })).optional(),
  citations: z.array(struct).optional()
})
const block = union({
  text: z.string(),
  image,
  document,
  video,
  audio,
  toolUse,
  toolResult,
  guardContent,
  cachePoint,
  reasoningContent,
  citationsContent,
  searchResult
})
const tool = union({
  toolSpec: z.strictObject({
    name,
    description: z.string().min(1).optional(),
    inputSchema: union({ json: z.json() }),
    strict: z.boolean().optional()
  }),
  systemTool: z.strictObject({ name }),
  cachePoint
})
const empty = z.strictObject({})

const promptMembers = {
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.array(block) })),
  system: z.array(union({ text: z.string().min(1), guardContent, cachePoint })).optional(),
  toolConfig: z
    .strictObject({
      tools: z.array(tool).min(1),
      toolChoice: union({ auto: empty, any: empty, tool: z.strictObject({ name }) }).optional()
    })
    .optional(),
  additionalModelRequestFields: struct.optional()
}

export const converseSchema = z.strictObject({
  ...promptMembers,
  inferenceConfig: z
    .strictObject({
      maxTokens: z.int().min(1).optional(),
      temperature: z.number().min(0).max(1).optional(),
      topP: z.number().min(0).max(1).optional(),
      stopSequences: z.array(z.string().min(1)).max(2500).optional()
    })
    .optional(),
  guardrailConfig: struct.optional(),
  promptVariables: struct.optional(),
  additionalModelResponseFieldPaths: z.array(z.string().min(1).max(256).startsWith('/')).max(10).optional(),
  requestMetadata: z
    .record(
      z.string().min(1).max(256),
      z
        .string()
        .max(256)
        .regex(/^[a-zA-Z0-9\s:_@$#=/+,.-]*$/)
    )
    .optional(),
  performanceConfig: z.strictObject({ latency: z.enum(['standard', 'optimized']).optional() }).optional(),
  serviceTier: z.strictObject({ type: z.enum(['priority', 'default', 'flex', 'reserved']) }).optional(),
  outputConfig: z
    .strictObject({
      textFormat: z
        .strictObject({
          type: z.literal('json_schema'),
          structure: union({
            jsonSchema: z.strictObject({
              schema: z.string().min(1),
              name: z.string().optional(),
              description: z.string().optional()
            })
          })
        })
        .optional(),
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).optional()
    })
    .optional()
})

export const countSchema = z.strictObject({
  input: union({ converse: z.strictObject(promptMembers), invokeModel: z.strictObject({ body: base64 }) })
})

export type ConverseRequest = z.infer<typeof converseSchema>
export type Message = ConverseRequest['messages'][number]
export type ContentBlock = Message['content'][number]
