import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { modelOf, modelPath } from './gemini-address.ts'

/** Gemini's token counter: https://ai.google.dev/api/tokens. The turns may stand in a `generateContentRequest`. */
export const endpoint = chatDoor({
  door: 'count-tokens',
  path: modelPath('countTokens'),
  dialect: dialects.gemini,
  operation: 'count-tokens',
  turns: ['array', 'object'],
  turnsOptional: true,
  address: parameters => ({ model: modelOf(parameters), stream: false })
})
