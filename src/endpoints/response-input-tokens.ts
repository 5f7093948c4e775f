import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { doorPath } from './paths.ts'

/** OpenAI's token counter: https://platform.openai.com/docs/api-reference/responses/input-tokens */
export const endpoint = chatDoor({
  door: 'count-tokens',
  path: doorPath('/responses/input_tokens'),
  dialect: dialects['openai-responses'],
  operation: 'count-tokens',
  turns: ['array', 'string', 'null'],
  turnsOptional: true
})
