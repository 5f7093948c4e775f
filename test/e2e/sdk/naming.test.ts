import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { TestGateway } from '../../support/gateway.ts'
import { connectSdks, type Sdks } from '../../support/sdk.ts'
import { ask, type Client, type Request } from './ask.ts'
import { startGridGateway } from './grid.ts'
import { anthropicTools, PNG, weather } from './pieces.ts'

const CLIENTS = ['openai', 'anthropic'] as const
const MODES = ['whole', 'stream'] as const

const ROUTES = `
routes:
  smart: { fallback: [openai/503, anthropic/claude-opus-4-7] }
  plain: openai/gpt-4o
  tuned: { use: both/gpt-4o, params: { set: { temperature: 0.1 }, default: { top_p: 0.5 }, drop: [seed] } }
sim: true`

const LAB = '  lab: { base_url: "SIM/v1", models: [lab-one, lab-two], keys: [k], allow_private: ["127.0.0.0/8"] }'
/** Few enough that Anthropic's SDK must turn pages. */
const MODELS_A_PAGE = 2

const requestFor = (client: Client, model: string): Request => ({
  ...(client === 'anthropic' && { max_tokens: 500 }),
  model,
  messages: [{ role: 'user', content: 'hello' }]
})

describe('names, routes and the headers that tell what became of them', () => {
  let gateway: TestGateway
  let sdks: Sdks
  before(async () => {
    gateway = await startGridGateway({ yaml: ROUTES, providers: LAB })
    sdks = connectSdks(gateway.gateway.url)
  })
  after(() => gateway.close())

  const leads: [asked: string, provider: string, model: string][] = [
    ['gpt-4o', 'openai', 'gpt-4o'],
    ['o3', 'openai', 'o3'],
    ['claude-opus-4-7', 'anthropic', 'claude-opus-4-7'],
    ['openai/gpt-4o', 'openai', 'gpt-4o'],
    ['anthropic/claude-opus-4-7', 'anthropic', 'claude-opus-4-7'],
    ['both/vendor/model-x', 'both', 'vendor/model-x'],
    ['lab-one', 'lab', 'lab-one'],
    ['lab/lab-two', 'lab', 'lab-two'],
    ['lab/other', 'lab', 'other'],
    ['plain', 'openai', 'gpt-4o']
  ]
  for (const [asked, provider, model] of leads) {
    it(`${asked} leads to ${model} at ${provider}`, async () => {
      for (const client of CLIENTS) {
        for (const mode of MODES) {
          const { exchange, view } = await ask(sdks, client, mode, requestFor(client, asked))
          assert.equal(view.text, 'You said: hello')
          const [entry] = gateway.seen()
          assert.equal(entry!.model, model)
          const told = (name: string) => exchange.headers.get(`x-gatehouse-${name}`)
          assert.deepEqual([told('provider'), told('model'), told('attempts')], [provider, model, '1'])
        }
      }
    })
  }

  it('smart falls back to the other maker, and nobody but the headers can tell', async () => {
    // Its default retry each time, until five failures have opened its circuit; then it is left alone.
    const triesOfFirst = [2, 2, 1, 0]
    for (const client of CLIENTS) {
      for (const mode of MODES) {
        gateway.seen()
        const { exchange, view } = await ask(sdks, client, mode, requestFor(client, 'smart'))
        assert.equal(view.text, 'You said: hello')
        const entries = gateway.seen()
        const told = (name: string) => exchange.headers.get(`x-gatehouse-${name}`)
        assert.deepEqual(
          entries.map(({ model, status }) => [model, status]),
          [...Array(triesOfFirst.shift()).fill(['503', 503]), ['claude-opus-4-7', 200]]
        )
        assert.deepEqual(
          [told('provider'), told('model'), told('attempts'), told('fallback')],
          [...['anthropic', 'claude-opus-4-7', String(entries.length), '1']]
        )
        assert.equal(told('overhead-ms') !== null && Number(told('overhead-ms')) < 250, true, 'waits are not overhead')
      }
    }
  })

  it('a route may change parameters, for its own attempt only', async () => {
    const request = { ...requestFor('openai', 'tuned'), seed: 7, temperature: 1, user: 'u' }
    await ask(sdks, 'openai', 'whole', request)
    const [entry] = gateway.seen()
    const { model, messages, ...settings } = entry!.body as { [member: string]: unknown }
    assert.deepEqual([model, messages], ['gpt-4o', request.messages])
    assert.deepEqual(settings, { temperature: 0.1, user: 'u', top_p: 0.5 })
  })

  it('the beta door of the Anthropic SDK is the same door, and its flags go to Anthropic only', async () => {
    for (const [model, flags] of [
      ['claude-opus-4-7', 'context-management-2025-06-27'],
      ['gpt-4o', undefined]
    ] as const) {
      gateway.seen()
      const reply = await sdks.anthropic.beta.messages.create({
        model,
        max_tokens: 500,
        messages: [{ role: 'user', content: 'hello' }],
        betas: ['context-management-2025-06-27']
      })
      assert.deepEqual(
        reply.content.map(block => block.type),
        ['text']
      )
      assert.equal(gateway.seen()[0]!.headers['anthropic-beta'], flags)
    }
  })

  it('the simulated provider says that it is one', async () => {
    for (const client of CLIENTS) {
      for (const mode of MODES) {
        const { exchange, view } = await ask(sdks, client, mode, requestFor(client, 'sim/echo'))
        assert.equal(view.text, 'hello')
        assert.equal(exchange.headers.get('x-gatehouse-simulated'), 'true')
        assert.equal(exchange.headers.get('x-gatehouse-provider'), 'sim')
      }
    }
    assert.deepEqual(gateway.seen(), [])
  })

  it('models are listed for either SDK: routes, and both spellings', async () => {
    const listed: Record<Client, string[]> = { openai: [], anthropic: [] }
    for await (const { id } of sdks.openai.models.list()) listed.openai.push(id)
    for await (const { id, type } of sdks.anthropic.models.list({ limit: MODELS_A_PAGE })) {
      assert.equal(type, 'model')
      listed.anthropic.push(id)
    }
    assert.deepEqual(listed.anthropic, listed.openai, 'every page of the one is the list of the other')
    for (const id of ['smart', 'lab-one', 'lab/lab-one', 'lab/lab-two']) {
      assert.ok(listed.openai.includes(id), id)
    }
    assert.equal(new Set(listed.openai).size, listed.openai.length)
  })

  it('a model is retrieved by either SDK, in any spelling; an unknown one is not', async () => {
    for (const id of ['smart', 'lab-one', 'lab/lab-one']) {
      assert.equal((await sdks.openai.models.retrieve(id)).id, id)
      assert.equal((await sdks.anthropic.models.retrieve(id)).id, id)
    }
    await assert.rejects(sdks.openai.models.retrieve('no-such'), OpenAI.NotFoundError)
    await assert.rejects(sdks.anthropic.models.retrieve('no-such'), Anthropic.NotFoundError)
  })
})

describe('count_tokens', () => {
  let gateway: TestGateway
  let sdks: Sdks
  before(async () => {
    gateway = await startGridGateway()
    sdks = connectSdks(gateway.gateway.url)
  })
  after(() => gateway.close())

  const prompt = {
    system: 'Be brief.',
    tools: anthropicTools(weather) as Anthropic.Tool[],
    messages: [
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text: 'How many tokens is this?' },
          {
            type: 'image' as const,
            source: { type: 'base64' as const, media_type: 'image/png' as const, data: PNG }
          }
        ]
      }
    ]
  }

  it('Anthropic counts for itself, and for whoever speaks its dialect', async () => {
    const straight = await connectSdks(gateway.sim.url).anthropic.messages.countTokens({ model: 'x', ...prompt })
    for (const model of ['claude-opus-4-7', 'both/claude-opus-4-7']) {
      gateway.seen()
      const { data, response } = await sdks.anthropic.messages.countTokens({ model, ...prompt }).withResponse()
      assert.deepEqual(data, straight)
      const [entry] = gateway.seen()
      assert.equal(entry!.path, '/v1/messages/count_tokens')
      assert.deepEqual(entry!.body, { model: 'claude-opus-4-7', ...prompt })
      assert.equal(response.headers.get('x-gatehouse-attempts'), '1')
      assert.equal(response.headers.get('x-gatehouse-estimated'), null)
    }
  })

  it('for others it is estimated, and says so', async () => {
    const { data, response } = await sdks.anthropic.messages.countTokens({ model: 'gpt-4o', ...prompt }).withResponse()
    assert.ok(data.input_tokens > 50 && data.input_tokens < 10_000, String(data.input_tokens))
    assert.equal(response.headers.get('x-gatehouse-estimated'), 'true')
    assert.deepEqual(gateway.seen(), [])
  })
})
