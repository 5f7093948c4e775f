// Written by `npm run generate` from the files of this folder. Do not edit.
import { endpoint as chatCompletions } from './chat-completions.ts'
import { endpoint as countTokens } from './count-tokens.ts'
import { endpoint as messages } from './messages.ts'
import { endpoint as models } from './models.ts'

export const endpoints = {
  'chat-completions': chatCompletions,
  'count-tokens': countTokens,
  messages,
  models
} as const
