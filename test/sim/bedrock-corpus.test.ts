import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { CLAUDE, call, converse, type Frame, framesOf, THINKING, toolConfig } from './bedrock-helpers.ts'
import { type Any, simForTests } from './helpers.ts'

/** The simulator's Bedrock beside recorded traffic, which is no part of the repository: skipped without it. */
const CORPUS = process.env.WIRE_CORPUS ?? path.resolve(import.meta.dirname, '../../../shared/wire')
const skip = existsSync(path.join(CORPUS, 'bedrock')) ? false : 'no recorded traffic here (WIRE_CORPUS)'

const sim = await simForTests()

function recorded(operation: string): Any[] {
  const at = path.join(CORPUS, 'bedrock', operation)
  return readdirSync(at).map(name => JSON.parse(readFileSync(path.join(at, name), 'utf8')))
}

function framesIn({ response }: Any): Frame[] {
  return framesOf(Buffer.from(response.base64, 'base64')).frames
}

/** What a model was asked for, decoded. */
function modelOf({ request }: Any): string {
  return decodeURIComponent(/\/model\/([^/]+)\//.exec(request.url)![1]!)
}

/** Insides that are the client's or the model's own. */
const OPAQUE = new Set(['input', 'trace', 'additionalModelResponseFields'])

function membersOf(value: Any, at = ''): Set<string> {
  const members = new Set<string>()
  const visit = (inner: Any, prefix: string): void => {
    if (Array.isArray(inner)) for (const one of inner) visit(one, `${prefix}[]`)
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

function union(sets: Set<string>[]): Set<string> {
  return new Set(sets.flatMap(set => [...set]))
}

const document = { format: 'txt', name: 'facts', source: { text: 'A fact. More.' }, citations: { enabled: true } }
const REQUESTS = [
  converse('hi'),
  converse('EXPLAIN add', { toolConfig: toolConfig(['add']) }),
  converse('hi', THINKING),
  converse('hi', { system: [{ text: 'word '.repeat(1500) }, { cachePoint: { type: 'default' } }] }),
  converse('hi there', { inferenceConfig: { maxTokens: 2 } }),
  { messages: [{ role: 'user', content: [{ text: 'hi' }, { document }] }] }
]

/** Documented members of which no whole reply, or no stream, is recorded. */
const UNRECORDED = /documentChar|reasoningText|reasoningContent\.(?:text|signature)|cacheDetails/

test('Converse: whole replies have the members of recorded ones', { skip }, async () => {
  const real = recorded('converse').map(({ response }) => membersOf(response.body))
  const known = union(real)
  const always = [...known].filter(member => real.every(members => members.has(member)))
  for (const request of REQUESTS) {
    const members = membersOf((await call(sim, CLAUDE, 'converse', request)).json())
    assert.deepEqual(
      [...members].filter(member => !known.has(member) && !UNRECORDED.test(member)),
      []
    )
    assert.deepEqual(
      always.filter(member => !members.has(member)),
      []
    )
  }
})

test('ConverseStream: events have the members of recorded ones, and follow each other as they do', {
  skip
}, async () => {
  const told = (frames: Frame[]): Set<string> => union(frames.map(({ event, data }) => membersOf(data, event)))
  const pairs = (frames: Frame[]): string[] =>
    frames.slice(1).map(({ event }, index) => `${frames[index]!.event} > ${event}`)
  const headers = (frames: Frame[]): string[] =>
    frames.map(one => JSON.stringify({ ...one.headers, ':event-type': '' }))
  const real = recorded('converse_stream').map(framesIn)
  const known = union(real.map(told))
  const knownPairs = new Set(real.flatMap(pairs))
  const knownHeaders = new Set(real.flatMap(headers))
  for (const request of REQUESTS) {
    const frames = (await call(sim, CLAUDE, 'converse-stream', request)).frames()
    assert.deepEqual(
      [...told(frames)].filter(member => !known.has(member) && !UNRECORDED.test(member)),
      []
    )
    assert.deepEqual(
      pairs(frames).filter(pair => !knownPairs.has(pair)),
      []
    )
    assert.deepEqual(
      headers(frames).filter(one => !knownHeaders.has(one)),
      []
    )
  }
})

/** Seals that only their maker can check, and Claude's system messages between the turns. */
const UNMODELLED = /"signature"|"redactedContent"|"role":"system"/

test('recorded requests that were answered are accepted', { skip }, async () => {
  const refused: string[] = []
  let accepted = 0
  const operations = [
    ['converse', 'converse'],
    ['converse_stream', 'converse-stream'],
    ['count_tokens', 'count-tokens'],
    ['invoke', 'invoke'],
    ['invoke_stream', 'invoke-with-response-stream']
  ] as const
  for (const [operation, verb] of operations) {
    for (const record of recorded(operation)) {
      const { body } = record.request
      const model = modelOf(record)
      const isOurs = !verb.startsWith('invoke') || /anthropic\.claude/.test(model)
      if (!isOurs || typeof body !== 'object' || body === null || UNMODELLED.test(JSON.stringify(body))) continue
      const answer = await call(sim, model, verb, body)
      if (answer.status === 200) accepted++
      else refused.push(`${record.id}: ${answer.bytes}`)
    }
  }
  assert.deepEqual(refused, [])
  assert.ok(accepted > 30, `${accepted} accepted`)
})

test('what was refused for its body is refused in the same words', { skip }, async () => {
  const verbs: Record<string, string> = { invoke_stream: 'invoke-with-response-stream' }
  let compared = 0
  for (const record of recorded('error')) {
    const verb = verbs[record.target_operation]
    if (verb === undefined || record.request.body === null) continue
    const answer = await call(sim, modelOf(record), verb, record.request.body)
    assert.deepEqual(answer.json(), record.response.body)
    assert.equal(answer.headers['x-amzn-errortype'], record.response.headers['x-amzn-errortype'])
    compared++
  }
  assert.ok(compared > 0)
})
