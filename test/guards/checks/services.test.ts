import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judged, passage, service } from './kit.ts'

/** What services may answer that nothing must be made of. */

const WEBHOOK = { url: 'https://guard.example/check', headers: { authorization: 'Bearer x' } }
const texts = [passage('hello', { path: 'a' }), passage('😀 you', { path: 'b' })]

describe('the check "webhook"', () => {
  const of = (finding: object, passages = texts) =>
    judged('webhook', WEBHOOK, passages, { post: async () => ({ findings: [{ rule: 'bad', ...finding }] }) })

  it('takes findings of the whole, of a text, and of a place in one', async () => {
    const rest = { rule: 'webhook.bad', score: 1 }
    assert.deepEqual(await of({}), [rest])
    assert.deepEqual(await of({ path: 'b' }), [{ ...rest, path: 'b' }])
    assert.deepEqual(await of({ path: 'a', start: 1, end: 5 }), [{ ...rest, path: 'a', start: 1, end: 5 }])
    const only = await of({ start: 0, end: 2 }, [texts[1]!])
    assert.deepEqual(only, [{ ...rest, path: 'b', start: 0, end: 2 }], 'there is but one text that it can be of')
  })

  for (const [what, finding] of [
    ['a text that was not sent', { path: 'c' }],
    ['a place in no text', { start: 0, end: 2 }],
    ['a place beyond the end', { path: 'a', start: 4, end: 6 }],
    ['nothing', { path: 'a', start: 2, end: 2 }],
    ['half a place', { path: 'a', start: 2 }]
  ] as const) {
    it(`does not take a finding of ${what}`, () => assert.rejects(of(finding), /a place that is not in the texts/))
  }

  it('sends the headers it was given', async () => {
    const { asked, post } = service(() => ({ findings: [] }))
    await judged('webhook', WEBHOOK, texts, { post })
    assert.deepEqual([asked[0]!.headers, asked[0]!.sign], [{ authorization: 'Bearer x' }, undefined])
  })
})

describe('the check "presidio"', () => {
  const of = (entity: object) => {
    const found = [{ entity_type: 'PERSON', start: 0, end: 1, score: 0.9, ...entity }]
    return judged('presidio', { url: 'http://presidio:3000' }, [texts[1]!], { post: async () => found })
  }

  it('a place that is not in the text is no answer', async () => {
    assert.equal((await of({ start: 2, end: 5 }))[0]!.end, '😀 you'.length)
    for (const place of [
      { start: 2, end: 6 },
      { start: 2, end: 2 },
      { start: 3, end: 2 }
    ]) {
      await assert.rejects(of(place), /places that are not in the text/)
    }
  })

  it('a recogniser of your own may be called anything', async () => {
    for (const [entity_type, label] of [
      ['staff-no.', 'STAFF_NO'],
      ['_IT__CODE_', 'IT_CODE'],
      ['名前', 'REDACTED']
    ]) {
      assert.equal((await of({ entity_type }))[0]!.label, label)
    }
  })
})

describe('the check "openai-moderation"', () => {
  it('a category that the model does not know is not found', async () => {
    const result = { categories: { illicit: null, hate: true }, category_scores: { illicit: null, hate: 0.8 } }
    for (const options of [{}, { threshold: 0.5 }]) {
      const found = await judged('openai-moderation', { key: 'sk-x', ...options }, [passage('a')], {
        post: async () => ({ results: [result] })
      })
      assert.deepEqual(
        found.map(({ rule }) => rule),
        ['openai-moderation.hate']
      )
    }
  })

  it('texts are asked about by the dozen, and no more than so much at a time', async () => {
    const { asked, post } = service(({ input }) => ({
      results: (input as string[]).map(() => ({ categories: {}, category_scores: {} }))
    }))
    const many = [...Array(40)].map(() => passage('short')).concat(passage('x'.repeat(200_000)), passage('y'))
    assert.deepEqual(await judged('openai-moderation', { key: 'sk-x' }, many, { post }), [])
    assert.deepEqual(
      asked.map(({ body }) => (JSON.parse(body) as { input: string[] }).input.length),
      [32, 8, 1, 1]
    )
  })
})
