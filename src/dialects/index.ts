// Written by `npm run generate` from the files of this folder. Do not edit.
import { dialect as anthropicMessages } from './anthropic-messages/index.ts'
import { dialect as openaiChat } from './openai-chat/index.ts'

export const dialects = {
  'anthropic-messages': anthropicMessages,
  'openai-chat': openaiChat
} as const
