import type { DialectName } from '../../src/dialects/canonical.ts'

/** A dialect as the simulated provider speaks it, and what is known of it there. */
export interface ProviderKind {
  dialect: DialectName
  /** Its address as the gateway is told it, in YAML. */
  address(url: string): string
  /** Whether its models go on from a begun answer; others begin anew. */
  continues: boolean
}

const PRIVATE = 'keys: [a-credential], allow_private: ["127.0.0.0/8"]'

function at(dialect: DialectName, path: string, continues: boolean): ProviderKind {
  // Without the quirks of those whose dialect it is: here it is nobody's but its own.
  const address = (url: string) => `base_url: "${url}${path}", dialect: ${dialect}, quirks: {}, ${PRIVATE}`
  return { dialect, address, continues }
}

export const PROVIDERS = {
  'openai-chat': at('openai-chat', '/v1', false),
  'openai-responses': at('openai-responses', '/v1', false),
  'anthropic-messages': at('anthropic-messages', '/v1', true),
  gemini: at('gemini', '/v1beta', true),
  'bedrock-converse': at('bedrock-converse', '', true),
  /** Claude as Amazon Bedrock's InvokeModel has it: Anthropic's dialect in Amazon's frames, with Amazon's errors. */
  'bedrock-invoke': {
    dialect: 'anthropic-messages',
    continues: true,
    address: url => {
      const paths = 'chat: "/model/{model}/invoke", stream: "/model/{model}/invoke-with-response-stream"'
      const quirks = 'set: { anthropic_version: bedrock-2023-05-31 }, omit: [model, stream]'
      const how = `framing: eventstream, auth: bearer, paths: { ${paths} }, quirks: { ${quirks} }`
      return `endpoints: [{ dialect: anthropic-messages, base_url: "${url}", ${how} }], ${PRIVATE}`
    }
  }
} satisfies Record<string, ProviderKind>

export type ProviderName = keyof typeof PROVIDERS
