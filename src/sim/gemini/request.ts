import type { Json, JsonObject } from '../json.ts'

/** A request as `proto.ts` returns it: members in camel case, of the types that `messages.ts` tells. */
export interface GenerateRequest {
  systemInstruction?: Content
  contents?: Content[]
  tools?: Tool[]
  toolConfig?: { functionCallingConfig?: { mode?: string; allowedFunctionNames?: string[] } }
  safetySettings?: { category?: string; threshold?: string }[]
  generationConfig?: GenerationConfig
  cachedContent?: string
}

export interface Content {
  parts?: Part[]
  role?: string
}

export interface Part {
  text?: string
  inlineData?: Blob
  fileData?: FileData
  functionCall?: { id?: string; name?: string; args?: JsonObject }
  functionResponse?: FunctionResponse
  executableCode?: JsonObject
  codeExecutionResult?: JsonObject
  toolCall?: JsonObject
  toolResponse?: JsonObject
  thought?: boolean
  thoughtSignature?: string
}

export interface Blob {
  mimeType?: string
  data?: string
}

export interface FileData {
  mimeType?: string
  fileUri?: string
}

export interface FunctionResponse {
  id?: string
  name?: string
  response?: JsonObject
  parts?: { inlineData?: Blob; fileData?: FileData }[]
}

export interface Tool {
  functionDeclarations?: FunctionDeclaration[]
  [hosted: string]: unknown
}

export interface FunctionDeclaration {
  name?: string
  description?: string
  parameters?: JsonObject
  parametersJsonSchema?: Json
}

export interface GenerationConfig {
  candidateCount?: number
  stopSequences?: string[]
  maxOutputTokens?: number
  temperature?: number
  topP?: number
  topK?: number
  responseLogprobs?: boolean
  logprobs?: number
  responseMimeType?: string
  responseSchema?: JsonObject
  responseJsonSchema?: Json
  _responseJsonSchema?: Json
  thinkingConfig?: { includeThoughts?: boolean; thinkingBudget?: number; thinkingLevel?: string }
}
