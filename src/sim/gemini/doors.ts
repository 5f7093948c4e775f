import type { Door, Request } from '../door.ts'
import type { JsonObject } from '../json.ts'
import { listedNames } from '../models.ts'
import { geminiError } from './errors.ts'
import { geminiArrayVoice, geminiSseVoice, geminiVoice as voice } from './index.ts'
import { countContents } from './read.ts'

const isSse = ({ query }: Request): boolean => query.get('alt') === 'sse'

/** The doors of a model below a prefix; Vertex has others before its own, and other credentials. */
export function modelDoors(prefix: string, admit?: Door['admit']): Door[] {
  const path = `${prefix}/models/{model+}`
  const ways = admit === undefined ? {} : { admit }
  const post = { method: 'POST', ...ways }
  const streamed = { ...post, path: `${path}:streamGenerateContent`, does: 'generate', stream: true } as const
  return [
    { ...post, path: `${path}:generateContent`, voice, does: 'generate', stream: false },
    { ...streamed, voice: geminiSseVoice, when: isSse },
    { ...streamed, voice: geminiArrayVoice, when: request => !isSse(request) },
    {
      ...post,
      path: `${path}:countTokens`,
      voice,
      does: visit => {
        const tokenCount = countContents(visit.json(), visit)
        return { body: { totalTokens: tokenCount, promptTokensDetails: [{ modality: 'TEXT', tokenCount }] } }
      }
    }
  ]
}

function describe(id: string): JsonObject {
  return {
    name: `models/${id}`,
    version: '001',
    displayName: `Simulated ${id}`,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: ['generateContent', 'countTokens'],
    thinking: true
  }
}

export const geminiDoors: Door[] = [
  ...modelDoors('/v1beta'),
  { method: 'GET', path: '/v1beta/models', voice, does: () => ({ body: { models: listedNames().map(describe) } }) },
  {
    method: 'GET',
    path: '/v1beta/models/{id+}',
    voice,
    does: ({ params: { id = '' } }) => {
      if (!listedNames().includes(id)) throw geminiError('no-such-model', id)
      return { body: describe(id) }
    }
  }
]
