import assert from 'node:assert/strict'
import type { Sim } from '../../src/sim/index.ts'
import { type Any, fold, post, type Side } from './helpers.ts'

/** The reply, asked for whole and as a stream: both say the same; ids aside. */
export function replier(sim: Sim): (side: Side, body: Any) => Promise<Any> {
  return async (side, body) => {
    const whole = await post(sim, side, body)
    assert.equal(whole.status, 200, whole.text)
    const options = side === 'openai' ? { stream_options: { include_usage: true } } : {}
    const stream = await post(sim, side, { ...body, stream: true, ...options })
    assert.match(stream.headers['content-type']!, /^text\/event-stream/)
    assert.deepEqual(bare(fold(side, stream)), bare(whole.json()))
    return whole.json()
  }
}

const CHANGING = new Set(['id', 'call_id', 'item_id', 'object', 'obfuscation', 'created', 'created_at', 'responseId'])

/** A reply without what differs from call to call, and without empty members that only one form shows. */
export function bare(reply: Any): Any {
  const rest = JSON.parse(JSON.stringify(reply), (name, value) => (CHANGING.has(name) ? undefined : value))
  delete rest.completed_at
  delete rest.billing
  for (const choice of rest.choices ?? []) {
    delete choice.index
    choice.logprobs = choice.logprobs?.content ?? choice.logprobs ?? []
    for (const [name, value] of Object.entries(choice.message)) {
      if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) delete choice.message[name]
    }
  }
  return rest
}
