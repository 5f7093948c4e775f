import * as z from 'zod'
import { CODES } from '../errors.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Route } from './route.ts'

/** The admin API as an OpenAPI 3.1 document: from the schemas that requests are read with and replies are written with. */
export function openApi(routes: readonly Route[]): JsonObject {
  const paths: Record<string, JsonObject> = {}
  const named: JsonObject = { Error: ERROR }
  for (const route of routes) {
    const path = `/admin${route.path.replace(/:(\w+)/g, '{$1}')}`
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = operation(route, named)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse admin API',
      version: '1',
      description: 'Money is a decimal text in US dollars (`…_usd`), a moment is ISO 8601, lists come in pages.'
    },
    security: [{ adminToken: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map(name => ({ name })),
    paths,
    components: {
      securitySchemes: {
        adminToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token in the data directory, or one made under /admin/admins.'
        }
      },
      schemas: named
    }
  }
}

const ERROR: JsonObject = {
  type: 'object',
  required: ['error', 'request_id'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'code'],
      properties: {
        message: { type: 'string' },
        type: { const: 'gatehouse_error' },
        code: { type: 'string', enum: Object.keys(CODES).sort() },
        param: { type: 'string', description: 'Path of the member that is wrong.' }
      }
    },
    request_id: { type: 'string' }
  }
}

/** `named` gathers the schemas that have a name: each is written once, and pointed at. */
function operation(route: Route, named: JsonObject): JsonObject {
  const { method, path, permission, tag, summary, body } = route
  const parameters = [...pathParameters(path), ...queryParameters(route.query, named)]
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary,
    description: permissionText(permission),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: !body.safeParse({}).success, content: json(jsonSchema(body, 'input', named)) }
    }),
    responses: { [route.status]: answer(route, named), default: REFUSAL }
  }
}

const REFUSAL: JsonObject = {
  description: 'Refused: `error.code` says why.',
  content: json({ $ref: '#/components/schemas/Error' })
}

function permissionText(permission: Route['permission']): string {
  if (permission === 'any_actor') return 'For every admin token.'
  const list = typeof permission === 'string' ? [permission] : permission
  return `Needs the permission ${list.map(name => `\`${name}\``).join(' or ')}.`
}

function answer({ reply, download, status }: Route, named: JsonObject): JsonObject {
  if (download) {
    const file = { schema: { type: 'string' } }
    return { description: 'The file.', content: { 'application/x-ndjson': file, 'text/csv': file } }
  }
  if (!reply) return { description: 'Done.' }
  return { description: status === 201 ? 'Made.' : 'Done.', content: json(jsonSchema(reply, 'output', named)) }
}

function json(schema: JsonObject): JsonObject {
  return { 'application/json': { schema } }
}

function pathParameters(path: string): JsonObject[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name: name!,
    in: 'path',
    required: true,
    schema: { type: 'string' }
  }))
}

function queryParameters(query: z.ZodType | undefined, named: JsonObject): JsonObject[] {
  if (!query) return []
  const { properties = {}, required = [] } = jsonSchema(query, 'input', named)
  return Object.entries(properties as JsonObject).map(([name, member]) => {
    const { description, ...schema } = member as JsonObject
    const isRequired = (required as string[]).includes(name)
    return { name, in: 'query', required: isRequired, ...(description && { description }), schema } as JsonObject
  })
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output', named: JsonObject): JsonObject {
  const made = z.toJSONSchema(schema, { io, target: 'draft-2020-12' }) as JsonObject
  const { $schema: _, $defs = {}, id, ...rest } = pointed(withoutGuards(made)) as JsonObject
  for (const [name, { id: __, ...definition }] of Object.entries($defs as Record<string, JsonObject>)) {
    named[name] = definition
  }
  if (typeof id !== 'string') return rest
  named[id] = rest
  return { $ref: `#/components/schemas/${id}` }
}

/** References to where this document has what they name. */
function pointed(schema: Json | undefined): Json | undefined {
  if (Array.isArray(schema)) return schema.map(item => pointed(item) as Json)
  if (typeof schema !== 'object' || schema === null) return schema
  const members = Object.entries(schema).map(([name, value]) => {
    const isReference = name === '$ref' && typeof value === 'string'
    return [name, isReference ? value.replace('#/$defs/', '#/components/schemas/') : pointed(value)]
  })
  return Object.fromEntries(members)
}

/** The largest safe integer as a bound says nothing to anybody. */
function withoutGuards(schema: Json | undefined): Json | undefined {
  if (Array.isArray(schema)) return schema.map(item => withoutGuards(item) as Json)
  if (typeof schema !== 'object' || schema === null) return schema
  const members = Object.entries(schema).filter(([, value]) => Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER)
  return Object.fromEntries(members.map(([name, value]) => [name, withoutGuards(value)]))
}

/** `GET /keys/:id/rotate` is `get_keys_id_rotate`. */
function operationId(method: string, path: string): string {
  return `${method.toLowerCase()}${path.replace(/[^A-Za-z]+/g, '_')}`.replace(/_+$/, '')
}
