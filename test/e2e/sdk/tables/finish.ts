import assert from 'node:assert/strict'
import type { Client } from '../ask.ts'
import type { Cell, Scenario } from '../grid.ts'
import type { Choice } from '../view.ts'

const STOP: Record<Client, string> = { openai: 'stop', anthropic: 'end_turn' }
const LENGTH: Record<Client, string> = { openai: 'length', anthropic: 'max_tokens' }
const says = (content: string) => ({ messages: [{ role: 'user', content }] })

const DOCUMENT = {
  type: 'document',
  source: { type: 'text', media_type: 'text/plain', data: 'The lamp burns. The marsh is wide.' },
  title: 'Lamps',
  citations: { enabled: true }
}

const namesSequence = ({ client, spoken }: Cell) =>
  client === 'openai' && spoken === 'anthropic' ? ['choices[0].stop_sequence'] : []

export const finish: Scenario[] = [
  {
    name: 'a stop sequence',
    openai: { ...says('one two HALT three'), stop: ['HALT'] },
    anthropic: { ...says('one two HALT three'), stop_sequences: ['HALT'] },
    // Only Anthropic says which one it was; an OpenAI reply ends as any other.
    lost: namesSequence,
    reply: ({ client, spoken }) => ({
      text: 'You said: one two ',
      finish: client === 'anthropic' && spoken === 'anthropic' ? 'stop_sequence' : STOP[client],
      stopSequence: client === 'anthropic' && spoken === 'anthropic' ? 'HALT' : undefined
    })
  },
  {
    name: 'one stop sequence, as a text',
    openai: { ...says('one two HALT three'), stop: 'HALT' },
    anthropic: { impossible: 'the dialect takes a list only' },
    crossed: { anthropic: { ...says('one two HALT three'), stop_sequences: ['HALT'] } },
    lost: namesSequence,
    reply: { text: 'You said: one two ', finish: 'stop' }
  },
  {
    name: 'the cap on output',
    openai: { ...says('a b c d e f g h i j k l'), max_completion_tokens: 5 },
    anthropic: { ...says('a b c d e f g h i j k l'), max_tokens: 5 },
    reply: ({ client }) => ({ text: 'You said: a b', finish: LENGTH[client] })
  },
  {
    name: 'the cap on output, by its older name',
    openai: { ...says('a b c d e f g h i j k l'), max_completion_tokens: undefined, max_tokens: 5 },
    anthropic: { impossible: 'the dialect has one name for it' },
    crossed: { anthropic: { ...says('a b c d e f g h i j k l'), max_tokens: 5 } },
    reply: { text: 'You said: a b', finish: 'length' }
  },
  {
    name: 'no cap on output',
    openai: { ...says('hello'), max_completion_tokens: undefined },
    anthropic: { impossible: 'the dialect requires one' },
    crossed: { anthropic: { ...says('hello'), max_tokens: 8192 } },
    reply: { text: 'You said: hello', finish: 'stop' }
  },
  {
    name: 'a refusal in words',
    openai: says('Please REFUSE'),
    anthropic: says('Please REFUSE'),
    reply: ({ client, spoken }) => ({
      finish: spoken === 'openai' ? STOP[client] : { openai: 'content_filter', anthropic: 'refusal' }[client]
    }),
    check: answer => assert.match(answer.view.text, /./)
  },
  {
    name: 'a filter that cuts the answer',
    model: { openai: 'content-filter-finish', anthropic: 'content-filter-finish' },
    openai: says('one two three four five six'),
    anthropic: says('one two three four five six'),
    reply: ({ client }) => ({ finish: { openai: 'content_filter', anthropic: 'refusal' }[client] }),
    check: answer => assert.match(answer.view.text, /^You said: one/)
  },
  {
    name: 'two choices',
    openai: { ...says('hello'), n: 2 },
    anthropic: { impossible: 'the dialect has one choice' },
    crossed: { anthropic: says('hello') },
    lost: ({ crossing }) => (crossing ? ['n'] : []),
    reply: { text: 'You said: hello', finish: 'stop' },
    check: (answer, _entries, { crossing }) =>
      assert.deepEqual(
        answer.views.map(view => view.text),
        crossing ? ['You said: hello'] : ['You said: hello', 'You said: hello (2)']
      )
  },
  {
    name: 'log probabilities',
    openai: { ...says('hello'), logprobs: true, top_logprobs: 2 },
    anthropic: { impossible: 'the dialect has none' },
    crossed: { anthropic: says('hello') },
    lost: ({ crossing }) => (crossing ? ['logprobs'] : []),
    reply: { text: 'You said: hello' },
    check: (answer, _entries, { crossing }) => {
      const { logprobs } = (answer.reply as { choices: Choice[] }).choices[0]!
      if (crossing) return assert.equal(logprobs ?? null, null)
      assert.equal(logprobs!.content!.map(({ token }) => token).join(''), 'You said: hello')
      for (const { top_logprobs } of logprobs!.content!) assert.equal(top_logprobs.length, 2)
    }
  },
  {
    name: 'citations of a document',
    openai: { impossible: 'citations cannot be asked for' },
    anthropic: { messages: [{ role: 'user', content: [DOCUMENT, { type: 'text', text: 'What burns?' }] }] },
    crossed: {
      openai: {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: DOCUMENT.source.data },
              { type: 'text', text: 'What burns?' }
            ]
          }
        ]
      }
    },
    lost: ({ crossing }) => (crossing ? ['messages[0].content[0].citations', 'messages[0].content[0].title'] : []),
    reply: ({ crossing }) => ({
      citations: crossing
        ? []
        : [
            {
              type: 'char_location',
              cited_text: 'The lamp burns. ',
              document_index: 0,
              document_title: 'Lamps',
              start_char_index: 0,
              end_char_index: 16
            }
          ]
    })
  },
  {
    name: 'citations of the web',
    openai: { ...says('What burns?'), web_search_options: {} },
    anthropic: { impossible: 'a search is a hosted tool there' },
    crossed: { anthropic: says('What burns?') },
    lost: ({ crossing }) => (crossing ? ['web_search_options'] : []),
    reply: ({ crossing }) => ({
      citations: crossing
        ? []
        : [
            {
              type: 'url_citation',
              url_citation: { start_index: 26, end_index: 37, title: 'Example', url: 'https://example.com/' }
            }
          ]
    })
  }
]
