import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/openai-chat/index.ts'
import type { JsonObject } from '../../../src/json.ts'
import { fixtures } from '../../support/dialects.ts'

describe('the lens', () => {
  it('finds every text of a request, in order', () => {
    const body = fixtures('openai-chat', 'requests')
      .find(each => each.name === 'fullest')!
      .body()
    const seen = [...dialect.texts(body, 'request')].map(ref => [ref.path, ref.role, ref.kind])
    assert.deepEqual(seen.slice(0, 13), [
      ['tools[0].function.description', 'tool', 'tool-description'],
      ['tools[2].custom.description', 'tool', 'tool-description'],
      ['messages[0].content', 'system', 'text'],
      ['messages[1].content[0].text', 'system', 'text'],
      ['messages[2].content[0].text', 'user', 'text'],
      ['messages[3].content', 'assistant', 'text'],
      ['messages[3].tool_calls[0].function.arguments', 'assistant', 'tool-input'],
      ['messages[3].tool_calls[1].function.arguments', 'assistant', 'tool-input'],
      ['messages[3].tool_calls[2].custom.input', 'assistant', 'tool-input'],
      ['messages[4].content', 'tool', 'tool-result'],
      ['messages[5].content[0].text', 'tool', 'tool-result'],
      ['messages[5].content[1].text', 'tool', 'tool-result'],
      ['messages[6].content', 'tool', 'tool-result']
    ])
    const paths = seen.map(([path]) => path)
    for (const path of ['messages[9].content[1].refusal', 'messages[10].refusal', 'prediction.content']) {
      assert.ok(paths.includes(path), path)
    }
  })

  it('replaces in place: every text, and nothing else', () => {
    for (const side of ['requests', 'responses'] as const) {
      for (const { name, body } of fixtures('openai-chat', side)) {
        const edited = body()
        const refs = [...dialect.texts(edited, side === 'requests' ? 'request' : 'response')]
        for (const ref of refs) ref.set(`<${ref.get()}>`)
        for (const ref of dialect.texts(edited, side === 'requests' ? 'request' : 'response')) {
          assert.ok(ref.get().startsWith('<') && ref.get().endsWith('>'), `${name} ${ref.path}`)
          ref.set(ref.get().slice(1, -1))
        }
        assert.deepEqual(edited, body(), name)
      }
    }
  })

  it('marks thinking that a signature covers', () => {
    const message = (details: JsonObject[]): JsonObject => ({
      choices: [{ index: 0, message: { content: 'a', reasoning_content: 'hm', reasoning_details: details } }]
    })
    const sealed = (body: JsonObject) =>
      [...dialect.texts(body, 'response')].filter(ref => ref.sealed).map(ref => ref.kind)
    const signed = {
      type: 'reasoning.text',
      text: 'hm',
      signature: 's',
      format: 'gatehouse/anthropic-messages',
      index: 0
    }
    assert.deepEqual(sealed(message([signed])), ['thinking', 'thinking'])
    assert.deepEqual(sealed(message([])), [])
  })

  it('keeps the pieces of one passage of a stream in one lane', () => {
    const lanes = (delta: JsonObject) => dialect.streamTexts({ choices: [{ index: 1, delta }] }).map(ref => ref.lane)
    assert.deepEqual(lanes({ content: 'a' }), lanes({ content: 'b' }))
    const all = [
      ...lanes({ content: 'a', reasoning_content: 'b', refusal: 'c' }),
      ...lanes({ tool_calls: [{ index: 0, function: { arguments: 'd' } }] }),
      ...lanes({ tool_calls: [{ index: 1, function: { arguments: 'e' } }] })
    ]
    assert.equal(new Set(all).size, 5)
    assert.ok(all.every(lane => lane.startsWith('1/')))
  })
})
