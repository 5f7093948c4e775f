import type { ListedModel } from '../build.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import type { Exchange, Headers } from '../wire/exchange.ts'
import { refuse } from './answer.ts'
import { credentialsOf } from './credentials.ts'
import type { Endpoint } from './endpoint.ts'
import { VERSION } from './gemini-address.ts'
import { doorPath, nameIn } from './paths.ts'

/** How one family of clients has models listed, and one model shown. */
interface Shape {
  dialect: Dialect
  list(models: readonly ListedModel[], query: URLSearchParams): JsonObject
  one(model: ListedModel): JsonObject
}

/** The models that can be asked for, in OpenAI's shape, or in Anthropic's or Google's for their clients (D33). */
export const endpoint: Endpoint = {
  method: 'GET',
  path: doorPath('/models(?:/(.+))?', VERSION),
  dialect: (headers, path) => shapeFor(headers, path).dialect,
  async serve(exchange, hall, parameters) {
    const shape = shapeFor(exchange.headers, exchange.path)
    const id = hall.newId()
    try {
      const knock = { credentials: credentialsOf(exchange), address: exchange.remoteAddress, door: 'models' }
      const caller = await hall.authenticate(knock)
      const body = answer(exchange, hall.models(caller), shape, parameters[1])
      exchange.send(200, headers(shape.dialect, id), JSON.stringify(body))
    } catch (thrown) {
      refuse(exchange, hall, shape.dialect, thrown, id)
    }
  }
}

function answer(
  exchange: Exchange,
  models: readonly ListedModel[],
  shape: Shape,
  name: string | undefined
): JsonObject {
  if (name === undefined) return shape.list(models, new URLSearchParams(exchange.query))
  const wanted = nameIn(name)
  const model = models.find(listed => listed.id === wanted)
  if (!model) throw new Failure('unknown_model', `No model "${wanted}" is listed here.`, { param: 'model' })
  return shape.one(model)
}

/** Anthropic's clients always say the version of its API, Google's have a header or a version of their own. */
function shapeFor(headers: Headers, path: string): Shape {
  if (headers['anthropic-version'] !== undefined) return ANTHROPIC
  return headers['x-goog-api-key'] !== undefined || /\/v1(?:alpha|beta)/.test(path) ? GEMINI : OPENAI
}

function headers(dialect: Dialect, id: string): Record<string, string> {
  return { 'content-type': 'application/json', 'x-gatehouse-request-id': id, [dialect.requestIdHeader]: id }
}

// ---- OpenAI: the whole list at once ------------------------------------------------------------------------------

const OPENAI: Shape = {
  dialect: dialects['openai-chat'],
  list: models => ({ object: 'list', data: models.map(OPENAI.one) }),
  one: model => ({ id: model.id, object: 'model', created: model.created, owned_by: model.owner })
}

// ---- Anthropic: pages by the ids at their ends -------------------------------------------------------------------

const ANTHROPIC: Shape = {
  dialect: dialects['anthropic-messages'],
  list(models, query) {
    const limit = pageSize(query.get('limit'), 20)
    const after = query.get('after_id')
    const before = query.get('before_id')
    const end = before === null ? models.length : place('before_id', before, models)
    const start = before !== null ? Math.max(0, end - limit) : after === null ? 0 : place('after_id', after, models) + 1
    const page = models.slice(start, Math.min(end, start + limit))
    return {
      data: page.map(ANTHROPIC.one),
      has_more: before === null ? start + limit < models.length : start > 0,
      first_id: page[0]?.id ?? null,
      last_id: page.at(-1)?.id ?? null
    }
  },
  one: model => ({
    type: 'model',
    id: model.id,
    display_name: model.title,
    created_at: new Date(model.created * 1000).toISOString()
  })
}

const PAGE_MAX = 1_000

function pageSize(asked: string | null, without: number): number {
  return Math.min(PAGE_MAX, Math.max(1, Math.trunc(Number(asked)) || without))
}

/** A cursor that is not in the list: going on from anywhere else would skip models, or go round for ever. */
function place(name: string, id: string, models: readonly ListedModel[]): number {
  const index = models.findIndex(model => model.id === id)
  if (index < 0) throw new Failure('wrong_type', `"${name}" must be the id of a listed model.`, { param: name })
  return index
}

// ---- Google: pages by a token, which is the id of the last model before ------------------------------------------

const GEMINI: Shape = {
  dialect: dialects.gemini,
  list(models, query) {
    const size = pageSize(query.get('pageSize'), 50)
    const token = query.get('pageToken')
    const start = token ? place('pageToken', token, models) + 1 : 0
    const page = models.slice(start, start + size)
    const hasMore = start + size < models.length
    return { models: page.map(GEMINI.one), ...(hasMore && { nextPageToken: page.at(-1)!.id }) }
  },
  one: model => ({
    name: `models/${model.id}`,
    displayName: model.title,
    supportedGenerationMethods: ['generateContent', 'countTokens']
  })
}
