import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { actorOf } from '../access/actors.ts'
import { NOTHING_DECLARED, type Tools } from '../access/changes.ts'
import { type Actor, must } from '../access/permissions.ts'
import { Failure } from '../errors.ts'
import type { AdminHall } from './app.ts'
import type { Governance } from './governance.ts'
import { type Asked, type Download, type Route, type RoutePermission, readInput } from './route.ts'
import { routes } from './routes.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: RoutePermission
  }
  interface FastifyRequest {
    /** Who asks the admin API; null until that is known. */
    actor: Actor | null
  }
}

/** The admin API. What is registered here asks for a token before anything else, however its path was spelled. */
export async function adminApi(app: FastifyInstance, hall: AdminHall): Promise<void> {
  app.decorateRequest('actor', null)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    // Who sends it is told by this one header: no cookie, and no key of a door, opens anything here.
    request.actor = await actorOf(request.headers.authorization, actorRooms(hall))
    const { permission } = request.routeOptions.config
    if (permission !== 'any_actor') must(request.actor, ...permissionsIn(permission))
  })
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      config: { permission: route.permission },
      // A HEAD would run all of it, exports included, to say nothing.
      exposeHeadRoute: false,
      ...(route.bodyBytesMax !== undefined && { bodyLimit: route.bodyBytesMax }),
      handler: (request, reply) => answer(route, request, reply, hall)
    })
  }
}

/** Refuses to begin with a route that does not say who may use it. */
export function checkDeclared({ url, config }: Pick<RouteOptions, 'url' | 'config'>): void {
  const permission = config?.permission
  if (permission === undefined) throw new Error(`the route ${url} declares no permission`)
  if (permission === 'public' && /^\/admin(\/|$)/.test(url)) throw new Error(`the route ${url} is open to everybody`)
}

function permissionsIn(permission: RoutePermission | undefined) {
  // What nobody declared, nobody may: `checkDeclared` has refused it before.
  if (permission === undefined || permission === 'public' || permission === 'any_actor') return []
  return typeof permission === 'string' ? [permission] : permission
}

/** Without stores there is no admin but the owner. */
function actorRooms({ adminToken: owner, governance }: AdminHall): Parameters<typeof actorOf>[1] {
  return {
    owner,
    admins: governance?.stores.admins ?? { find: () => Promise.resolve(undefined) },
    digests: governance?.digests ?? { ofAdmin: () => '' },
    nowMs: () => governance?.wallMs() ?? 0
  }
}

async function answer(route: Route, request: FastifyRequest, reply: FastifyReply, hall: AdminHall) {
  const { governance } = hall
  if (!governance && !route.keepsNothing) {
    throw new Failure('store_unavailable', 'This gateway keeps nothing: it was started without a data directory.')
  }
  const result = await route.run(asked(route, request, hall))
  reply.code(route.status)
  if (route.download) return send(reply, result as Download)
  if (!route.reply) return reply.send()
  return reply.send(route.checksItself ? result : route.reply.parse(result))
}

function asked(
  route: Route,
  request: FastifyRequest,
  { governance, explain, guards, simulator, replayer }: AdminHall
): Asked {
  const tools = toolsOf(request, governance)
  return {
    actor: request.actor!,
    params: request.params as Record<string, string>,
    query: readInput(route.query, request.query),
    body: readInput(route.body, request.body),
    tools,
    // Asked for by routes that need no stores, it would be an oversight of ours: their types do not know.
    governance: governance!,
    explain,
    guards,
    simulator,
    replayer,
    async change(topic, run) {
      const result = await governance!.stores.transaction(tx => run(tx, tools))
      await governance!.changed(topic)
      return result
    }
  }
}

function toolsOf(request: FastifyRequest, governance: Governance | undefined): Tools {
  return {
    randomBytes: size => governance!.randomBytes(size),
    digests: governance?.digests as Tools['digests'],
    declared: governance?.declared().names ?? NOTHING_DECLARED,
    address: request.ip || null,
    requestId: request.id
  }
}

function send(reply: FastifyReply, { name, type, lines }: Download): FastifyReply {
  const isFile = !type.startsWith('text/event-stream')
  if (isFile) reply.header('content-disposition', `attachment; filename="${name}"`)
  return reply.type(type).send(Readable.from(lines))
}
