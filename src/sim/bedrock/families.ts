import { bareName } from '../models.ts'

/** What differs from one maker's models to the next. */
export interface Family {
  /** Asks for and checks signatures over reasoning. */
  signs: boolean
  /** Reads neighbouring turns of one role as one; all others want them to alternate. */
  joinsTurns: boolean
  /** The conversation may end with an assistant turn. */
  goesOn: boolean
  caches: boolean
}

/** Claude from 4.6 goes on from no assistant turn. */
const NO_PREFILL = /claude-(?:opus|sonnet|haiku)-(?:4-[6-9]|[5-9])(?!\d)/
const UNCACHED = /llama|titan|cohere|mistral|ai21|deepseek|claude-(?:v\d|instant|3-(?:haiku|sonnet|opus))/
const OTHERS = /nova|titan|llama|cohere|ai21|mistral|deepseek|qwen|gpt-oss/

/** By the words of a model id; what names no maker (`echo`) takes what Claude takes. */
export function familyOf(model: string): Family {
  const name = bareName(model).toLowerCase()
  const isOther = OTHERS.test(name)
  return {
    signs: !isOther,
    joinsTurns: name.includes('titan'),
    goesOn: isOther ? name.includes('nova') : !NO_PREFILL.test(name),
    caches: !UNCACHED.test(name)
  }
}
