import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ANTHROPIC, DOORS, type Door, OPENAI, open, send } from '../../support/client.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'

/** Answers that are kept and given again: what the client gets, and what the provider saw. */
describe('the exact cache', () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway({
      paceMs: 2,
      yaml: `
guards:
  mail: { check: pii, types: [email], action: restore }
routes:
  kept: { to: openai/assistant, cache: exact }
  forbidden: { to: openai/assistant, cache: off }
  tagged: { to: openai/assistant, cache: { mode: exact, ttl: 1h, namespace: mine, tags: [one, two], bucket: 1 } }
  masked: { to: openai/echo, cache: exact, guards: [mail] }
  masked-claude: { to: anthropic/echo, cache: exact, guards: [mail] }
  slow: { to: openai/story, cache: exact }
  filtered: { to: openai/content-filter-finish, cache: exact }
`
    })
  })
  after(() => gateway.close())

  const ask = async (
    model: string,
    text: string,
    {
      door = OPENAI,
      headers = {},
      ...more
    }: { door?: Door; headers?: Record<string, string>; stream?: boolean; max_tokens?: number } = {}
  ) => {
    const answer = await send(`${gateway.gateway.url}${door.path}`, {
      headers: { 'x-gatehouse-cache': 'on', ...headers },
      body: door.body(model, text, more)
    })
    return { ...answer, cache: answer.headers['x-gatehouse-cache'], seen: gateway.seen().length }
  }

  for (const door of DOORS)
    test(`${door.name}: whole and stream, each serves itself and the other`, async () => {
      for (const first of [false, true]) {
        const text = `hello from ${door.name}, ${first ? 'a stream' : 'whole'} first`
        const model = `${door.provider}/assistant`
        const fresh = await ask(model, text, { door, stream: first })
        assert.deepEqual([fresh.status, fresh.cache, fresh.seen], [200, 'miss', 1])
        const same = await ask(model, text, { door, stream: first })
        assert.deepEqual([same.cache, same.seen], ['hit', 0])
        assert.equal(withoutComments(same.text), withoutComments(fresh.text))
        assert.equal(same.headers.age, '0')
        const other = await ask(model, text, { door, stream: !first })
        assert.deepEqual([other.status, other.cache, other.seen], [200, 'hit', 0])
        const said = (answer: typeof fresh, isStream: boolean) =>
          isStream ? door.streamed(answer.events()) : door.said(answer.json())
        assert.equal(said(other, !first), said(fresh, first))
        assert.ok(said(fresh, first).length > 0)
        if (!first) assert.ok(door.ended(other.events()))
      }
    })

  test('fifty at once are one call upstream', async () => {
    for (const stream of [false, true]) {
      const all = await Promise.all(Array.from({ length: 50 }, () => ask('slow', `at once ${stream}`, { stream })))
      assert.equal(
        all.reduce((sum, { seen }) => sum + seen, 0),
        1
      )
      assert.equal(all.filter(({ cache }) => cache === 'miss').length, 1)
      assert.ok(all.every(({ cache }) => cache === 'miss' || cache === 'coalesced' || cache === 'hit'))
      assert.equal(new Set(all.map(({ text }) => withoutComments(text))).size, 1)
    }
  })

  test('one that joins late gets all of it; one that leaves takes nobody along', async () => {
    const body = OPENAI.body('slow', 'a story for three', { stream: true })
    const url = `${gateway.gateway.url}${OPENAI.path}`
    const headers = { 'x-gatehouse-cache': 'on' }
    gateway.seen()
    const leader = await open(url, { headers, body })
    await leader.untilText(/"content":"\w/)
    const late = await open(url, { headers, body })
    const later = open(url, { headers, body })
    leader.leave()
    const texts = [(await late.rest()).toString(), (await (await later).rest()).toString()]
    for (const text of texts) assert.match(text, /\[DONE\]/)
    assert.equal(withoutComments(texts[0]!), withoutComments(texts[1]!))
    await until(
      () => gateway.lines.filter(line => line.msg === 'call' && line.modelAsked === 'slow').length >= 3,
      'three rows'
    )
    assert.equal(gateway.seen().length, 1)
    const again = await ask('slow', 'a story for three', { stream: true })
    assert.deepEqual([again.cache, again.seen], ['hit', 0])
  })

  test('what is not a whole answer of its own is not kept', async () => {
    for (const [model, more] of [
      ['filtered', {}],
      ['openai/503', {}],
      ['openai/cut-after-3', { stream: true }],
      ['openai/assistant', { max_tokens: 1 }]
    ] as const) {
      const first = await ask(model, `not kept ${model}`, more)
      const second = await ask(model, `not kept ${model}`, more)
      assert.ok(first.seen > 0 && second.seen > 0, `${model}: ${first.status} ${second.cache}`)
      assert.notEqual(second.cache, 'hit')
    }
  })

  test('each gets its own e-mail back', async () => {
    for (const [model, door] of [
      ['masked', OPENAI],
      ['masked-claude', ANTHROPIC]
    ] as const) {
      for (const stream of [false, true]) {
        const say = (mail: string) => ask(model, `write to ${mail} ${stream}`, { door, stream })
        const one = await say('ann@example.com')
        const two = await say('bob@example.org')
        assert.deepEqual([one.cache, two.cache, two.seen], ['miss', 'hit', 0])
        assert.ok(one.text.includes('ann@example.com') && !one.text.includes('bob@'))
        assert.ok(two.text.includes('bob@example.org') && !two.text.includes('ann@'), two.text)
      }
    }
  })
})

/** Comments say what each call cost and who answered it. */
function withoutComments(text: string): string {
  return text.replace(/^: .*\n\n?/gm, '')
}
