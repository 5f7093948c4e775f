import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { doorPath } from './paths.ts'

/** Anthropic's token counter: https://docs.anthropic.com/en/api/messages-count-tokens */
export const endpoint = chatDoor({
  door: 'count-tokens',
  path: doorPath('/messages/count_tokens'),
  dialect: dialects['anthropic-messages'],
  operation: 'count-tokens'
})
