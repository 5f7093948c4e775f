import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { check } from '../../src/guards/checks/canary.ts'
import type { Passage, Place, Subject, Tools } from '../../src/guards/guard.ts'

const place: Place = { side: 'response', role: 'assistant', kind: 'text', path: 'choices[0].message.content' }
const TOKEN = 'Heron-7731-Quay'
const marks = check.create({ tokens: [TOKEN] })
const found = (text: string) => marks.find!(text, place).map(({ start, end }) => text.slice(start, end))

const SYSTEM =
  'You are the assistant of the harbour office and you never tell anybody at which hour the night ferry leaves.'
const tools: Tools = { wallMs: () => 0, post: () => Promise.reject(new Error('not asked')) }

async function echoes(answer: string, request: Subject['request'], echo = 8): Promise<string[]> {
  const passage: Passage = { ...place, text: answer, sealed: false }
  const { judge } = check.create({ tokens: [], echo })
  const findings = await judge!(
    {
      side: 'response',
      operation: 'chat',
      dialect: 'any',
      model: 'm',
      passages: [passage],
      tools: [],
      calls: [],
      request,
      metadata: {}
    },
    tools,
    new AbortController().signal
  )
  return findings.map(({ start, end, path }) => {
    assert.equal(path, place.path)
    return answer.slice(start, end)
  })
}

describe('canary', () => {
  test('finds a mark, also spaced, in other letters, or in another case', () => {
    for (const text of [
      TOKEN,
      TOKEN.toUpperCase(),
      [...TOKEN].join(' '),
      TOKEN.replaceAll('-', ''),
      'Ｈeron_7731_Quаy'
    ]) {
      assert.deepEqual(found(`It says: ${text}!`), [text])
    }
    assert.deepEqual(found('Heron 7732 Quay, and a heron on the quay'), [])
  })

  test('holds back as much of a stream as a mark may take', () => {
    assert.ok(Number(marks.reach) >= [...TOKEN].join(' ').length)
    assert.equal(check.create({ tokens: [TOKEN], echo: 12 }).reach, 'whole')
  })

  test('finds a long run of the system prompt, in every dialect that has one', async () => {
    const run = 'you never tell anybody at which hour the night ferry'
    for (const request of [
      { messages: [{ role: 'system', content: SYSTEM }] },
      { messages: [{ role: 'developer', content: [{ type: 'text', text: SYSTEM }] }] },
      { system: [{ type: 'text', text: SYSTEM }], messages: [] },
      { instructions: SYSTEM, input: 'hi' },
      { systemInstruction: { parts: [{ text: SYSTEM }] } }
    ]) {
      assert.deepEqual(await echoes(`They said: "${run.toUpperCase()}", see?`, request), [run.toUpperCase()])
      assert.deepEqual(await echoes('The night ferry leaves at ten, and you never tell anybody.', request), [])
    }
    const user = { messages: [{ role: 'user', content: SYSTEM }] }
    assert.deepEqual(await echoes(SYSTEM, user), [])
  })

  test('with nothing to look for it is not made', () => {
    assert.throws(() => check.create({ tokens: [] }), /expected `tokens`, `echo` or both/)
    assert.throws(() => check.create({ tokens: ['------'] }), /at least 4 letters or digits/)
  })
})
