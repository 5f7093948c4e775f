import type { ListedModel } from '../build.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import type { Exchange, Headers } from '../wire/exchange.ts'
import { refuse } from './answer.ts'
import { credentialsOf } from './chat.ts'
import type { Endpoint, Hall } from './endpoint.ts'

const LIST_LIMIT_DEFAULT = 20
const LIST_LIMIT_MAX = 1_000

/** The models that can be asked for, in OpenAI's shape, or in Anthropic's for its clients (D33). */
export const endpoint: Endpoint = {
  method: 'GET',
  path: /^\/v1\/models(?:\/(.+))?$/,
  dialect: dialectOf,
  async serve(exchange, hall, parameters) {
    const anthropic = isAnthropic(exchange.headers)
    const dialect = dialectOf(exchange.headers)
    const id = hall.newId()
    try {
      hall.authenticate(credentialsOf(exchange))
      const name = parameters[1]
      const body = name === undefined ? list(exchange, hall, anthropic) : one(decode(name), hall, anthropic)
      exchange.send(200, headers(dialect, id), JSON.stringify(body))
    } catch (thrown) {
      refuse(exchange, hall, dialect, thrown, id)
    }
  }
}

/** Anthropic's clients always say the version of its API; nobody else does. */
function isAnthropic(headers: Headers): boolean {
  return headers['anthropic-version'] !== undefined
}

function dialectOf(headers: Headers): Dialect {
  return dialects[isAnthropic(headers) ? 'anthropic-messages' : 'openai-chat']
}

function headers(dialect: Dialect, id: string): Record<string, string> {
  return { 'content-type': 'application/json', 'x-gatehouse-request-id': id, [dialect.requestIdHeader]: id }
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    throw new Failure('unknown_model', 'The model name in the path is not well-formed.')
  }
}

function one(name: string, hall: Hall, anthropic: boolean): JsonObject {
  const model = hall.models().find(listed => listed.id === name)
  if (!model) throw new Failure('unknown_model', `No model "${name}" is listed here.`, { param: 'model' })
  return anthropic ? anthropicModel(model) : openaiModel(model)
}

function list(exchange: Exchange, hall: Hall, anthropic: boolean): JsonObject {
  const models = hall.models()
  if (!anthropic) return { object: 'list', data: models.map(openaiModel) }
  const query = new URLSearchParams(exchange.query)
  const limit = Math.min(LIST_LIMIT_MAX, Math.max(1, Number(query.get('limit')) || LIST_LIMIT_DEFAULT))
  const after = query.get('after_id')
  const before = query.get('before_id')
  const end = before === null ? models.length : place('before_id', before, models)
  const start = before !== null ? Math.max(0, end - limit) : after === null ? 0 : place('after_id', after, models) + 1
  const page = models.slice(start, Math.min(end, start + limit))
  return {
    data: page.map(anthropicModel),
    has_more: before === null ? start + limit < models.length : start > 0,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null
  }
}

/** A cursor that is not in the list: going on from anywhere else would skip models, or go round for ever. */
function place(name: string, id: string, models: readonly ListedModel[]): number {
  const index = models.findIndex(model => model.id === id)
  if (index < 0) throw new Failure('wrong_type', `"${name}" must be the id of a listed model.`, { param: name })
  return index
}

function openaiModel(model: ListedModel): JsonObject {
  return { id: model.id, object: 'model', created: model.created, owned_by: model.owner }
}

function anthropicModel(model: ListedModel): JsonObject {
  return {
    type: 'model',
    id: model.id,
    display_name: model.title,
    created_at: new Date(model.created * 1000).toISOString()
  }
}
