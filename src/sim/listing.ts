import { anthropicVoice } from './anthropic/index.ts'
import type { JsonObject } from './json.ts'
import { listedNames } from './models.ts'
import { Refusal } from './refusal.ts'
import type { Voice } from './voice.ts'

const CREATED_S = 1_767_225_600
const CREATED_AT = '2026-01-01T00:00:00Z'

/** `GET /v1/models` and `GET /v1/models/{id}` in the shape of the voice; unknown ids are a 404 in its words. */
export function modelsBody(path: string, voice: Voice): JsonObject {
  const isAnthropic = voice === anthropicVoice
  const describe = (id: string): JsonObject =>
    isAnthropic
      ? { type: 'model', id, display_name: `Simulated ${id}`, created_at: CREATED_AT }
      : { id, object: 'model', created: CREATED_S, owned_by: 'gatehouse-sim' }
  const names = listedNames()
  const asked = path.slice('/v1/models/'.length)
  if (asked !== '') {
    const id = decodeURIComponent(asked)
    if (names.includes(id)) return describe(id)
    const refusal = voice.error('no-such-model', id)
    throw new Refusal(refusal.status, refusal.type, refusal.message, { param: 'model', code: refusal.code ?? '' })
  }
  const data = names.map(describe)
  if (!isAnthropic) return { object: 'list', data }
  return { data, has_more: false, first_id: names[0], last_id: names.at(-1) }
}
