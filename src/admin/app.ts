import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { GuardDesk } from '../build/guard-desk.ts'
import type { Replayer } from '../build/replayer.ts'
import type { Simulator } from '../build/simulator.ts'
import { type Code, Failure } from '../errors.ts'
import type { Secret } from '../secret.ts'
import type { MetricsPage } from '../telemetry/metrics-door.ts'
import type { Headers } from '../wire/exchange.ts'
import { adminApi, checkDeclared } from './api.ts'
import type { ExplainRooms } from './explain.ts'
import type { Governance } from './governance.ts'
import { HOME_POLICY, type Home, homePage } from './home.ts'

/** What everything beside the doors needs. */
export interface AdminHall {
  home(): Home
  /** Whether new calls are welcome; false from the first sign of shutting down. */
  ready(): boolean
  /** The refusal of a request that a web page may have sent in open mode; undefined where it may pass (D16). */
  refuse(headers: Headers): Failure | undefined
  newId(): string
  /** Who has it owns `/admin/*`; without one nobody does. */
  adminToken: Secret | undefined
  explain: ExplainRooms
  guards: GuardDesk
  simulator: Simulator
  replayer: Replayer
  /** Absent where the gateway keeps nothing: there is nothing to govern then. */
  governance?: Governance | undefined
  /** `GET /metrics`: undefined where it is on a port of its own. Failure `unauthorized`. */
  metrics?(authorization: string | undefined): MetricsPage | undefined
  /** Methods of the door at this path; empty where none is. */
  doorMethods(path: string): readonly string[]
}

const PUBLIC = { config: { permission: 'public' } } as const

/** Everything that is no door: the front page, the probes, and what is not there. */
export async function adminApp(hall: AdminHall): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 500 },
    genReqId: () => hall.newId(),
    // A path that is no path (`/%zz`) is not there either.
    frameworkErrors: (_, request, reply) => fail(reply, nothingAt(hall, request, reply), hall)
  })
  app.addHook('onRoute', checkDeclared)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-gatehouse-request-id', request.id)
    const refused = hall.refuse(request.headers as Headers)
    // Before any body is read: what is wrong with it does not matter where nobody wants it.
    const failure = refused ?? (request.is404 ? nothingAt(hall, request, reply) : undefined)
    if (failure) return fail(reply, failure, hall)
  })
  app.get('/', PUBLIC, (_, reply) =>
    reply
      .headers({
        'content-security-policy': HOME_POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer'
      })
      .type('text/html; charset=utf-8')
      .send(homePage(hall.home()))
  )
  // Alive: the loop turns. It asks nobody else, or a slow store would have us restarted.
  app.get('/livez', PUBLIC, () => ({ status: 'ok' }))
  app.get('/readyz', PUBLIC, (_, reply) =>
    hall.ready() ? { status: 'ok' } : reply.code(503).send({ status: 'draining' })
  )
  app.get('/metrics', PUBLIC, async (request, reply) => {
    const page = hall.metrics?.(request.headers.authorization)
    if (!page) return reply.code(401).header('www-authenticate', 'Bearer').send('')
    return reply.type(page.contentType).send(await page.text())
  })
  app.setErrorHandler((thrown, _, reply) => fail(reply, failureOf(thrown), hall))
  app.register(admin => adminApi(admin, hall), { prefix: '/admin' })
  await app.ready()
  return app
}

/** The framework's own refusals of a body, in our words. */
const BODY_FAULTS: Readonly<Record<string, Code>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type'
}

function failureOf(thrown: unknown): Failure {
  const code = thrown instanceof Error && 'code' in thrown ? BODY_FAULTS[String(thrown.code)] : undefined
  return code === undefined ? Failure.from(thrown) : new Failure(code, (thrown as Error).message)
}

function nothingAt(hall: AdminHall, request: FastifyRequest, reply: FastifyReply): Failure {
  const methods = hall.doorMethods(request.url.split('?')[0]!)
  if (methods.length === 0) {
    return new Failure(
      'unknown_endpoint',
      'Nothing at this path. Doors: /v1/chat/completions, /v1/responses, /v1/messages, /v1beta/models/…, /v1/models.'
    )
  }
  reply.header('allow', methods.join(', '))
  return new Failure('method_not_allowed', `This door takes ${methods.join(' or ')}, not ${request.method}.`)
}

/** An error outside any dialect, in the shape that most clients read. */
function fail(reply: FastifyReply, failure: Failure, { governance }: AdminHall): FastifyReply {
  const { id } = reply.request
  const { message, code, param } = failure
  if (code === 'internal') governance?.log.error({ request: id, thrown: failure.cause }, 'the admin API met a fault')
  if (failure.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(failure.retryAfterMs / 1_000))
  return reply
    .code(failure.status)
    .header('x-gatehouse-request-id', id)
    .send({ error: { message, type: 'gatehouse_error', code, ...(param !== undefined && { param }) }, request_id: id })
}
