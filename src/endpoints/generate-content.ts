import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { modelOf, modelPath } from './gemini-address.ts'

/** Google's Gemini: https://ai.google.dev/api/generate-content#method:-models.generatecontent */
export const endpoint = chatDoor({
  door: 'gemini',
  path: modelPath('generateContent'),
  dialect: dialects.gemini,
  operation: 'chat',
  turns: ['array', 'object'],
  address: parameters => ({ model: modelOf(parameters), stream: false })
})
