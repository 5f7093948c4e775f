import { chatAndEmbeddings, compared, messages, NO_DEVELOPER, OLD_CAP, type Preset, READ, responses } from './preset.ts'

const LOOPBACK = ['127.0.0.0/8', '::1/128']

/**
 * Servers of one's own. Nobody is probed: they are found where their variable or the configuration names them. The
 * address is written as numbers, because `localhost` may be ::1 first, where these servers do not listen.
 */
export const local = {
  ollama: {
    title: 'Ollama',
    endpoints: [chatAndEmbeddings('http://127.0.0.1:11434/v1', OLD_CAP), messages('http://127.0.0.1:11434/v1')],
    variables: [],
    address: { variable: 'OLLAMA_HOST', port: 11434 },
    allowPrivate: LOOPBACK,
    docs: 'https://docs.ollama.com/api/openai-compatibility',
    source: { document: 'https://docs.ollama.com/api/openai-compatibility', date: READ },
    evidence: 'recorded'
  },
  vllm: {
    title: 'vLLM',
    endpoints: [chatAndEmbeddings('http://127.0.0.1:8000/v1', NO_DEVELOPER), messages('http://127.0.0.1:8000/v1')],
    variables: ['VLLM_API_KEY'],
    address: { variable: 'VLLM_BASE_URL', port: 8000 },
    allowPrivate: LOOPBACK,
    docs: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
    source: compared('vllm'),
    evidence: 'recorded'
  },
  lmstudio: {
    title: 'LM Studio',
    endpoints: [
      chatAndEmbeddings('http://127.0.0.1:1234/v1', OLD_CAP),
      responses('http://127.0.0.1:1234/v1'),
      messages('http://127.0.0.1:1234/v1')
    ],
    variables: ['LMSTUDIO_API_KEY', 'LM_API_TOKEN'],
    address: { variable: 'LMSTUDIO_BASE_URL', port: 1234 },
    allowPrivate: LOOPBACK,
    docs: 'https://lmstudio.ai/docs/developer/anthropic-compat',
    source: { document: 'https://lmstudio.ai/docs/developer/anthropic-compat', date: READ },
    evidence: 'documented'
  },
  llamacpp: {
    title: 'llama.cpp server',
    endpoints: [chatAndEmbeddings('http://127.0.0.1:8080/v1', NO_DEVELOPER), messages('http://127.0.0.1:8080/v1')],
    variables: ['LLAMACPP_API_KEY'],
    address: { variable: 'LLAMACPP_BASE_URL', port: 8080 },
    allowPrivate: LOOPBACK,
    docs: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md',
    source: { document: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md', date: READ },
    evidence: 'recorded'
  }
} as const satisfies Readonly<Record<string, Preset>>
