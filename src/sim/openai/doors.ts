import type { Door } from '../door.ts'
import type { JsonObject } from '../json.ts'
import { listedNames } from '../models.ts'
import { Refusal } from '../refusal.ts'
import { errorNamed } from './errors.ts'
import { openaiVoice as voice } from './index.ts'

const CREATED_S = 1_767_225_600

function describe(id: string): JsonObject {
  return { id, object: 'model', created: CREATED_S, owned_by: 'gatehouse-sim' }
}

export const openaiDoors: Door[] = [
  { method: 'POST', path: '/v1/chat/completions', voice, does: 'generate' },
  {
    method: 'GET',
    path: '/v1/models',
    voice,
    does: () => ({ body: { object: 'list', data: listedNames().map(describe) } })
  },
  {
    method: 'GET',
    path: '/v1/models/{id+}',
    voice,
    does: ({ params: { id = '' } }) => {
      if (listedNames().includes(id)) return { body: describe(id) }
      const { status, type, message, code } = errorNamed('no-such-model', id)
      throw new Refusal(status, type, message, { param: 'model', code: code ?? '' })
    }
  }
]
