import { dialects } from '../dialects/index.ts'
import { chatDoor } from './chat.ts'
import { modelPath, streamAddress } from './gemini-address.ts'

/** Gemini as a stream: https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent */
export const endpoint = chatDoor({
  door: 'gemini',
  path: modelPath('streamGenerateContent'),
  dialect: dialects.gemini,
  operation: 'chat',
  turns: ['array', 'object'],
  address: streamAddress
})
