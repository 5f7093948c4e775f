import type { Scenario } from '../grid.ts'

const STOP: Record<string, string> = { openai: 'stop', anthropic: 'end_turn' }

export const conversation: Scenario[] = [
  {
    name: 'text',
    openai: { messages: [{ role: 'user', content: 'Grüße aus 北京 👋\nline two' }] },
    anthropic: { messages: [{ role: 'user', content: 'Grüße aus 北京 👋\nline two' }] },
    reply: ({ client }) => ({
      text: 'You said: Grüße aus 北京 👋\nline two',
      calls: [],
      refusal: '',
      thinking: '',
      finish: STOP[client]!
    })
  },
  {
    name: 'text in several parts',
    openai: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'One. ' },
            { type: 'text', text: 'Two.' }
          ]
        }
      ]
    },
    anthropic: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'One. ' },
            { type: 'text', text: 'Two.' }
          ]
        }
      ]
    },
    reply: { text: 'You said: One. Two.' }
  },
  {
    name: 'a system message',
    openai: {
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hello' }
      ]
    },
    anthropic: { system: 'Be brief.', messages: [{ role: 'user', content: 'hello' }] },
    reply: { text: 'You said: hello' }
  },
  {
    name: 'a developer message',
    openai: {
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: 'hello' }
      ]
    },
    anthropic: { impossible: 'the dialect has one kind of instructions, `system`' },
    crossed: { anthropic: { system: 'Be brief.', messages: [{ role: 'user', content: 'hello' }] } },
    reply: { text: 'You said: hello' }
  },
  {
    name: 'system and developer messages together, as parts',
    openai: {
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'You are a lighthouse.' }] },
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: 'hello' }
      ]
    },
    anthropic: {
      system: [
        { type: 'text', text: 'You are a lighthouse.' },
        { type: 'text', text: 'Be brief.' }
      ],
      messages: [{ role: 'user', content: 'hello' }]
    },
    crossed: {
      openai: {
        messages: [
          {
            role: 'system',
            content: [
              { type: 'text', text: 'You are a lighthouse.' },
              { type: 'text', text: 'Be brief.' }
            ]
          },
          { role: 'user', content: 'hello' }
        ]
      }
    },
    reply: { text: 'You said: hello' }
  },
  {
    name: 'several turns',
    openai: {
      messages: [
        { role: 'user', content: 'first' },
        { role: 'assistant', content: 'I heard the first.' },
        { role: 'user', content: 'second' }
      ]
    },
    anthropic: {
      messages: [
        { role: 'user', content: 'first' },
        { role: 'assistant', content: 'I heard the first.' },
        { role: 'user', content: 'second' }
      ]
    },
    next: [
      {
        openai: () => [{ role: 'user', content: 'third' }],
        anthropic: () => [{ role: 'user', content: 'third' }]
      },
      {
        openai: () => [{ role: 'user', content: 'fourth' }],
        anthropic: () => [{ role: 'user', content: 'fourth' }]
      }
    ],
    reply: { text: 'You said: fourth' }
  },
  {
    name: 'settings that both dialects know',
    model: { openai: 'gpt-4o', anthropic: 'claude-sonnet-4-5' },
    openai: {
      messages: [{ role: 'user', content: 'hello' }],
      temperature: 0.3,
      stop: ['###', 'END'],
      user: 'user-17'
    },
    anthropic: {
      messages: [{ role: 'user', content: 'hello' }],
      temperature: 0.3,
      stop_sequences: ['###', 'END'],
      metadata: { user_id: 'user-17' }
    },
    reply: { text: 'You said: hello' }
  },
  {
    name: 'settings that only OpenAI knows',
    openai: {
      messages: [{ role: 'user', content: 'hello' }],
      seed: 7,
      frequency_penalty: 0.5,
      presence_penalty: -0.5,
      logit_bias: { '50256': -100 }
    },
    anthropic: { impossible: 'the dialect has no member for them' },
    crossed: { anthropic: { messages: [{ role: 'user', content: 'hello' }] } },
    lost: ({ crossing }) => (crossing ? ['seed', 'frequency_penalty', 'presence_penalty', 'logit_bias'] : []),
    reply: { text: 'You said: hello' }
  },
  {
    name: 'settings that only Anthropic knows',
    model: { openai: 'gpt-4o', anthropic: 'claude-sonnet-4-5' },
    openai: { impossible: 'the dialect has no member for them' },
    anthropic: { messages: [{ role: 'user', content: 'hello' }], top_k: 5 },
    crossed: { openai: { messages: [{ role: 'user', content: 'hello' }] } },
    lost: ({ crossing }) => (crossing ? ['top_k'] : []),
    reply: { text: 'You said: hello' }
  }
]
