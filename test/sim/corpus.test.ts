import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { before, test } from 'node:test'
import { type Any, ask, eventsOf, post, type Side, simForTests, TOOLS } from './helpers.ts'

/**
 * The simulator's replies beside recorded real ones: no member the real provider never sends, and all that it always
 * sends. Recorded traffic is no part of the repository; without it these tests are skipped.
 */
const CORPUS = process.env.WIRE_CORPUS ?? path.resolve(import.meta.dirname, '../../../shared/wire')
const skip = existsSync(CORPUS) ? false : 'no recorded traffic here (WIRE_CORPUS)'

const sim = await simForTests()

function recorded(folder: string): Any[] {
  const at = path.join(CORPUS, folder)
  const all = readdirSync(at).map(name => JSON.parse(readFileSync(path.join(at, name), 'utf8')))
  // a few records of these folders were made through compatible services, which add members of their own
  return all.filter(record => /api\.(openai|anthropic)\.com/.test(record.request.url) && !isForeign(record))
}

function isForeign(record: Any): boolean {
  return /"(native_finish_reason|provider)":/.test(record.response.sse ?? JSON.stringify(record.response.body ?? {}))
}

/** Paths of all members in a value; places in lists are `[]`, and typed members are told apart by their type. */
function membersOf(value: Any, at = ''): Set<string> {
  const members = new Set<string>()
  const visit = (inner: Any, prefix: string): void => {
    if (Array.isArray(inner)) for (const one of inner) visit(one, `${prefix}[${one?.type ?? ''}]`)
    else if (typeof inner === 'object' && inner !== null) {
      for (const [name, member] of Object.entries(inner)) {
        members.add(`${prefix}.${name}`)
        if (!OPAQUE.has(name)) visit(member, `${prefix}.${name}`)
      }
    }
  }
  visit(value, at)
  return members
}

const OPAQUE = new Set(['input', 'top_logprobs', 'logit_bias'])

/** Members of newer models that older records cannot have. */
const NEWER = ['.usage.output_tokens_details', '.stop_details', '.caller', '.content[tool_use].caller.type']

const WHOLE: Record<Side, object[]> = {
  openai: [
    ask('openai', 'gpt-4.1', 'hi'),
    ask('openai', 'gpt-5', 'get_time', { tools: TOOLS.openai(['get_time']) }),
    ask('openai', 'gpt-4.1', 'hi', { logprobs: true, top_logprobs: 2 }),
    ask('openai', 'gpt-4.1', 'hi', { web_search_options: {} })
  ],
  anthropic: [
    ask('anthropic', 'm', 'hi'),
    ask('anthropic', 'm', 'EXPLAIN get_time', { tools: TOOLS.anthropic(['get_time']) }),
    ask('anthropic', 'm', 'REDACT', { thinking: { type: 'enabled', budget_tokens: 1024 } }),
    ask('anthropic', 'm', 'hi', {
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'document',
              source: { type: 'text', media_type: 'text/plain', data: 'A fact. More.' },
              citations: { enabled: true }
            }
          ]
        }
      ]
    })
  ]
}
const FOLDERS: Record<Side, [whole: string, stream: string]> = {
  openai: ['openai/chat', 'openai/chat_stream'],
  anthropic: ['anthropic/messages', 'anthropic/messages_stream']
}

for (const side of ['openai', 'anthropic'] as const) {
  const [wholeFolder, streamFolder] = FOLDERS[side]

  test(`${side}: whole replies have the members of recorded ones`, { skip }, async () => {
    const real = recorded(wholeFolder).map(record => membersOf(record.response.body))
    const known = new Set(real.flatMap(members => [...members]))
    const always = [...known].filter(member => real.every(members => members.has(member)))
    for (const request of WHOLE[side]) {
      const reply = (await post(sim, side, request)).json()
      const members = membersOf(reply)
      assert.deepEqual(strangers(members, known), [])
      assert.deepEqual(
        always.filter(member => !members.has(member)),
        []
      )
    }
  })

  test(`${side}: stream events have the members of recorded ones`, { skip }, async () => {
    const known = new Set(recorded(streamFolder).flatMap(record => [...streamMembers(record.response.sse)]))
    for (const request of WHOLE[side]) {
      const options = side === 'openai' ? { stream_options: { include_usage: true } } : {}
      const { text } = await post(sim, side, { ...request, stream: true, ...options })
      assert.deepEqual(strangers(streamMembers(text), known), [])
    }
  })
}

function strangers(members: Set<string>, known: Set<string>): string[] {
  return [...members].filter(
    member => !known.has(member) && !NEWER.some(newer => member.includes(newer)) && !UNRECORDED.test(member)
  )
}

/** Documented members of which the corpus holds no stream. */
const UNRECORDED = /logprobs|annotations/

function streamMembers(text: string): Set<string> {
  const members = new Set<string>()
  for (const { event, data } of eventsOf(text)) {
    if (typeof data !== 'object') continue
    const kind = [event, data.content_block?.type, data.delta?.type].filter(Boolean).join(':')
    for (const member of membersOf(data, kind)) members.add(member)
  }
  return members
}

test('anthropic: events follow each other only as recorded', { skip }, async () => {
  const known = new Set(recorded('anthropic/messages_stream').flatMap(record => pairsOf(record.response.sse)))
  for (const request of WHOLE.anthropic) {
    const { text } = await post(sim, 'anthropic', { ...request, stream: true })
    assert.deepEqual(
      pairsOf(text).filter(pair => !known.has(pair)),
      []
    )
  }
})

function pairsOf(text: string): string[] {
  const names = eventsOf(text).map(({ event }) => event)
  return names.slice(1).map((name, index) => `${names[index]} > ${name}`)
}

let errors: Any[] = []
before(() => {
  if (!skip) errors = [...recorded('openai/error'), ...recorded('anthropic/error')]
})

test('recorded requests that were refused are refused in the same words', { skip }, async () => {
  const compared: string[] = []
  for (const { request, response, target_operation: operation } of errors) {
    const side: Side = request.url.includes('anthropic.com') ? 'anthropic' : 'openai'
    const isGeneration =
      operation === (side === 'openai' ? 'chat' : 'messages') || /(chat|messages)_stream/.test(operation)
    if (!isGeneration || response.status !== 400 || typeof request.body !== 'object') continue
    const real = response.body.error
    if (/does not support assistant message prefill|Schemas contains too many/.test(real.message)) continue
    const answer = await post(sim, side, request.body, { 'anthropic-beta': 'structured-outputs-2025-11-13' })
    const { error } = answer.json()
    assert.deepEqual({ ...error }, { ...real })
    compared.push(real.message)
  }
  assert.ok(compared.length >= 5, `compared ${compared.length}`)
})

/** Thoughts sealed by the real provider, which only it can check; and a beta that adds tools by system messages. */
const UNMODELLED = /"signature":|"redacted_thinking"|"tool_addition"/

test('recorded requests that were answered are accepted', { skip }, async () => {
  const refused: string[] = []
  let accepted = 0
  for (const side of ['openai', 'anthropic'] as const) {
    for (const record of FOLDERS[side].flatMap(recorded)) {
      if (typeof record.request.body !== 'object' || record.request.body === null) continue
      if (UNMODELLED.test(JSON.stringify(record.request.body))) continue
      const answer = await post(sim, side, record.request.body, { 'anthropic-beta': 'all' })
      if (answer.status === 200) accepted++
      else refused.push(`${record.id}: ${answer.json().error.message}`)
    }
  }
  assert.deepEqual(refused, [])
  assert.ok(accepted > 50, `${accepted} accepted`)
})
