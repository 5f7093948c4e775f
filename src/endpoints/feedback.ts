import * as z from 'zod'
import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import { JsonBody } from '../json.ts'
import { refuse } from './answer.ts'
import { credentialsOf } from './credentials.ts'
import type { Endpoint } from './endpoint.ts'
import { doorPath } from './paths.ts'

const DOOR = 'feedback'
const BODY_BYTES_MAX = 64 * 1024
const COMMENT_CHARS_MAX = 10_000
const LABEL_CHARS_MAX = 100
const ONCE = new Set(['request_id', 'score', 'label', 'comment'])

const dialect = dialects['openai-chat']

const opinion = z
  .strictObject({
    request_id: z.string().min(1).max(200),
    score: z.number().min(-1).max(1).optional(),
    label: z.string().min(1).max(LABEL_CHARS_MAX).optional(),
    comment: z.string().min(1).max(COMMENT_CHARS_MAX).optional()
  })
  .refine(({ score, label, comment }) => score !== undefined || label !== undefined || comment !== undefined, {
    error: 'expected a score, a label or a comment'
  })

/** What somebody thinks of an answer, by the id of its request: of the caller's own calls, or of their team's. */
export const endpoint: Endpoint = {
  method: 'POST',
  path: doorPath('/feedback'),
  dialect: () => dialect,
  async serve(exchange, hall) {
    const id = hall.newId()
    try {
      const knock = { credentials: credentialsOf(exchange), address: exchange.remoteAddress, door: DOOR }
      const caller = await hall.authenticate(knock)
      const bytes = await exchange.body({ ...hall.bodyLimits, bytesMax: BODY_BYTES_MAX })
      const body = JsonBody.scan(bytes, { depthMax: hall.depthMax, once: ONCE })
      const read = opinion.safeParse(body.object())
      if (!read.success) {
        const { message, path } = read.error.issues[0]!
        throw new Failure('wrong_type', `${message}.`, { param: path.join('.') })
      }
      const { request_id: requestId, score = null, label = null, comment = null } = read.data
      const row = { id, requestId, atMs: hall.clock.wallMs(), score, label, comment, key: caller.name ?? null }
      await hall.feedback(caller, row)
      const headers = { 'content-type': 'application/json', 'x-gatehouse-request-id': id }
      exchange.send(201, headers, JSON.stringify({ id, object: 'feedback', ...read.data }))
    } catch (thrown) {
      refuse(exchange, hall, dialect, thrown, id)
    }
  }
}
