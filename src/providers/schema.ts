import * as z from 'zod'
import { ABILITIES, type Ability } from '../catalog/facts.ts'
import type { DialectName } from '../dialects/canonical.ts'
import type { FramingName } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { SHAPES, type ShapeName } from '../dialects/operations/embeddings.ts'
import { secret } from '../fields.ts'
import { dataSchema } from '../residency.ts'
import { identityKeys } from './auth/schema.ts'
import type { Quirks } from './provider.ts'

/** The provider's part of the configuration (`providers.<name>`, D23). */

const dialect = z.enum(Object.keys(dialects) as [DialectName, ...DialectName[]])

const embeddings = z
  .enum(Object.keys(SHAPES) as [ShapeName, ...ShapeName[]])
  .describe('How it is asked for embeddings. Default: not at all; for `openai-chat` without a preset, `openai`.')

const baseUrl = z
  .string()
  .describe('Address up to and with the version, as `https://api.openai.com/v1`; the path of each call follows it.')

const auth = z
  .union([
    z.enum(['bearer', 'x-api-key', 'api-key', 'x-goog-api-key', 'none', 'aws', 'google', 'entra']),
    z.strictObject({
      header: z
        .string()
        .regex(/^[A-Za-z0-9-]+$/, 'must be a header name')
        .describe('Name of the header.'),
      prefix: z.string().optional().describe('Text before the key, with its space.')
    })
  ])
  .describe(
    'How the key is sent. Default: as the dialect’s own clients do. `aws`, `google`, `entra`: a signature or token of that cloud; a plain key, as that cloud takes keys.'
  )

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
    set: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .describe('Members it is always sent: `{ anthropic_version: vertex-2023-10-16 }`.'),
    omit: z.array(z.string()).optional().describe('Members that its address says: removed, and nothing is lost.'),
    headers_in_body: names
      .optional()
      .describe('Headers it reads in the body, as a list: `{ anthropic-beta: anthropic_beta }`.'),
    header_values: z
      .record(z.string(), names)
      .optional()
      .describe('Headers that are lists, and the values it knows: the dialect’s → its own. Others are named losses.'),
    cache_key: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A member by which it finds prefixes again: with `prompt_cache`, one value for the calls of one session.'
      ),
    model_prefix: z.string().optional().describe('Put before a model name that has no slash.')
  })
  .describe('Where the provider differs from the dialect. Replaces the preset’s.')

const globs = z.array(z.string().min(1))

const path = (what: string) => z.string().regex(/^\//, 'must begin with a slash').optional().describe(what)

const endpoint = z.strictObject({
  dialect: dialect.describe('The wire format spoken at this address.'),
  base_url: baseUrl,
  auth: auth.optional(),
  quirks: quirks.optional(),
  paths: z
    .strictObject({
      chat: path('Of a whole answer.'),
      stream: path('Of a streamed one.'),
      'count-tokens': path('Of a count.'),
      embeddings: path('Of embeddings.')
    })
    .optional()
    .describe('Paths below `base_url` that are not the dialect’s own: `/models/{model}:rawPredict`.'),
  framing: z
    .enum(['sse', 'json-array', 'eventstream'] as const satisfies FramingName[])
    .optional()
    .describe('Of its streams, where it is not the dialect’s own.'),
  embeddings: embeddings.optional(),
  only: globs.optional().describe('Models it serves: `[claude-*]`. Default: all.'),
  except: globs.optional().describe('Models it does not serve.')
})

const weight = z
  .number()
  .positive()
  .max(1_000_000)
  .optional()
  .describe('Share of the calls, relative to the other keys. Default 1.')

const id = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, dashes')
  .optional()
  .describe('Stable name for logs and metrics. Default: its position, `key1`.')

const key = z.union([
  secret,
  z.strictObject({
    key: secret.describe('The key: `${ENV}` or `${file:/run/secrets/…}` keep it out of this file.'),
    weight,
    id
  }),
  ...identityKeys.map(each => each.extend({ weight, id }))
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
    origin: z
      .string()
      .optional()
      .describe(
        'Another host for all addresses of the preset (a private link, a proxy): `https://vpce-1.example.com`.'
      ),
    places: z
      .record(z.string(), z.string().regex(/^[A-Za-z0-9][\w.:-]*$/, 'must be letters, digits, dots and dashes'))
      .optional()
      .describe('What the preset’s addresses leave open: `{ region: eu-west-1 }`. Default: from its variables.'),
    dialect: dialect.optional().describe('What is spoken at `base_url`. Default: the preset’s, else `openai-chat`.'),
    auth: auth.optional(),
    endpoints: z
      .array(endpoint)
      .optional()
      .describe(
        'Further addresses, one a dialect (or more, for different models): a call in one of these dialects stays as the client wrote it. Without `base_url` the first is home.'
      ),
    keys: z
      .array(key)
      .optional()
      .describe(
        'Keys, or identities at a cloud. Default: the preset’s variable, or what the cloud’s own tools would use, where the address is the preset’s own.'
      ),
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
    data: dataSchema.optional(),
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
