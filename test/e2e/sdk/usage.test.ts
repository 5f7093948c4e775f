import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type OpenAI from 'openai'
import type { TestGateway } from '../../support/gateway.ts'
import { connectSdks, type Sdks } from '../../support/sdk.ts'
import { ask } from './ask.ts'
import { runGrid, type Scenario, startGridGateway } from './grid.ts'
import { anthropicTools, openaiTools, weather } from './pieces.ts'
import { type Body, tokensOf } from './view.ts'

/** Long enough for the providers' prompt caches, and another one for every scenario. */
const long = (name: string) => `${name}. ${'The lamp at the edge of the marsh burns every night. '.repeat(120)}`
const says = (content: unknown) => [{ role: 'user', content }]
const text = (words: string, ttl?: string) => ({
  type: 'text',
  text: words,
  ...(ttl !== undefined && { cache_control: { type: 'ephemeral', ...(ttl !== '' && { ttl }) } })
})

const again: Scenario['next'] = [{ openai: () => says('and now?'), anthropic: () => says('and now?') }]

const scenarios: Scenario[] = [
  {
    name: 'a prompt that is cached by itself',
    openai: { messages: [{ role: 'system', content: long('itself') }, ...says('hello')] },
    anthropic: { system: long('itself'), messages: says('hello') },
    next: again,
    reply: { text: 'You said: and now?' },
    check: ({ tokens }, _entries, { spoken }) => assert.equal(tokens!.cacheRead > 0, spoken === 'openai')
  },
  {
    name: 'cache marks with their lifetimes',
    openai: { impossible: 'OpenAI refuses marks, its cache needs none (crossing is tested below)' },
    anthropic: {
      tools: [{ ...anthropicTools(weather)[0]!, cache_control: { type: 'ephemeral', ttl: '1h' } }],
      system: [text(long('marked'), '1h'), text('Be brief.', '5m')],
      messages: says([text('hello', '')])
    },
    crossed: {
      openai: {
        tools: openaiTools(weather),
        messages: [{ role: 'system', content: [text(long('marked')), text('Be brief.')] }, ...says('hello')]
      }
    },
    lost: ({ crossing }) =>
      crossing
        ? [
            'messages[0].content[0].cache_control',
            'messages[0].content[1].cache_control',
            'messages[1].content[0].cache_control',
            'tools[0].cache_control'
          ]
        : [],
    next: again,
    reply: { text: 'You said: and now?' },
    check: ({ tokens }) => assert.ok(tokens!.cacheRead > 1000)
  }
]

runGrid('the prompt cache', scenarios)

describe('usage', () => {
  let gateway: TestGateway
  let sdks: Sdks
  before(async () => {
    gateway = await startGridGateway()
    sdks = connectSdks(gateway.gateway.url)
  })
  after(() => gateway.close())

  for (const mode of ['whole', 'stream'] as const) {
    it(`cache marks of an OpenAI client reach Anthropic, and what they cost comes back, ${mode}`, async () => {
      const request = {
        model: 'claude-opus-4-7',
        messages: [{ role: 'system', content: [text(long(`crossing ${mode}`), '1h')] }, ...says([text('hello', '')])]
      }
      gateway.seen()
      const first = await ask(sdks, 'openai', mode, request)
      const second = await ask(sdks, 'openai', mode, request)
      const [one, two] = gateway.seen()
      const { system, messages } = one!.body as Body
      assert.deepEqual(system, [text(long(`crossing ${mode}`), '1h')])
      assert.deepEqual(messages, [{ role: 'user', content: [text('hello', '')] }])
      assert.ok(first.tokens!.cacheWrite > 1000)
      assert.deepEqual([first.tokens, second.tokens], [tokensOf(one!.usage), tokensOf(two!.usage)])
      assert.equal(second.tokens!.cacheRead, first.tokens!.cacheWrite)
      const { usage } = first.reply as OpenAI.ChatCompletion
      assert.equal(usage!.total_tokens, usage!.prompt_tokens + usage!.completion_tokens)
      const { cache_creation } = one!.usage as { cache_creation: { ephemeral_1h_input_tokens: number } }
      const told = (usage as unknown as { cache_creation: Body }).cache_creation
      assert.equal(told.ephemeral_1h_input_tokens, cache_creation.ephemeral_1h_input_tokens)
    })
  }

  for (const model of ['gpt-4o', 'claude-opus-4-7', 'both/gpt-4o']) {
    const asked: [string, { stream_options?: OpenAI.ChatCompletionStreamOptions | null }][] = [
      ['without being asked for', {}],
      ['asked not to be', { stream_options: { include_usage: false } }],
      ['with null options', { stream_options: null }]
    ]
    for (const [name, options] of asked) {
      it(`a stream shows no usage ${name}, and the gateway has it all the same: ${model}`, async () => {
        gateway.seen()
        const messages = [{ role: 'user' as const, content: 'hello' }]
        const chunks = await sdks.openai.chat.completions.create({ model, messages, stream: true, ...options })
        for await (const chunk of chunks) {
          assert.equal(chunk.choices.length, 1)
          assert.equal(chunk.usage ?? null, null)
        }
        const [entry] = gateway.seen()
        assert.equal(entry!.usageSent, true)
        const { usage } = gateway.lines.at(-1) as { usage: { inputTokens: number; outputTokens: number } }
        const tokens = tokensOf(entry!.usage)!
        assert.deepEqual([usage.inputTokens, usage.outputTokens], [tokens.input, tokens.output])
      })
    }

    it(`a stream shows usage once, at its end, when it was asked for: ${model}`, async () => {
      const chunks: OpenAI.ChatCompletionChunk[] = []
      const body = { model, messages: [{ role: 'user' as const, content: 'hello' }], stream: true as const }
      for await (const chunk of await sdks.openai.chat.completions.create({
        ...body,
        stream_options: { include_usage: true }
      })) {
        chunks.push(chunk)
      }
      const last = chunks.pop()!
      assert.deepEqual(last.choices, [])
      assert.ok(last.usage!.total_tokens > 0)
      for (const chunk of chunks) assert.equal(chunk.usage, null)
    })
  }

  it('a stream of Anthropic begins with what the prompt took, and ends with what the answer took', async () => {
    for (const model of ['claude-opus-4-7', 'gpt-4o']) {
      const usages: Body[] = []
      const body = {
        model,
        max_tokens: 100,
        messages: [{ role: 'user' as const, content: 'hello' }],
        stream: true as const
      }
      for await (const event of await sdks.anthropic.messages.create(body)) {
        if (event.type === 'message_start') usages.push({ ...event.message.usage })
        if (event.type === 'message_delta') usages.push({ ...event.usage })
      }
      assert.equal(usages.length, 2)
      for (const usage of usages) assert.equal(typeof usage.input_tokens, 'number')
      assert.ok(Number(usages[1]!.output_tokens) > 1)
    }
  })

  it('numbers that the provider counts beyond our own estimate are passed on as they are', async () => {
    for (const client of ['openai', 'anthropic'] as const) {
      for (const provider of ['openai', 'anthropic'] as const) {
        gateway.seen()
        const cap = client === 'anthropic' ? { max_tokens: 500 } : {}
        const request = { ...cap, model: `${provider}/usage-over-estimate`, messages: says('hello') }
        const { tokens } = await ask(sdks, client, 'whole', request)
        assert.deepEqual(tokens, tokensOf(gateway.seen()[0]!.usage))
      }
    }
  })
})
