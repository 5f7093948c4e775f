import { anthropicVoice } from './anthropic/index.ts'
import { countPrompt } from './anthropic/read.ts'
import { admitGoogle } from './auth/admit.ts'
import type { Door } from './door.ts'
import { modelDoors } from './gemini/doors.ts'
import { errorBody } from './gemini/errors.ts'
import { geminiGate } from './gemini/gate.ts'
import type { JsonObject } from './json.ts'
import { Refusal } from './refusal.ts'
import type { Voice } from './voice.ts'

/**
 * Vertex AI: Gemini and Claude below a project and a place, for holders of Google's access tokens
 * (cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude).
 */
const PROJECT = '/{version}/projects/{project}/locations/{location}'
/** Any version of the API, with a project and (express mode) without. */
const GOOGLE = [`${PROJECT}/publishers/google`, '/{version}/publishers/google']
const CLAUDE = `${PROJECT}/publishers/anthropic/models`

const VERSION = 'vertex-2023-10-16'

/** Who may come in is Google's business, and all else Anthropic's. */
const claudeVoice: Voice = {
  ...anthropicVoice,
  gate: {
    ...geminiGate,
    claims: ({ path }) => path.includes('/publishers/anthropic/'),
    notJson: anthropicVoice.gate.notJson
  },
  errorBody: (refusal, requestId) =>
    /^[A-Z_]+$/.test(refusal.type) ? errorBody(refusal) : anthropicVoice.errorBody(refusal, requestId)
}

function invalid(message: string): Refusal {
  return new Refusal(400, 'invalid_request_error', message)
}

/** Anthropic's body with a version, and without the model, which the address says. */
const prepare: NonNullable<Door['prepare']> = (body, { params: { model }, stream }) => {
  if (body.model !== undefined) throw invalid('model: Extra inputs are not permitted')
  if ((body.stream === true) !== stream) {
    throw invalid(`stream: must be ${stream === true} at ${stream ? 'streamRawPredict' : 'rawPredict'}`)
  }
  return { ...versioned(body), model: model ?? '' }
}

function versioned({ anthropic_version: version, ...body }: JsonObject): JsonObject {
  if (version === undefined) throw invalid('anthropic_version: Field required')
  if (version !== VERSION) throw invalid(`anthropic_version: Input should be '${VERSION}'`)
  return body
}

const post = { method: 'POST', voice: claudeVoice, admit: admitGoogle } as const

const claudeDoors: Door[] = [
  {
    ...post,
    // Counting is a model of its own; the one that is meant stands in the body.
    path: `${CLAUDE}/count-tokens:rawPredict`,
    does: visit => ({ body: { input_tokens: countPrompt(versioned(visit.json()), visit) } })
  },
  { ...post, path: `${CLAUDE}/{model}:rawPredict`, does: 'generate', stream: false, prepare },
  { ...post, path: `${CLAUDE}/{model}:streamRawPredict`, does: 'generate', stream: true, prepare }
]

export const vertexDoors: Door[] = [...GOOGLE.flatMap(prefix => modelDoors(prefix, admitGoogle)), ...claudeDoors]
