import * as z from 'zod'
import { Secret } from '../../secret.ts'
import { checkKind, type Finding } from '../guard.ts'

const options = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Where the texts are sent to, as JSON.'),
  secret: z.string().min(1).optional().describe('Signs what is sent, as the webhooks of budgets are signed.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Further headers.'),
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
  create({ url, secret: given, headers, allow_private }) {
    const secret = given === undefined ? undefined : new Secret(given)
    return {
      reach: 'whole',
      async judge({ side, model, dialect, passages, metadata, session }, { post }, signal): Promise<Finding[]> {
        const texts = passages.map(({ path, role, kind, text }) => ({ path, role, kind, text }))
        const body = JSON.stringify({ side, model, dialect, metadata, session, passages: texts })
        const found = await post({
          url,
          headers,
          body,
          signal,
          ...(allow_private && { allowPrivate: allow_private }),
          ...(secret && { sign: secret.reveal() })
        })
        const read = answer.safeParse(found)
        if (!read.success) throw new Error('The webhook did not answer with findings.')
        return read.data.findings.map(({ rule, ...rest }) => ({ ...rest, rule: `webhook.${rule}` }) as Finding)
      }
    }
  }
})
