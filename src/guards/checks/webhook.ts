import * as z from 'zod'
import { secret } from '../../fields.ts'
import { checkKind, type Finding, type Passage } from '../guard.ts'

const options = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Where the texts are sent to, as JSON.'),
  secret: secret.optional().describe('Signs what is sent, as the webhooks of budgets are signed.'),
  headers: z.record(z.string(), secret).default({}).describe('Further headers, as `authorization`.'),
  allow_private: z.array(z.string()).optional().describe('Private address ranges that may be called.')
})

const answer = z.object({
  findings: z.array(
    z.object({
      rule: z.string().regex(/^[\w.-]{1,64}$/),
      path: z.string().optional(),
      start: z.int().min(0).optional(),
      end: z.int().min(0).optional(),
      score: z.number().min(0).max(1).default(1),
      label: z
        .string()
        .regex(/^[A-Z0-9]+(?:_[A-Z0-9]+)*$/)
        .optional(),
      reason: z.string().max(200).optional()
    })
  )
})

/** Anything of your own that takes JSON: the texts go there, and what it finds comes back. */
export const check = checkKind({
  name: 'webhook',
  summary: 'Asks a service of your own.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'mask', 'restore', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options,
  create({ url, secret, headers: given, allow_private }) {
    const headers = Object.entries(given)
    return {
      reach: 'whole',
      async judge({ side, model, dialect, passages, metadata, session }, { post }, signal): Promise<Finding[]> {
        const texts = passages.map(({ path, role, kind, text }) => ({ path, role, kind, text }))
        const body = JSON.stringify({ side, model, dialect, metadata, session, passages: texts })
        const found = await post({
          url,
          headers: Object.fromEntries(headers.map(([name, value]) => [name, value.reveal()])),
          body,
          signal,
          ...(allow_private && { allowPrivate: allow_private }),
          ...(secret && { sign: secret.reveal() })
        })
        const read = answer.safeParse(found)
        if (!read.success) throw new Error('The webhook did not answer with findings.')
        return read.data.findings.map(({ rule, ...rest }) => {
          const finding = { ...rest, rule: `webhook.${rule}` } as Finding
          return placed(finding, passages)
        })
      }
    }
  }
})

/** A place that does not exist would be a finding that nothing comes of. */
function placed(finding: Finding, passages: readonly Passage[]): Finding {
  const { path, start, end } = finding
  if (path === undefined && start === undefined && end === undefined) return finding
  const passage = path === undefined && passages.length === 1 ? passages[0] : passages.find(each => each.path === path)
  const isWhole = start === undefined && end === undefined
  const isInside = start !== undefined && end !== undefined && start < end && end <= (passage?.text.length ?? 0)
  if (passage && (isWhole || isInside)) return { ...finding, path: passage.path }
  throw new Error('The webhook answered with a place that is not in the texts.')
}
