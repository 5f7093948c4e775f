import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { doorPath } from './paths.ts'

/**
 * OpenAI's responses: https://platform.openai.com/docs/api-reference/responses/create. The turns may be a text, or be
 * kept at the provider (`previous_response_id`, `conversation`, `prompt`).
 */
export const endpoint = chatDoor({
  door: 'responses',
  path: doorPath('/responses'),
  dialect: dialects['openai-responses'],
  operation: 'chat',
  turns: ['array', 'string', 'null'],
  turnsOptional: true
})
