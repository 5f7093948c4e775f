import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Any, ask, post, send, simForTests, TOOLS, textOf } from './helpers.ts'

const sim = await simForTests()

test('Responses: a conversation goes on from what is stored', async () => {
  const tools = TOOLS.responses(['get_time'])
  const first = (await post(sim, 'responses', ask('responses', 'gpt-5.5', 'get_time', { tools }))).json()
  const called = first.output.find((item: Any) => item.type === 'function_call')
  const answered = { type: 'function_call_output', call_id: called.call_id, output: 'noon' }
  const next = { model: 'gpt-5.5', previous_response_id: first.id, input: [answered] }
  const second = (await post(sim, 'responses', next)).json()
  assert.equal(textOf('responses', second), `Result ${called.call_id} of get_time: noon.`)
  const { data } = (await send(sim, 'GET', `/v1/responses/${second.id}/input_items?order=asc`)).json()
  assert.deepEqual(
    data.map((item: Any) => item.type),
    ['message', 'reasoning', 'function_call', 'function_call_output']
  )
  const reference = { type: 'item_reference', id: data[0].id }
  const again = (await post(sim, 'responses', { model: 'm', input: [reference] })).json()
  assert.equal(textOf('responses', again), 'You said: get_time')
})

test('Responses: stored ones are read, listed in pages and deleted; the others are not there', async () => {
  const kept = (await post(sim, 'responses', ask('responses', 'm', 'hi', { input: 'hi' }))).json()
  const at = `/v1/responses/${kept.id}`
  assert.deepEqual((await send(sim, 'GET', at)).json(), kept)
  const items = (await send(sim, 'GET', `${at}/input_items`)).json()
  assert.deepEqual(
    [items.object, items.has_more, items.data[0].content],
    ['list', false, [{ type: 'input_text', text: 'hi' }]]
  )
  assert.equal((await send(sim, 'GET', `${at}/input_items?limit=101`)).json().error.param, 'limit')
  const cancelled = await send(sim, 'POST', `${at}/cancel`)
  assert.deepEqual([cancelled.status, cancelled.json().error.message], [400, 'Cannot cancel a synchronous response.'])
  assert.deepEqual((await send(sim, 'DELETE', at)).json(), { id: kept.id, object: 'response', deleted: true })
  const unkept = (await post(sim, 'responses', ask('responses', 'm', 'hi', { store: false }))).json()
  for (const id of [kept.id, unkept.id, 'resp_x']) {
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/cancel'],
      ['GET', '/input_items']
    ]) {
      const answer = await send(sim, method!, `/v1/responses/${id}${path}`)
      assert.deepEqual([answer.status, answer.json().error.message], [404, `Response with id '${id}' not found.`])
    }
  }
})

test('Responses: in the background they wait to be asked for, may be cancelled, and are told again', async () => {
  const begin = async (): Promise<Any> =>
    (await post(sim, 'responses', ask('responses', 'm', 'hi', { background: true }))).json()
  const first = await begin()
  assert.deepEqual([first.status, first.output], ['queued', []])
  const done = (await send(sim, 'GET', `/v1/responses/${first.id}`)).json()
  assert.deepEqual([done.status, textOf('responses', done)], ['completed', 'You said: hi'])
  const told = await send(sim, 'GET', `/v1/responses/${first.id}?stream=true&starting_after=1`)
  assert.deepEqual(
    told
      .events()
      .map(({ data }) => data.sequence_number)
      .slice(0, 2),
    [2, 3]
  )
  const second = await begin()
  const cancelled = (await send(sim, 'POST', `/v1/responses/${second.id}/cancel`)).json()
  assert.deepEqual([cancelled.status, cancelled.output, cancelled.usage], ['cancelled', [], null])
})
