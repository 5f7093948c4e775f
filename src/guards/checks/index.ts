// Written by `npm run generate` from the files of this folder. Do not edit.
import { check as azureContentSafety } from './azure-content-safety.ts'
import { check as bedrockGuardrail } from './bedrock-guardrail.ts'
import { check as canary } from './canary.ts'
import { check as classifier } from './classifier.ts'
import { check as code } from './code.ts'
import { check as injection } from './injection.ts'
import { check as jsonSchema } from './json-schema.ts'
import { check as judge } from './judge.ts'
import { check as language } from './language.ts'
import { check as length } from './length.ts'
import { check as loop } from './loop.ts'
import { check as metadata } from './metadata.ts'
import { check as modelRules } from './model-rules.ts'
import { check as openaiModeration } from './openai-moderation.ts'
import { check as pii } from './pii.ts'
import { check as presidio } from './presidio.ts'
import { check as regex } from './regex.ts'
import { check as secrets } from './secrets.ts'
import { check as sessionCost } from './session-cost.ts'
import { check as tools } from './tools.ts'
import { check as topics } from './topics.ts'
import { check as urlAllowList } from './url-allow-list.ts'
import { check as webhook } from './webhook.ts'
import { check as words } from './words.ts'

export const checks = {
  'azure-content-safety': azureContentSafety,
  'bedrock-guardrail': bedrockGuardrail,
  canary,
  classifier,
  code,
  injection,
  'json-schema': jsonSchema,
  judge,
  language,
  length,
  loop,
  metadata,
  'model-rules': modelRules,
  'openai-moderation': openaiModeration,
  pii,
  presidio,
  regex,
  secrets,
  'session-cost': sessionCost,
  tools,
  topics,
  'url-allow-list': urlAllowList,
  webhook,
  words
} as const
