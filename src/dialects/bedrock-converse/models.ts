import { type Model as Claude, modelOf } from '../claude.ts'

/** What the models of one maker take on Bedrock, where a request from another dialect must be fitted to them. */
export interface Family {
  /** Claude takes here what it takes at home; undefined for all others. */
  claude?: Claude
  /** How it is asked to think, if it can be: each maker has members of its own. */
  reasoning: 'claude' | 'nova' | 'effort' | 'none'
  /** Where it takes `top_k`, inside `additionalModelRequestFields`. */
  topK?: readonly string[]
  /** What `toolChoice` it takes besides `auto`. */
  forced: readonly ('any' | 'tool')[]
  /** Where a cache point may stand. */
  caches: 'everywhere' | 'not-after-tools' | 'nowhere'
  /** The shortest prefix that is kept, in tokens; undefined: a cache point may stand, but none of ours does. */
  cacheTokensMin?: number
  /** Whether a prefix can be kept for an hour. */
  cachesLong?: boolean
  /** Whether output and tools can be held to a schema. */
  structured: boolean
  /** Whether the conversation may end with an assistant turn that the model goes on with. */
  prefill: boolean
}

const PLAIN: Family = { reasoning: 'none', forced: [], caches: 'nowhere', structured: false, prefill: false }

/**
 * By the words of a model id, `us.anthropic.claude-opus-4-6-v1` or `amazon.nova-2-lite-v1:0`; the first that fits.
 * From Bedrock's pages on tool choice, prompt caching, structured output and model parameters, read in November 2026.
 */
const FAMILIES: readonly { name: RegExp; family: Partial<Family> }[] = [
  { name: /nova-2/, family: { ...nova(), reasoning: 'nova' } },
  { name: /nova/, family: nova() },
  { name: /gpt-oss|openai\./, family: { reasoning: 'effort', structured: true } },
  { name: /mistral-(?:7b|(?:large|small)-24)|mixtral|pixtral/, family: { forced: ['any'] } },
  { name: /mistral|ministral|magistral/, family: { forced: ['any'], structured: true } },
  { name: /titan|llama|cohere|ai21/, family: {} },
  { name: /deepseek|qwen|gemma|nemotron|minimax|moonshot|kimi|zai|glm/, family: { structured: true } }
]

function nova(): Partial<Family> {
  const forced = ['any', 'tool'] as const
  return { topK: ['inferenceConfig', 'topK'], forced, caches: 'not-after-tools', cacheTokensMin: 1000, prefill: true }
}

/** Before prompt caching came to Claude on Bedrock. */
const UNCACHED = /claude-(?:v\d|instant|3-(?:haiku|sonnet|opus)|3-5-sonnet-20240620)/

/** From Claude 4.5. */
const UNSTRUCTURED = /claude-(?:v\d|instant|[23]|(?:opus|sonnet)-4-(?:[01](?:-|$)|\d{8}))/

/** What the model of this id takes. The ARN of an inference profile names no model: nothing is held back from it. */
export function familyOf(model: string): Family {
  const name = model.toLowerCase()
  const known = FAMILIES.find(each => each.name.test(name))
  if (known) return { ...PLAIN, ...known.family }
  const isClaude = name.includes('claude')
  const claude = isClaude ? modelOf(name) : undefined
  const isUncached = UNCACHED.test(name)
  return {
    ...(claude && { claude, cachesLong: !UNSTRUCTURED.test(name) }),
    ...(claude?.cacheTokensMin !== undefined && !isUncached && { cacheTokensMin: claude.cacheTokensMin }),
    reasoning: isClaude ? 'claude' : 'none',
    topK: ['top_k'],
    forced: ['any', 'tool'],
    caches: isUncached ? 'nowhere' : 'everywhere',
    structured: !UNSTRUCTURED.test(name),
    prefill: claude?.prefill ?? true
  }
}
