import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/openai-responses/index.ts'
import type { JsonObject } from '../../../src/json.ts'
import { fixtures, readSse } from '../../support/dialects.ts'

const body = (kind: 'requests' | 'responses', name: string): JsonObject =>
  fixtures('openai-responses', kind)
    .find(each => each.name === name)!
    .body()

describe('the texts of a request', () => {
  it('every one, with who says it and what it is', () => {
    const found = [...dialect.texts(body('requests', 'fullest'), 'request')]
    assert.deepEqual(
      found.map(({ path, role, kind, sealed }) => [path, role, kind, sealed]),
      [
        ['tools[0].description', 'tool', 'tool-description', false],
        ['tools[1].description', 'tool', 'tool-description', false],
        ['tools[3].description', 'tool', 'tool-description', false],
        ['tools[3].tools[0].description', 'tool', 'tool-description', false],
        ['instructions', 'system', 'text', false],
        ['input[0].content', 'system', 'text', false],
        ['input[1].content[0].text', 'system', 'text', false],
        ['input[2].content[0].text', 'user', 'text', false],
        ['input[3].summary[0].text', 'assistant', 'thinking', true],
        ['input[3].summary[1].text', 'assistant', 'thinking', true],
        ['input[4].content[0].text', 'assistant', 'text', false],
        ['input[4].content[1].text', 'assistant', 'text', false],
        ['input[5].arguments', 'assistant', 'tool-input', false],
        ['input[6].input', 'assistant', 'tool-input', false],
        ['input[7].arguments', 'assistant', 'tool-input', false],
        ['input[8].output', 'tool', 'tool-result', false],
        ['input[9].output[0].text', 'tool', 'tool-result', false],
        ['input[10].output', 'tool', 'tool-result', false],
        ['input[12].content', 'assistant', 'text', false],
        ['input[13].content[0].refusal', 'assistant', 'refusal', false],
        ['input[14].content', 'user', 'text', false]
      ]
    )
  })

  it('may be replaced in place', () => {
    for (const name of ['plain', 'coding-agent', 'fullest']) {
      const request = body('requests', name)
      for (const text of dialect.texts(request, 'request')) text.set(`<${text.get()}>`)
      const again = [...dialect.texts(request, 'request')]
      assert.ok(again.length > 0)
      for (const text of again) assert.match(text.get(), /^<[\s\S]*>$/)
    }
  })
})

describe('the texts of a reply', () => {
  it('words, calls, reasoning; what is encrypted seals its summary', () => {
    const kinds = (name: string) =>
      [...dialect.texts(body('responses', name), 'response')].map(
        ({ kind, sealed }) => `${kind}${sealed ? ' sealed' : ''}`
      )
    assert.deepEqual(kinds('tools'), ['text', 'tool-input', 'tool-input'])
    assert.deepEqual(kinds('reasoning'), ['thinking sealed', 'thinking sealed', 'text', 'text'])
    assert.deepEqual(kinds('open-reasoning'), ['thinking', 'text'])
    assert.deepEqual(kinds('refusal'), ['refusal'])
    assert.deepEqual(kinds('custom'), ['tool-input'])
  })

  it('of a stream: the pieces of a passage share a lane, each repetition of it has its own', () => {
    const stream = fixtures('openai-responses', 'streams').find(each => each.name === 'tools')!
    const lanes = new Map<string, string>()
    for (const { data } of readSse([stream.text])) {
      for (const text of dialect.streamTexts(JSON.parse(data) as JsonObject)) {
        lanes.set(text.lane, (lanes.get(text.lane) ?? '') + text.get())
      }
    }
    const said = [...lanes.values()].filter(text => text !== '')
    // Each passage: its pieces, then whole in the events that repeat it.
    assert.equal(said.filter(text => text === 'Let me see.').length, 5)
    assert.equal(said.filter(text => text === '{"harbour":"Husum"}').length, 4)
    assert.equal(said.filter(text => text === '{}').length, 4)
    assert.equal(said.length, 13)
  })
})
