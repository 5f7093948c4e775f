import type { Door, Request } from '../door.ts'
import type { JsonObject } from '../json.ts'
import { listedNames } from '../models.ts'
import { errorNamed } from './errors.ts'
import { anthropicVoice as voice } from './index.ts'
import { countPrompt } from './read.ts'

const CREATED_AT = '2026-01-01T00:00:00Z'

/** OpenAI lists its models at the same place. */
const when = ({ headers }: Request): boolean => headers['anthropic-version'] !== undefined

function describe(id: string): JsonObject {
  return { type: 'model', id, display_name: `Simulated ${id}`, created_at: CREATED_AT }
}

export const anthropicDoors: Door[] = [
  { method: 'POST', path: '/v1/messages', voice, does: 'generate' },
  {
    method: 'POST',
    path: '/v1/messages/count_tokens',
    voice,
    does: visit => ({ body: { input_tokens: countPrompt(visit.json(), visit) } })
  },
  {
    method: 'GET',
    path: '/v1/models',
    voice,
    when,
    does: () => {
      const names = listedNames()
      return { body: { data: names.map(describe), has_more: false, first_id: names[0], last_id: names.at(-1) } }
    }
  },
  {
    method: 'GET',
    path: '/v1/models/{id+}',
    voice,
    when,
    does: ({ params: { id = '' } }) => {
      if (!listedNames().includes(id)) throw errorNamed('no-such-model', id)
      return { body: describe(id) }
    }
  }
]
