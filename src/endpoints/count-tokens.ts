import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'

/** Anthropic's token counter: https://docs.anthropic.com/en/api/messages-count-tokens */
export const endpoint = chatDoor({
  path: /^\/v1\/messages\/count_tokens$/,
  dialect: dialects['anthropic-messages'],
  operation: 'count-tokens',
  provider: 'anthropic'
})
