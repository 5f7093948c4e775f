import * as z from 'zod'
import { secret } from '../../fields.ts'
import { findingsOf, guardrailAnswer, OUTCOMES } from '../assessments.ts'
import { askAll, batchesOf, type Excerpt, excerptsOf } from '../excerpts.ts'
import { type CloudCaller, checkKind, type Side } from '../guard.ts'

const options = z.strictObject({
  guardrail: z
    .string()
    .regex(/^(?:[a-z0-9]+|arn:aws[a-z-]*:bedrock:[a-z0-9-]{1,20}:\d{12}:guardrail\/[a-z0-9]+)$/)
    .describe('Its id or ARN.'),
  version: z
    .string({ error: issue => (typeof issue.input === 'number' ? 'put the version in quotes' : undefined) })
    .regex(/^(?:[1-9]\d{0,7}|DRAFT)$/)
    .default('DRAFT')
    .describe('A number, or `DRAFT`.'),
  region: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/)
    .describe('As `eu-west-1`.'),
  outcomes: z
    .array(z.enum(OUTCOMES))
    .min(1)
    .default(['blocked', 'anonymized'])
    .describe(
      'Which of its findings count: those it blocks, those it anonymizes, or those it only reports. To block the ones and mask the others, have two guards.'
    ),
  key: secret.optional().describe('A Bedrock API key. Without it, requests are signed.'),
  access_key_id: z.string().min(1).optional().describe('Without it: AWS’s own credential chain.'),
  secret_access_key: secret.optional().describe('Goes with `access_key_id`.'),
  session_token: secret.optional().describe('Of keys that are temporary.'),
  profile: z.string().min(1).optional().describe('Of `~/.aws/config`, for the credential chain.'),
  role_arn: z.string().min(1).optional().describe('A role to take with these credentials.'),
  external_id: z.string().min(1).optional().describe('What the role’s trust policy may ask for.'),
  base_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('For an endpoint of your own network. By default the region’s.'),
  allow_private: z.array(z.string()).optional().describe('Private address ranges that may be called.')
})
type Options = z.output<typeof options>

/** A request holds 25 text units of up to 1,000 characters each. */
const UNIT_CHARS = 1_000
const UNITS_MAX = 25
const OVERLAP_CHARS = 500
const AT_ONCE = 4
const SOURCE: Readonly<Record<Side, string>> = { request: 'INPUT', response: 'OUTPUT' }

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html */
export const check = checkKind({
  name: 'bedrock-guardrail',
  summary: 'Asks a guardrail of Amazon Bedrock, whichever model the call goes to.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'mask', 'restore', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options,
  create(said) {
    const { guardrail, version, outcomes, key, allow_private } = said
    const url = `${baseUrlOf(said)}/guardrail/${encodeURIComponent(guardrail)}/version/${version}/apply`
    const caller = callerOf(said)
    return {
      reach: 'whole',
      async judge({ side, passages }, { post }, signal) {
        const excerpts = excerptsOf(passages, UNITS_MAX * UNIT_CHARS, OVERLAP_CHARS)
        const batches = batchesOf(excerpts, { countMax: UNITS_MAX, weightMax: UNITS_MAX, weightOf: unitsOf })
        const findings = await askAll(batches, AT_ONCE, async batch => {
          const content = batch.map(({ text }) => ({ text: { text } }))
          const answer = await post({
            url,
            headers: key ? { authorization: `Bearer ${key.reveal()}` } : {},
            body: JSON.stringify({ source: SOURCE[side], content }),
            signal,
            ...(allow_private && { allowPrivate: allow_private }),
            ...(caller && { as: caller })
          })
          const read = guardrailAnswer.safeParse(answer)
          if (!read.success) throw new Error('The guardrail answered with something else than assessments.')
          return findingsOf(read.data, batch, outcomes)
        })
        return findings.flat()
      }
    }
  }
})

function unitsOf({ text }: Excerpt): number {
  return Math.ceil(text.length / UNIT_CHARS)
}

function baseUrlOf({ base_url, region }: Options): string {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return base_url?.replace(/\/+$/, '') ?? `https://bedrock-runtime.${region}.${domain}`
}

/** Undefined where an API key says who we are. */
function callerOf(said: Options): CloudCaller | undefined {
  const { key, region, profile, access_key_id, secret_access_key, session_token, role_arn, external_id } = said
  if ((access_key_id === undefined) !== (secret_access_key === undefined)) {
    throw new Error('needs both `access_key_id` and `secret_access_key`, or neither')
  }
  if (key) {
    if (access_key_id ?? profile ?? role_arn) throw new Error('has a `key`: it takes no other credentials beside it')
    return undefined
  }
  const keys =
    access_key_id !== undefined && secret_access_key
      ? { accessKeyId: access_key_id, secretAccessKey: secret_access_key, sessionToken: session_token }
      : undefined
  const role = role_arn === undefined ? undefined : { arn: role_arn, externalId: external_id }
  return { cloud: 'aws', service: 'bedrock', region, keys, profile, role }
}
