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
  responses,
  TRAFFIC
} from './preset.ts'

/** Those who serve models of others. */
export const hosts = {
  groq: {
    title: 'Groq',
    endpoints: [
      chat('https://api.groq.com/openai/v1', {
        ...NO_DEVELOPER,
        drop: ['logprobs', 'top_logprobs', 'logit_bias', 'messages[].name']
      })
    ],
    variables: ['GROQ_API_KEY'],
    bills_after_disconnect: true,
    docs: 'https://console.groq.com/docs/openai',
    source: { document: 'https://console.groq.com/docs/openai', date: READ },
    evidence: 'recorded'
  },
  cerebras: {
    title: 'Cerebras',
    endpoints: [
      chat('https://api.cerebras.ai/v1', {
        ...NO_DEVELOPER,
        drop: ['frequency_penalty', 'presence_penalty', 'logit_bias']
      })
    ],
    variables: ['CEREBRAS_API_KEY'],
    docs: 'https://inference-docs.cerebras.ai/resources/openai',
    source: { document: 'https://inference-docs.cerebras.ai/resources/openai', date: READ },
    evidence: 'recorded'
  },
  sambanova: {
    title: 'SambaNova',
    endpoints: [chatAndEmbeddings('https://api.sambanova.ai/v1', OLD_CAP)],
    variables: ['SAMBANOVA_API_KEY'],
    bills_after_disconnect: true,
    docs: 'https://docs.sambanova.ai/docs/en/features/openai-compatibility',
    source: { document: 'https://docs.sambanova.ai/docs/en/features/openai-compatibility', date: READ },
    evidence: 'recorded'
  },
  together: {
    title: 'Together AI',
    endpoints: [chatAndEmbeddings('https://api.together.xyz/v1', OLD_CAP)],
    variables: ['TOGETHER_API_KEY'],
    docs: 'https://docs.together.ai/docs/openai-api-compatibility',
    source: TRAFFIC,
    evidence: 'recorded'
  },
  fireworks: {
    title: 'Fireworks AI',
    endpoints: [
      chatAndEmbeddings('https://api.fireworks.ai/inference/v1', {
        ...NO_DEVELOPER,
        model_prefix: 'accounts/fireworks/models/'
      }),
      {
        ...responses('https://api.fireworks.ai/inference/v1'),
        quirks: { model_prefix: 'accounts/fireworks/models/' }
      },
      {
        ...messages('https://api.fireworks.ai/inference/v1'),
        quirks: { model_prefix: 'accounts/fireworks/models/' }
      }
    ],
    variables: ['FIREWORKS_API_KEY'],
    docs: 'https://docs.fireworks.ai/tools-sdks/openai-compatibility',
    source: compared('fireworks'),
    evidence: 'documented'
  },
  openrouter: {
    title: 'OpenRouter',
    endpoints: [
      chatAndEmbeddings('https://openrouter.ai/api/v1'),
      responses('https://openrouter.ai/api/v1'),
      messages('https://openrouter.ai/api/v1')
    ],
    variables: ['OPENROUTER_API_KEY'],
    routesItself: true,
    docs: 'https://openrouter.ai/docs/quickstart',
    source: compared('openrouter'),
    evidence: 'recorded'
  },
  deepinfra: {
    title: 'DeepInfra',
    endpoints: [chatAndEmbeddings('https://api.deepinfra.com/v1/openai', OLD_CAP)],
    variables: ['DEEPINFRA_API_KEY', 'DEEPINFRA_TOKEN'],
    docs: 'https://deepinfra.com/docs/openai_api',
    source: { document: 'https://deepinfra.com/docs/openai_api', date: READ },
    evidence: 'documented'
  },
  huggingface: {
    title: 'Hugging Face',
    endpoints: [chat('https://router.huggingface.co/v1', OLD_CAP)],
    variables: ['HF_TOKEN'],
    bills_after_disconnect: true,
    docs: 'https://huggingface.co/docs/inference-providers',
    source: LISTING,
    evidence: 'recorded'
  },
  nvidia: {
    title: 'NVIDIA NIM',
    endpoints: [chatAndEmbeddings('https://integrate.api.nvidia.com/v1', OLD_CAP)],
    variables: ['NVIDIA_API_KEY'],
    docs: 'https://docs.api.nvidia.com/nim/',
    source: LISTING,
    evidence: 'documented'
  },
  nebius: {
    title: 'Nebius Token Factory',
    endpoints: [chatAndEmbeddings('https://api.tokenfactory.nebius.com/v1', OLD_CAP)],
    variables: ['NEBIUS_API_KEY'],
    docs: 'https://docs.tokenfactory.nebius.com/',
    source: LISTING,
    evidence: 'documented'
  },
  novita: {
    title: 'Novita AI',
    endpoints: [chatAndEmbeddings('https://api.novita.ai/openai', OLD_CAP)],
    variables: ['NOVITA_API_KEY'],
    docs: 'https://novita.ai/docs/guides/introduction',
    source: LISTING,
    evidence: 'documented'
  },
  hyperbolic: {
    title: 'Hyperbolic',
    endpoints: [chat('https://api.hyperbolic.xyz/v1', OLD_CAP)],
    variables: ['HYPERBOLIC_API_KEY'],
    docs: 'https://docs.hyperbolic.xyz/docs/rest-api',
    source: { document: 'https://docs.litellm.ai/docs/providers/hyperbolic', date: READ },
    evidence: 'documented'
  },
  baseten: {
    title: 'Baseten Model APIs',
    endpoints: [chat('https://inference.baseten.co/v1', OLD_CAP)],
    variables: ['BASETEN_API_KEY'],
    docs: 'https://docs.baseten.co/inference/model-apis/overview',
    source: LISTING,
    evidence: 'recorded'
  },
  venice: {
    title: 'Venice AI',
    endpoints: [chatAndEmbeddings('https://api.venice.ai/api/v1', NO_DEVELOPER)],
    variables: ['VENICE_API_KEY'],
    docs: 'https://docs.venice.ai/api-reference/endpoint/chat/completions',
    source: TRAFFIC,
    evidence: 'recorded'
  },
  vercel: {
    title: 'Vercel AI Gateway',
    endpoints: [
      chatAndEmbeddings('https://ai-gateway.vercel.sh/v1'),
      responses('https://ai-gateway.vercel.sh/v1'),
      messages('https://ai-gateway.vercel.sh/v1')
    ],
    variables: ['AI_GATEWAY_API_KEY'],
    docs: 'https://vercel.com/docs/ai-gateway/sdks-and-apis',
    source: { document: 'https://vercel.com/docs/ai-gateway/sdks-and-apis', date: READ },
    evidence: 'recorded'
  },
  'github-models': {
    title: 'GitHub Models',
    endpoints: [chatAndEmbeddings('https://models.github.ai/inference', NO_DEVELOPER)],
    // Not GITHUB_TOKEN: it is about in many shells and runners for other reasons, and must not become a provider there.
    variables: ['GITHUB_MODELS_TOKEN'],
    docs: 'https://docs.github.com/en/github-models',
    source: LISTING,
    evidence: 'documented'
  },
  'ollama-cloud': {
    title: 'Ollama Cloud',
    endpoints: [chat('https://ollama.com/v1', OLD_CAP), messages('https://ollama.com/v1')],
    variables: ['OLLAMA_API_KEY'],
    docs: 'https://docs.ollama.com/api/openai-compatibility',
    source: { document: 'https://docs.ollama.com/api/openai-compatibility', date: READ },
    evidence: 'recorded'
  }
} as const satisfies Readonly<Record<string, Preset>>
