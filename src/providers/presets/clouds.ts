import type { Quirks } from '../provider.ts'
import { chat, type Endpoints, type Preset, READ, responses, TRAFFIC } from './preset.ts'

// ---- Google Cloud ------------------------------------------------------------------------------------------------

/** `global` has no prefix, and the regions that span several countries have a domain of their own. */
function vertexHost(location: string): string {
  if (location === 'global') return 'aiplatform.googleapis.com'
  if (/^(us|eu)$/.test(location)) return `aiplatform.${location}.rep.googleapis.com`
  return `${location}-aiplatform.googleapis.com`
}

const PUBLISHERS = 'projects/{project}/locations/{location}/publishers'
const GOOGLE_SCOPE = { scope: 'https://www.googleapis.com/auth/cloud-platform' }

/** Beta features of Anthropic's API, by what Anthropic calls them: as they are, unless a cloud calls one otherwise. */
function betas(known: readonly string[], renamed: Readonly<Record<string, string>>): Quirks['header_values'] {
  return { 'anthropic-beta': { ...Object.fromEntries(known.map(name => [name, name])), ...renamed } }
}

/** Known to every cloud that has Claude. Any other makes it refuse the call. */
const CLAUDE_BETAS = [
  'compact-2026-01-12',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'dangerous-tool-use-2026-09-03',
  'interleaved-thinking-2025-05-14',
  'thinking-binding-controls-2026-08-01',
  'thinking-display-updates-2026-08-18',
  'tool-search-tool-2025-10-19'
]

const CLAUDE_RENAMED = { 'advanced-tool-use-2025-11-20': 'tool-search-tool-2025-10-19' }

const VERTEX_CLAUDE: Quirks = {
  set: { anthropic_version: 'vertex-2023-10-16' },
  header_values: betas(
    [...CLAUDE_BETAS, 'compact-2026-09-04', 'per-turn-control-2026-07-01', 'web-search-2025-03-05'],
    CLAUDE_RENAMED
  )
}

// ---- Amazon ------------------------------------------------------------------------------------------------------

/** China's regions are a partition of their own. */
function awsDomain(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
}

const REGION = { variables: ['AWS_REGION', 'AWS_DEFAULT_REGION'] }
const RUNTIME = 'https://bedrock-runtime.{region}.{domain}'
const AWS = { auth: 'aws', audience: { service: 'bedrock', region: '{region}' } } as const
const MANTLE = { auth: 'aws', audience: { service: 'bedrock-mantle', region: '{region}' } } as const

const BEDROCK_CLAUDE: Quirks = {
  set: { anthropic_version: 'bedrock-2023-05-31' },
  omit: ['model', 'stream'],
  headers_in_body: { 'anthropic-beta': 'anthropic_beta' },
  header_values: betas(
    [
      ...CLAUDE_BETAS,
      'effort-2025-11-24',
      'fine-grained-tool-streaming-2025-05-14',
      'mid-conversation-output-config-2026-07-01',
      'mid-conversation-tool-changes-2026-07-01',
      'tool-examples-2025-10-29'
    ],
    CLAUDE_RENAMED
  )
}

/** Of OpenAI's models there, Converse knows the open ones alone. */
const OPENAI_CLOSED = ['*openai.gpt-5*', '*openai.gpt-6*']

// ---- Microsoft ---------------------------------------------------------------------------------------------------

const AI_SCOPE = { scope: 'https://ai.azure.com/.default' }
const COGNITIVE_SCOPE = { scope: 'https://cognitiveservices.azure.com/.default' }
const DATED = '?api-version={api_version}'

function azure(host: string, except?: readonly string[]): Endpoints {
  const at = { auth: 'api-key', audience: AI_SCOPE, ...(except && { except }) } as const
  return [
    { ...chat(`${host}/openai/v1`), ...at, embeddings: 'openai' },
    { ...responses(`${host}/openai/v1`), ...at }
  ]
}

/** Before version 1 of the API, the deployment stood in the path, and a date in the query. */
function azureDated(host: string): Endpoints {
  const at = { auth: 'api-key', audience: COGNITIVE_SCOPE } as const
  const deployment = '/deployments/{model}'
  const completions = `${deployment}/chat/completions${DATED}`
  return [
    {
      ...chat(`${host}/openai`),
      ...at,
      paths: { chat: completions, stream: completions, embeddings: `${deployment}/embeddings${DATED}` },
      embeddings: 'openai'
    },
    { ...responses(`${host}/openai`), ...at, paths: { chat: `/responses${DATED}`, stream: `/responses${DATED}` } }
  ]
}

const AZURE_HOST = 'https://{resource}.openai.azure.com'
const FOUNDRY_HOST = 'https://{resource}.services.ai.azure.com'
/** The deployment may have any name; Claude's mostly have the model's. */
const CLAUDE_NAMES = ['*claude*']

/** Clouds: their addresses have places in them, and their callers identities instead of keys. */
export const clouds = {
  vertex: {
    title: 'Google Vertex AI',
    endpoints: [
      {
        dialect: 'gemini',
        baseUrl: `https://{host}/v1beta1/${PUBLISHERS}/google`,
        auth: 'google',
        quirks: {},
        audience: GOOGLE_SCOPE,
        except: ['claude-*']
      },
      {
        dialect: 'anthropic-messages',
        baseUrl: `https://{host}/v1/${PUBLISHERS}/anthropic`,
        auth: 'google',
        quirks: { ...VERTEX_CLAUDE, omit: ['model'] },
        audience: GOOGLE_SCOPE,
        paths: { chat: '/models/{model}:rawPredict', stream: '/models/{model}:streamRawPredict' },
        operations: ['chat'],
        only: ['claude-*']
      },
      {
        // Counting is a model of its own there, and the one that is meant stands in the body.
        dialect: 'anthropic-messages',
        baseUrl: `https://{host}/v1/${PUBLISHERS}/anthropic`,
        auth: 'google',
        quirks: VERTEX_CLAUDE,
        audience: GOOGLE_SCOPE,
        paths: { 'count-tokens': '/models/count-tokens:rawPredict' },
        operations: ['count-tokens'],
        only: ['claude-*']
      }
    ],
    places: {
      project: { variables: ['GOOGLE_VERTEX_PROJECT', 'ANTHROPIC_VERTEX_PROJECT_ID', 'GOOGLE_CLOUD_PROJECT'] },
      location: { variables: ['GOOGLE_VERTEX_LOCATION', 'GOOGLE_CLOUD_LOCATION'], fallback: 'global' },
      host: { variables: [], derived: { from: 'location', say: vertexHost } }
    },
    variables: [],
    cloud: 'google',
    meant: ['GOOGLE_GENAI_USE_VERTEXAI', 'GOOGLE_VERTEX_PROJECT', 'ANTHROPIC_VERTEX_PROJECT_ID'],
    catalog: 'google',
    docs: 'https://cloud.google.com/vertex-ai/generative-ai/docs',
    source: TRAFFIC,
    evidence: 'recorded'
  },
  bedrock: {
    title: 'Amazon Bedrock',
    endpoints: [
      { dialect: 'bedrock-converse', baseUrl: RUNTIME, ...AWS, quirks: {}, except: OPENAI_CLOSED },
      {
        dialect: 'anthropic-messages',
        baseUrl: RUNTIME,
        ...AWS,
        quirks: BEDROCK_CLAUDE,
        paths: { chat: '/model/{model}/invoke', stream: '/model/{model}/invoke-with-response-stream' },
        framing: 'eventstream',
        operations: ['chat'],
        only: ['*anthropic.claude*']
      },
      {
        dialect: 'openai-responses',
        baseUrl: `${RUNTIME}/openai/v1`,
        ...AWS,
        quirks: {},
        only: OPENAI_CLOSED
      },
      {
        dialect: 'bedrock-converse',
        baseUrl: RUNTIME,
        ...AWS,
        quirks: {},
        embeddings: 'titan',
        operations: ['embeddings'],
        only: ['*amazon.titan-embed-*']
      },
      {
        dialect: 'bedrock-converse',
        baseUrl: RUNTIME,
        ...AWS,
        quirks: {},
        embeddings: 'bedrock-cohere',
        operations: ['embeddings'],
        only: ['*cohere.embed-*']
      }
    ],
    places: { region: REGION, domain: { variables: [], derived: { from: 'region', say: awsDomain } } },
    variables: ['AWS_BEARER_TOKEN_BEDROCK'],
    cloud: 'aws',
    docs: 'https://docs.aws.amazon.com/bedrock/latest/APIReference/',
    source: TRAFFIC,
    evidence: 'recorded'
  },
  'bedrock-mantle': {
    title: 'Amazon Bedrock, OpenAI-compatible',
    endpoints: [
      {
        dialect: 'openai-responses',
        baseUrl: 'https://bedrock-mantle.{region}.api.aws/openai/v1',
        ...MANTLE,
        quirks: {},
        only: ['openai.gpt-5*', 'openai.gpt-6*']
      },
      { ...chat('https://bedrock-mantle.{region}.api.aws/v1'), ...MANTLE, except: [...OPENAI_CLOSED, 'anthropic.*'] },
      {
        dialect: 'openai-responses',
        baseUrl: 'https://bedrock-mantle.{region}.api.aws/v1',
        ...MANTLE,
        quirks: {},
        only: ['openai.gpt-oss-*']
      },
      {
        dialect: 'anthropic-messages',
        baseUrl: 'https://bedrock-mantle.{region}.api.aws/anthropic/v1',
        ...MANTLE,
        quirks: {},
        only: ['anthropic.*']
      }
    ],
    places: { region: REGION },
    variables: ['AWS_BEARER_TOKEN_BEDROCK'],
    cloud: 'aws',
    docs: 'https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html',
    source: {
      document: 'https://docs.aws.amazon.com/bedrock/latest/userguide/inference-responses-api.html',
      date: READ
    },
    evidence: 'recorded'
  },
  azure: {
    title: 'Azure OpenAI',
    endpoints: azure(AZURE_HOST),
    places: { resource: { variables: ['AZURE_RESOURCE_NAME'] }, api_version: { variables: [] } },
    instead: { place: 'api_version', endpoints: azureDated(AZURE_HOST) },
    variables: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
    address: { variable: 'AZURE_OPENAI_ENDPOINT', port: 443 },
    cloud: 'entra',
    meant: ['AZURE_OPENAI_ENDPOINT', 'AZURE_RESOURCE_NAME'],
    catalog: 'openai',
    docs: 'https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle',
    source: TRAFFIC,
    evidence: 'recorded'
  },
  'azure-foundry': {
    title: 'Microsoft Foundry',
    endpoints: [
      ...azure(FOUNDRY_HOST, CLAUDE_NAMES),
      {
        dialect: 'anthropic-messages',
        baseUrl: `${FOUNDRY_HOST}/anthropic/v1`,
        auth: 'x-api-key',
        quirks: {},
        audience: AI_SCOPE,
        only: CLAUDE_NAMES
      }
    ],
    places: { resource: { variables: ['ANTHROPIC_FOUNDRY_RESOURCE'] } },
    variables: ['ANTHROPIC_FOUNDRY_API_KEY', 'AZURE_AI_API_KEY'],
    address: { variable: 'AZURE_AI_ENDPOINT', port: 443 },
    cloud: 'entra',
    meant: ['AZURE_AI_ENDPOINT', 'ANTHROPIC_FOUNDRY_RESOURCE'],
    docs: 'https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry',
    source: {
      document: 'https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry.md',
      date: READ
    },
    // Claude and Responses were recorded there, chat completions at home were not.
    evidence: 'documented'
  }
} as const satisfies Readonly<Record<string, Preset>>
