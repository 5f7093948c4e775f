/** Marks for the providers' own caches: where they stand, what they leave alone, and when there are none. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { dialect as anthropic } from '../../src/dialects/anthropic-messages/index.ts'
import { dialect as bedrock } from '../../src/dialects/bedrock-converse/index.ts'
import type { DialectName } from '../../src/dialects/canonical.ts'
import { dialects } from '../../src/dialects/index.ts'
import { readRequest, sayRequest } from '../../src/dialects/translate.ts'
import { isObject, type Json, JsonBody, type JsonObject } from '../../src/json.ts'
import type { PromptCache } from '../../src/routing/route.ts'
import { conversationOf, ranked } from '../../src/stages/conversation.ts'
import { cacheMarks } from '../../src/stages/prompt-cache.ts'

const AUTO: PromptCache = { tools: true, system: true, history: true, minTokens: 0, ttl: '5m' }
const SONNET = 'claude-sonnet-4-5'
const ON_BEDROCK = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
/** About 1,250 tokens. */
const LONG = 'All of this is read again and again. '.repeat(136)
const EPHEMERAL = { type: 'ephemeral' }
const POINT = { cachePoint: { type: 'default' } }
const TOOL = { name: 'look', description: LONG, input_schema: { type: 'object', properties: {} } }

type Dialect = typeof anthropic

function marked(body: JsonObject | string, more: Partial<PromptCache> = {}, at: Dialect = anthropic, model = SONNET) {
  const before = typeof body === 'string' ? JsonBody.of(Buffer.from(body)) : JsonBody.from(body)
  const edits = cacheMarks(before, { dialect: at, model, policy: { ...AUTO, ...more } })
  const after = edits.length === 0 ? before : before.edit(edits)
  return { edits, paths: edits.map(({ path }) => path.join('.')), text: after.bytes.toString(), body: after.object() }
}

const onBedrock = (body: JsonObject | string, more: Partial<PromptCache> = {}, model = ON_BEDROCK) =>
  marked(body, more, bedrock, model)

const said = (role: string, content: Json): JsonObject => ({ role, content })

describe('marks in the dialect of Anthropic', () => {
  test('a first call: behind its tools and its system prompt, which others share, and not behind its question', () => {
    const messages = [said('user', LONG)]
    const { body, paths } = marked({ model: SONNET, max_tokens: 9, tools: [TOOL], system: LONG, messages })
    assert.deepEqual(paths, ['tools.0.cache_control', 'system'])
    assert.deepEqual(body, {
      model: SONNET,
      max_tokens: 9,
      tools: [{ ...TOOL, cache_control: EPHEMERAL }],
      system: [{ type: 'text', text: LONG, cache_control: EPHEMERAL }],
      messages
    })
  })

  test('a single question that nobody shares anything with is left alone', () => {
    assert.deepEqual(marked({ messages: [said('user', LONG)] }).edits, [])
    assert.deepEqual(marked({ messages: [said('user', LONG), said('assistant', 'It begins')] }).edits, [])
  })

  test('a conversation: behind the newest turn of the user, and the one before, where the last call put its mark', () => {
    const seal = { type: 'thinking', thinking: LONG, signature: 'c2VhbA==' }
    const result = { type: 'tool_result', tool_use_id: 't', content: LONG }
    const messages = [
      said('user', LONG),
      said('assistant', [seal, { type: 'text', text: 'one' }]),
      said('user', [
        { type: 'text', text: 'and?' },
        { type: 'text', text: '' }
      ]),
      said('assistant', [seal, { type: 'tool_use', id: 't', name: 'look', input: {} }]),
      said('user', [result])
    ]
    const { body, paths } = marked({ system: LONG, messages })
    assert.deepEqual(paths, ['system', 'messages.2.content.0.cache_control', 'messages.4.content.0.cache_control'])
    assert.deepEqual((body.messages as Json[])[1], messages[1])
    assert.deepEqual((body.messages as Json[])[3], messages[3])
    const second = marked({ messages: messages.slice(0, 3) })
    assert.deepEqual(second.paths, ['messages.0.content', 'messages.2.content.0.cache_control'])
  })

  test('all but the marks stays as it came, byte for byte', () => {
    const long = LONG.trim()
    const text = `{ "max_tokens": 1e2,"messages" :[ {"role":"user","content":"\\u00e9 \\/ ${long}"},
      {"role":"assistant","content":[{"type":"thinking","thinking":"…","signature":"c2Vh\\/bA=="}]} ,
      {"role":"user","content":[{"text":"x\\u0041" , "type":"text"}],"z":1.0} ], "system":[ {"type":"text","text":"${long}"} ] }`
    const { text: after } = marked(text, { ttl: '1h' })
    const mark = ',"cache_control":{"type":"ephemeral","ttl":"1h"}'
    assert.equal(after.split(mark).length - 1, 3)
    const bare = `"content":[${JSON.stringify({ type: 'text', text: `é / ${long}` }).slice(0, -1)}${mark}}]`
    assert.ok(after.includes(bare), 'a bare string becomes the block that it stands for')
    assert.equal(after.replace(bare, `"content":"\\u00e9 \\/ ${long}"`).replaceAll(mark, ''), text)
  })

  test("a client's own marks are all there are", () => {
    const system = [{ type: 'text', text: LONG, cache_control: EPHEMERAL }]
    assert.deepEqual(marked({ system, tools: [TOOL], messages: [said('user', 'x')] }).edits, [])
    assert.deepEqual(marked({ cache_control: EPHEMERAL, system: LONG, messages: [said('user', 'x')] }).edits, [])
    // Words are no mark.
    const talk = [said('user', 'What is "cache_control"?')]
    assert.deepEqual(marked({ system: LONG, messages: talk }).paths, ['system'])
  })

  test('what is too short for the model to keep is not marked', () => {
    const body = { tools: [TOOL], system: LONG, messages: [said('user', 'x')] }
    const pathsAt = (model: string) => marked(body, {}, anthropic, model).paths
    assert.deepEqual(pathsAt('claude-opus-5'), ['tools.0.cache_control', 'system'])
    assert.deepEqual(pathsAt('claude-opus-4-8'), ['tools.0.cache_control', 'system'])
    assert.deepEqual(pathsAt('claude-opus-4-7'), ['system'])
    assert.deepEqual(pathsAt('claude-3-5-haiku-20241022'), ['system'])
    assert.deepEqual(pathsAt('claude-opus-4-5'), [])
    assert.deepEqual(pathsAt('claude-haiku-4-5@20251001'), [])
    assert.deepEqual(pathsAt('kimi-k2'), [], 'nobody says that it takes any')
    assert.deepEqual(marked(body, { minTokens: 2_000 }).paths, ['system'])
    assert.deepEqual(marked(body, { minTokens: 9_000 }).paths, [])
    const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(50_000) } }
    const turns = [said('user', [picture]), said('assistant', 'x'), said('user', 'y')]
    assert.deepEqual(marked({ messages: turns }, { minTokens: 2_000 }).paths, [], 'bytes of a picture are no text')
  })

  test('the policy says which', () => {
    const messages = [said('user', LONG), said('assistant', 'x'), said('user', 'y')]
    const body = { tools: [TOOL, { ...TOOL, name: 'later', defer_loading: true }], system: LONG, messages }
    assert.deepEqual(marked(body, { system: false, history: false }).paths, ['tools.0.cache_control'])
    assert.deepEqual(marked(body, { tools: false, history: false }).paths, ['system'])
    assert.deepEqual(marked(body, { tools: false, system: false }).paths, ['messages.0.content', 'messages.2.content'])
  })

  test('never more than four, none on a seal or an empty text, and nothing else changes', () => {
    const block = fc.oneof(
      fc.constantFrom(LONG, '', ' ', 'x').map(text => ({ type: 'text', text })),
      fc.constant({ type: 'thinking', thinking: LONG, signature: 'c2VhbA==' }),
      fc.constant({ type: 'redacted_thinking', data: 'c2VhbA==' }),
      fc.constant({ type: 'tool_result', tool_use_id: 't', content: LONG })
    )
    const content = fc.oneof(fc.constantFrom(LONG, '', 'x'), fc.array(block, { maxLength: 4 }))
    const turn = fc.record({ role: fc.constantFrom('user', 'assistant'), content })
    const body = fc.record(
      {
        messages: fc.array(turn, { maxLength: 8 }),
        system: content,
        tools: fc.array(fc.constant(TOOL), { maxLength: 3 })
      },
      { requiredKeys: ['messages'] }
    )
    fc.assert(
      fc.property(body, request => {
        const { text, body: after } = marked(request as unknown as JsonObject)
        assert.ok(text.split('"cache_control"').length - 1 <= 4)
        assert.deepEqual(unmarked(after), unmarked(request as unknown as JsonObject))
      }),
      { numRuns: 200 }
    )
  })
})

/** Without marks, and with every bare string as its block; fails on a mark where none may stand. */
function unmarked(body: JsonObject): Json {
  const walk = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(walk)
    if (!isObject(value)) return value
    const { cache_control: mark, ...rest } = value
    if (mark !== undefined) {
      assert.ok(!String(rest.type).includes('thinking'))
      assert.notEqual(rest.type === 'text' ? String(rest.text).trim() : 'x', '')
    }
    const entries = Object.entries(rest).map(([name, member]) => {
      const isBare = (name === 'content' || name === 'system') && typeof member === 'string' && rest.type === undefined
      return [name, isBare ? [{ type: 'text', text: member as string }] : walk(member as Json)]
    })
    return Object.fromEntries(entries)
  }
  return walk(body)
}

describe('marks in Converse', () => {
  const converse = {
    system: [{ text: LONG }],
    toolConfig: {
      tools: [{ toolSpec: { name: 'look', description: LONG, inputSchema: { json: { type: 'object' } } } }]
    },
    messages: [said('user', [{ text: LONG }]), said('assistant', [{ text: 'x' }]), said('user', [{ text: 'y' }])]
  }

  test('cache points behind tools, system prompt and turns; every other byte stays', () => {
    const { body, text } = onBedrock(converse)
    assert.deepEqual(body, {
      system: [...converse.system, POINT],
      toolConfig: { tools: [...converse.toolConfig.tools, POINT] },
      messages: [
        said('user', [{ text: LONG }, POINT]),
        said('assistant', [{ text: 'x' }]),
        said('user', [{ text: 'y' }, POINT])
      ]
    })
    assert.equal(text.replaceAll(`,${JSON.stringify(POINT)}`, ''), JSON.stringify(converse))
  })

  test('as each model takes them', () => {
    assert.deepEqual(onBedrock(converse, {}, 'amazon.nova-pro-v1:0').paths, [
      'system.1',
      'messages.0.content.1',
      'messages.2.content.1'
    ])
    for (const model of ['meta.llama3-1-70b-instruct-v1:0', 'anthropic.claude-3-sonnet-20240229-v1:0', 'arn:x']) {
      assert.deepEqual(onBedrock(converse, {}, model).paths, [], model)
    }
    const long = onBedrock(converse, { ttl: '1h' }).text
    assert.equal(long.split('"ttl":"1h"').length - 1, 4)
    assert.ok(!onBedrock(converse, { ttl: '1h' }, 'anthropic.claude-3-7-sonnet-20250219-v1:0').text.includes('ttl'))
    assert.deepEqual(onBedrock({ ...converse, system: [{ text: LONG }, POINT] }).paths, [])
  })
})

describe('marks in what another dialect said', () => {
  const tool = { name: 'look', description: LONG, parameters: { type: 'object', properties: {} } }
  const clients: Record<string, JsonObject> = {
    'openai-chat': {
      model: 'm',
      tools: [{ type: 'function', function: tool }],
      messages: [said('system', LONG), said('user', LONG), said('assistant', 'x'), said('user', 'y')]
    },
    'openai-responses': {
      model: 'm',
      instructions: LONG,
      tools: [{ type: 'function', ...tool, strict: false }],
      input: [said('user', LONG), said('assistant', 'x'), said('user', 'y')]
    },
    gemini: {
      systemInstruction: { parts: [{ text: LONG }] },
      tools: [{ functionDeclarations: [tool] }],
      contents: [
        { role: 'user', parts: [{ text: LONG }] },
        { role: 'model', parts: [{ text: 'x' }] },
        { role: 'user', parts: [{ text: 'y' }] }
      ]
    }
  }

  for (const [client, body] of Object.entries(clients)) {
    const cross = (to: Dialect, model: string) => {
      const request = readRequest(dialects[client as DialectName], to, body, { model, stream: false }, 'chat')
      request.model = model
      return sayRequest(to, request, 'chat').body
    }

    test(`${client} → anthropic-messages`, () => {
      const { body: said } = marked(cross(anthropic, SONNET))
      assert.deepEqual((said.tools as JsonObject[])[0]!.cache_control, EPHEMERAL)
      assert.deepEqual(said.system, [{ type: 'text', text: LONG, cache_control: EPHEMERAL }])
      const turns = said.messages as { content: JsonObject[] }[]
      assert.deepEqual(
        turns.map(({ content }) => content.at(-1)?.cache_control),
        [EPHEMERAL, undefined, EPHEMERAL]
      )
    })

    test(`${client} → bedrock-converse`, () => {
      const { body: said } = onBedrock(cross(bedrock, ON_BEDROCK))
      assert.deepEqual((said.toolConfig as { tools: Json[] }).tools.slice(1), [POINT])
      assert.deepEqual(said.system, [{ text: LONG }, POINT])
      const turns = said.messages as { content: JsonObject[] }[]
      assert.deepEqual(
        turns.map(({ content }) => content.slice(1)),
        [[POINT], [], [POINT]]
      )
    })
  }

  test("an OpenAI client's own mark is kept, and stays alone", () => {
    const system = { role: 'system', content: [{ type: 'text', text: LONG, cache_control: EPHEMERAL }] }
    const body = { model: 'm', messages: [system, said('user', LONG), said('assistant', 'x'), said('user', 'y')] }
    const request = readRequest(dialects['openai-chat'], anthropic, body, { model: SONNET, stream: false }, 'chat')
    const crossed = sayRequest(anthropic, request, 'chat').body
    assert.deepEqual(crossed.system, [{ type: 'text', text: LONG, cache_control: EPHEMERAL }])
    assert.deepEqual(marked(crossed).edits, [])
  })
})

describe('what keeps a conversation together', () => {
  const call = (body: JsonObject, headers: Record<string, string> = {}) =>
    ({ body: JsonBody.from(body), headers, dialect: anthropic }) as unknown as Parameters<typeof conversationOf>[0]
  const turns = (...texts: string[]) => texts.map((text, index) => said(index % 2 === 0 ? 'user' : 'assistant', text))

  test('its session, where the client names one; else how it begins', () => {
    const first = call({ messages: turns('a') })
    const later = call({ messages: turns('a', 'b', 'c') })
    assert.equal(conversationOf(first, 'key'), conversationOf(later, 'key'))
    assert.notEqual(conversationOf(first, 'key'), conversationOf(first, 'other'))
    assert.notEqual(conversationOf(first, 'key'), conversationOf(call({ messages: turns('b') }), 'key'))
    const one = call({ messages: turns('a') }, { 'x-session-id': 's' })
    const other = call({ messages: turns('z') }, { 'x-session-id': 's' })
    assert.equal(conversationOf(one, 'key'), conversationOf(other, 'key'))
    assert.match(conversationOf(one, 'key'), /^[\w-]{32}$/)
  })

  test('one that is missing moves its own conversations alone, and shares are kept', () => {
    const three = [
      { id: 'a', weight: 1 },
      { id: 'b', weight: 1 },
      { id: 'c', weight: 2 }
    ]
    const conversations = Array.from({ length: 2_000 }, (_, index) => `conversation ${index}`)
    const first = (of: typeof three, conversation: string) => ranked(of, conversation)[0]!.id
    const counts = { a: 0, b: 0, c: 0 }
    for (const conversation of conversations) {
      const chosen = first(three, conversation)
      counts[chosen as 'a' | 'b' | 'c']++
      const rest = three.filter(({ id }) => id !== 'b')
      if (chosen !== 'b') assert.equal(first(rest, conversation), chosen)
      assert.deepEqual(
        ranked(rest, conversation),
        ranked(three, conversation).filter(({ id }) => id !== 'b')
      )
    }
    assert.ok(Math.abs(counts.c - 1_000) < 100 && Math.abs(counts.a - 500) < 80, JSON.stringify(counts))
  })
})
