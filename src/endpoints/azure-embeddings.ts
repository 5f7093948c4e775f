import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { nameIn } from './paths.ts'

/** Azure OpenAI's address of a deployment: https://learn.microsoft.com/azure/ai-foundry/openai/reference#embeddings */
export const endpoint = chatDoor({
  door: 'embeddings',
  path: /^(?:\/openai)?\/deployments\/(.+)\/embeddings$/,
  dialect: dialects['openai-chat'],
  operation: 'embeddings',
  required: 'input',
  turns: ['array', 'string'],
  address: ([, deployment]) => ({ model: nameIn(deployment!) })
})
