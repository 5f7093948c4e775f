import { anthropicDoors } from './anthropic/doors.ts'
import { AZURE, AZURE_TOKENS, admitAzure, azureRefusal } from './auth/admit.ts'
import type { Door, Request } from './door.ts'
import { openaiEmbeddings } from './embeddings/openai.ts'
import { isObject, type JsonObject, listOf } from './json.ts'
import { openaiVoice } from './openai/index.ts'
import type { Refusal } from './refusal.ts'
import { responsesDoors } from './responses/doors.ts'
import type { Frame, Reply, Voice } from './voice.ts'

/**
 * Azure OpenAI and Microsoft Foundry: OpenAI's dialects, where the model is a deployment. Version 1 of the API names it
 * in the body; before, it stood in the path, and a date in the query
 * (learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle).
 */
const COGNITIVE = 'https://cognitiveservices.azure.com'
const AI = 'https://ai.azure.com'

/** The same dialect with Azure's own words for what Azure refuses. */
function onAzure(base: Voice): Voice {
  const gate = {
    ...base.gate,
    claims: ({ path }: Request) => path.startsWith('/openai/'),
    unknown: notFound,
    wrongMethod: notFound
  }
  return {
    ...base,
    gate,
    error: (name, model) => {
      if (name === 'no-such-model') return noDeployment()
      return name === 'content-filter' ? filtered() : base.error(name, model)
    },
    errorBody: (refusal, requestId) => {
      const { type, status, code, message } = refusal
      if (type === AZURE_TOKENS) return { statusCode: status, message }
      return type === AZURE ? { error: { code, message, ...innerOf(refusal) } } : base.errorBody(refusal, requestId)
    },
    headers: (requestId, times) => ({
      ...withoutMaker(base.headers(requestId, times)),
      'apim-request-id': requestId,
      'x-ms-region': 'Simulated'
    })
  }
}

function withoutMaker(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(?:openai|anthropic)-/.test(name)))
}

function notFound(): Refusal {
  return azureRefusal(404, '404', 'Resource not found')
}

function noDeployment(): Refusal {
  return azureRefusal(
    404,
    'DeploymentNotFound',
    'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, ' +
      'please wait a moment and try again.'
  )
}

function filtered(): Refusal {
  return azureRefusal(
    400,
    'content_filter',
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify " +
      'your prompt and retry.'
  )
}

function innerOf({ code }: Refusal): JsonObject {
  if (code !== 'content_filter') return {}
  const content_filter_result = { ...VERDICTS, hate: { filtered: true, severity: 'high' } }
  return { param: 'prompt', type: null, innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result } }
}

const SAFE = { filtered: false, severity: 'safe' }
const VERDICTS: JsonObject = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: SAFE }

/** Azure's filters report on the prompt, in a stream before anything else in a chunk without choices, and on what is said. */
function withVerdicts(voice: Voice): Voice {
  const prompt_filter_results = [{ prompt_index: 0, content_filter_results: VERDICTS }]
  const first = { choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results }
  const lead: Frame = { kind: 'lead', event: '', data: JSON.stringify(first) }
  return {
    ...voice,
    reply: (ask, plans, studio) => {
      const reply: Reply = voice.reply(ask, plans, studio)
      return {
        ...reply,
        body: () => ({ ...judged(reply.body()), prompt_filter_results }),
        frames: () => [lead, ...reply.frames().map(judgedFrame)]
      }
    }
  }
}

/** Calls of tools are not judged. */
function judged(said: JsonObject): JsonObject {
  const choices = listOf(said.choices).filter(isObject)
  const verdicts = ({ message, delta }: JsonObject): JsonObject => {
    const spoken = message ?? delta
    return isObject(spoken) && typeof spoken.content === 'string' && spoken.content !== '' ? VERDICTS : {}
  }
  return { ...said, choices: choices.map(choice => ({ ...choice, content_filter_results: verdicts(choice) })) }
}

function judgedFrame(frame: Frame): Frame {
  if (!frame.data.startsWith('{')) return frame
  return { ...frame, data: JSON.stringify(judged(JSON.parse(frame.data) as JsonObject)) }
}

const chat = withVerdicts(onAzure(openaiVoice))
const embeddings = onAzure(openaiEmbeddings)

// ---- deployments in the path -------------------------------------------------------------------------------------

const admitDated: Door['admit'] = visit => {
  if (!visit.request.query.get('api-version')) throw notFound()
  return admitAzure([COGNITIVE])(visit)
}

/** The path says the deployment; what the body calls the model does not matter. */
const prepareDated: NonNullable<Door['prepare']> = (body, { params: { model } }) => existing({ ...body, model })

function existing(body: JsonObject): JsonObject {
  if (typeof body.model === 'string' && body.model.startsWith('missing-')) throw noDeployment()
  return body
}

const dated = { method: 'POST', does: 'generate', admit: admitDated } as const
const DEPLOYMENT = '/openai/deployments/{model}'

const datedDoors: Door[] = [
  { ...dated, path: `${DEPLOYMENT}/chat/completions`, voice: chat, prepare: prepareDated },
  { ...dated, path: `${DEPLOYMENT}/embeddings`, voice: embeddings, prepare: prepareDated }
]

// ---- version 1 ---------------------------------------------------------------------------------------------------

const admit = admitAzure([AI, COGNITIVE])
const v1 = { method: 'POST', does: 'generate', admit, prepare: existing } as const

const v1Doors: Door[] = [
  { ...v1, path: '/openai/v1/chat/completions', voice: chat },
  { ...v1, path: '/openai/v1/embeddings', voice: embeddings }
]

/** A door of a maker at home, as Azure has it. */
function moved(door: Door, path: string, admit: Door['admit']): Door {
  const voice = onAzure(door.voice)
  return { ...door, path, voice, ...(admit && { admit }), ...(door.does === 'generate' && { prepare: existing }) }
}

const isSpoken = ({ method, path }: Door): boolean => method === 'POST' && path.startsWith('/v1/messages')

export const azureDoors: Door[] = [
  ...v1Doors,
  ...responsesDoors.map(door => moved(door, `/openai${door.path}`, admit)),
  ...datedDoors,
  ...responsesDoors.map(door => moved(door, door.path.replace('/v1', '/openai'), admitDated)),
  ...anthropicDoors.filter(isSpoken).map(door => moved(door, `/anthropic${door.path}`, admitAzure([AI])))
]
