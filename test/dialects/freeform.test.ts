import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Event, Part, Tool } from '../../src/dialects/canonical.ts'
import { collect } from '../../src/dialects/collect.ts'
import type { StreamEncoder } from '../../src/dialects/dialect.ts'
import { encodingFreeform, encodingFunctions, freeText, jsonInput } from '../../src/dialects/freeform.ts'
import { dialects } from '../../src/dialects/index.ts'
import { translateRequest, translateResponse } from '../../src/dialects/translate.ts'
import type { JsonObject } from '../../src/json.ts'

type ToolCall = Extract<Part, { type: 'tool-call' }>

const TOOLS: Tool[] = [{ name: 'patch', freeform: {} }]
const call = (input: string, freeform?: true): Part => ({
  type: 'tool-call',
  id: 'c1',
  name: 'patch',
  input,
  ...(freeform && { freeform })
})

/** The events of one call whose input comes in these pieces. */
function* events(pieces: readonly string[], freeform?: true): Generator<Event> {
  yield { type: 'open', choice: 0, index: 0, part: call('', freeform) }
  for (const text of pieces) yield { type: 'delta', choice: 0, index: 0, text }
  yield { type: 'close', choice: 0, index: 0 }
  const finish = { unified: 'tool-calls', raw: 'tool_use', maker: 'anthropic-messages' } as const
  yield { type: 'finish', choice: 0, finish }
}

function rewritten(wrap: (encoder: StreamEncoder) => StreamEncoder, told: Iterable<Event>): Part {
  const heard: Event[] = []
  const encoder = wrap({ push: event => String(heard.push(event)) })
  for (const event of told) encoder.push(event)
  return collect(heard).choices[0]!.parts[0]!
}

function cut(text: string, places: readonly number[]): string[] {
  const ends = [...places.map(place => place % (text.length + 1)), text.length].sort((left, right) => left - right)
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end))
}

const texts = fc.string({ unit: 'binary', maxLength: 60 })
const cuts = fc.array(fc.nat(), { maxLength: 6 })

describe('free text as the input of a function, and back', () => {
  it('any text, whole', () => {
    fc.assert(
      fc.property(texts, text => assert.equal(freeText(jsonInput(call(text, true) as ToolCall)), text)),
      { seed: 3 }
    )
  })

  it('any text in any pieces, both ways', () => {
    fc.assert(
      fc.property(texts, cuts, cuts, (text, places, more) => {
        const asked = rewritten(encodingFunctions, events(cut(text, places), true))
        // A character cut in two is escaped in two.
        assert.deepEqual(JSON.parse((asked as ToolCall).input), { input: text })
        assert.equal('freeform' in asked, false)
        for (const json of [JSON.stringify({ input: text }), JSON.stringify({ input: text }, null, 2)]) {
          const read = rewritten(encoder => encodingFreeform(encoder, TOOLS), events(cut(json, more)))
          assert.deepEqual(read, call(text, true))
        }
      }),
      { numRuns: 300, seed: 5 }
    )
  })

  it('what a model writes instead is read the same whole and in pieces', () => {
    const cases: [json: string, text: string][] = [
      ['', ''],
      ['{}', ''],
      ['{"input":"a\nb\tc"}', 'a\nb\tc'],
      ['{"input":"C:\\work"}', 'C:\\work'],
      ['{"input":"cut of', 'cut of'],
      ['*** Begin Patch', '*** Begin Patch'],
      ['{"patch":"x"}', '{"patch":"x"}'],
      ['{"inp', '{"inp'],
      ['{"input":"a","more":1}', 'a']
    ]
    for (const [json, text] of cases) {
      assert.equal(freeText(json), text)
      for (let at = 0; at <= json.length; at += 1) {
        const pieces = [json.slice(0, at), json.slice(at)]
        assert.deepEqual(
          rewritten(encoder => encodingFreeform(encoder, TOOLS), events(pieces)),
          call(text, true)
        )
      }
    }
  })
})

describe('a custom tool crosses', () => {
  const grammar = { syntax: 'lark', definition: 'start: "a"' }
  const asked: JsonObject = {
    model: 'claude-sonnet-4-5',
    input: [
      { role: 'user', content: 'Mend it.' },
      { type: 'custom_tool_call', call_id: 'call_1', name: 'patch', input: 'a "b"\n' },
      { type: 'custom_tool_call_output', call_id: 'call_1', output: 'done' }
    ],
    tools: [{ type: 'custom', name: 'patch', description: 'Edits', format: { type: 'grammar', ...grammar } }],
    tool_choice: { type: 'custom', name: 'patch' }
  }
  const responses = dialects['openai-responses']

  it('to chat as a function too: most who speak it take functions alone', () => {
    const { body, losses } = translateRequest(responses, dialects['openai-chat'], asked)
    assert.deepEqual(losses, ['tools[0].format'])
    const [tool] = body.tools as { type: string; function: { parameters: JsonObject } }[]
    assert.deepEqual([tool!.type, tool!.function.parameters.required], ['function', ['input']])
    assert.deepEqual(body.tool_choice, { type: 'function', function: { name: 'patch' } })
    const [, turn] = body.messages as JsonObject[]
    const [call] = turn!.tool_calls as { function: { arguments: string } }[]
    assert.deepEqual(JSON.parse(call!.function.arguments), { input: 'a "b"\n' })
  })

  it('to Messages as a function, and the call of the reply comes back as free text', () => {
    const anthropic = dialects['anthropic-messages']
    const { body, losses, request } = translateRequest(responses, anthropic, asked)
    assert.deepEqual(losses, ['tools[0].format'])
    const [tool] = body.tools as { input_schema: JsonObject }[]
    assert.deepEqual(tool!.input_schema.required, ['input'])
    const turn = (body.messages as { content: JsonObject[] }[])[1]!
    assert.deepEqual(turn.content[0]!.input, { input: 'a "b"\n' })
    const reply = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'patch', input: { input: 'b\n' } }],
      stop_reason: 'tool_use',
      stop_sequence: null
    }
    for (const [to, read] of [
      [responses, (said: JsonObject) => (said.output as JsonObject[])[0]],
      [dialects['openai-chat'], (said: JsonObject) => custom(said)]
    ] as const) {
      const said = translateResponse(anthropic, to, reply, { request })
      assert.deepEqual(said.losses, [])
      assert.deepEqual([read(said.body)?.name, read(said.body)?.input], ['patch', 'b\n'], to.name)
    }
  })

  function custom(said: JsonObject): JsonObject | undefined {
    const [choice] = said.choices as { message: { tool_calls: { custom: JsonObject }[] } }[]
    return choice!.message.tool_calls[0]?.custom
  }
})
