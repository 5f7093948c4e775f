import * as z from 'zod'
import { ABILITIES, type Ability } from '../catalog/facts.ts'
import { secret } from '../fields.ts'
import type { Quirks } from './provider.ts'

/** The provider's part of the configuration (`providers.<name>`, D23). */

const DIALECTS = ['openai-chat', 'anthropic-messages'] as const

const dialect = z.enum(DIALECTS)

const baseUrl = z
  .string()
  .describe('Address up to and with the version, as `https://api.openai.com/v1`; the path of each call follows it.')

const auth = z
  .union([
    z.enum(['bearer', 'x-api-key', 'api-key', 'none']),
    z.strictObject({
      header: z
        .string()
        .regex(/^[A-Za-z0-9-]+$/, 'must be a header name')
        .describe('Name of the header.'),
      prefix: z.string().optional().describe('Text before the key, with its space.')
    })
  ])
  .describe('How the key is sent. Default: `bearer`; for `anthropic-messages`, `x-api-key`.')

const names = z.record(z.string(), z.string())

const quirks: z.ZodType<Quirks, Quirks> = z
  .strictObject({
    rename: names.optional().describe('Members the provider calls by another name: the dialect’s name → its own.'),
    drop: z
      .array(z.string())
      .optional()
      .describe('Members it refuses: removed, each a named loss. `messages[].name` is a member of every message.'),
    values: z
      .record(z.string(), names)
      .optional()
      .describe('Texts it spells otherwise, by member: `{ tool_choice: { required: any } }`.'),
    roles: names.optional().describe('Roles it does not know → the role to send instead: `{ developer: system }`.'),
    usage_unasked: z.boolean().optional().describe('It sends usage in every stream and refuses `stream_options`.'),
    model_prefix: z.string().optional().describe('Put before a model name that has no slash.')
  })
  .describe('Where the provider differs from the dialect. Replaces the preset’s.')

const endpoint = z.strictObject({
  dialect: dialect.describe('The wire format spoken at this address.'),
  base_url: baseUrl,
  auth: auth.optional(),
  quirks: quirks.optional()
})

const key = z.union([
  secret,
  z.strictObject({
    key: secret.describe('The key: `${ENV}` or `${file:/run/secrets/…}` keep it out of this file.'),
    weight: z
      .number()
      .positive()
      .max(1_000_000)
      .optional()
      .describe('Share of the calls, relative to the other keys. Default 1.'),
    id: z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, dashes')
      .optional()
      .describe('Stable name for logs and metrics. Default: its position, `key1`.')
  })
])

/** US dollars per million units, as a number or a decimal text. 0 is a price: free. */
const usd = z.union([
  z.number().min(0).max(1_000_000),
  z
    .string()
    .regex(/^\d{1,6}(\.\d{1,9})?$/, 'must be US dollars per million, as 2.50')
    .transform(Number)
])

const ability = z.boolean().optional().describe('Whether it can. Absent means unknown.')
const abilities = z.strictObject(
  Object.fromEntries(ABILITIES.map(name => [name, ability])) as Record<Ability, typeof ability>
)

const tokens = z.int().positive()

const model = z.union([
  z.string().min(1),
  z.strictObject({
    name: z.string().min(1).describe('As the provider spells it.'),
    context: tokens.optional().describe('Tokens of input and output together.'),
    output: tokens.optional().describe('Most tokens of output.'),
    abilities: abilities.optional().describe('What it can do. Absent means unknown, which never rules it out.'),
    prices: z
      .record(z.string().regex(/^[a-z][a-z0-9_]*$/), usd)
      .optional()
      .describe('US dollars per million units: `input`, `output`, `cache_read`, `cache_write`, … Absent means unknown.')
  })
])

export const entrySchema = z
  .strictObject({
    like: z.string().optional().describe('A preset to start from. Default: the one of the same name, if there is one.'),
    base_url: baseUrl.optional(),
    dialect: dialect.optional().describe('What is spoken at `base_url`. Default: the preset’s, else `openai-chat`.'),
    auth: auth.optional(),
    endpoints: z
      .array(endpoint)
      .optional()
      .describe(
        'Further addresses, one a dialect: a call in one of these dialects stays as the client wrote it. Without `base_url` the first is home.'
      ),
    keys: z
      .array(key)
      .optional()
      .describe('Keys. Default: the preset’s variable, where `base_url` is the preset’s own.'),
    allow_private: z
      .array(z.union([z.cidrv4(), z.cidrv6()]))
      .optional()
      .describe('Private address ranges this provider may be in. Only there may `base_url` be plain `http`.'),
    headers: z
      .record(
        z
          .string()
          .regex(
            /^(?!(host|content-length|transfer-encoding|connection)$)[A-Za-z0-9-]+$/i,
            'must be a header of a request that the connection itself does not set'
          ),
        z.string().regex(/^[^\x00-\x1f\x7f]*$/, 'must have no control characters')
      )
      .optional()
      .describe('Headers sent with every call.'),
    quirks: quirks.optional(),
    models: z
      .array(model)
      .optional()
      .describe(
        'Its models: listed by `/v1/models`, found by bare name. They add to the catalogue’s; others pass too.'
      ),
    catalog: z
      .string()
      .optional()
      .describe('The preset whose model facts and prices hold here too, where `base_url` is another address for it.'),
    on_abort: z
      .enum(['cancel', 'drain'])
      .optional()
      .describe(
        'When the client leaves: close the call at once (`cancel`, default), or read the rest of the answer, for a minute at most, to learn what it used (`drain`).'
      ),
    pass_request_id: z.boolean().optional().describe('Send our attempt id along as `x-client-request-id`.')
  })
  .describe('One provider: where it is, how it is spoken to, and as whom.')

export type Entry = z.output<typeof entrySchema>
