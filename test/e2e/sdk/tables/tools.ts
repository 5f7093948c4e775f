import assert from 'node:assert/strict'
import { type Client, callIds } from '../ask.ts'
import type { Scenario } from '../grid.ts'
import { anthropicTools, openaiTools, PNG, ping, time, toolMessages, toolResults, weather } from '../pieces.ts'
import type { Body } from '../view.ts'

const CALLED: Record<Client, string> = { openai: 'tool_calls', anthropic: 'tool_use' }
const ENDED: Record<Client, string> = { openai: 'stop', anthropic: 'end_turn' }

const says = (content: string) => [{ role: 'user', content }]
const weatherCall = { name: 'get_weather', input: { city: 'birch' } }
const timeCall = { name: 'get_time', input: { zone: 'Europe/Paris' } }

/** A request for tools in both dialects; `choice` is what differs in how they say it. */
function asking(text: string, choice: { openai?: Body; anthropic?: Body } = {}): Pick<Scenario, Client> {
  return {
    openai: { messages: says(text), tools: openaiTools(weather, time), ...choice.openai },
    anthropic: { messages: says(text), tools: anthropicTools(weather, time), ...choice.anthropic }
  }
}

const calling: Scenario[] = [
  {
    name: 'a tool call',
    ...asking('Please get_weather'),
    reply: ({ client }) => ({ text: '', calls: [weatherCall], finish: CALLED[client] })
  },
  {
    name: 'text before a tool call',
    ...asking('EXPLAIN, then get_weather'),
    reply: ({ client }) => ({ text: 'Let me call get_weather.', calls: [weatherCall], finish: CALLED[client] })
  },
  {
    name: 'parallel tool calls',
    ...asking('get_time and get_weather'),
    reply: ({ client }) => ({ calls: [timeCall, weatherCall], finish: CALLED[client] }),
    check: answer => assert.equal(new Set(callIds(answer)).size, 2)
  },
  {
    name: 'parallel tool calls off',
    ...asking('get_time and get_weather', {
      openai: { tool_choice: 'auto', parallel_tool_calls: false },
      anthropic: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } }
    }),
    reply: ({ client }) => ({ calls: [timeCall], finish: CALLED[client] })
  },
  {
    name: 'parallel tool calls off, without a choice',
    ...asking('get_time and get_weather', {
      openai: { parallel_tool_calls: false },
      anthropic: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } }
    }),
    crossed: {
      openai: {
        messages: says('get_time and get_weather'),
        tools: openaiTools(weather, time),
        tool_choice: 'auto',
        parallel_tool_calls: false
      }
    },
    reply: { calls: [timeCall] }
  },
  {
    name: 'choice auto',
    ...asking('hello', { openai: { tool_choice: 'auto' }, anthropic: { tool_choice: { type: 'auto' } } }),
    reply: ({ client }) => ({ text: 'You said: hello', calls: [], finish: ENDED[client] })
  },
  {
    name: 'choice none',
    ...asking('get_weather', { openai: { tool_choice: 'none' }, anthropic: { tool_choice: { type: 'none' } } }),
    reply: ({ client }) => ({ text: 'You said: get_weather', calls: [], finish: ENDED[client] })
  },
  {
    name: 'choice required',
    ...asking('hello', { openai: { tool_choice: 'required' }, anthropic: { tool_choice: { type: 'any' } } }),
    reply: ({ client }) => ({ calls: [weatherCall], finish: CALLED[client] })
  },
  {
    name: 'choice of one by name',
    ...asking('hello', {
      openai: { tool_choice: { type: 'function', function: { name: 'get_time' } } },
      anthropic: { tool_choice: { type: 'tool', name: 'get_time' } }
    }),
    // A call that was forced by name ends with `stop` at OpenAI itself; Anthropic's clients go on at `tool_use` only.
    reply: ({ client, spoken }) => ({
      calls: [timeCall],
      finish: client === 'openai' && spoken === 'openai' ? 'stop' : CALLED[client]
    })
  },
  {
    name: 'empty arguments',
    openai: { messages: says('ping'), tools: openaiTools(ping) },
    anthropic: { messages: says('ping'), tools: anthropicTools(ping) },
    next: [{ openai: toolMessages('pong'), anthropic: toolResults({ content: 'pong' }) }],
    reply: { text: 'Result #1 of ping: pong.' },
    check: (_answer, entries, { spoken }) =>
      assert.match(JSON.stringify(entries[1]!.body), spoken === 'openai' ? /"arguments":"\{\}"/ : /"input":\{\}/)
  }
]

const results: Scenario[] = [
  {
    name: 'a round trip over four turns',
    ...asking('get_time and get_weather'),
    next: [
      {
        openai: toolMessages('noon', 'sunny'),
        anthropic: toolResults({ content: 'noon' }, { content: 'sunny' })
      },
      { openai: () => says('Now get_weather again'), anthropic: () => says('Now get_weather again') },
      { openai: toolMessages('rain'), anthropic: toolResults({ content: 'rain' }) }
    ],
    reply: ({ client }) => ({ text: 'Result #3 of get_weather: rain.', calls: [], finish: ENDED[client] }),
    check: (_answer, entries) => {
      assert.equal(entries.length, 4)
      const [, second] = entries
      const ids = JSON.stringify(second!.body).match(/(?:call|toolu)_\w{20,}/g)!
      assert.equal(ids.length, 4)
      assert.equal(new Set(ids).size, 2, 'each result names its own call')
    }
  },
  {
    name: 'a failed tool',
    openai: { impossible: 'a tool message cannot say that the tool failed' },
    anthropic: { messages: says('get_weather'), tools: anthropicTools(weather) },
    crossed: { openai: { messages: says('get_weather'), tools: openaiTools(weather) } },
    next: [{ openai: () => [], anthropic: toolResults({ content: 'no such city', is_error: true }) }],
    reply: ({ crossing }) => ({ text: `Result #1 of get_weather${crossing ? '' : ' failed'}: no such city.` }),
    check: (answer, _entries, { crossing }) => {
      const lost = answer.exchange.headers.get('x-gatehouse-lost') ?? ''
      assert.equal(lost.includes('messages[2].content[0].is_error'), crossing)
    }
  },
  {
    name: 'a result of several texts',
    ...asking('get_weather'),
    next: [
      {
        openai: answer => [
          {
            role: 'tool',
            tool_call_id: callIds(answer)[0],
            content: [
              { type: 'text', text: 'sunny, ' },
              { type: 'text', text: 'windy' }
            ]
          }
        ],
        anthropic: toolResults({
          content: [
            { type: 'text', text: 'sunny, ' },
            { type: 'text', text: 'windy' }
          ]
        })
      }
    ],
    reply: { text: 'Result #1 of get_weather: sunny, windy.' }
  },
  {
    name: 'a result with an image',
    openai: { impossible: 'a tool message holds texts only' },
    anthropic: { messages: says('get_weather'), tools: anthropicTools(weather) },
    crossed: { openai: { messages: says('get_weather'), tools: openaiTools(weather) } },
    next: [
      {
        openai: () => [],
        anthropic: toolResults({
          content: [
            { type: 'text', text: 'see the radar' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }
          ]
        })
      }
    ],
    reply: {},
    check: (answer, entries, { crossing }) => {
      if (!crossing) {
        assert.match(answer.view.text, /: see the radar\. With 1 image \(image\/png, \d+ bytes\)\.$/)
        return
      }
      // OpenAI's tool messages take text only: the image follows in a user message.
      assert.match(answer.view.text, /I see 1 image \(image\/png, \d+ bytes\)\.$/)
      const messages = (entries[1]!.body as { messages: Body[] }).messages
      assert.deepEqual(messages.slice(-2), [
        { role: 'tool', tool_call_id: callIdIn(messages), content: 'see the radar' },
        { role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }] }
      ])
    }
  },
  {
    name: 'an empty result',
    ...asking('get_weather'),
    next: [{ openai: toolMessages(''), anthropic: toolResults({ content: '' }) }],
    reply: { text: 'Result #1 of get_weather: .' }
  },
  {
    name: 'a result followed by words',
    ...asking('get_weather'),
    next: [
      {
        openai: answer => [...toolMessages('sunny')(answer), { role: 'user', content: 'and now?' }],
        anthropic: answer => [
          {
            role: 'user',
            content: [
              { type: 'tool_result', tool_use_id: callIds(answer)[0], content: 'sunny' },
              { type: 'text', text: 'and now?' }
            ]
          }
        ]
      }
    ],
    // The sim at OpenAI's door answers the words, at Anthropic's the result of the same turn.
    reply: ({ spoken }) => ({
      text: spoken === 'openai' ? 'You said: and now?' : 'Result #1 of get_weather: sunny.'
    })
  }
]

function callIdIn(messages: Body[]): string {
  const calls = messages.find(message => message.tool_calls !== undefined)!.tool_calls as { id: string }[]
  return calls[0]!.id
}

export const tools: Scenario[] = [...calling, ...results]
