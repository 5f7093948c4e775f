// Written by `npm run generate` from the files of this folder. Do not edit.
import { dialect as anthropicMessages } from './anthropic-messages/index.ts'
import { dialect as bedrockConverse } from './bedrock-converse/index.ts'
import { dialect as gemini } from './gemini/index.ts'
import { dialect as openaiChat } from './openai-chat/index.ts'
import { dialect as openaiResponses } from './openai-responses/index.ts'

export const dialects = {
  'anthropic-messages': anthropicMessages,
  'bedrock-converse': bedrockConverse,
  gemini,
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses
} as const
