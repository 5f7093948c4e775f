// Written by `npm run generate` from the files of this folder. Do not edit.
import { endpoint as azureChatCompletions } from './azure-chat-completions.ts'
import { endpoint as azureEmbeddings } from './azure-embeddings.ts'
import { endpoint as chatCompletions } from './chat-completions.ts'
import { endpoint as countTokens } from './count-tokens.ts'
import { endpoint as embeddings } from './embeddings.ts'
import { endpoint as feedback } from './feedback.ts'
import { endpoint as geminiCountTokens } from './gemini-count-tokens.ts'
import { endpoint as generateContent } from './generate-content.ts'
import { endpoint as guard } from './guard.ts'
import { endpoint as messages } from './messages.ts'
import { endpoint as models } from './models.ts'
import { endpoint as responseCancel } from './response-cancel.ts'
import { endpoint as responseDelete } from './response-delete.ts'
import { endpoint as responseGet } from './response-get.ts'
import { endpoint as responseInputItems } from './response-input-items.ts'
import { endpoint as responseInputTokens } from './response-input-tokens.ts'
import { endpoint as responses } from './responses.ts'
import { endpoint as streamGenerateContent } from './stream-generate-content.ts'

export const endpoints = {
  'azure-chat-completions': azureChatCompletions,
  'azure-embeddings': azureEmbeddings,
  'chat-completions': chatCompletions,
  'count-tokens': countTokens,
  embeddings,
  feedback,
  'gemini-count-tokens': geminiCountTokens,
  'generate-content': generateContent,
  guard,
  messages,
  models,
  'response-cancel': responseCancel,
  'response-delete': responseDelete,
  'response-get': responseGet,
  'response-input-items': responseInputItems,
  'response-input-tokens': responseInputTokens,
  responses,
  'stream-generate-content': streamGenerateContent
} as const
