import * as z from 'zod'
import { invalid } from '../access/changes.ts'
import type { DialectName } from '../dialects/canonical.ts'
import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import { isObject, type JsonObject } from '../json.ts'
import type { BodyRow } from '../stores/bodies.ts'
import type { RequestRow } from '../stores/rows.ts'
import { requestReply, shownRequest } from './ledger-replies.ts'
import { seen } from './logs.ts'
import { noted } from './noted.ts'
import { text, textOrNull } from './replies.ts'
import { type Asked, type Route, route } from './route.ts'
import { WORDS_MAX, wordDiff } from './word-diff.ts'

const replayInput = z.strictObject({
  model: z.string().min(1).max(200).optional().describe('Another model, by any name that calls may use.'),
  route: z.string().min(1).max(200).optional().describe('Another route of the configuration.'),
  stream: z.literal(false).optional().describe('An answer is compared whole; it was a stream or not.'),
  allow_redacted: z
    .boolean()
    .default(false)
    .describe('Also where parts of what was said were masked before it was kept.')
})

const side = { request: requestReply, text: textOrNull.describe('Null: no answer was kept, or it is none of a model.') }

const replayReply = z.object({
  first: z.object(side),
  again: z.object({
    ...side,
    error: z
      .object({ code: text, message: text })
      .nullable()
      .describe('What its client would have got instead of an answer.')
  }),
  same: z.boolean().nullable().describe('Whether both texts are equal; null: one of them is not there.'),
  diff: z
    .array(z.object({ is: z.enum(['same', 'removed', 'added']), text }))
    .nullable()
    .describe(`From the first text to the other, by words; null: one is not there, or has over ${WORDS_MAX} words.`)
})

export const replayRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/logs/:id/replay',
    permission: 'logs:read_content',
    tag: 'logs',
    summary:
      'Makes a call again, by its route as it is now, another route or another model, and compares the answers. It is ' +
      'charged to whom the first was charged to, with the tag `purpose:replay`. The audit log says who did it.',
    body: replayInput,
    reply: replayReply,
    async run(asked) {
      const { body, governance, replayer } = asked
      if (body.model !== undefined && body.route !== undefined) throw invalid('route', 'give this, or `model`')
      const { request } = await seen(asked, asked.params.id!)
      const { kept, received } = await keptOf(request, asked)
      await noted(asked, 'logs:replay', request.id)
      const { id, outcome } = await replayer.replay({
        row: request,
        received,
        level: kept.level,
        instead: { model: body.model, route: body.route },
        signal: new AbortController().signal
      })
      await governance.flush()
      const again = await governance.stores.ledger.request(id)
      if (!again.request) throw new Failure('store_unavailable', 'The call was made again; its row is not there yet.')
      const texts = [textIn(kept.answered, request.dialect), textOf(outcome, request.dialect)] as const
      const [before, after] = texts
      const isBoth = before !== null && after !== null
      return {
        first: { request: shownRequest(request), text: before },
        again: {
          request: shownRequest(again.request),
          text: after,
          error: outcome instanceof Failure ? { code: outcome.code, message: outcome.message } : null
        },
        same: isBoth ? before === after : null,
        diff: (isBoth && wordDiff(before, after)) || null
      }
    }
  })
]

/** What was kept of the call. Failures: `invalid_input`, `no_stored_body`, `redacted_body`. */
async function keptOf(
  row: RequestRow,
  { governance, body }: Asked<unknown, z.output<typeof replayInput>>
): Promise<{ kept: BodyRow; received: string }> {
  if (row.operation !== 'chat') throw invalid('id', `expected a call of a chat, not of ${row.operation}`)
  const kept = await governance.bodies?.find(row.id, row.startedAtMs)
  if (!kept || kept.received === undefined || kept.level === 'metadata') {
    throw new Failure('no_stored_body', 'What this call said was not kept: it cannot be made again.')
  }
  if (kept.level === 'redacted' && !body.allow_redacted) {
    throw new Failure('redacted_body', 'What this call said was kept with parts of it masked (allow_redacted).')
  }
  return { kept, received: kept.received }
}

function textIn(answered: string | undefined, dialect: string): string | null {
  if (answered === undefined) return null
  try {
    const body: unknown = JSON.parse(answered)
    return isObject(body) ? textOf(body, dialect) : null
  } catch {
    return null
  }
}

/** What a model said, as one text: its words, and the tools that it called. */
function textOf(answer: JsonObject | Failure, dialect: string): string | null {
  if (answer instanceof Failure) return null
  try {
    const [choice] = dialects[dialect as DialectName].decodeResponse(answer).choices
    const texts = (choice?.parts ?? []).map(part => {
      if (part.type === 'text' || part.type === 'refusal') return part.text
      return part.type === 'tool-call' ? `${part.name}(${part.input})` : ''
    })
    return texts.filter(each => each !== '').join('\n')
  } catch {
    return null
  }
}
