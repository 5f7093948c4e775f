/** Providers' own caches, with the official clients: marks by policy, sessions that keep together, and what that saved. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { MessageParam } from '@anthropic-ai/sdk/resources'
import type { ChatCompletionMessageParam } from 'openai/resources'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { connectSdks, type Sdks } from '../support/sdk.ts'

const TOKEN = 'gh_admin_for-these-tests-only'
const MODEL = 'claude-sonnet-4-5'
const LOCAL = 'allow_private: ["127.0.0.0/8"]'
const KEYS = '{ key: sk-of-account-aaaa, id: a }, { key: sk-of-account-bbbb, id: b }'
const USD = 'input_mtok: 3, output_mtok: 15, cache_read_mtok: 0.3, cache_write_mtok: 3.75'
/** Well above the 1,024 tokens that the model keeps. */
const SYSTEM = 'You are the librarian of a large house and know where every book stands. '.repeat(120)

const PROVIDERS = `  claude: { like: anthropic, base_url: "SIM/v1", keys: [${KEYS}], ${LOCAL} }
  maker: { dialect: openai-chat, base_url: "SIM/v1", keys: [${KEYS}], ${LOCAL}, quirks: { cache_key: prompt_cache_key } }
  cloud: { dialect: bedrock-converse, base_url: "SIM", keys: [sk-of-account-cccc], ${LOCAL} }`

const YAML = `
overload: { loop_lag: 60s, memory: 99% }
auth: keys
keys: [{ name: app, key: sk-app-0123456789abcdef }]
prices:
  - { provider: claude, model: "*", usd: { ${USD} } }
  - { provider: cloud, model: "*", usd: { ${USD} } }
  - { provider: maker, model: "*", usd: { ${USD} } }
routes:
  marked: { to: claude/${MODEL}, prompt_cache: auto }
  points: { to: cloud/us.anthropic.${MODEL}-20250929-v1:0, prompt_cache: auto }
  plain: claude/${MODEL}
  apart: { to: { use: claude/${MODEL}, prompt_cache: { system: false, ttl: 1h } }, prompt_cache: auto }
  unmarked: { to: { use: claude/${MODEL}, prompt_cache: "off" }, prompt_cache: auto }
  keyed: { to: maker/assistant, prompt_cache: auto }
  halves:
    to: { split: [{ weight: 1, to: claude/${MODEL} }, { weight: 1, to: maker/assistant }] }
    sticky: session
`

describe("providers' own caches", () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-prompt-cache-'))
  let at: TestGateway
  let sdks: Sdks
  before(async () => {
    at = await startTestGateway({
      bare: true,
      providers: PROVIDERS,
      yaml: YAML,
      adminToken: new Secret(TOKEN),
      secret: new Secret('a secret of the process, long enough'),
      directory
    })
    sdks = connectSdks(at.gateway.url, 'sk-app-0123456789abcdef')
  })
  after(async () => {
    await at?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const admin = async (path: string) => {
    const answer = await send(`${at.gateway.url}/admin${path}`, {
      method: 'GET',
      headers: { authorization: `Bearer ${TOKEN}` }
    })
    assert.equal(answer.status, 200, answer.text)
    return answer.json()
  }
  const lastExchange = () => sdks.exchanges().at(-1)!.headers
  const lastCost = () => Number(lastExchange().get('x-gatehouse-cost-usd'))
  const usageOf = ({ cache_read_input_tokens: read, cache_creation_input_tokens: written }: JsonObject) => ({
    read,
    written
  })

  const askAnthropic = async (model: string, messages: MessageParam[], session: string, system = SYSTEM) => {
    const body = { model, max_tokens: 64, system, messages }
    const { content, usage } = await sdks.anthropic.messages.create(body, { headers: { 'x-session-id': session } })
    const text = content[0]?.type === 'text' ? content[0].text : ''
    return { text, ...usageOf(usage as unknown as JsonObject), cost: lastCost() }
  }

  test('the client of Anthropic: the second turn reads what the first wrote, and costs less', async () => {
    const asked = async (model: string) => {
      const question: MessageParam = { role: 'user', content: `Where is the atlas? ${model}` }
      const first = await askAnthropic(model, [question], `of-${model}`)
      const further: MessageParam[] = [
        question,
        { role: 'assistant', content: first.text },
        { role: 'user', content: 'And?' }
      ]
      return [first, await askAnthropic(model, further, `of-${model}`)] as const
    }
    const [plainFirst, plainSecond] = await asked('plain')
    assert.deepEqual([plainFirst.written, plainFirst.read, plainSecond.read], [0, 0, 0])
    const [first, second] = await asked('marked')
    assert.ok(Number(first.written) > 1_024 && first.read === 0)
    assert.equal(second.read, first.written)
    assert.ok(first.cost > plainFirst.cost && second.cost < plainSecond.cost)
    assert.ok(first.cost + second.cost < plainFirst.cost + plainSecond.cost)
  })

  for (const model of ['marked', 'points']) {
    test(`the client of OpenAI, crossed to ${model === 'points' ? 'Converse' : 'Anthropic'}: the same`, async () => {
      const ask = async (messages: ChatCompletionMessageParam[]) => {
        const headers = { 'x-session-id': 'crossed' }
        const { choices, usage } = await sdks.openai.chat.completions.create({ model, messages }, { headers })
        return {
          text: choices[0]!.message.content!,
          read: usage!.prompt_tokens_details?.cached_tokens,
          cost: lastCost()
        }
      }
      const begun: ChatCompletionMessageParam[] = [
        { role: 'system', content: `${SYSTEM} Speak softly.` },
        { role: 'user', content: 'Where is the globe?' }
      ]
      const first = await ask(begun)
      const second = await ask([
        ...begun,
        { role: 'assistant', content: first.text },
        { role: 'user', content: 'And?' }
      ])
      assert.ok(!first.read && Number(second.read) > 1_024)
      assert.ok(second.cost < first.cost)
    })
  }

  test('what was changed is in the row, and what it saved is shown by route', async () => {
    const { data } = await admin('/usage?of=requests&group_by=route')
    const lines = data as { group: { route: string | null }; prompt_saved_usd: string }[]
    const saved = Object.fromEntries(lines.map(line => [line.group.route, Number(line.prompt_saved_usd)]))
    assert.ok(saved.marked! > 0, JSON.stringify(saved))
    assert.equal(saved.plain, 0)
    await askAnthropic('marked', [{ role: 'user', content: 'Only once' }], 'once', `${SYSTEM}!`)
    const logs = await admin('/logs?limit=1')
    const row = await admin(`/logs/${(logs.data as { id: string }[])[0]!.id}`)
    const { details, prompt_saved_usd: net } = (row.request ?? row) as { details: JsonObject; prompt_saved_usd: string }
    assert.deepEqual(details.touches, ['model', 'system'])
    assert.ok(Number(net) < 0, 'to write costs more')
  })

  test('a target says otherwise than its route', async () => {
    at.seen()
    const turns: MessageParam[] = [
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'Two' },
      { role: 'user', content: 'Three' }
    ]
    await askAnthropic('unmarked', turns, 'u')
    assert.ok(!JSON.stringify(at.seen()[0]!.body).includes('cache_control'))
    await askAnthropic('apart', turns, 'u')
    const { system, messages } = at.seen()[0]!.body as { system: string; messages: { content: JsonObject[] }[] }
    assert.equal(system, SYSTEM)
    assert.deepEqual(messages[2]!.content[0]!.cache_control, { type: 'ephemeral', ttl: '1h' })
  })

  test("a client's own marks: not one more, and not one less", async () => {
    at.seen()
    const system = [{ type: 'text' as const, text: SYSTEM, cache_control: { type: 'ephemeral' as const } }]
    const body = { max_tokens: 9, system, messages: [{ role: 'user' as const, content: 'Hi' }] }
    await sdks.anthropic.messages.create({ model: 'marked', ...body })
    assert.deepEqual(at.seen()[0]!.body, { model: MODEL, ...body })
  })

  test('calls of one session go to one account, whose cache they find again; sessions spread over all', async () => {
    at.seen()
    const accounts = new Set<string>()
    for (let number = 0; number < 12; number++) {
      // Without a name for it, how it begins is the session.
      const session: Record<string, string> = number % 2 === 0 ? { 'x-session-id': `s${number}` } : {}
      const system = `${SYSTEM} House ${number}.`
      const question = { role: 'user' as const, content: `Book ${number}?` }
      const call = { model: 'marked', max_tokens: 9, system }
      await sdks.anthropic.messages.create({ ...call, messages: [question] }, { headers: session })
      const further = [
        question,
        { role: 'assistant' as const, content: 'Up there' },
        { role: 'user' as const, content: '?' }
      ]
      const { usage } = await sdks.anthropic.messages.create({ ...call, messages: further }, { headers: session })
      assert.ok(Number(usage.cache_read_input_tokens) > 1_024)
      const seen = at.seen().map(({ headers }) => headers['x-api-key'])
      assert.equal(new Set(seen).size, 1)
      accounts.add(seen[0]!)
    }
    assert.deepEqual([...accounts].sort(), ['…aaaa', '…bbbb'])
  })

  test('a split keeps sessions together where its route says so', async () => {
    at.seen()
    const ways = new Set<string>()
    for (let number = 0; number < 12; number++) {
      const headers = { 'x-session-id': `split ${number}` }
      for (const content of ['One', 'Two']) {
        await sdks.anthropic.messages.create(
          { model: 'halves', max_tokens: 9, messages: [{ role: 'user', content }] },
          { headers }
        )
      }
      const seen = at.seen().map(each => `${each.dialect} ${each.headers['x-api-key'] ?? each.headers.authorization}`)
      assert.equal(new Set(seen).size, 1)
      ways.add(seen[0]!.split(' ')[0]!)
    }
    assert.equal(ways.size, 2)
  })

  test('a provider that goes by a key of its own gets one for each conversation, unless the client says it', async () => {
    at.seen()
    const ask = async (content: string, more = {}) => {
      await sdks.openai.chat.completions.create({ model: 'keyed', messages: [{ role: 'user', content }], ...more })
      return (at.seen()[0]!.body as { prompt_cache_key?: string }).prompt_cache_key
    }
    const one = await ask('one')
    assert.match(one!, /^[\w-]{32}$/)
    assert.equal(await ask('one'), one)
    assert.notEqual(await ask('two'), one)
    assert.equal(await ask('one', { prompt_cache_key: 'mine' }), 'mine')
  })
})
