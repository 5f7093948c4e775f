import type { Ask } from '../ask.ts'
import type { JsonObject } from '../json.ts'
import { logprobsOf } from '../openai/logprobs.ts'
import type { Plan } from '../plan.ts'
import type { Studio } from '../voice.ts'
import type { Exchange } from './read.ts'

const ID_LENGTH = 50

/** The items of the reply: thought, search, message, calls. */
export function outputOf(ask: Ask, plan: Plan, studio: Studio): JsonObject[] {
  const { request } = ask.native as Exchange
  const items: JsonObject[] = []
  const nextId = (prefix: string): string => studio.ids.nextHex(prefix, ID_LENGTH)
  if (ask.thinking !== 'none' && plan.thinking !== '') {
    const summary = ask.thinking === 'shown' ? [{ type: 'summary_text', text: plan.thinking }] : []
    const sealed = request.include?.includes('reasoning.encrypted_content')
      ? { encrypted_content: studio.sealer.hide(plan.thinking, { index: 0, count: 1 }) }
      : {}
    items.push({ id: nextId('rs_'), type: 'reasoning', ...sealed, summary })
  }
  const citedAt = ask.searchesWeb ? plan.text.indexOf('example.com') : -1
  if (citedAt >= 0) {
    const action = { type: 'search', queries: [ask.text], query: ask.text }
    items.push({ id: nextId('ws_'), type: 'web_search_call', status: 'completed', action })
  }
  // a cap that the thought has used up leaves nothing to say
  const isSilent = plan.calls.length > 0 || plan.finish === 'length'
  if (!isSilent || (plan.refusal ?? plan.text) !== '') {
    items.push({
      id: nextId('msg_'),
      type: 'message',
      status: plan.finish === 'length' || plan.finish === 'content-filter' ? 'incomplete' : 'completed',
      content: [partOf(ask, plan, citedAt, request.include ?? [])],
      role: 'assistant'
    })
  }
  for (const call of plan.calls) {
    const call_id = studio.ids.next('call_', 24)
    const isFreeform = ask.tools.find(tool => tool.name === call.name)?.isFreeform === true
    items.push(
      isFreeform
        ? {
            id: nextId('ctc_'),
            type: 'custom_tool_call',
            status: 'completed',
            call_id,
            input: String(call.input),
            name: call.name
          }
        : {
            id: nextId('fc_'),
            type: 'function_call',
            status: 'completed',
            arguments: JSON.stringify(call.input),
            call_id,
            name: call.name
          }
    )
  }
  return items
}

function partOf(ask: Ask, plan: Plan, citedAt: number, include: string[]): JsonObject {
  if (plan.refusal !== undefined) return { type: 'refusal', refusal: plan.refusal }
  const cited = 'example.com'
  const citation = {
    type: 'url_citation',
    end_index: citedAt + cited.length,
    start_index: citedAt,
    title: 'Example',
    url: 'https://example.com/'
  }
  return {
    type: 'output_text',
    annotations: citedAt < 0 ? [] : [citation],
    logprobs: include.includes('message.output_text.logprobs') ? logprobsOf(ask, plan.text) : [],
    text: plan.text
  }
}
