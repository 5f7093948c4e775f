import { dialects } from '../dialects/index.ts'
import { NO_MODEL } from '../stages/guard-question.ts'
import { chatDoor } from './chat.ts'
import { doorPath } from './paths.ts'

/**
 * What the guards say of a text, for applications: `{ text }`, `{ input: […] }` or `{ messages: […] }`, with `side`,
 * further `guards` by name, and the `model` of the call that it would be in. It goes through the pipeline like any other
 * call, but no provider is asked.
 */
export const endpoint = chatDoor({
  door: 'guard',
  path: doorPath('/guard'),
  dialect: dialects['openai-chat'],
  operation: 'guard',
  turnsOptional: true,
  // Which model the body names, if any, is part of the question.
  address: () => ({ model: NO_MODEL })
})
