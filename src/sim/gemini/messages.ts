import type { Field, Message } from './proto.ts'

/**
 * The messages of `generateContent`, from the API references: ai.google.dev/api/generate-content, /api/caching#Content,
 * /api/tokens, and cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference for members that only
 * Vertex has. What the simulator does not look into is a struct.
 */
const text: Field = { of: 'string' }
const texts: Field = { of: 'string', form: 'list' }
const float: Field = { of: 'float' }
const int: Field = { of: 'int' }
const bool: Field = { of: 'bool' }
const struct: Field = { of: 'struct' }
const value: Field = { of: 'value' }

function message(name: string, fields: () => Record<string, Field>): Message {
  return { name, fields }
}

function list(of: Field['of']): Field {
  return { of, form: 'list' }
}

function enumOf(enumeration: string, values: readonly string[]): Field {
  return { of: { enumeration, values } }
}

const SCHEMA_TYPES = ['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL']

export const schema: Message = message('Schema', () => ({
  type: enumOf('Type', SCHEMA_TYPES),
  format: text,
  title: text,
  description: text,
  nullable: bool,
  enum: texts,
  maxItems: int,
  minItems: int,
  properties: { of: schema, form: 'map' },
  required: texts,
  minProperties: int,
  maxProperties: int,
  minLength: int,
  maxLength: int,
  pattern: text,
  example: value,
  anyOf: list(schema),
  propertyOrdering: texts,
  default: value,
  items: { of: schema },
  minimum: float,
  maximum: float
}))

const blob = message('Blob', () => ({ mimeType: text, data: { of: 'bytes' }, displayName: text }))
const fileData = message('FileData', () => ({ mimeType: text, fileUri: text, displayName: text }))
const oneof = 'data'

const part = message('Part', () => ({
  text: { of: 'string', oneof },
  inlineData: { of: blob, oneof },
  fileData: { of: fileData, oneof },
  functionCall: {
    of: message('FunctionCall', () => ({
      id: text,
      name: text,
      args: struct,
      partialArgs: list('struct'),
      willContinue: bool
    })),
    oneof
  },
  functionResponse: {
    of: message('FunctionResponse', () => ({
      id: text,
      name: text,
      response: struct,
      willContinue: bool,
      scheduling: enumOf('Scheduling', ['SILENT', 'WHEN_IDLE', 'INTERRUPT']),
      parts: list(
        message('FunctionResponsePart', () => ({
          inlineData: { of: blob, oneof },
          fileData: { of: fileData, oneof }
        }))
      )
    })),
    oneof
  },
  executableCode: {
    of: message('ExecutableCode', () => ({ id: text, language: enumOf('Language', ['PYTHON']), code: text })),
    oneof
  },
  codeExecutionResult: {
    of: message('CodeExecutionResult', () => ({
      id: text,
      outcome: enumOf('Outcome', ['OUTCOME_OK', 'OUTCOME_FAILED', 'OUTCOME_DEADLINE_EXCEEDED']),
      output: text
    })),
    oneof
  },
  toolCall: { of: 'struct', oneof },
  toolResponse: { of: 'struct', oneof },
  thought: bool,
  thoughtSignature: { of: 'bytes' },
  videoMetadata: struct,
  partMetadata: struct,
  mediaResolution: struct
}))

const content = message('Content', () => ({ parts: list(part), role: text }))

const functionDeclaration = message('FunctionDeclaration', () => ({
  name: text,
  description: text,
  behavior: enumOf('Behavior', ['BLOCKING', 'NON_BLOCKING']),
  parameters: { of: schema },
  parametersJsonSchema: value,
  response: { of: schema },
  responseJsonSchema: value
}))

const tool = message('Tool', () => ({
  functionDeclarations: list(functionDeclaration),
  googleSearchRetrieval: struct,
  codeExecution: struct,
  googleSearch: struct,
  computerUse: struct,
  urlContext: struct,
  fileSearch: struct,
  mcpServers: list('struct'),
  googleMaps: struct,
  retrieval: struct,
  enterpriseWebSearch: struct
}))

const toolConfig = message('ToolConfig', () => ({
  functionCallingConfig: {
    of: message('FunctionCallingConfig', () => ({
      mode: enumOf('Mode', ['AUTO', 'ANY', 'NONE', 'VALIDATED']),
      allowedFunctionNames: texts,
      streamFunctionCallArguments: bool
    }))
  },
  retrievalConfig: struct,
  includeServerSideToolInvocations: bool
}))

const CATEGORIES = [
  'DEROGATORY',
  'TOXICITY',
  'VIOLENCE',
  'SEXUAL',
  'MEDICAL',
  'DANGEROUS',
  'HARASSMENT',
  'HATE_SPEECH',
  'SEXUALLY_EXPLICIT',
  'DANGEROUS_CONTENT',
  'CIVIC_INTEGRITY',
  'JAILBREAK'
].map(name => `HARM_CATEGORY_${name}`)
const THRESHOLDS = ['BLOCK_LOW_AND_ABOVE', 'BLOCK_MEDIUM_AND_ABOVE', 'BLOCK_ONLY_HIGH', 'BLOCK_NONE', 'OFF']

const safetySetting = message('SafetySetting', () => ({
  category: enumOf('HarmCategory', CATEGORIES),
  threshold: enumOf('SafetySetting.HarmBlockThreshold', THRESHOLDS),
  method: enumOf('SafetySetting.HarmBlockMethod', ['SEVERITY', 'PROBABILITY'])
}))

const generationConfig = message('GenerationConfig', () => ({
  candidateCount: int,
  stopSequences: texts,
  maxOutputTokens: int,
  temperature: float,
  topP: float,
  topK: float,
  seed: int,
  presencePenalty: float,
  frequencyPenalty: float,
  responseLogprobs: bool,
  logprobs: int,
  enableEnhancedCivicAnswers: bool,
  responseMimeType: text,
  responseSchema: { of: schema },
  responseJsonSchema: value,
  _responseJsonSchema: value,
  responseModalities: { ...enumOf('GenerationConfig.Modality', ['TEXT', 'IMAGE', 'AUDIO']), form: 'list' },
  speechConfig: struct,
  thinkingConfig: {
    of: message('ThinkingConfig', () => ({
      includeThoughts: bool,
      thinkingBudget: int,
      thinkingLevel: enumOf('ThinkingConfig.ThinkingLevel', ['LOW', 'HIGH', 'MEDIUM', 'MINIMAL'])
    }))
  },
  imageConfig: struct,
  mediaResolution: text,
  routingConfig: struct,
  modelConfig: struct,
  audioTimestamp: bool
}))

export const generateRequest = message('GenerateContentRequest', () => ({
  model: text,
  systemInstruction: { of: content },
  contents: list(content),
  tools: list(tool),
  toolConfig: { of: toolConfig },
  safetySettings: list(safetySetting),
  generationConfig: { of: generationConfig },
  cachedContent: text,
  labels: { of: 'string', form: 'map' },
  modelArmorConfig: struct,
  serviceTier: text,
  store: bool
}))

export const countRequest = message('CountTokensRequest', () => ({
  model: text,
  contents: list(content),
  generateContentRequest: { of: generateRequest }
}))

/** Vertex counts the request as it stands. */
export const vertexCountRequest = message('CountTokensRequest', () => ({
  model: text,
  contents: list(content),
  instances: list('value'),
  systemInstruction: { of: content },
  tools: list(tool),
  generationConfig: { of: generationConfig }
}))
