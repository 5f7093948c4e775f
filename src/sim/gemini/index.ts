import { jsonArray, sse } from '../framings.ts'
import type { Voice } from '../voice.ts'
import { errorBody, errorBodyInArray, errorFrames, geminiError, withRetryDelay } from './errors.ts'
import { geminiGate } from './gate.ts'
import { readGenerate } from './read.ts'
import { replyOf } from './reply.ts'

/** Google's generateContent, spoken by the simulator: whole, and streamed as server-sent events. */
export const geminiVoice: Voice = {
  dialect: 'gemini',
  gate: geminiGate,
  framing: sse('text/event-stream', '\r\n'),
  read: readGenerate,
  cacheUse: (ask, cache, nowMs) => ({
    readTokens: cache.automatic(`google ${ask.model}`, ask.blocks, nowMs),
    write5mTokens: 0,
    write1hTokens: 0
  }),
  reply: replyOf,
  error: geminiError,
  retryAfter: withRetryDelay,
  errorBody,
  errorFrames,
  newRequestId: ids => ids.nextHex('', 16),
  headers: (_, { tookMs }) => ({
    'server-timing': `gfet4t7; dur=${Math.round(tookMs)}`,
    'x-gemini-service-tier': 'standard'
  }),
  wholeContentType: 'application/json; charset=UTF-8',
  errorContentType: () => 'application/json; charset=UTF-8'
}

/** With `alt=sse`. An error before the stream keeps the content type of the stream, as recorded. */
export const geminiSseVoice: Voice = { ...geminiVoice, errorContentType: () => 'text/event-stream' }

/** Without `alt=sse`: the chunks are the elements of one JSON array, and so is an error. */
export const geminiArrayVoice: Voice = {
  ...geminiVoice,
  framing: jsonArray,
  errorBody: errorBodyInArray,
  reply: (ask, plans, studio) => {
    const reply = replyOf(ask, plans, studio)
    return { ...reply, frames: () => [...reply.frames(), { kind: 'end', event: '', data: '' }] }
  }
}
