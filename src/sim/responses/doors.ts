import type { Answer, Door, Visit } from '../door.ts'
import type { JsonObject } from '../json.ts'
import { invalid } from '../openai/errors.ts'
import { responsesVoice as voice } from './index.ts'
import { countInput } from './read.ts'
import { type Shelf, type Stored, shelfOf } from './shelf.ts'

const LISTED = 20
const LISTED_MAX = 100

/** A background response is done as soon as somebody looks. */
function retrieve(visit: Visit): Answer {
  const { shelf, stored } = askedFor(visit)
  const { query } = visit.request
  if (stored.isPending) shelf.put({ ...stored, isPending: false })
  if (query.get('stream') !== 'true') return { body: stored.body }
  const after = query.get('starting_after')
  const from = after === null ? 0 : Number(after) + 1
  return { frames: stored.frames.slice(Number.isInteger(from) ? from : 0) }
}

function cancel(visit: Visit): Answer {
  const { shelf, stored } = askedFor(visit)
  if (stored.body.background !== true) throw invalid('Cannot cancel a synchronous response.')
  if (!stored.isPending) return { body: stored.body }
  const body = { ...stored.body, status: 'cancelled', completed_at: null, output: [], usage: null }
  shelf.put({ ...stored, body, isPending: false })
  return { body }
}

/** Newest first, as the real one lists them, or `order=asc`. */
function listItems(visit: Visit): Answer {
  const { query } = visit.request
  const asked = Number(query.get('limit') ?? LISTED)
  if (!(asked >= 1 && asked <= LISTED_MAX)) {
    const bound = asked > LISTED_MAX ? `<= ${LISTED_MAX}` : '>= 1'
    const code = asked > LISTED_MAX ? 'integer_above_max_value' : 'integer_below_min_value'
    const how = asked > LISTED_MAX ? 'above maximum' : 'below minimum'
    throw invalid(`Invalid 'limit': integer ${how} value. Expected a value ${bound}, but got ${asked} instead.`, {
      param: 'limit',
      code
    })
  }
  const { input } = askedFor(visit).stored
  const ordered = (query.get('order') === 'asc' ? input : input.toReversed()).map(shown)
  const after = ordered.findIndex(item => item.id === query.get('after')) + 1
  const data = ordered.slice(after, after + asked)
  return {
    body: {
      object: 'list',
      data,
      first_id: data[0]?.id ?? null,
      has_more: after + asked < ordered.length,
      last_id: data.at(-1)?.id ?? null
    }
  }
}

/** An input item as it is listed: texts are parts, and every item has a status. */
function shown(item: JsonObject): JsonObject {
  if (item.type !== 'message') return item
  const content = typeof item.content === 'string' ? [{ type: 'input_text', text: item.content }] : item.content
  return { ...item, status: item.status ?? 'completed', content }
}

function askedFor(visit: Visit): { shelf: Shelf; stored: Stored } {
  const shelf = shelfOf(visit)
  return { shelf, stored: shelf.get(visit.params.id ?? '') }
}

export const responsesDoors: Door[] = [
  { method: 'POST', path: '/v1/responses', voice, does: 'generate' },
  {
    method: 'POST',
    path: '/v1/responses/input_tokens',
    voice,
    does: visit => ({ body: { object: 'response.input_tokens', input_tokens: countInput(visit.json(), visit) } })
  },
  { method: 'GET', path: '/v1/responses/{id}', voice, does: retrieve },
  {
    method: 'DELETE',
    path: '/v1/responses/{id}',
    voice,
    does: visit => {
      shelfOf(visit).delete(visit.params.id ?? '')
      return { body: { id: visit.params.id, object: 'response', deleted: true } }
    }
  },
  { method: 'POST', path: '/v1/responses/{id}/cancel', voice, does: cancel },
  { method: 'GET', path: '/v1/responses/{id}/input_items', voice, does: listItems }
]
