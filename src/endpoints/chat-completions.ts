import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { doorPath } from './paths.ts'

/**
 * OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat/create. Azure's new addresses are among
 * its spellings (`/openai/v1/chat/completions`); its older ones name the model, in `azure-chat-completions.ts`.
 */
export const endpoint = chatDoor({
  door: 'chat',
  path: doorPath('/chat/completions'),
  dialect: dialects['openai-chat'],
  operation: 'chat'
})
