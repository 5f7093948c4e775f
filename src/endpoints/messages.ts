import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { doorPath } from './paths.ts'

/** Anthropic's messages: https://docs.anthropic.com/en/api/messages (Claude Code adds `?beta=true`). */
export const endpoint = chatDoor({
  door: 'messages',
  path: doorPath('/messages'),
  dialect: dialects['anthropic-messages'],
  operation: 'chat'
})
