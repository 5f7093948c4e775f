import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatRequest } from '../../../src/dialects/canonical.ts'
import type { JsonObject } from '../../../src/json.ts'
import { fit } from './support.ts'

describe('tools of another dialect', () => {
  const tools = [{ name: 'f', input: { type: 'object', properties: { a: { type: 'string' } } } }]

  it('one without parameters takes an empty object', () => {
    const { body } = fit({ tools: [{ name: 'f' }, { name: 'g', input: {} }] })
    const empty = { type: 'object', properties: {} }
    assert.deepEqual(body.tools, [
      { name: 'f', input_schema: empty },
      { name: 'g', input_schema: empty }
    ])
  })

  it('a foreign hosted tool is named, and a choice without tools has nothing to choose', () => {
    const native = { maker: 'openai-chat', value: { type: 'web_search' } } as const
    const { body, losses } = fit({ tools: [{ name: 'web_search', native }], toolChoice: { type: 'required' } })
    assert.equal(body.tools, undefined)
    assert.equal(body.tool_choice, undefined)
    assert.deepEqual(losses, ['tools[0]', 'tool_choice'])
  })

  const choices: [string, Partial<ChatRequest>, JsonObject | undefined, string[]][] = [
    ['auto', { toolChoice: { type: 'auto' } }, { type: 'auto' }, []],
    ['required', { toolChoice: { type: 'required' } }, { type: 'any' }, []],
    ['one', { toolChoice: { type: 'tool', name: 'f' } }, { type: 'tool', name: 'f' }, []],
    ['none', { toolChoice: { type: 'none' }, parallelToolCalls: false }, { type: 'none' }, []],
    ['no parallel calls', { parallelToolCalls: false }, { type: 'auto', disable_parallel_tool_use: true }, []],
    ['parallel calls', { parallelToolCalls: true }, undefined, []],
    [
      'forced while it thinks',
      { toolChoice: { type: 'required' }, reasoning: { effort: 'low' } },
      { type: 'auto' },
      ['tool_choice']
    ],
    [
      'forced where that is over',
      { toolChoice: { type: 'required' }, model: 'claude-haiku-5-5' },
      { type: 'auto' },
      ['tool_choice']
    ]
  ]
  for (const [name, request, expected, losses] of choices) {
    it(`choice: ${name}`, () => {
      const made = fit({ ...request, tools })
      assert.deepEqual(made.body.tool_choice, expected)
      assert.deepEqual(made.losses, losses)
    })
  }

  it('schemas the provider compiles lose what it cannot compile, by name', () => {
    const schema = {
      type: 'object',
      properties: {
        age: { type: 'integer', description: 'In years', minimum: 0 },
        tags: { type: 'array', items: { type: 'string', maxLength: 9, format: 'date' }, minItems: 2 },
        kind: { oneOf: [{ type: 'string' }, { type: 'object', properties: {} }] }
      },
      required: ['age']
    }
    const { body, losses } = fit({ format: { type: 'json-schema', name: 'x', schema, strict: true } })
    assert.deepEqual(body.output_config, {
      format: {
        type: 'json_schema',
        schema: {
          type: 'object',
          properties: {
            age: { type: 'integer', description: 'In years (minimum: 0)' },
            tags: {
              type: 'array',
              items: { type: 'string', description: '(maxLength: 9)', format: 'date' },
              description: '(minItems: 2)'
            },
            kind: { anyOf: [{ type: 'string' }, { type: 'object', properties: {}, additionalProperties: false }] }
          },
          required: ['age'],
          additionalProperties: false
        }
      }
    })
    assert.deepEqual(losses, [
      'response_format.schema.properties.age.minimum',
      'response_format.schema.properties.tags.items.maxLength',
      'response_format.schema.properties.tags.minItems'
    ])
    const loose = { type: 'object', properties: { a: { type: 'integer', minimum: 1 } } }
    assert.deepEqual(fit({ tools: [{ name: 'f', input: loose }] }).losses, [])
    assert.deepEqual(fit({ tools: [{ name: 'f', input: loose, strict: true }] }).losses, [
      'tools[0].parameters.properties.a.minimum'
    ])
  })
})
