import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { dialects } from '../../../src/dialects/index.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { connectAll } from './all.ts'
import type { Answer, Client, Question, Schema, Tool } from './client.ts'
import { plainModel, simAs, thinkingModel } from './providers.ts'

/**
 * Every client before every provider dialect, whole and streamed: what an application does with its SDK works the same
 * whoever answers. The provider's own log is the second witness.
 */
const PROVIDERS = Object.keys(dialects)

/** A red pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='

const CITY: Schema = {
  type: 'object',
  properties: { city: { type: 'string', description: 'Its name.' } },
  required: ['city'],
  additionalProperties: false
}
const weather: Tool = { name: 'get_weather', description: 'Tells the weather.', schema: CITY }
const time: Tool = {
  name: 'get_time',
  description: 'Tells the time.',
  schema: {
    type: 'object',
    properties: { zone: { anyOf: [{ type: 'string', enum: ['Europe/Paris'] }, { type: 'null' }] } },
    required: ['zone'],
    additionalProperties: false
  }
}

type Asked = Omit<Question, 'model' | 'stream'>

/** Their makers do not think on in a tool loop whose thoughts are not signed. */
const WANTS_SIGNATURES = new Set(['anthropic-messages', 'bedrock-converse'])

interface Scenario {
  name: string
  asked: Asked
  /** The turns of the second call, made of the first answer. */
  next?: (answer: Answer) => Question['turns']
  check(answer: Answer, client: Client, provider: string): void
}

const SCENARIOS: Scenario[] = [
  {
    name: 'a text',
    asked: { system: 'Be brief.', turns: [{ said: 'hello there' }] },
    check: ({ text, finish, calls }) =>
      assert.deepEqual(
        { text, finish, calls },
        {
          text: 'You said: hello there',
          finish: 'stop',
          calls: []
        }
      )
  },
  {
    name: 'tool calls side by side, and their results',
    asked: { turns: [{ said: 'get_time and get_weather' }], tools: [weather, time] },
    next: answer => {
      assert.equal(answer.finish, 'tool-calls')
      assert.deepEqual(
        answer.calls.map(({ name }) => name),
        ['get_time', 'get_weather']
      )
      assert.equal(new Set(answer.calls.map(({ id }) => id)).size, 2)
      return [{ said: 'get_time and get_weather' }, { answer, results: ['noon', 'sunny'] }]
    },
    check: ({ text, finish }) => {
      assert.equal(finish, 'stop')
      assert.match(text, /noon/)
      assert.match(text, /sunny/)
    }
  },
  {
    name: 'thinking, kept over a tool call',
    asked: { turns: [{ said: 'get_weather' }], tools: [weather], thinking: true },
    next: answer => {
      assert.equal(answer.calls.length, 1)
      return [{ said: 'get_weather' }, { answer, results: ['sunny'] }]
    },
    check: ({ text, thinking }, { showsThinking, dropsSignatures }, provider) => {
      assert.match(text, /sunny/)
      if (dropsSignatures && WANTS_SIGNATURES.has(provider)) return
      const isShown = provider === 'openai-responses' ? showsThinking === 'asked' : showsThinking !== 'never'
      if (isShown) assert.notEqual(thinking, '')
    }
  },
  {
    name: 'an answer that fits a schema',
    asked: { turns: [{ said: 'which city?' }], schema: CITY },
    check: ({ text }) => assert.equal(typeof (JSON.parse(text) as { city: unknown }).city, 'string')
  },
  {
    name: 'a picture',
    asked: { turns: [{ said: 'what is this?', image: PNG }] },
    check: ({ text }) => assert.match(text, /image/i)
  }
]

describe('every client, every provider dialect', () => {
  let test: TestGateway
  let clients: Client[]
  before(async () => {
    test = await startTestGateway({ bare: true, providers: PROVIDERS.map(simAs).join('\n') })
    clients = connectAll(test.gateway.url)
  })
  after(() => test.close())

  for (const [at, name] of connectAll('http://127.0.0.1')
    .map(client => client.name)
    .entries()) {
    for (const provider of PROVIDERS) {
      describe(`${name}, ${provider}`, () => {
        for (const scenario of SCENARIOS) {
          it(scenario.name, async () => {
            const whole = await play(clients[at]!, provider, scenario, false)
            const stream = await play(clients[at]!, provider, scenario, true)
            assert.equal(unnamed(stream.text), unnamed(whole.text), 'the stream says what the whole reply says')
          })
        }
      })
    }
  }

  async function play(client: Client, provider: string, scenario: Scenario, stream: boolean): Promise<Answer> {
    test.seen()
    const question = {
      ...scenario.asked,
      model: `${provider}/${scenario.asked.thinking ? thinkingModel(provider) : plainModel(provider)}`,
      stream
    }
    let answer = await client.ask(question)
    if (scenario.next) answer = await client.ask({ ...question, turns: scenario.next(answer) })
    const entries = test.seen()
    assert.equal(entries.length, scenario.next ? 2 : 1)
    for (const entry of entries) {
      assert.equal(entry.dialect, provider)
      assert.equal(entry.status, 200)
    }
    scenario.check(answer, client, provider)
    const { outputTokens } = test.lines.at(-1)!.usage as { outputTokens: number }
    assert.equal(
      answer.outputTokens,
      outputTokens,
      "the client is told what the gateway counted, and that is the provider's"
    )
    return answer
  }
})

/** Ids of calls differ from one call to the next. */
function unnamed(text: string): string {
  return text.replace(/Result \S+ of/g, 'Result of')
}
