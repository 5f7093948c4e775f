import { isObject } from '../json.ts'
import { modelRefuses } from './errors.ts'
import type { ConverseRequest } from './schema.ts'

export interface Thinking {
  /** Each maker has members of its own; only Claude signs what it thinks. */
  way: 'none' | 'claude' | 'unsigned'
  /** Absent where Claude thinks as long as it likes. */
  budgetTokens?: number
  isOmitted?: boolean
}

/** What `additionalModelRequestFields` asks for. */
export function readThinking({ additionalModelRequestFields: fields = {} }: ConverseRequest): Thinking {
  const claude = fields.thinking ?? fields.reasoning_config
  if (isObject(claude)) {
    const { type, budget_tokens: budgetTokens, display } = claude
    const isOmitted = display === 'omitted'
    if (type === 'disabled') return { way: 'none' }
    if (type === 'adaptive') return { way: 'claude', isOmitted }
    if (type !== 'enabled') {
      throw modelRefuses(
        `thinking: Input tag '${type}' found using 'type' does not match any of the expected tags: 'adaptive', ` +
          "'disabled', 'enabled'"
      )
    }
    if (typeof budgetTokens !== 'number') throw modelRefuses('thinking.enabled.budget_tokens: Field required')
    return { way: 'claude', budgetTokens, isOmitted }
  }
  const nova = fields.reasoningConfig
  if (isObject(nova)) return { way: nova.type === 'enabled' ? 'unsigned' : 'none' }
  return { way: typeof fields.reasoning_effort === 'string' ? 'unsigned' : 'none' }
}
