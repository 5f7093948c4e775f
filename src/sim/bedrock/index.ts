import type { Voice } from '../voice.ts'
import { bedrockError, errorBody, errorFrames } from './errors.ts'
import { eventStream } from './frames.ts'
import { bedrockGate } from './gate.ts'
import { uuidOf } from './invoke.ts'
import { readConverse } from './read.ts'
import { replyOf } from './reply.ts'

/** Amazon Bedrock's Converse, spoken by the simulator. */
export const bedrockVoice: Voice = {
  dialect: 'bedrock-converse',
  gate: bedrockGate,
  framing: eventStream,
  read: readConverse,
  cacheUse: (ask, cache, nowMs) => cache.marked(`bedrock ${ask.model}`, ask.blocks, nowMs),
  reply: replyOf,
  error: bedrockError,
  errorBody,
  errorFrames,
  newRequestId: ids => uuidOf(ids.nextHex('', 32)),
  headers: requestId => ({ 'x-amzn-requestid': requestId }),
  errorContentType: () => 'application/json'
}
