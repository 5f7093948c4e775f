/** Below which the sim speaks a dialect, where it is not `/v1`. */
const BASES: Record<string, string> = { gemini: '/v1beta', 'bedrock-converse': '' }

/** The simulated provider under the name of a dialect, speaking that one alone; a line under `providers:`. */
export function simAs(dialect: string): string {
  const base = `SIM${BASES[dialect] ?? '/v1'}`
  return `  ${dialect}: { base_url: "${base}", dialect: ${dialect}, quirks: {}, keys: [sk-sim-credential], allow_private: ["127.0.0.0/8"] }`
}

const PLAIN: Record<string, string> = {
  'openai-chat': 'gpt-4o',
  'openai-responses': 'gpt-4o',
  'anthropic-messages': 'claude-sonnet-4-5',
  gemini: 'gemini-2.5-pro',
  'bedrock-converse': 'anthropic.claude-sonnet-4-5-20250929-v1:0'
}
const THINKING: Record<string, string> = { 'openai-chat': 'reasoner', 'openai-responses': 'gpt-5.5' }

export function plainModel(dialect: string): string {
  return PLAIN[dialect] ?? 'assistant'
}

/** Of a family that thinks: the sim is as strict about who may be asked to as the real ones. */
export function thinkingModel(dialect: string): string {
  return THINKING[dialect] ?? plainModel(dialect)
}
