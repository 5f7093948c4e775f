import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'

/** Anthropic's messages: https://docs.anthropic.com/en/api/messages (Claude Code adds `?beta=true`). */
export const endpoint = chatDoor({
  path: /^\/v1\/messages$/,
  dialect: dialects['anthropic-messages'],
  operation: 'chat',
  provider: 'anthropic'
})
