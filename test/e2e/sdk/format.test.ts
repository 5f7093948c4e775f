import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type Anthropic from '@anthropic-ai/sdk'
import { ContentFilterFinishReasonError } from 'openai/error'
import type { TestGateway } from '../../support/gateway.ts'
import { connectSdks, type Sdks } from '../../support/sdk.ts'
import { runGrid, type Scenario, startGridGateway } from './grid.ts'

const SCHEMA = {
  type: 'object',
  properties: {
    city: { type: 'string' },
    // The sim's sample of a number is 7.
    degrees: { type: 'integer' },
    sky: { type: 'string', enum: ['clear', 'cloudy'] }
  },
  required: ['city', 'degrees', 'sky'],
  additionalProperties: false
} as const
const FILLED = { city: 'birch', degrees: 7, sky: 'clear' }

const OPENAI_FORMAT = { type: 'json_schema', json_schema: { name: 'answer', schema: SCHEMA } } as const
const ANTHROPIC_FORMAT = { type: 'json_schema', schema: SCHEMA } as const

const says = (content: string) => ({ messages: [{ role: 'user' as const, content }] })

const scenarios: Scenario[] = [
  {
    name: 'a JSON schema',
    openai: { ...says('Weather?'), response_format: OPENAI_FORMAT },
    anthropic: { ...says('Weather?'), output_config: { format: ANTHROPIC_FORMAT } },
    reply: { text: JSON.stringify(FILLED) }
  },
  {
    name: 'a strict JSON schema with a name',
    openai: {
      ...says('Weather?'),
      response_format: { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema: SCHEMA } }
    },
    anthropic: { impossible: 'a format has no name there, and is always strict' },
    crossed: { anthropic: { ...says('Weather?'), output_config: { format: ANTHROPIC_FORMAT } } },
    reply: { text: JSON.stringify(FILLED) }
  },
  {
    name: 'a schema that the other provider cannot compile',
    openai: {
      ...says('How many?'),
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'answer',
          schema: { type: 'object', properties: { count: { type: 'integer', minimum: 3 } }, required: ['count'] }
        }
      }
    },
    anthropic: { impossible: 'the provider refuses `minimum`' },
    crossed: {
      anthropic: {
        ...says('How many?'),
        output_config: {
          format: {
            type: 'json_schema',
            schema: {
              type: 'object',
              properties: { count: { type: 'integer', description: '(minimum: 3)' } },
              required: ['count'],
              additionalProperties: false
            }
          }
        }
      }
    },
    lost: ({ crossing }) => (crossing ? ['response_format.schema.properties.count.minimum'] : []),
    reply: { text: '{"count":7}' }
  },
  {
    name: 'JSON without a schema',
    openai: { ...says('As json, please'), response_format: { type: 'json_object' } },
    anthropic: { impossible: 'the dialect has no such format' },
    crossed: { anthropic: says('As json, please') },
    lost: ({ crossing }) => (crossing ? ['response_format'] : []),
    reply: ({ crossing }) => ({ text: crossing ? 'You said: As json, please' : '{"said":"As json, please"}' })
  }
]

runGrid('structured output', scenarios)

describe("structured output, by the SDKs' own helpers", () => {
  let gateway: TestGateway
  let sdks: Sdks
  before(async () => {
    gateway = await startGridGateway()
    sdks = connectSdks(gateway.gateway.url)
  })
  after(() => gateway.close())

  const refusing = { ...says('REFUSE'), response_format: OPENAI_FORMAT }
  const refusingMessages = { max_tokens: 500, ...says('REFUSE'), output_config: { format: ANTHROPIC_FORMAT } }

  it('a refusal instead of the JSON: OpenAI has a member of its own for it', async () => {
    const reply = await sdks.openai.chat.completions.parse({ model: 'gpt-4o', ...refusing })
    const [choice] = reply.choices
    assert.deepEqual([choice!.finish_reason, choice!.message.content, choice!.message.parsed], ['stop', null, null])
    assert.match(choice!.message.refusal!, /sorry/)
    const stream = sdks.openai.chat.completions.stream({ model: 'gpt-4o', ...refusing })
    assert.equal((await stream.finalMessage()).refusal, choice!.message.refusal)
  })

  it('a refusal instead of the JSON, crossing: nobody takes its words for JSON', async () => {
    const crossing = { model: 'claude-opus-4-7', ...refusing }
    await assert.rejects(sdks.openai.chat.completions.parse(crossing), ContentFilterFinishReasonError)
    const finishes: unknown[] = []
    for await (const chunk of await sdks.openai.chat.completions.create({ ...crossing, stream: true })) {
      finishes.push(...chunk.choices.map(choice => choice.finish_reason))
    }
    assert.equal(finishes.at(-1), 'content_filter')
    const native = { model: 'claude-opus-4-7', ...refusingMessages } as Anthropic.MessageCreateParamsNonStreaming
    for (const body of [native, { ...native, model: 'gpt-4o' }]) {
      const whole = await sdks.anthropic.messages.create(body)
      const stream = await sdks.anthropic.messages.create({ ...body, stream: true })
      assert.equal(whole.stop_reason, 'refusal')
      const reasons: unknown[] = []
      for await (const event of stream) if (event.type === 'message_delta') reasons.push(event.delta.stop_reason)
      assert.deepEqual(reasons, ['refusal'])
    }
  })

  for (const model of ['gpt-4o', 'claude-opus-4-7']) {
    it(`chat.completions.parse, ${model}`, async () => {
      const body = { model, ...says('Weather?'), response_format: OPENAI_FORMAT }
      const reply = await sdks.openai.chat.completions.parse(body)
      assert.deepEqual(reply.choices[0]!.message.parsed, FILLED)
    })

    it(`chat.completions.stream with a format, ${model}`, async () => {
      const body = { model, ...says('Weather?'), response_format: OPENAI_FORMAT }
      const reply = await sdks.openai.chat.completions.stream(body).finalChatCompletion()
      assert.deepEqual(reply.choices[0]!.message.parsed, FILLED)
    })

    it(`messages.parse, ${model}`, async () => {
      const body = { model, max_tokens: 500, ...says('Weather?'), output_config: { format: ANTHROPIC_FORMAT } }
      const reply = await sdks.anthropic.messages.parse(body as Anthropic.MessageCreateParamsNonStreaming)
      assert.deepEqual(reply.parsed_output, FILLED)
    })
  }
})
