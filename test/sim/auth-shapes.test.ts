import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { type Any, ask, eventsOf, send, simForTests, TOOLS } from './helpers.ts'

/** What Azure and Vertex AI add to, and leave out of, dialects that others made: beside recorded traffic. */
const CORPUS = process.env.WIRE_CORPUS ?? path.resolve(import.meta.dirname, '../../../shared/wire')
const skip = existsSync(path.join(CORPUS, 'vertex')) ? false : 'no recorded traffic here (WIRE_CORPUS)'

const sim = await simForTests()

function membersOf(values: Any[]): Set<string> {
  const members = new Set<string>()
  const visit = (value: Any, prefix: string): void => {
    if (Array.isArray(value)) for (const one of value) visit(one, `${prefix}[]`)
    else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value)) {
        members.add(`${prefix}.${name}`)
        if (name !== 'input') visit(member, `${prefix}.${name}`)
      }
    }
  }
  for (const value of values) visit(value, '')
  return members
}

function recorded(folder: string): Any[] {
  const at = path.join(CORPUS, folder)
  const replies = readdirSync(at).map(name => JSON.parse(readFileSync(path.join(at, name), 'utf8')).response)
  return replies.flatMap(({ sse, body }) => (sse === undefined ? [body] : eventsOf(sse).map(({ data }) => data)))
}

async function said(at: string, body: Any, headers: Record<string, string> = {}): Promise<Any[]> {
  const answer = await send(sim, 'POST', at, body, { 'content-type': 'application/json', ...headers })
  assert.equal(answer.status, 200, answer.text)
  return body.stream ? answer.events().map(({ data }) => data) : [answer.json()]
}

const CLAUDE = '/v1/projects/p/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929'
const { model: _, ...claude } = ask('anthropic', '', 'EXPLAIN get_time', {
  anthropic_version: 'vertex-2023-10-16',
  thinking: { type: 'enabled', budget_tokens: 1024 },
  tools: TOOLS.anthropic(['get_time'])
})
const chat = ask('openai', 'gpt-4.1', 'EXPLAIN get_time', { tools: TOOLS.openai(['get_time']) })
const usage = { stream_options: { include_usage: true } }

/** Members of newer versions than the recorded ones: a stream's last counts repeat those of the prompt. */
const NEWER = /^\.usage\.(?:input_tokens|cache_)/

/** Azure's streams were recorded of tool calls alone; what it says of texts is known from whole replies. */
const ROWS: [title: string, folders: string | string[], at: string, body: Any][] = [
  ['Claude on Vertex', 'vertex/messages', `${CLAUDE}:rawPredict`, claude],
  ['Claude on Vertex, streamed', 'vertex/messages_stream', `${CLAUDE}:streamRawPredict`, { ...claude, stream: true }],
  ['chat on Azure', 'azure/chat', '/openai/v1/chat/completions', chat],
  [
    'chat on Azure, streamed',
    ['azure/chat_stream', 'azure/chat'],
    '/openai/v1/chat/completions',
    { ...chat, stream: true, ...usage }
  ],
  ['embeddings on Azure', 'azure/embeddings', '/openai/v1/embeddings', { model: 'e', input: 'hello' }]
]

for (const [title, folders, at, body] of ROWS) {
  test(`${title}: no member that the real one does not have`, { skip }, async () => {
    const known = membersOf(
      [folders]
        .flat()
        .flatMap(recorded)
        .filter(value => typeof value === 'object')
    )
    const members = [...membersOf((await said(at, body)).filter(value => typeof value === 'object'))]
    assert.ok(members.length > 4)
    assert.deepEqual(
      members.filter(member => !known.has(member) && !NEWER.test(member)),
      []
    )
  })
}

test('Claude on Vertex: ids say where they were given out, the model is named with a dash', async () => {
  const [whole] = await said(`${CLAUDE}:rawPredict`, claude)
  assert.match(whole.id, /^msg_vrtx_01/)
  assert.equal(whole.model, 'claude-sonnet-4-5-20250929')
  const use = whole.content.find((block: Any) => block.type === 'tool_use')
  assert.match(use.id, /^toolu_vrtx_01/)
  const [start, ...rest] = await said(`${CLAUDE}:streamRawPredict`, { ...claude, stream: true })
  assert.match(start.message.id, /^msg_vrtx_01/)
  const opened = rest.find(({ content_block }) => content_block?.type === 'tool_use')
  assert.match(opened.content_block.id, /^toolu_vrtx_01/)
})

test('chat on Azure: every choice is judged, what is said with verdicts and calls without', async () => {
  const [call] = await said('/openai/v1/chat/completions', {
    ...chat,
    messages: [{ role: 'user', content: 'get_time' }]
  })
  assert.deepEqual(call.choices[0].content_filter_results, {})
  const [text] = await said('/openai/v1/chat/completions', ask('openai', 'echo', 'hello'))
  assert.equal(text.choices[0].content_filter_results.hate.filtered, false)
  const [lead, ...chunks] = await said('/openai/v1/chat/completions', { ...chat, stream: true })
  assert.deepEqual(lead.choices, [])
  for (const chunk of chunks) {
    for (const choice of chunk.choices ?? []) assert.equal(typeof choice.content_filter_results, 'object')
  }
})
