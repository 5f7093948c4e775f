import type { ModelFacts } from '../catalog/catalog.ts'
import type { Ability } from '../catalog/facts.ts'
import type { ChatRequest, Part } from '../dialects/canonical.ts'
import type { Asks } from './facts.ts'
import type { Reason } from './reasons.ts'

/** What a request needs of a model beyond text. */
export function abilitiesNeeded(request: ChatRequest): Ability[] {
  const media = request.messages.flatMap(({ parts }) => mediaTypes(parts))
  const needed: Record<Ability, boolean> = {
    tools: (request.tools?.length ?? 0) > 0,
    vision: media.some(type => type.startsWith('image/')),
    documents: media.some(type => type === 'application/pdf' || type.startsWith('text/')),
    // Thinking that was asked for and is not had is a loss, which is named; it is no reason to have no answer.
    reasoning: false,
    structured: request.format?.type === 'json-schema',
    temperature: false,
    prefill: request.messages.at(-1)?.role === 'assistant'
  }
  return (Object.keys(needed) as Ability[]).filter(ability => needed[ability])
}

function mediaTypes(parts: readonly Part[]): string[] {
  return parts.flatMap(part => {
    if (part.type === 'media') return [part.mediaType]
    return part.type === 'tool-result' ? mediaTypes(part.content) : []
  })
}

/**
 * Why a model cannot take the request, as far as is known: what nobody told us never rules a model out (D32).
 * `longerThan`: the request was already too long for a context of so many tokens.
 */
export function shortfall(
  asks: Asks,
  known: ModelFacts | undefined,
  longerThan: number | undefined
): Reason | undefined {
  if (!known) return undefined
  const { contextTokens, abilities } = known
  if (contextTokens !== null) {
    if (longerThan !== undefined && contextTokens <= longerThan) return 'context_length'
    if (asks.estimatedTokens > contextTokens) return 'context_length'
  }
  return asks.abilities.find(ability => abilities[ability] === 'no')
}
