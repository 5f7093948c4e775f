import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { BodyRow, BodyStore } from '../../../src/stores/bodies.ts'

const DAY_MS = 86_400_000
export const NOON_MS = Date.parse('2026-11-23T12:00:00Z')

let made = 0

export function bodiesOf(given: Partial<BodyRow> = {}): BodyRow {
  return {
    requestId: `req_${++made}`,
    atMs: NOON_MS + made,
    session: undefined,
    org: undefined,
    level: 'full',
    dialect: 'openai-chat',
    received: undefined,
    sent: [],
    answered: undefined,
    ...given
  }
}

export function chatOf(...messages: string[]): string {
  const history = messages.map((content, at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content }))
  return JSON.stringify({ model: 'gpt-5', messages: history, stream: true })
}

const padded = (text: string) => `${text}${' and so on'.repeat(20)}`

/** What every store of bodies does. Each test has days of its own in the one that is opened. */
export function bodyStores(name: string, open: () => Promise<BodyStore>): void {
  let opened: Promise<BodyStore> | undefined
  let noonMs = NOON_MS
  const find = (store: BodyStore, { requestId, atMs }: BodyRow) => store.find(requestId, atMs)
  const days = () => ({ fromMs: noonMs - 5 * DAY_MS, toMs: noonMs + 5 * DAY_MS, limit: 50 })
  const ids = async (store: BodyStore, text: string, more = {}) =>
    (await store.search({ ...days(), text, ...more })).map(hit => hit.requestId)
  const partitions = async (store: BodyStore) =>
    (await store.stats()).partitions.filter(({ day }) => Math.abs(Date.parse(day) - noonMs) < 5 * DAY_MS)
  const rowOf = (given: Partial<BodyRow> = {}) => bodiesOf({ atMs: noonMs + made, ...given })

  function check(what: string, work: (store: BodyStore) => Promise<void>): void {
    test(`${name}: ${what}`, async () => {
      noonMs += 10 * DAY_MS
      opened ??= open()
      await work(await opened)
    })
  }

  check('what is kept comes back as it was, also in another process', async store => {
    const row = rowOf({
      ...{ session: 'ses_1', org: 'org_1', level: 'redacted', dialect: 'anthropic-messages' },
      received: chatOf(padded('Where is it?'), padded('There.'), 'ok'),
      sent: [
        { attemptId: 'att_1', body: chatOf(padded('Where is it?'), padded('There.'), 'ok') },
        { attemptId: 'att_2', body: '' }
      ],
      answered: '{"choices": [ {"index":0} ] }'
    })
    const bare = rowOf({ level: 'metadata' })
    await store.put([row, bare])
    assert.deepEqual(await find(store, row), row)
    assert.deepEqual(await find(store, bare), bare)
    assert.equal(await store.find('req_none', noonMs), undefined)
    assert.equal(await store.find(row.requestId, noonMs - 2 * DAY_MS), undefined)
    await store.put([{ ...row, received: '{}' }])
    assert.deepEqual(await find(store, row), row, 'the first stays')
    const other = await open()
    assert.deepEqual(await find(other, row), row)
    await other.close()
  })

  check('any text comes back byte for byte', async store => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyBody(), anyBody(), anyBody()), { maxLength: 8 }), async texts => {
        const rows = texts.map(([received, body, answered]) =>
          rowOf({ received, sent: [{ attemptId: 'a', body }], answered })
        )
        const inBytes = (row: BodyRow) => ({
          ...{ ...row, received: Buffer.from(row.received as string) },
          sent: row.sent.map(each => ({ ...each, body: new Uint8Array(Buffer.from(each.body)) }))
        })
        await store.put(rows.map((row, at) => (at % 2 === 0 ? row : inBytes(row))))
        for (const row of rows) assert.deepEqual(await find(store, row), row)
      }),
      { numRuns: 15 }
    )
  })

  check('requests are found by the words they brought, newest first', async store => {
    const system = padded('You help at the Crème brûlée shop.')
    const turns = [padded('Do you have zebra spoons?'), padded('We have ZÈBRA spoons, yes.'), padded('And forks?')]
    const [first, second, third] = [1, 2, 3].map(count =>
      rowOf({ org: 'org_1', received: JSON.stringify({ system, messages: chat(turns.slice(0, count)) }) })
    ) as [BodyRow, BodyRow, BodyRow]
    const other = rowOf({ atMs: noonMs - 2 * DAY_MS, answered: '{"output":"zebra spoons are out"}', org: 'org_2' })
    const chinese = rowOf({ received: JSON.stringify({ prompt: '我想要退款,谢谢' }) })
    await store.put([second, first, other, chinese])
    await store.put([third])
    assert.deepEqual(await ids(store, 'spoons zebra'), [second, first, other].map(id))
    assert.deepEqual(await ids(store, 'creme BRULEE'), [first.requestId], 'who repeats does not bring')
    assert.deepEqual(await ids(store, 'forks'), [third.requestId])
    assert.deepEqual(await ids(store, 'forks zebra'), [])
    assert.deepEqual(await ids(store, 'user'), [], 'roles are no words')
    assert.deepEqual(await ids(store, '退款'), [chinese.requestId])
    assert.deepEqual(await ids(store, '款退'), [])
    assert.deepEqual(await ids(store, 'zebra', { org: 'org_2' }), [other.requestId])
    assert.deepEqual(await ids(store, 'zebra', { fromMs: noonMs }), [second, first].map(id))
    assert.deepEqual(await ids(store, 'zebra', { toMs: noonMs }), [other.requestId])
    assert.deepEqual(await ids(store, 'zebra', { fromMs: second.atMs, toMs: second.atMs + 1 }), [second.requestId])
    const [hit] = await store.search({ ...days(), text: 'forks' })
    assert.match(hit?.snippet ?? '', /^And forks\? and so on/)
    const [inAnswer] = await store.search({ ...days(), text: 'zebra', org: 'org_2' })
    assert.deepEqual(inAnswer, { requestId: other.requestId, atMs: other.atMs, snippet: 'zebra spoons are out' })
  })

  check('words are found wherever they stand, and what is no word is not', async store => {
    const picture = Buffer.from(Array.from({ length: 3_000 }, (_, at) => (at * at) % 251)).toString('base64')
    const parts = [
      { type: 'text', text: 'a giraffe' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
      { type: 'tool_use', id: 'toolu_1', input: { query: padded('the "okapi" \\ case') } }
    ]
    const call = { function: { name: 'look_up', arguments: JSON.stringify({ animal: 'quokka' }) } }
    const messages = [
      { role: 'user', content: parts },
      { role: 'assistant', content: null, tool_calls: [call], thinking: padded('let me think of a numbat') },
      { role: 'user', content: 'a short tail of wombats' }
    ]
    const row = rowOf({ received: JSON.stringify({ messages, user: 'user-77' }, undefined, 2) })
    const text = rowOf({ answered: `upstream says: ${'bandicoot is down '.repeat(20)}` })
    const sent = rowOf({ sent: [{ attemptId: 'a', body: JSON.stringify({ system: 'mind the dingo' }) }] })
    const huge = rowOf({ received: JSON.stringify({ input: `${'ﷺ 😀 中文a'.repeat(100_000)} end` }) })
    const broken = rowOf({ answered: `{"broken": "${'\\"'.repeat(300_000)}` })
    await store.put([row, text, sent, huge, broken])
    for (const word of ['giraffe', 'okapi', 'look_up', 'QUOKKA', 'numbat', 'wombats', 'user-77']) {
      assert.deepEqual(await ids(store, word), [row.requestId], word)
    }
    const picked = picture.split(/[+/]/).filter(each => each.length > 3 && each.length < 60)
    assert.ok(picked.length > 3)
    for (const word of picked.slice(0, 4)) assert.deepEqual(await ids(store, word), [], word)
    assert.deepEqual(await ids(store, 'bandicoot'), [text.requestId])
    assert.deepEqual(await ids(store, 'dingo'), [sent.requestId])
    assert.deepEqual(await ids(store, '中文'), [huge.requestId])
    const [hit] = await store.search({ ...days(), text: 'wombats' })
    assert.equal(hit?.snippet, 'a short tail of wombats')
  })

  check('pages of a search follow each other without a gap', async store => {
    const rows = Array.from({ length: 30 }, (_, at) =>
      rowOf({ atMs: noonMs + Math.floor(at / 3) * 1_000 - (at % 2) * DAY_MS, answered: `"needle ${at}"` })
    )
    await store.put(rows)
    const seen: { requestId: string; atMs: number }[] = []
    for (;;) {
      const page = await store.search({ ...days(), text: 'needle', limit: 7, before: seen.at(-1) })
      seen.push(...page)
      if (page.length < 7) break
    }
    assert.deepEqual(new Set(seen.map(id)), new Set(rows.map(id)))
    assert.equal(seen.length, 30)
    const times = seen.map(hit => hit.atMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => b - a)
    )
  })

  check('no text breaks a search', async store => {
    const row = rowOf({ received: JSON.stringify({ input: 'plain words OR not' }) })
    await store.put([row])
    const texts = ['"', "'", 'a"b', 'NEAR(', '-x', '*', 'a*', 'col:x', '(', "'; drop table body_request; --", '\0', '']
    for (const text of texts) assert.deepEqual(await ids(store, text), [], text)
    assert.deepEqual(await ids(store, '"plain" (not) \0'), [row.requestId])
    assert.deepEqual(await ids(store, 'OR'), [row.requestId])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...ODD_TEXTS), { maxLength: 8 }), async texts => {
        await store.search({ ...days(), text: texts.join('') })
      }),
      { numRuns: 50 }
    )
  })

  check('what is erased is gone, and what others share is not', async store => {
    const system = padded('a system prompt for all')
    const of = (...turns: string[]) => JSON.stringify({ system, messages: chat(turns) })
    const one = rowOf({ received: of(padded('hello'), padded('my secret is walrus')) })
    const same = rowOf({ received: of(padded('hello')), answered: JSON.stringify({ text: padded('good day') }) })
    const other = rowOf({ received: of(padded('hello'), padded('something else')), org: 'o' })
    const elsewhere = rowOf({ atMs: noonMs - DAY_MS, received: of(padded('my secret is walrus')) })
    await store.put([one, elsewhere])
    await store.put([same, other])
    await store.erase([one, { requestId: 'req_none', atMs: noonMs }, { requestId: 'req_none', atMs: 0 }])
    assert.equal(await find(store, one), undefined)
    assert.deepEqual(await ids(store, 'walrus'), [elsewhere.requestId])
    assert.deepEqual(await find(store, same), same)
    assert.deepEqual(await find(store, other), other)
    assert.deepEqual(
      (await partitions(store)).map(each => each.bodies),
      [1, 2]
    )
    await store.put([one])
    assert.deepEqual(await find(store, one), one)
    assert.deepEqual(await ids(store, 'walrus'), [one, elsewhere].map(id), 'nothing of it had been left')
    await store.erase([same, other, one])
    for (const row of [same, other, one]) assert.equal(await find(store, row), undefined)
    assert.deepEqual(await find(store, elsewhere), elsewhere)
  })

  check('days end at midnight, and are dropped whole', async store => {
    const midnightMs = noonMs - DAY_MS / 2
    const text = chatOf(padded('shared by both days'))
    const late = rowOf({ atMs: midnightMs - 1, received: text })
    const early = rowOf({ atMs: midnightMs, received: text })
    await store.put([late, early])
    const [yesterday, today] = [-1, 0].map(at => new Date(noonMs + at * DAY_MS).toISOString().slice(0, 10))
    const counts = async () => (await partitions(store)).map(({ day, bodies }) => `${day} ${bodies}`)
    assert.deepEqual(await counts(), [`${yesterday} 1`, `${today} 1`])
    await store.dropBefore(midnightMs - DAY_MS)
    assert.equal(await store.dropBefore(midnightMs - 1), 0, 'it has not ended yet')
    assert.ok((await store.dropBefore(midnightMs)) > 0)
    assert.deepEqual(await counts(), [`${today} 1`])
    assert.equal(await find(store, late), undefined)
    assert.deepEqual(await find(store, early), early)
    assert.deepEqual(await ids(store, 'shared'), [early.requestId])
    await store.put([late])
    assert.deepEqual(await find(store, late), late, 'one that comes late has its day anew')
  })

  test(`${name}: is closed once, and says so`, async () => {
    const store = await opened
    await store?.close()
    await store?.close()
    await assert.rejects(async () => store?.put([bodiesOf()]), /closed/)
  })
}

/** What means something to one engine or the other, or is no text to them. */
const ODD_TEXTS = [
  ...['"', "'", '*', '^', '(', ')', '{', '-', '+', ':', ',', '&', '|', '!', '<->', '%', '\\', ';', ' ', '\n', '\0'],
  ...[
    'NEAR',
    ' AND ',
    ' OR ',
    ' NOT ',
    'text',
    'x',
    'é',
    'ﬃ',
    '\u0301',
    '中文',
    '\ud800',
    '\udc00',
    '🦓',
    '𝔛',
    'ª',
    '²'
  ]
]

const id = ({ requestId }: { requestId: string }) => requestId

function chat(turns: readonly string[]) {
  return turns.map((content, at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content }))
}

/** Bodies of every kind: of any shape and any size of member, spelled in any way, or no JSON at all. */
function anyBody(): fc.Arbitrary<string> {
  const spaced = fc
    .tuple(fc.jsonValue(), fc.integer({ min: 0, max: 9 }))
    .map(([value, indent]) => JSON.stringify(value, undefined, indent))
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 150, maxLength: 400 }))
  const message = fc.record({ role: fc.constantFrom('user', 'assistant'), content: text })
  const call = fc
    .record({ model: fc.string(), system: text, messages: fc.array(message), tools: fc.array(fc.object()), n: text })
    .map(value => JSON.stringify(value, undefined, 1))
  const odd = fc.constantFrom(
    ...['', ' ', '{}', '[]', 'null', '{', '{"a":', 'no json', '\ufeff{}', '{"a":1}{"b":2}', `"${'x'.repeat(300)}"`],
    ...[`{"a":[${'{"b":1} ,\t'.repeat(40)}{}]}`, `{"messages":[],"messages":[${'{"x":"y"},'.repeat(30)}{}]} \n`],
    ...[`{"n":[1e999,-0,0.10,123456789012345678901234567890${',1.50'.repeat(80)}]}`, `[${'[1],'.repeat(99)}2]`],
    ...[
      `{"s":"\\ud800 \\u0000 \\/ ${'\\u00e9'.repeat(50)}"}`,
      `{"\\u006dessages" : [ ${'"\\ud83d",'.repeat(50)}"a" ]}`
    ],
    ...[
      'x'.repeat(40_000),
      JSON.stringify({ input: 'lorem ipsum '.repeat(4_000) }),
      `${'['.repeat(9_000)}${']'.repeat(9_000)}`,
      '{"a":"'.repeat(2_000)
    ]
  )
  return fc.oneof(spaced, call, odd, fc.string({ unit: 'grapheme', maxLength: 300 }))
}
