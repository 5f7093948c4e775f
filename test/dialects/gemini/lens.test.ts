import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/gemini/index.ts'
import type { JsonObject } from '../../../src/json.ts'
import { fixtures, readSse } from '../../support/dialects.ts'

describe('the lens', () => {
  it('finds every text of a request, with its place and who said it', () => {
    const body: JsonObject = {
      system_instruction: { parts: { text: 'S' } },
      contents: [
        { role: 'user', parts: [{ text: 'U' }] },
        {
          role: 'model',
          parts: [
            { text: 'T', thought: true },
            { text: 'A', thought_signature: 'x' },
            { function_call: { name: 'f', args: { a: 'b' } } },
            { executableCode: { code: 'C' } }
          ]
        },
        {
          parts: [
            { functionResponse: { name: 'f', response: { list: ['R1', { deep: 'R2' }], n: 1 } } },
            { codeExecutionResult: { output: 'O' } }
          ]
        }
      ]
    }
    const found = [...dialect.texts(body, 'request')]
    assert.deepEqual(
      found.map(({ path, role, kind, sealed, get }) => [path, role, kind, sealed, get()]),
      [
        ['system_instruction.parts.text', 'system', 'text', false, 'S'],
        ['contents[0].parts[0].text', 'user', 'text', false, 'U'],
        ['contents[1].parts[0].text', 'assistant', 'thinking', false, 'T'],
        ['contents[1].parts[1].text', 'assistant', 'text', true, 'A'],
        ['contents[1].parts[2].function_call.args', 'assistant', 'tool-input', false, '{"a":"b"}'],
        ['contents[1].parts[3].executableCode.code', 'assistant', 'tool-input', false, 'C'],
        ['contents[2].parts[0].functionResponse.response.list[0]', 'tool', 'tool-result', false, 'R1'],
        ['contents[2].parts[0].functionResponse.response.list[1].deep', 'tool', 'tool-result', false, 'R2'],
        ['contents[2].parts[1].codeExecutionResult.output', 'tool', 'tool-result', false, 'O']
      ]
    )
    for (const ref of found) ref.set(ref.kind === 'tool-input' && ref.get().startsWith('{') ? '{"a":"*"}' : '*')
    assert.deepEqual(
      [...dialect.texts(body, 'request')].map(({ get }) => get()),
      found.map(({ get }) => get())
    )
    assert.ok(!JSON.stringify(body).includes('R2'))
    assert.deepEqual(
      found.map(ref => ref.get()).filter(each => each !== '*'),
      ['{"a":"*"}']
    )
  })

  it('what is masked in a body is what the codec reads then', () => {
    for (const { name, body } of fixtures('gemini', 'responses')) {
      const masked = body()
      for (const ref of dialect.texts(masked, 'response')) if (ref.kind === 'text') ref.set('masked')
      if (name === 'blocked') continue
      const { parts } = dialect.decodeResponse(masked).choices[0]!
      for (const part of parts) if (part.type === 'text') assert.equal(part.text, 'masked', name)
    }
  })

  it('pieces of one passage of a stream share a lane', () => {
    const [stream] = fixtures('gemini', 'streams').filter(({ name }) => name === 'tools')
    const lanes = new Map<string, string>()
    for (const { data } of readSse([stream!.text])) {
      for (const { lane, get } of dialect.streamTexts(JSON.parse(data)))
        lanes.set(lane, (lanes.get(lane) ?? '') + get())
    }
    assert.equal(lanes.get('0/text'), 'One moment.')
    assert.equal(lanes.get('0/thinking'), 'I must ask twice.')
  })
})
