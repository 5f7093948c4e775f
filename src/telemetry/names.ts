/**
 * Every name that traces and OpenTelemetry metrics carry, in one place, since the conventions still move. Those of
 * `gen_ai.*` are of the OpenTelemetry semantic conventions 1.41.1, the last release of the core that has them.
 * `docs/reference/telemetry.md` is written from here, and a test holds what is emitted against it.
 */
export const CONVENTIONS_VERSION = '1.41.1'

/** The instrumentation scope of all spans and metrics. */
export const SCOPE = 'gatehouse'

type AttributeType = 'string' | 'int' | 'double' | 'boolean' | 'string[]'

/** Which spans have it: of the call, of a guard or cache, of one attempt. */
type SpanOf = 'call' | 'guard' | 'cache' | 'attempt'

export interface AttributeFacts {
  type: AttributeType
  on: readonly SpanOf[]
  says: string
}

const CALL: readonly SpanOf[] = ['call']
const ATTEMPT: readonly SpanOf[] = ['attempt']
const CALL_AND_ATTEMPT: readonly SpanOf[] = ['call', 'attempt']

export const SPAN_ATTRIBUTES = {
  'gen_ai.operation.name': { type: 'string', on: ATTEMPT, says: '`chat`, `embeddings` or the operation of our own.' },
  'gen_ai.provider.name': { type: 'string', on: ATTEMPT, says: 'Who was asked, by the name the conventions have.' },
  'gen_ai.request.model': { type: 'string', on: ATTEMPT, says: 'The model that the provider was asked for.' },
  'gen_ai.request.stream': { type: 'boolean', on: ATTEMPT, says: 'Whether the client asked for a stream.' },
  'gen_ai.response.finish_reasons': { type: 'string[]', on: ATTEMPT, says: 'How the answer ended.' },
  'gen_ai.response.time_to_first_chunk': {
    type: 'double',
    on: ATTEMPT,
    says: 'Seconds from the start of the attempt to its first content.'
  },
  'gen_ai.usage.input_tokens': { type: 'int', on: ATTEMPT, says: 'All that was read, the cached part included.' },
  'gen_ai.usage.output_tokens': { type: 'int', on: ATTEMPT, says: 'All that was written, reasoning included.' },
  'gen_ai.usage.cache_read.input_tokens': { type: 'int', on: ATTEMPT, says: "Read from the provider's cache." },
  'gen_ai.usage.cache_creation.input_tokens': { type: 'int', on: ATTEMPT, says: "Written to the provider's cache." },
  'gen_ai.usage.reasoning.output_tokens': { type: 'int', on: ATTEMPT, says: 'Written while reasoning.' },
  'gen_ai.conversation.id': { type: 'string', on: CALL_AND_ATTEMPT, says: 'The session, where the call names one.' },
  'gen_ai.input.messages': {
    type: 'string',
    on: ATTEMPT,
    says: 'What was asked, as JSON; with `content: true` alone, and where bodies are kept.'
  },
  'gen_ai.output.messages': { type: 'string', on: ATTEMPT, says: 'What was answered, likewise.' },
  'http.response.status_code': { type: 'int', on: CALL, says: 'The status that the client got; 499 where it left.' },
  'error.type': {
    type: 'string',
    on: CALL_AND_ATTEMPT,
    says: 'Our error code (call) or the kind of failure (attempt).'
  },
  'user.id': { type: 'string', on: CALL, says: 'The user who pays.' },
  'session.id': { type: 'string', on: CALL, says: 'The session, where the call names one.' },
  'gatehouse.request.id': { type: 'string', on: CALL, says: 'The id of the call in the log.' },
  'gatehouse.dialect': { type: 'string', on: CALL, says: "The client's dialect." },
  'gatehouse.operation': { type: 'string', on: CALL, says: 'What was asked for: `chat`, `embeddings`, …' },
  'gatehouse.route': { type: 'string', on: CALL, says: 'The configured route; absent where a target was named.' },
  'gatehouse.model.asked': { type: 'string', on: CALL, says: 'The model as the client wrote it.' },
  'gatehouse.attempts': { type: 'int', on: CALL, says: 'Attempts that were begun.' },
  'gatehouse.outcome': { type: 'string', on: CALL_AND_ATTEMPT, says: '`done`, `failed` or `aborted`.' },
  'gatehouse.cost.usd': { type: 'double', on: CALL_AND_ATTEMPT, says: 'US dollars; absent where no price is known.' },
  'gatehouse.overhead': { type: 'double', on: CALL, says: "Seconds that were the gateway's own; whole answers alone." },
  'gatehouse.team': { type: 'string', on: CALL, says: 'The team that pays.' },
  'gatehouse.key': { type: 'string', on: CALL, says: 'Name of the key (never the key).' },
  'gatehouse.customer': { type: 'string', on: CALL, says: 'The customer whom the call is for.' },
  'gatehouse.agent': { type: 'string', on: CALL, says: 'The agent that called.' },
  'gatehouse.client': { type: 'string', on: CALL, says: 'The client application, by its user agent.' },
  'gatehouse.config': { type: 'string', on: CALL, says: 'Digest of the configuration in force.' },
  'gatehouse.attempt': { type: 'int', on: ATTEMPT, says: '1 for the first attempt of its call.' },
  'gatehouse.attempt.id': { type: 'string', on: ATTEMPT, says: 'Its id in the ledger.' },
  'gatehouse.fallback.from': {
    type: 'string',
    on: ATTEMPT,
    says: 'The target that failed before it: `provider/model`.'
  },
  'gatehouse.unfinished': {
    type: 'boolean',
    on: ATTEMPT,
    says: 'Still under way when the call was over (a lost race).'
  },
  'gatehouse.guard.side': { type: 'string', on: ['guard'], says: '`request` or `response`.' },
  'gatehouse.guard.names': { type: 'string[]', on: ['guard'], says: 'The guards that looked.' },
  'gatehouse.guard.findings': { type: 'int', on: ['guard'], says: 'What they found, in all.' },
  'gatehouse.guard.work': { type: 'double', on: ['guard'], says: 'Seconds that the guards took in all.' },
  'gatehouse.cache.result': {
    type: 'string',
    on: ['cache'],
    says: '`hit`, `semantic` (of a question like it), `coalesced` (of an identical call in flight), `miss`, `bypass`.'
  },
  'gatehouse.cache.score': {
    type: 'double',
    on: ['cache'],
    says: 'How like the question was that the answer is to, from 0 to 1.'
  }
} as const satisfies Readonly<Record<string, AttributeFacts>>

export type SpanAttribute = keyof typeof SPAN_ATTRIBUTES

/** What a guard said, as an event of its span: never any of the text. */
export const VERDICT_EVENT = 'gatehouse.guard.verdict'
export const EVENT_ATTRIBUTES = {
  'gatehouse.guard.name': { type: 'string', says: 'As the configuration calls it.' },
  'gatehouse.guard.rule': { type: 'string', says: 'What it found.' },
  'gatehouse.guard.action': { type: 'string', says: 'What was done; `error`: it could not say.' },
  'gatehouse.guard.count': { type: 'int', says: 'How often.' },
  'gatehouse.guard.score': { type: 'double', says: 'The highest, from 0 to 1.' }
} as const

export const SPAN_NAMES = {
  call: 'gatehouse {operation}',
  guard: 'gatehouse.guardrail',
  cache: 'gatehouse.cache',
  attempt: '{gen_ai.operation.name} {gen_ai.request.model}'
} as const

/** Those of the conventions, with buckets for calls that reason for minutes. */
const SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36
] as const
const TOKENS = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864
] as const

export interface MeterFacts {
  kind: 'histogram' | 'counter'
  unit: string
  says: string
  attributes: readonly string[]
  buckets?: readonly number[]
}

const OF_ATTEMPT = ['gen_ai.operation.name', 'gen_ai.provider.name', 'gen_ai.request.model'] as const

export const METERS = {
  'gen_ai.client.token.usage': {
    kind: 'histogram',
    unit: '{token}',
    says: 'Tokens of one attempt.',
    attributes: [...OF_ATTEMPT, 'gen_ai.token.type'],
    buckets: TOKENS
  },
  'gen_ai.client.operation.duration': {
    kind: 'histogram',
    unit: 's',
    says: 'One attempt, from its start to its end.',
    attributes: [...OF_ATTEMPT, 'error.type'],
    buckets: SECONDS
  },
  'gen_ai.client.operation.time_to_first_chunk': {
    kind: 'histogram',
    unit: 's',
    says: 'From the start of an attempt to its first content; streams alone.',
    attributes: OF_ATTEMPT,
    buckets: SECONDS
  },
  'gen_ai.server.request.duration': {
    kind: 'histogram',
    unit: 's',
    says: 'One call, as its client saw it.',
    attributes: ['gen_ai.operation.name', 'error.type'],
    buckets: SECONDS
  },
  'gatehouse.cost.usd': {
    kind: 'counter',
    unit: '{USD}',
    says: 'What attempts came to, as far as prices are known.',
    attributes: OF_ATTEMPT
  },
  'gatehouse.fallbacks': {
    kind: 'counter',
    unit: '{fallback}',
    says: 'Attempts at another target after a failure.',
    attributes: ['gatehouse.fallback.from', 'error.type']
  }
} as const satisfies Readonly<Record<string, MeterFacts>>

export type Meter = keyof typeof METERS

/** Providers that the conventions know by another name than we do. Any other keeps its own. */
const PROVIDERS: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  'azure-foundry': 'azure.ai.inference',
  bedrock: 'aws.bedrock',
  'bedrock-mantle': 'aws.bedrock',
  gemini: 'gcp.gemini',
  google: 'gcp.gemini',
  mistral: 'mistral_ai',
  vertex: 'gcp.vertex_ai',
  watsonx: 'ibm.watsonx.ai',
  xai: 'x_ai'
}

export function providerName(provider: string): string {
  return Object.hasOwn(PROVIDERS, provider) ? PROVIDERS[provider]! : provider
}

/** Whether a name is one of the conventions that may be switched off. */
export function isConvention(name: string): boolean {
  return name.startsWith('gen_ai.')
}
