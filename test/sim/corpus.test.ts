import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { before, test } from 'node:test'
import { type Any, ask, eventsOf, post, SIDES, type Side, simForTests, TOOLS } from './helpers.ts'

/**
 * The simulator's replies beside recorded real ones: no member the real provider never sends, and all that it always
 * sends. Recorded traffic is no part of the repository; without it these tests are skipped.
 */
const CORPUS = process.env.WIRE_CORPUS ?? path.resolve(import.meta.dirname, '../../../shared/wire')
const skip = existsSync(CORPUS) ? false : 'no recorded traffic here (WIRE_CORPUS)'

const sim = await simForTests()

const HOSTS = /api\.(openai|anthropic)\.com|(generativelanguage|aiplatform)\.googleapis\.com/

function recorded(folder: string): Any[] {
  const at = path.join(CORPUS, folder)
  const all = readdirSync(at).map(name => JSON.parse(readFileSync(path.join(at, name), 'utf8')))
  // a few records of these folders were made through compatible services, which add members of their own
  return all.filter(record => HOSTS.test(record.request.url) && !isForeign(record))
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

const OPAQUE = new Set(['input', 'top_logprobs', 'logit_bias', 'args', 'parameters', 'schema', 'metadata'])

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
  ],
  responses: [
    ask('responses', 'gpt-4.1', 'hi'),
    ask('responses', 'gpt-5', 'EXPLAIN get_time', { tools: TOOLS.responses(['get_time']) }),
    ask('responses', 'gpt-5', 'hi', {
      reasoning: { effort: 'low', summary: 'auto' },
      include: ['reasoning.encrypted_content']
    }),
    ask('responses', 'gpt-4.1', 'word '.repeat(40), { max_output_tokens: 16 }),
    ask('responses', 'gpt-4.1', 'REFUSE', { text: { format: { type: 'json_schema', name: 's', schema: {} } } }),
    ask('responses', 'gpt-4.1', 'hi', { tools: [{ type: 'web_search' }] })
  ],
  gemini: [
    ask('gemini', 'gemini-2.5-flash', 'hi'),
    ask('gemini', 'gemini-3-pro', 'EXPLAIN get_time', {
      tools: TOOLS.gemini(['get_time']),
      generationConfig: { thinkingConfig: { includeThoughts: true } }
    }),
    ask('gemini', 'gemini-2.5-flash', 'word '.repeat(40), { generationConfig: { maxOutputTokens: 16 } }),
    ask('gemini', 'content-filter-finish', 'hi there'),
    ask('gemini', 'gemini-2.5-flash', 'hi', { tools: [{ googleSearch: {} }] })
  ]
}
const FOLDERS: Record<Side, [whole: string, stream: string]> = {
  openai: ['openai/chat', 'openai/chat_stream'],
  anthropic: ['anthropic/messages', 'anthropic/messages_stream'],
  responses: ['openai/responses', 'openai/responses_stream'],
  gemini: ['gemini/generateContent', 'gemini/streamGenerateContent']
}

/** Vertex answers in the same words, and a chunk of a Gemini stream is a reply. */
const ALSO_KNOWN: Partial<Record<Side, string[]>> = {
  gemini: [
    'gemini/generateContent',
    'gemini/streamGenerateContent',
    'vertex/generateContent',
    'vertex/streamGenerateContent'
  ]
}

/** The events of a recorded stream; without `alt=sse` they are the elements of an array. */
function eventsIn({ response }: Any): { event: string | undefined; data: Any }[] {
  if (response.sse !== undefined) return eventsOf(response.sse)
  const chunks = Array.isArray(response.body) ? response.body : [response.body]
  return chunks.map((data: Any) => ({ event: undefined, data }))
}

function knownMembers(folders: string[]): Set<string> {
  return new Set(folders.flatMap(recorded).flatMap(record => [...streamMembers(eventsIn(record))]))
}

for (const side of SIDES) {
  const [wholeFolder, streamFolder] = FOLDERS[side]

  test(`${side}: whole replies have the members of recorded ones`, { skip }, async () => {
    const real = recorded(wholeFolder).map(record => membersOf(record.response.body))
    const known = new Set([...real.flatMap(members => [...members]), ...knownMembers(ALSO_KNOWN[side] ?? [])])
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
    const known = knownMembers([streamFolder, ...(ALSO_KNOWN[side] ?? [])])
    for (const request of WHOLE[side]) {
      const options = side === 'openai' ? { stream_options: { include_usage: true } } : {}
      const answer = await post(sim, side, { ...request, stream: true, ...options })
      assert.deepEqual(strangers(streamMembers(answer.events()), known), [])
    }
  })
}

function strangers(members: Set<string>, known: Set<string>): string[] {
  return [...members].filter(
    member => !known.has(member) && !NEWER.some(newer => member.includes(newer)) && !UNRECORDED.test(member)
  )
}

/** Documented members of which the corpus holds no stream. */
const UNRECORDED = /logprobs|annotations|^response\.incomplete\.response\.output/

function streamMembers(events: Any[]): Set<string> {
  const members = new Set<string>()
  for (const { event, data } of events) {
    if (typeof data !== 'object') continue
    const kind = [event, data.content_block?.type, data.delta?.type].filter(Boolean).join(':')
    for (const member of membersOf(data, kind)) members.add(member)
  }
  return members
}

for (const side of ['anthropic', 'responses'] as const) {
  test(`${side}: events follow each other only as recorded`, { skip }, async () => {
    const known = new Set(recorded(FOLDERS[side][1]).flatMap(record => pairsOf(eventsIn(record))))
    for (const request of WHOLE[side]) {
      const answer = await post(sim, side, { ...request, stream: true })
      assert.deepEqual(
        pairsOf(answer.events()).filter(pair => !known.has(pair)),
        []
      )
    }
  })
}

function pairsOf(events: Any[]): string[] {
  const names = events.map(({ event }) => event)
  return names.slice(1).map((name, index) => `${names[index]} > ${name}`)
}

let errors: Any[] = []
before(() => {
  if (!skip) errors = [...recorded('openai/error'), ...recorded('anthropic/error')]
})

const SIDE_OF: Record<string, Side> = { chat: 'openai', messages: 'anthropic', responses: 'responses' }

test('recorded requests that were refused are refused in the same words', { skip }, async () => {
  const compared: string[] = []
  for (const { request, response, target_operation: operation } of errors) {
    const side = SIDE_OF[String(operation).replace('_stream', '')]
    if (side === undefined || response.status !== 400 || typeof request.body !== 'object') continue
    const real = response.body.error
    if (/does not support assistant message prefill|Schemas contains too many/.test(real.message)) continue
    const answer = await post(sim, side, request.body, { 'anthropic-beta': 'structured-outputs-2025-11-13' })
    const { error } = answer.json()
    assert.deepEqual({ ...error }, { ...real })
    compared.push(real.message)
  }
  assert.ok(compared.length >= 10, `compared ${compared.length}`)
})

/** Seals that only the real provider can check, what it stored, and a beta that adds tools by system messages. */
const UNMODELLED =
  /"signature":|"redacted_thinking"|"tool_addition"|"type":"reasoning"|"item_reference"|"conversation":|"cachedContent"/

/** Of Gemini's signatures there is one that everybody may write. */
function resigned(text: string): string {
  return text.replace(/("thought(?:S|_s)ignature":)"[^"]*"/g, '$1"skip_thought_signature_validator"')
}

test('recorded requests that were answered are accepted', { skip }, async () => {
  const refused: string[] = []
  let accepted = 0
  for (const side of SIDES) {
    for (const { id, request } of FOLDERS[side].flatMap(recorded)) {
      if (typeof request.body !== 'object' || request.body === null) continue
      if (UNMODELLED.test(JSON.stringify(request.body)) || request.body.previous_response_id) continue
      const [, model, stream] = /models\/([^/:]+):(stream)?/.exec(request.url) ?? []
      const addressed = side === 'gemini' ? { model, stream: stream !== undefined } : {}
      const body = { ...JSON.parse(resigned(JSON.stringify(request.body))), ...addressed }
      const answer = await post(sim, side, body, { 'anthropic-beta': 'all' })
      if (answer.status === 200) accepted++
      else refused.push(`${id}: ${answer.json().error.message}`)
    }
  }
  assert.deepEqual(refused, [])
  assert.ok(accepted > 130, `${accepted} accepted`)
})
