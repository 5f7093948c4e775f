import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { nameIn } from './paths.ts'

/**
 * Azure OpenAI's address of a deployment, which is the model whatever the body says; `api-version` means nothing here:
 * https://learn.microsoft.com/azure/ai-foundry/openai/reference#chat-completions
 */
export const endpoint = chatDoor({
  door: 'chat',
  path: /^(?:\/openai)?\/deployments\/(.+)\/chat\/completions$/,
  dialect: dialects['openai-chat'],
  operation: 'chat',
  address: ([, deployment]) => ({ model: nameIn(deployment!) })
})
