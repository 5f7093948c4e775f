import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dialects } from '../../src/dialects/index.ts'
import type { Failure } from '../../src/errors.ts'
import type { Check, Finding, Subject } from '../../src/guards/guard.ts'
import { guardTexts } from '../../src/guards/passages.ts'
import type { JsonObject } from '../../src/json.ts'
import { EMAIL, guarded, guardingOf, guardOf, readingOf, wordCheck } from './kit.ts'

const chat = (...messages: JsonObject[]): JsonObject => ({ model: 'm', messages })
const contents = ({ messages }: JsonObject) => (messages as JsonObject[]).map(({ content }) => content)

test('numbers go by the first occurrence over the whole request, and the same value has the same one', async () => {
  const body = chat(
    { role: 'system', content: 'You write for z@z.com.' },
    { role: 'user', content: 'a@a.com, b@b.com and a@a.com' },
    { role: 'user', content: 'c@c.com b@b.com' }
  )
  const guarding = guardingOf(guardOf(EMAIL, { action: 'restore' }))
  await guarded('openai-chat', body, 'request', guarding)
  assert.deepEqual(contents(body), [
    'You write for [[EMAIL_1]].',
    '[[EMAIL_2]], [[EMAIL_3]] and [[EMAIL_2]]',
    '[[EMAIL_4]] [[EMAIL_3]]'
  ])
})

test('a history that only grows masks to the same bytes every turn', async () => {
  const turns = [
    { role: 'user', content: 'I am ann@example.com' },
    { role: 'assistant', content: 'Hello ann@example.com' },
    { role: 'user', content: 'And bob@example.com?' },
    { role: 'assistant', content: 'bob@example.com too' },
    { role: 'user', content: 'carl@example.com ann@example.com' }
  ]
  let before = '['
  for (let count = 1; count <= turns.length; count += 2) {
    const body = chat(...structuredClone(turns.slice(0, count)))
    await guarded('openai-chat', body, 'request', guardingOf(guardOf(EMAIL, { action: 'restore' })))
    const written = JSON.stringify(body.messages)
    assert.ok(written.startsWith(before), `${written} goes on from ${before}`)
    before = written.slice(0, -1)
  }
})

test('what looks like a placeholder in the client’s own text keeps its meaning', async () => {
  const guarding = guardingOf(guardOf(EMAIL, { action: 'restore' }))
  const body = chat({ role: 'user', content: 'a@a.com, and [[EMAIL_1]] is mine' })
  guarding.placeholders.reserve(String(contents(body)[0]))
  await guarded('openai-chat', body, 'request', guarding)
  assert.deepEqual(contents(body), ['[[EMAIL_2]], and [[EMAIL_1]] is mine'])
  const reply = { choices: [{ message: { content: '[[EMAIL_1]] and [[EMAIL_2]]' } }] }
  await guarded('openai-chat', reply, 'response', guarding)
  assert.equal(reply.choices[0]!.message.content, '[[EMAIL_1]] and a@a.com')
})

test('what is masked for good is not put back; new findings in an answer are masked, the caller’s own are not', async () => {
  const guarding = guardingOf(
    guardOf(EMAIL, { name: 'pii', action: 'restore' }),
    guardOf(wordCheck('hunter2', 'SECRET'), { name: 'secrets', action: 'mask' })
  )
  const body = chat({ role: 'user', content: 'a@a.com hunter2' })
  await guarded('openai-chat', body, 'request', guarding)
  assert.deepEqual(contents(body), ['[[EMAIL_1]] [[SECRET_1]]'])
  const reply = { choices: [{ message: { content: '[[EMAIL_1]] [[SECRET_1]] a@a.com new@new.com' } }] }
  await guarded('openai-chat', reply, 'response', guarding)
  assert.equal(reply.choices[0]!.message.content, 'a@a.com [[SECRET_1]] a@a.com [[EMAIL_2]]')
})

test('a sealed text is never changed, and its placeholders stay its own', async () => {
  const thinking = { type: 'thinking', thinking: 'about ann@example.com and [[EMAIL_1]]', signature: 's' }
  const body: JsonObject = {
    model: 'm',
    messages: [
      { role: 'user', content: 'ann@example.com' },
      {
        role: 'assistant',
        content: [thinking, { type: 'tool_use', id: 't', name: 'n', input: { to: 'ann@example.com' } }]
      }
    ]
  }
  const guarding = guardingOf(guardOf(EMAIL, { action: 'restore' }))
  const paths = await guarded('anthropic-messages', body, 'request', guarding)
  assert.deepEqual(paths, ['messages[0].content', 'messages[1].content[1].input'])
  assert.deepEqual((body.messages as JsonObject[])[1]!.content, [
    thinking,
    { type: 'tool_use', id: 't', name: 'n', input: { to: '[[EMAIL_1]]' } }
  ])
  await assert.rejects(
    guarded(
      'anthropic-messages',
      { messages: [{ role: 'assistant', content: [thinking] }] },
      'request',
      guardingOf(guardOf(EMAIL, { action: 'block' }))
    ),
    { code: 'guardrail_blocked' }
  )
})

test('newest: what came after the last answer alone', async () => {
  const body = chat(
    { role: 'system', content: 's@s.com' },
    { role: 'user', content: 'a@a.com' },
    { role: 'assistant', content: 'b@b.com' },
    { role: 'user', content: 'c@c.com' }
  )
  await guarded('openai-chat', body, 'request', guardingOf(guardOf(EMAIL, { scope: 'newest' })))
  assert.deepEqual(contents(body), ['s@s.com', 'a@a.com', 'b@b.com', '[[EMAIL_1]]'])
})

test('findings that overlap are replaced as one, and the refusal wins over all', async () => {
  const guards = [guardOf(EMAIL), guardOf(wordCheck('to ann', 'WORDS'), { name: 'words' })]
  const body = chat({ role: 'user', content: 'write to ann@example.com now' })
  await guarded('openai-chat', body, 'request', guardingOf(...guards))
  assert.deepEqual(contents(body), ['write [[EMAIL_1]] now'])
  const blocking = guardingOf(...guards, guardOf(wordCheck('ann'), { name: 'no', action: 'block' }))
  await assert.rejects(
    guarded('openai-chat', chat({ role: 'user', content: 'ann@example.com' }), 'request', blocking),
    {
      code: 'guardrail_blocked'
    }
  )
  assert.deepEqual(
    blocking.verdicts.map(({ guard, action, rule }) => `${guard} ${action} ${rule}`),
    ['no block test.word']
  )
})

test('arguments stay JSON: within strings, over escapes, and for numbers', async () => {
  const digits: Check = {
    reach: 20,
    find: text =>
      [...text.matchAll(/\d{6}/g)].map(({ index }) => ({
        rule: 'd',
        start: index,
        end: index + 6,
        score: 1,
        label: 'D'
      }))
  }
  const lines: Check = {
    reach: 40,
    find: text => {
      const at = text.indexOf('one')
      return at < 0 ? [] : [{ rule: 'l', start: at, end: text.indexOf('two') + 3, score: 1, label: 'L' }]
    }
  }
  const call = (input: string) => ({
    choices: [{ message: { tool_calls: [{ function: { name: 'f', arguments: input } }] } }]
  })
  const after = async (input: string, ...checks: Check[]) => {
    const body = call(input)
    await guarded('openai-chat', body, 'response', guardingOf(...checks.map(check => guardOf(check))))
    return body.choices[0]!.message.tool_calls[0]!.function.arguments
  }
  assert.equal(await after('{"a":123456,"b":"x123456"}', digits), '{"a":"[[D_1]]","b":"x[[D_1]]"}')
  assert.equal(await after('{"a":-12.123456e1}', digits), '{"a":"[[D_1]]"}')
  assert.equal(await after('{"a":"\\none","two":"x"}', lines), '{"a":"\\n[[L_1]]","[[L_2]]":"x"}')
  assert.equal(await after('free ann@example.com text', EMAIL), 'free [[EMAIL_1]] text')
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), fc.string(), async (value, odd) => {
      const input = JSON.stringify({ value, odd: `${odd}ann@example.com`, n: 123456 })
      const written = JSON.parse(await after(input, EMAIL, digits))
      assert.ok(!JSON.stringify(written).includes('ann@example.com'))
    }),
    { numRuns: 200 }
  )
})

test('what was masked is put back exactly, whatever the values and wherever they stand', async () => {
  const value = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 12 })
    .filter(text => !text.includes('⟨') && !text.includes('⟩'))
  const marked: Check = {
    reach: 100,
    find: text =>
      [...text.matchAll(/⟨[^⟨⟩]{0,40}⟩/gu)].map(({ 0: { length }, index }) => ({
        rule: 'm',
        start: index,
        end: index + length,
        score: 1,
        label: 'M'
      }))
  }
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(value, fc.string()), { minLength: 1, maxLength: 6 }), async words => {
      const text = words.map(([inner, between]) => `⟨${inner}⟩${between}`).join('')
      const guarding = guardingOf(guardOf(marked, { action: 'restore', sides: ['request'] }))
      const body: JsonObject = { messages: [{ role: 'user', content: text }] }
      guarding.placeholders.reserve(text)
      await guarded('openai-chat', body, 'request', guarding)
      const sent = (body.messages as { content: string }[])[0]!.content
      assert.ok(!sent.includes('⟨'))
      const input = JSON.stringify({ said: sent })
      const reply = {
        choices: [{ message: { content: sent, tool_calls: [{ function: { name: 'f', arguments: input } }] } }]
      }
      await guarded('openai-chat', reply, 'response', guarding)
      const { message } = reply.choices[0]!
      assert.equal(message.content, text)
      assert.deepEqual(JSON.parse(message.tool_calls[0]!.function.arguments), { said: text })
    }),
    { numRuns: 300 }
  )
})

const judge = (judge: Check['judge']): Check => ({ reach: 'whole', ...(judge && { judge }) })
const ask = (body: JsonObject, ...guards: Parameters<typeof guardingOf>) =>
  guarded('openai-chat', body, 'request', guardingOf(...guards))

test('a check of the whole sees what other guards masked, and says what is to be masked by its path', async () => {
  let seen: Subject | undefined
  const names = judge(async subject => {
    seen = subject
    return subject.passages.flatMap(({ text, path }): Finding[] => {
      const start = text.indexOf('Ann')
      return start < 0 ? [] : [{ rule: 'names', path, start, end: start + 3, score: 1, label: 'NAME' }]
    })
  })
  const body = chat({ role: 'user', content: 'I' }, { role: 'user', content: 'a@a.com is Ann' })
  const paths = await ask(body, guardOf(EMAIL), guardOf(names, { name: 'names' }))
  assert.deepEqual(contents(body), ['I', '[[EMAIL_1]] is [[NAME_1]]'])
  assert.deepEqual(paths, ['messages[1].content'])
  assert.deepEqual(
    seen?.passages.map(({ text }) => text),
    ['I', '[[EMAIL_1]] is Ann']
  )
})

test('a check that fails or is late stops the call where it is closed, and is noted where it is open', async () => {
  const body = () => chat({ role: 'user', content: 'x' })
  const failing: Check[] = [
    judge(() => Promise.reject(new Error('down'))),
    judge(() => new Promise(() => {})),
    {
      reach: 1,
      find: () => {
        throw new Error('broken')
      }
    }
  ]
  for (const check of failing) {
    const closed = guardingOf(guardOf(check, { timeoutMs: 10 }))
    await assert.rejects(guarded('openai-chat', body(), 'request', closed), { code: 'guard_unavailable', status: 503 })
    const open = guardingOf(guardOf(check, { timeoutMs: 10, failsClosed: false }))
    await guarded('openai-chat', body(), 'request', open)
    assert.deepEqual(
      open.verdicts.map(({ action, rule }) => `${action} ${rule}`),
      ['error test.unavailable']
    )
  }
})

test('guards that ask outside come one after the other, those of a group at once; a refusal ends it', async () => {
  const log: string[] = []
  const asking = (name: string, found: Finding[] = []) =>
    guardOf(
      judge(async () => {
        log.push(`${name} begins`)
        await new Promise(resolve => setImmediate(resolve))
        log.push(`${name} ends`)
        return found
      }),
      { name, action: 'block', group: name.length > 1 ? name[0] : undefined }
    )
  await ask(chat({ role: 'user', content: 'x' }), asking('a'), asking('b'))
  assert.deepEqual(log.splice(0), ['a begins', 'a ends', 'b begins', 'b ends'])
  await ask(chat({ role: 'user', content: 'x' }), asking('g1'), asking('g2'))
  assert.deepEqual(log.splice(0), ['g1 begins', 'g2 begins', 'g1 ends', 'g2 ends'])
  const refusing = asking('a', [{ rule: 'no', score: 1, reason: 'It is not wanted' }])
  await assert.rejects(ask(chat({ role: 'user', content: 'x' }), refusing, asking('b')), (thrown: Failure) => {
    assert.equal(thrown.code, 'guardrail_blocked')
    assert.match(thrown.message, /no: It is not wanted/)
    return true
  })
  assert.deepEqual(log, ['a begins', 'a ends'])
})

test('flag and shadow let everything pass, and are noted with their count and score', async () => {
  const guarding = guardingOf(
    guardOf(EMAIL, { action: 'flag' }),
    guardOf(wordCheck('x'), { name: 'w', action: 'shadow' })
  )
  const body = chat({ role: 'user', content: 'a@a.com x x' })
  assert.deepEqual(
    await guardTexts([...dialects['openai-chat'].texts(body, 'request')], readingOf('request', guarding)),
    []
  )
  assert.deepEqual(
    guarding.verdicts.map(({ tookMs: _, ...verdict }) => verdict),
    [
      { guard: 'test', rule: 'test.email', side: 'request', action: 'flag', count: 1, score: 1 },
      { guard: 'w', rule: 'test.word', side: 'request', action: 'shadow', count: 2, score: 1 }
    ]
  )
})
