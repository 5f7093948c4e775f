import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { doorPath } from './paths.ts'

/** OpenAI's embeddings, before providers of any shape: https://platform.openai.com/docs/api-reference/embeddings */
export const endpoint = chatDoor({
  door: 'embeddings',
  path: doorPath('/embeddings'),
  dialect: dialects['openai-chat'],
  operation: 'embeddings',
  required: 'input',
  turns: ['array', 'string']
})
