import { openaiVoice } from '../openai/index.ts'
import type { Voice } from '../voice.ts'
import { errorFrames, responsesError } from './errors.ts'
import { readResponses } from './read.ts'
import { replyOf } from './reply.ts'

/** OpenAI's responses, spoken by the simulator: gate, headers and framing are those of its other APIs. */
export const responsesVoice: Voice = {
  ...openaiVoice,
  dialect: 'openai-responses',
  read: readResponses,
  reply: replyOf,
  error: responsesError,
  errorFrames: (refusal, _, before) => errorFrames(refusal, before)
}
