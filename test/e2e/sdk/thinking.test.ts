import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { SimLogEntry } from '../../../src/sim/index.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { connectSdks, type Sdks } from '../../support/sdk.ts'
import { ask, type Client, type Mode } from './ask.ts'
import { runGrid, type Scenario, startGridGateway } from './grid.ts'
import { anthropicTools, openaiTools, toolMessages, toolResults, weather } from './pieces.ts'
import type { Body } from './view.ts'

const says = (content: string) => [{ role: 'user', content }]
/** Models that show what they think: DeepSeek's way, and Anthropic's, signed. */
const THINKERS: Record<Client, string> = { openai: 'reasoner', anthropic: 'claude-opus-4-7' }
const THOUGHT = /^The user wrote \d+ tokens\. I will answer plainly/

/** What only its maker can read, of the assistant turns that a provider was sent: blocks with their seals. */
function sealedIn(entry: SimLogEntry): Body[] {
  const { messages } = entry.body as { messages: Body[] }
  const blocks = messages.flatMap(({ content }) => (Array.isArray(content) ? (content as Body[]) : []))
  return blocks.filter(({ type }) => type === 'thinking' || type === 'redacted_thinking')
}

/** Two more turns, so that every thought is sent back, the last one at the end of the history and within it. */
const goOn: NonNullable<Scenario['next']> = [
  { openai: () => says('and now?'), anthropic: () => says('and now?') },
  { openai: () => says('and then?'), anthropic: () => says('and then?') }
]

const asking = (text: string): Pick<Scenario, Client> => ({
  openai: { messages: says(text), reasoning_effort: 'medium' },
  anthropic: { messages: says(text), thinking: { type: 'adaptive' }, output_config: { effort: 'medium' } }
})

const BUDGET: Pick<Scenario, 'openai' | 'anthropic' | 'model'> = {
  model: { openai: 'reasoner', anthropic: 'claude-opus-4-5' },
  openai: {
    messages: says('get_weather'),
    tools: openaiTools(weather),
    max_completion_tokens: 4096,
    reasoning_effort: 'low'
  },
  anthropic: {
    messages: says('get_weather'),
    tools: anthropicTools(weather),
    max_tokens: 4096,
    thinking: { type: 'enabled', budget_tokens: 2048 }
  }
}

const scenarios: Scenario[] = [
  {
    name: 'thinking that OpenAI counts and does not show',
    model: { openai: 'gpt-5.5', anthropic: 'claude-opus-4-7' },
    ...asking('hello'),
    reply: { text: 'You said: hello' },
    check: ({ tokens, view }, _entries, { spoken }) => {
      assert.ok(tokens!.reasoning > 0 && tokens!.reasoning < tokens!.output)
      assert.equal(view.thinking !== '', spoken === 'anthropic')
    }
  },
  {
    name: 'thinking over three turns, back to its maker bit by bit',
    model: THINKERS,
    ...asking('hello'),
    next: goOn,
    reply: { text: 'You said: and then?' },
    // The sim refuses a thought that is altered, moved or incomplete: that it answered at all says most of it.
    check: ({ view, tokens }, entries, { client, mode, spoken }) => {
      assert.match(view.thinking, THOUGHT)
      assert.ok(tokens!.reasoning > 0)
      const sent = sealedIn(entries[2]!)
      assert.equal(sent.length, spoken === 'anthropic' ? 2 : 0)
      for (const block of sent) assert.match(block.thinking as string, THOUGHT)
      const { messages } = entries[2]!.body as { messages: Body[] }
      // Of `reasoning_content` in a stream the OpenAI SDK's own accumulator keeps nothing that could be sent back.
      if (spoken === 'anthropic' || (client === 'openai' && mode === 'stream')) return
      assert.match(messages[1]!.reasoning_content as string, THOUGHT, 'a reasoner has its thoughts back')
    }
  },
  {
    name: 'hidden thinking over three turns',
    model: THINKERS,
    ...asking('REDACT this'),
    next: goOn,
    reply: { text: 'You said: and then?' },
    check: (_answer, entries, { spoken }) => {
      const types = sealedIn(entries[1]!).map(({ type }) => type)
      assert.deepEqual(types, spoken === 'anthropic' ? ['thinking', 'redacted_thinking'] : [])
    }
  },
  {
    name: 'thinking with a budget, in a tool loop',
    ...BUDGET,
    lost: ({ client, spoken }) => (client === 'anthropic' && spoken === 'openai' ? ['thinking.budget_tokens'] : []),
    next: [{ openai: toolMessages('sunny'), anthropic: toolResults({ content: 'sunny' }) }],
    reply: { text: 'Result #1 of get_weather: sunny.' },
    check: (_answer, entries, { spoken }) => {
      const { thinking } = entries[1]!.body as Body
      assert.deepEqual(thinking, spoken === 'anthropic' ? { type: 'enabled', budget_tokens: 2048 } : undefined)
      assert.equal(sealedIn(entries[1]!).length, spoken === 'anthropic' ? 1 : 0)
    }
  },
  {
    name: 'thinking turned off',
    model: THINKERS,
    openai: { messages: says('hello'), reasoning_effort: 'none' },
    anthropic: { messages: says('hello'), thinking: { type: 'disabled' } },
    crossed: { anthropic: { messages: says('hello') } },
    // The reasoner knows DeepSeek's own switch only; that it thinks anyway is its affair.
    reply: ({ spoken }) => ({ text: 'You said: hello', ...(spoken === 'anthropic' && { thinking: '' }) })
  }
]

runGrid('thinking', scenarios)

describe('a history that another maker wrote', () => {
  let gateway: TestGateway
  let sdks: Sdks
  before(async () => {
    gateway = await startGridGateway({
      providers: '  itself: { like: openai, base_url: "SIM/v1", keys: [sk-sim-itself], allow_private: ["127.0.0.0/8"] }'
    })
    sdks = connectSdks(gateway.gateway.url)
  })
  after(() => gateway.close())

  /** A turn at one model, the next at another. */
  async function change(client: Client, mode: Mode, from: string, to: string): Promise<SimLogEntry> {
    const { openai, anthropic } = asking('REDACT this')
    const first = {
      ...(client === 'openai' ? openai : { max_tokens: 900, ...anthropic }),
      messages: says('REDACT this')
    }
    const answer = await ask(sdks, client, mode, { ...first, model: from })
    assert.match(answer.view.thinking, THOUGHT)
    gateway.seen()
    const messages = [...first.messages, answer.turn, ...says('and now?')]
    const next = await ask(sdks, client, mode, { ...first, messages, model: to })
    assert.equal(next.view.text, 'You said: and now?')
    const [entry] = gateway.seen()
    assert.equal(entry!.status, 200)
    const hadThoughts = /"reasoning_content":"|"reasoning_details"|"thinking"/.test(JSON.stringify(answer.turn))
    const lost = next.exchange.headers.get('x-gatehouse-lost') ?? ''
    assert.equal(/messages\[1\]\S*(?:thinking|signature|reasoning)/.test(lost), hadThoughts)
    return entry!
  }

  for (const mode of ['whole', 'stream'] as const) {
    for (const client of ['openai', 'anthropic'] as const) {
      for (const to of ['openai/gpt-5.5', ...(client === 'openai' ? ['both/gpt-5.5'] : [])]) {
        it(`${client} client, ${mode}: Anthropic's signed thoughts do not go to ${to}`, async () => {
          const entry = await change(client, mode, 'claude-opus-4-7', to)
          assert.doesNotMatch(JSON.stringify(entry.body), /signature|gatehouse|I will answer plainly/)
        })
      }
    }
    for (const client of ['openai', 'anthropic'] as const) {
      it(`${client} client, ${mode}: a reasoner's thoughts do not go to OpenAI itself, which knows none`, async () => {
        const entry = await change(client, mode, 'openai/reasoner', 'itself/gpt-5.5')
        assert.doesNotMatch(JSON.stringify(entry.body), /reasoning_(?:content|details)|gatehouse|I will answer plainly/)
      })
    }
    it(`anthropic client, ${mode}: a reasoner's unsigned thoughts do not go to Anthropic`, async () => {
      const entry = await change('anthropic', mode, 'openai/reasoner', 'claude-opus-4-7')
      assert.doesNotMatch(JSON.stringify(entry.body), /signature|gatehouse|I will answer plainly/)
    })
    it(`openai client, ${mode}: a reasoner's unsigned thoughts do not go to Anthropic`, async () => {
      const entry = await change('openai', mode, 'openai/reasoner', 'claude-opus-4-7')
      assert.doesNotMatch(JSON.stringify(entry.body), /signature|gatehouse|I will answer plainly/)
    })
  }
})
