import type { Door } from '../door.ts'
import { behaviourOf } from '../models.ts'
import { bedrockVoice as voice } from './index.ts'
import { invokeVoice, prepare } from './invoke.ts'
import { countPrompt } from './read.ts'

const generate = { method: 'POST', does: 'generate' } as const
const invoke = { ...generate, voice: invokeVoice, prepare }

/** The doors of `bedrock-runtime`; a model id is percent-encoded, since it may hold a colon or be an ARN. */
export const bedrockDoors: Door[] = [
  { ...generate, path: '/model/{model}/converse', voice, stream: false },
  { ...generate, path: '/model/{model}/converse-stream', voice, stream: true },
  {
    method: 'POST',
    path: '/model/{model}/count-tokens',
    voice,
    does: visit => ({
      body: { inputTokens: countPrompt(visit.json(), behaviourOf(visit.params.model ?? ''), visit) }
    })
  },
  { ...invoke, path: '/model/{model}/invoke', stream: false },
  { ...invoke, path: '/model/{model}/invoke-with-response-stream', stream: true }
]
