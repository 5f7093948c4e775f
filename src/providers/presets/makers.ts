import {
  chat,
  chatAndEmbeddings,
  compared,
  LISTING,
  messages,
  NO_DEVELOPER,
  OLD_CAP,
  type Preset,
  READ,
  responses
} from './preset.ts'

/** OpenAI's models that chat completions refuse: "only supported in v1/responses". */
const RESPONSES_ONLY = [
  '*codex*',
  '*-pro',
  '*-pro-20*',
  '*deep-research*',
  'computer-use-*',
  '*-cyber',
  'gpt-daybreak-*',
  'gpt-*rosalind*'
]

/** And those that Responses do not have. */
const CHAT_ONLY = ['*audio*', '*-search-preview*']

/** Those who serve models of their own. */
export const makers = {
  openai: {
    title: 'OpenAI',
    // Chat completions of OpenAI itself know no thoughts; a conversation that began elsewhere brings some.
    endpoints: [
      {
        ...chatAndEmbeddings('https://api.openai.com/v1', {
          drop: ['messages[].reasoning_content', 'messages[].reasoning'],
          cache_key: 'prompt_cache_key'
        }),
        except: RESPONSES_ONLY
      },
      { ...responses('https://api.openai.com/v1', { cache_key: 'prompt_cache_key' }), except: CHAT_ONLY }
    ],
    variables: ['OPENAI_API_KEY'],
    passRequestId: true,
    docs: 'https://developers.openai.com/api/reference/overview',
    source: compared('openai'),
    evidence: 'recorded'
  },
  anthropic: {
    title: 'Anthropic',
    endpoints: [messages('https://api.anthropic.com/v1', 'x-api-key')],
    variables: ['ANTHROPIC_API_KEY'],
    docs: 'https://platform.claude.com/docs/en/api/messages',
    source: { document: 'https://platform.claude.com/docs/en/api/messages', date: READ },
    evidence: 'recorded'
  },
  google: {
    title: 'Google Gemini',
    // Its OpenAI-compatible address is left out: decision 0006 says why.
    endpoints: [
      {
        dialect: 'gemini',
        baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
        auth: 'x-goog-api-key',
        quirks: {},
        embeddings: 'gemini'
      }
    ],
    variables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    bills_after_disconnect: true,
    docs: 'https://ai.google.dev/api',
    source: { document: 'https://ai.google.dev/api', date: READ },
    evidence: 'recorded'
  },
  mistral: {
    title: 'Mistral AI',
    endpoints: [
      // The API answers 422 to every member that its schema does not have.
      chatAndEmbeddings('https://api.mistral.ai/v1', {
        rename: { max_completion_tokens: 'max_tokens', seed: 'random_seed' },
        drop: [
          'logit_bias',
          'logprobs',
          'top_logprobs',
          'user',
          'service_tier',
          'store',
          'verbosity',
          'messages[].name'
        ],
        values: { tool_choice: { required: 'any' } },
        roles: { developer: 'system' },
        usage_unasked: true
      })
    ],
    variables: ['MISTRAL_API_KEY'],
    bills_after_disconnect: true,
    docs: 'https://docs.mistral.ai/api/endpoint/chat',
    source: compared('mistral'),
    evidence: 'recorded'
  },
  deepseek: {
    title: 'DeepSeek',
    endpoints: [
      chat('https://api.deepseek.com', OLD_CAP),
      responses('https://api.deepseek.com'),
      messages('https://api.deepseek.com/anthropic/v1', 'x-api-key')
    ],
    variables: ['DEEPSEEK_API_KEY'],
    docs: 'https://api-docs.deepseek.com/guides/anthropic_api',
    source: { document: 'https://api-docs.deepseek.com/guides/anthropic_api', date: READ },
    evidence: 'recorded'
  },
  xai: {
    title: 'xAI',
    // Its Anthropic endpoint is deprecated, so it is not here.
    endpoints: [chat('https://api.x.ai/v1', NO_DEVELOPER), responses('https://api.x.ai/v1')],
    variables: ['XAI_API_KEY'],
    docs: 'https://docs.x.ai/docs/api-reference',
    source: compared('xai'),
    evidence: 'recorded'
  },
  moonshot: {
    title: 'Moonshot AI (Kimi)',
    endpoints: [chat('https://api.moonshot.ai/v1', NO_DEVELOPER), messages('https://api.moonshot.ai/anthropic/v1')],
    variables: ['MOONSHOT_API_KEY'],
    docs: 'https://platform.kimi.ai/docs/api/overview',
    source: compared('moonshot'),
    evidence: 'documented'
  },
  zai: {
    title: 'Z.ai (GLM)',
    endpoints: [chat('https://api.z.ai/api/paas/v4', OLD_CAP), messages('https://api.z.ai/api/anthropic/v1')],
    variables: ['ZAI_API_KEY', 'ZHIPU_API_KEY'],
    docs: 'https://docs.z.ai/api-reference/llm/chat-completion',
    source: LISTING,
    evidence: 'recorded'
  },
  minimax: {
    title: 'MiniMax',
    endpoints: [chat('https://api.minimax.io/v1', NO_DEVELOPER), messages('https://api.minimax.io/anthropic/v1')],
    variables: ['MINIMAX_API_KEY'],
    bills_after_disconnect: true,
    docs: 'https://platform.minimax.io/docs/api-reference/text-anthropic-api',
    source: { document: 'https://platform.minimax.io/docs/api-reference/text-anthropic-api', date: READ },
    evidence: 'documented'
  },
  dashscope: {
    title: 'Alibaba DashScope (Qwen)',
    endpoints: [
      chatAndEmbeddings('https://dashscope-intl.aliyuncs.com/compatible-mode/v1', NO_DEVELOPER),
      messages('https://dashscope-intl.aliyuncs.com/apps/anthropic/v1')
    ],
    variables: ['DASHSCOPE_API_KEY'],
    bills_after_disconnect: true,
    docs: 'https://www.alibabacloud.com/help/en/model-studio/anthropic-api-messages',
    source: { document: 'https://www.alibabacloud.com/help/en/model-studio/anthropic-api-messages', date: READ },
    evidence: 'recorded'
  },
  cohere: {
    title: 'Cohere',
    endpoints: [
      {
        ...chat('https://api.cohere.com', OLD_CAP),
        paths: { chat: '/compatibility/v1/chat/completions', stream: '/compatibility/v1/chat/completions' },
        embeddings: 'cohere'
      }
    ],
    variables: ['COHERE_API_KEY', 'CO_API_KEY'],
    docs: 'https://docs.cohere.com/docs/compatibility-api',
    source: { document: 'https://docs.cohere.com/docs/compatibility-api', date: READ },
    evidence: 'documented'
  },
  perplexity: {
    title: 'Perplexity',
    endpoints: [chat('https://api.perplexity.ai', OLD_CAP)],
    variables: ['PERPLEXITY_API_KEY'],
    bills_after_disconnect: true,
    docs: 'https://docs.perplexity.ai/docs/sonar/openai-compatibility',
    source: { document: 'https://docs.perplexity.ai/docs/sonar/openai-compatibility', date: READ },
    evidence: 'recorded'
  }
} as const satisfies Readonly<Record<string, Preset>>
