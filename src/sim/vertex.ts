import { anthropicVoice } from './anthropic/index.ts'
import { countPrompt } from './anthropic/read.ts'
import { asSold } from './anthropic/sold.ts'
import { admitGoogle } from './auth/admit.ts'
import type { Door } from './door.ts'
import { modelDoors } from './gemini/doors.ts'
import { errorBody } from './gemini/errors.ts'
import { geminiGate } from './gemini/gate.ts'
import { isObject, type JsonObject } from './json.ts'
import { Refusal } from './refusal.ts'
import type { Frame, Voice } from './voice.ts'

/**
 * Vertex AI: Gemini and Claude below a project and a place, for holders of Google's access tokens
 * (cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude).
 */
const PROJECT = '/{version}/projects/{project}/locations/{location}'
/** Any version of the API, with a project and (express mode) without. */
const GOOGLE = [`${PROJECT}/publishers/google`, '/{version}/publishers/google']
const CLAUDE = `${PROJECT}/publishers/anthropic/models`

const VERSION = 'vertex-2023-10-16'

/** Ids say where they were given out. */
function marked(object: JsonObject): JsonObject {
  const { id } = object
  return typeof id === 'string' ? { ...object, id: id.replace(/^(msg|toolu)_/, '$1_vrtx_') } : object
}

function onVertex(reply: JsonObject): JsonObject {
  const { message, content_block, content, ...said } = asSold(marked(reply))
  return {
    ...said,
    ...(isObject(message) && { message: marked(message) }),
    ...(isObject(content_block) && { content_block: marked(content_block) }),
    ...(Array.isArray(content) && { content: content.map(block => marked(block as JsonObject)) })
  }
}

/** Who may come in is Google's business, and all else Anthropic's. */
const claudeVoice: Voice = {
  ...anthropicVoice,
  gate: {
    ...geminiGate,
    claims: ({ path }) => path.includes('/publishers/anthropic/'),
    notJson: anthropicVoice.gate.notJson
  },
  reply: (ask, plans, studio) => {
    const { usage, body, frames } = anthropicVoice.reply({ ...ask, model: ask.model.replace('@', '-') }, plans, studio)
    const framed = (frame: Frame): Frame => ({ ...frame, data: JSON.stringify(onVertex(JSON.parse(frame.data))) })
    return { usage, body: () => onVertex(body()), frames: () => frames().map(framed) }
  },
  newRequestId: ids => ids.next('req_vrtx_011C', 20),
  headers: requestId => ({ 'request-id': requestId }),
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
