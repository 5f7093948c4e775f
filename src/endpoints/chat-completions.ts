import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'

/** OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat/create */
export const endpoint = chatDoor({
  path: /^\/v1\/chat\/completions$/,
  dialect: dialects['openai-chat'],
  operation: 'chat',
  provider: 'openai'
})
