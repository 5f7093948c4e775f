import type { Ask } from '../ask.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Plan } from '../plan.ts'
import { portionsOf } from '../tokens.ts'
import type { Frame, Studio } from '../voice.ts'
import { logprobsOf } from './logprobs.ts'

export interface Choice {
  index: number
  plan: Plan
  finish: string
  calls: { id: string; name: string; input: string; isFreeform: boolean }[]
  annotations: JsonObject[]
}

interface Step {
  kind: Frame['kind']
  delta: JsonObject
  logprobs: Json
  finish: string | null
}

const ARGUMENT_CHARS = 12

/** The chunks of a stream: choices take turns, then the usage chunk where it was asked for, then `[DONE]`. */
export function framesOf(
  ask: Ask,
  choices: Choice[],
  envelope: JsonObject,
  usage: JsonObject,
  studio: Studio
): Frame[] {
  const withUsage = includesUsage(ask)
  const options = ask.body.stream_options as JsonObject | null | undefined
  const chunk = (kind: Frame['kind'], members: JsonObject): Frame => {
    const obfuscation = options?.include_obfuscation === false ? {} : { obfuscation: studio.ids.next('', 8) }
    return { kind, event: '', data: JSON.stringify({ ...envelope, ...members, ...obfuscation }) }
  }
  const rows = choices.map(choice => stepsOf(ask, choice))
  const frames: Frame[] = []
  for (let at = 0; rows.some(row => at < row.length); at++) {
    rows.forEach((row, index) => {
      const step = row[at]
      if (!step) return
      const { delta, logprobs, finish } = step
      const members: JsonObject = { choices: [{ index, delta, logprobs, finish_reason: finish }] }
      if (withUsage) members.usage = null
      frames.push(chunk(step.kind, members))
    })
  }
  if (withUsage) frames.push({ ...chunk('usage', { choices: [], usage }), tellsUsage: true })
  frames.push({ kind: 'end', event: '', data: '[DONE]' })
  return frames
}

function includesUsage(ask: Ask): boolean {
  const options = ask.body.stream_options as JsonObject | null | undefined
  return options?.include_usage === true
}

function stepsOf(ask: Ask, choice: Choice): Step[] {
  const { plan } = choice
  const steps: Step[] = []
  const push = (kind: Frame['kind'], delta: JsonObject, logprobs: Json = null, finish: string | null = null): void => {
    steps.push({ kind, delta, logprobs, finish })
  }
  const thinks = ask.thinking === 'shown'
  const isBare = plan.text === '' && choice.calls.length > 0
  if (thinks) push('lead', { role: 'assistant', content: null, reasoning_content: '' })
  else if (plan.refusal !== undefined) push('lead', { role: 'assistant', content: null, refusal: '' })
  else push('lead', { role: 'assistant', content: isBare ? null : '', refusal: null })
  if (thinks) {
    for (const portion of portionsOf(plan.thinking)) push('content', { content: null, reasoning_content: portion })
  }
  const chunkChars = ask.behaviour.id === 'huge-event' ? plan.text.length || 1 : ask.directives.chunkChars
  for (const portion of portionsOf(plan.text, chunkChars)) {
    const logprobs = ask.body.logprobs === true ? { content: logprobsOf(ask, portion), refusal: null } : null
    push('content', thinks ? { content: portion, reasoning_content: null } : { content: portion }, logprobs)
  }
  for (const portion of portionsOf(plan.refusal ?? '')) push('content', { refusal: portion })
  choice.calls.forEach((call, index) => {
    const kind = call.isFreeform ? 'custom' : 'function'
    const member = call.isFreeform ? 'input' : 'arguments'
    push('content', { tool_calls: [{ index, id: call.id, type: kind, [kind]: { name: call.name, [member]: '' } }] })
    for (const portion of portionsOf(call.input, ARGUMENT_CHARS)) {
      push('content', { tool_calls: [{ index, [kind]: { [member]: portion } }] })
    }
  })
  if (choice.annotations.length > 0) push('content', { annotations: choice.annotations })
  push('finish', {}, null, choice.finish)
  return steps
}
